import { invalidArgument } from '@prism-net/errors';

const encoder = new TextEncoder();

/** The bytes to be sent: text becomes UTF-8. @throws PosixError EINVAL */
export function requireBytes(syscall: string, data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') return encoder.encode(data);
  // By tag rather than by class: an array of another realm is as good.
  if (data?.[Symbol.toStringTag] === 'Uint8Array') return data;
  throw invalidArgument(syscall, 'data must be text or a Uint8Array (a Buffer is one)');
}

/** @throws PosixError EINVAL for a range that does not lie in the bytes. */
export function requireRange(syscall: string, bytes: Uint8Array, start: number, length: number): void {
  if ((start | 0) === start && (length | 0) === length && start >= 0 && length >= 0 && length <= bytes.length - start) {
    return;
  }
  throw invalidArgument(syscall, `${length} bytes from ${start} do not lie in an array of ${String(bytes?.length)}`);
}
