import { readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';

/** Largest capture that is read into memory, after decompression. */
const MAXIMUM_BYTES = 2 ** 31 - 1;

/** The bytes of a capture file, decompressed when it is gzip. @throws Error with one clear line. */
export function readCaptureFile(path: string): Uint8Array {
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const why = { ENOENT: 'no such file', EACCES: 'permission denied', EISDIR: 'is a folder' }[code ?? ''];
    throw new Error(`cannot read ${path}: ${why ?? (error as Error).message}`);
  }
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b) return bytes;
  try {
    return gunzipSync(bytes, { maxOutputLength: MAXIMUM_BYTES });
  } catch (error) {
    throw new Error(`cannot decompress ${path}: ${(error as Error).message}`);
  }
}
