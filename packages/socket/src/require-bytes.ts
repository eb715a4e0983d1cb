import { invalidArgument } from '@prism-net/errors';

const encoder = new TextEncoder();

/** The bytes to be sent: text becomes UTF-8. @throws PosixError EINVAL */
export function requireBytes(syscall: string, data: Uint8Array | string): Uint8Array {
  if (typeof data === 'string') return encoder.encode(data);
  if (isBytes(data)) return data;
  throw invalidArgument(syscall, 'data must be text or a Uint8Array (a Buffer is one)');
}

/** Of data that is copied to where it has its place: no text. @throws PosixError EINVAL */
export function requireArray(syscall: string, bytes: Uint8Array): void {
  if (!isBytes(bytes)) {
    throw invalidArgument(syscall, `the bytes must be in a Uint8Array (a Buffer is one), not ${kindOf(bytes)}`);
  }
}

/** A value for a field. @throws PosixError EINVAL */
export function requireNumber(syscall: string, value: number): void {
  if (typeof value !== 'number') throw invalidArgument(syscall, `the value must be a number, not ${kindOf(value)}`);
}

/** @throws PosixError EINVAL for a range that does not lie in the bytes, or what is none. */
export function requireRange(syscall: string, bytes: Uint8Array, start: number, length: number): void {
  requireArray(syscall, bytes);
  if ((start | 0) === start && (length | 0) === length && start >= 0 && length >= 0 && length <= bytes.length - start) {
    return;
  }
  throw invalidArgument(syscall, `${length} bytes from ${start} do not lie in an array of ${bytes.length}`);
}

/** By tag rather than by class: an array of another realm is as good. */
function isBytes(data: Uint8Array): boolean {
  return data?.[Symbol.toStringTag] === 'Uint8Array';
}

function kindOf(value: unknown): string {
  return value === null || value === undefined ? String(value) : `a ${typeof value}`;
}
