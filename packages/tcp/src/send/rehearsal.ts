import { HEADROOM, type Packet, PacketFlag, type PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { tcp } from '@prism-net/wire';
import type { ControlBlock } from '../control-block.js';
import { canSend } from '../state.js';
import { transmit } from './segment-writer.js';
import { writeError } from './writing.js';

const { ACK, PSH } = tcp.Flag;

/**
 * What `Connection.write` of these bytes would return, having written them into a segment and passed that down to the link,
 * which does not get it. A connection that could not send them at once only says what a write would.
 */
export function rehearseWrite(
  connection: ControlBlock,
  bytes: Uint8Array,
  start: number,
  length: number,
  now: Instant,
): number {
  const errno = writeError(connection, true);
  if (errno !== Errno.NONE) return -errno;
  const { layer, sendBuffer } = connection;
  const taken = sendBuffer.mayGrow ? Math.min(length, sendBuffer.room) : 0;
  const { pool } = layer;
  if (taken <= 0 || pool.available === 0 || !maySend(connection)) return taken;
  const text = Math.min(taken, connection.segmentSize, pool.memory.layout.frameSize - HEADROOM);
  const { peak } = pool;
  const packet = pool.take()!;
  packet.memory.write(packet.offset, bytes, start, text);
  packet.length = text;
  forgetCopies(packet, 1, text);
  packet.flags = PacketFlag.REHEARSAL;
  const sum = connection.path!.completesChecksum ? -1 : packet.memory.sum(packet.offset, text, 0);
  transmit(connection, packet, connection.recovery.next, ACK | PSH, text, sum, true, now);
  pool.peak = peak;
  return taken;
}

/** There is a way to the peer, by an interface of this stack, and a connection over it. */
function maySend(connection: ControlBlock): boolean {
  const { path } = connection;
  if (path === null || !canSend(connection.state)) return false;
  return path.network.refresh(path) && path.ipv4Route.interface !== null;
}

/** Copies of a rehearsal are no copies: the count is of what is sent. */
export function forgetCopies(packet: Packet, calls: number, bytes: number): void {
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
