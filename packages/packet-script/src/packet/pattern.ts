/**
 * The byte at a place of a stream: data is filled with it on the way in and checked against it on the way out, so that a
 * script notices bytes that are lost, doubled or out of order without saying so. No period near a segment size.
 */
export function patternByte(place: number): number {
  return (Math.imul(place, 0x9e3779b1) >>> 24) & 0xff;
}

export function fillPattern(bytes: Uint8Array, from: number, place: number, length: number): void {
  for (let i = 0; i < length; i++) bytes[from + i] = patternByte(place + i);
}

/** Index of the first byte that is not what belongs there; -1: all are right. */
export function findPatternFault(bytes: Uint8Array, from: number, place: number, length: number): number {
  for (let i = 0; i < length; i++) if (bytes[from + i] !== patternByte(place + i)) return i;
  return -1;
}
