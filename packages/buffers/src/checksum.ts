/**
 * The Internet checksum (RFC 1071) in plain JavaScript: the fastest way for headers of up to about 64 bytes. Longer
 * ranges of packet memory go through {@link PacketMemory.sum}, which uses SIMD.
 *
 * A *sum* is the one's complement sum of big-endian 16-bit words, not yet complemented and possibly not yet folded;
 * sums can be chained (pseudo-header, then header, then payload) as long as each part but the last has an even length.
 */

/** Folds the carries of a sum back in, until it fits 16 bits. Takes any non-negative int32. */
export function foldSum(sum: number): number {
  sum = (sum >>> 16) + (sum & 0xffff);
  return ((sum >>> 16) + sum) & 0xffff;
}

/** The 16-bit checksum field value of a sum: folded and complemented (RFC 1071 §1). */
export function finishSum(sum: number): number {
  return ~foldSum(sum) & 0xffff;
}

/** Sums `length` bytes at `at` on top of `initial`. `length` ≤ 65,535; an odd last byte is padded with zero on its right. */
export function sumBytes(view: DataView, at: number, length: number, initial: number): number {
  let sum = initial;
  const end = (at + length) | 0;
  const even = (end - 1) | 0;
  let cursor = at;
  for (; cursor < even; cursor = (cursor + 2) | 0) sum = (sum + view.getUint16(cursor)) | 0;
  if (cursor < end) sum = (sum + (view.getUint8(cursor) << 8)) | 0;
  return foldSum(sum);
}

/** The sum of a 20-byte header, unrolled: the IPv4 header without options. A valid header sums to 0xffff. */
export function sum20(view: DataView, at: number): number {
  // Five 32-bit reads; each half-word is at most 0xffff, so ten of them stay far below 2^31.
  const a = view.getInt32(at);
  const b = view.getInt32(at + 4);
  const c = view.getInt32(at + 8);
  const d = view.getInt32(at + 12);
  const e = view.getInt32(at + 16);
  const high = (a >>> 16) + (b >>> 16) + (c >>> 16) + (d >>> 16) + (e >>> 16);
  const low = (a & 0xffff) + (b & 0xffff) + (c & 0xffff) + (d & 0xffff) + (e & 0xffff);
  return foldSum(high + low);
}

/** Adds the two halves of an int32 (an address, a sequence number) to a sum. */
export function addWord32(sum: number, word: number): number {
  return (sum + (word >>> 16) + (word & 0xffff)) | 0;
}

/** The new checksum after one 16-bit field changed from `before` to `after` (RFC 1624 §3, equation 3). */
export function updateChecksum16(checksum: number, before: number, after: number): number {
  return finishSum((~checksum & 0xffff) + (~before & 0xffff) + (after & 0xffff));
}

/** The new checksum after one 32-bit field at an even offset changed (RFC 1624 §3, equation 3, twice). */
export function updateChecksum32(checksum: number, before: number, after: number): number {
  return finishSum((~checksum & 0xffff) + (~before >>> 16) + (~before & 0xffff) + (after >>> 16) + (after & 0xffff));
}
