import { randomBytes } from 'node:crypto';

const CHUNK = 65_536;
const block = randomBytes(1 << 20);

/** What a stream has from a position on, at most 64 KiB: bytes that do not repeat soon and cost nothing to make. */
export function chunkAt(position: number, length: number): Uint8Array {
  const start = (position * 7) % (block.length - CHUNK);
  return block.subarray(start, start + Math.min(CHUNK, length));
}
