import { closeSync, openSync, readSync } from 'node:fs';

const PT_INTERP = 3;

/** Which C library this process runs on, 'glibc' or 'musl'; the first part of a prebuilt addon's compatibility. */
export function libc(): 'glibc' | 'musl' {
  return /ld-musl-/.test(interpreter(process.execPath)) ? 'musl' : 'glibc';
}

/**
 * The dynamic loader a program names in its ELF header (`man 5 elf`), '' if none. Not by `process.report`, which looks up
 * the host name of every connection's other end and waits for the answers.
 */
export function interpreter(program: string): string {
  const bytes = Buffer.alloc(4096);
  let length = 0;
  try {
    const descriptor = openSync(program, 'r');
    try {
      length = readSync(descriptor, bytes, 0, bytes.length, 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    return '';
  }
  const isElf64 = length >= 64 && bytes.readUInt32BE(0) === 0x7f454c46 && bytes[4] === 2 && bytes[5] === 1;
  if (!isElf64) return '';
  const [headers, size, count] = [Number(bytes.readBigUInt64LE(32)), bytes.readUInt16LE(54), bytes.readUInt16LE(56)];
  for (let at = headers, i = 0; i < count && at + 56 <= length; i++, at += size) {
    if (bytes.readUInt32LE(at) !== PT_INTERP) continue;
    const start = Number(bytes.readBigUInt64LE(at + 8));
    return bytes
      .toString('latin1', start, Math.min(start + Number(bytes.readBigUInt64LE(at + 32)), length))
      .replace(/\0.*$/s, '');
  }
  return '';
}
