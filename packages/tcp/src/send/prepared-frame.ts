import type { Packet, PacketPool } from '@prism-net/buffers';

/** Copies of a rehearsal are no copies: the count is of what is sent. */
function forgetCopies(packet: Packet, calls: number, bytes: number): void {
  const { copies } = packet.memory;
  copies[0]! -= calls;
  copies[1]! -= bytes;
}

/** A packet taken, filled with a copy of a frame and given back: what the pool counts stays as it was. */
export function rehearseLoading(pool: PacketPool, frame: Packet): void {
  if (pool.available === 0) return;
  const { peak } = pool;
  const packet = pool.take()!;
  copyFrame(frame, packet);
  forgetCopies(packet, 1, packet.length);
  packet.release();
  pool.peak = peak;
}

/** The same bytes at the same place of another frame, and what links and layers below want to know of them. */
export function copyFrame(from: Packet, to: Packet): void {
  to.offset = (to.base + from.offset - from.base) | 0;
  to.length = from.length;
  to.linkOffset = to.offset;
  to.networkOffset = (to.offset + from.networkOffset - from.offset) | 0;
  to.checksumState = from.checksumState;
  to.memory.copy(to.offset, from.offset, from.length);
}
