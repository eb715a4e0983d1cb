import { HEADROOM, PacketFlag } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { tcp } from '@prism-net/wire';
import { Connection } from '../connection.js';
import type { ControlBlock } from '../control-block.js';
import type { TcpLayer } from '../layer/tcp-layer.js';
import { canSend, State } from '../state.js';
import { output } from './output.js';
import { transmit } from './segment-writer.js';
import { writeError } from './writing.js';

const { ACK, PSH } = tcp.Flag;

/** Packets that a rehearsal may take for a moment. */
const SPARE = 8;

/**
 * Writes and sends text without a trace. What sending does to a connection is done to a stand-in, in the same state and on
 * the same path, whose segments the interface does not send; then one is made of the connection's own numbers, so that
 * its state is in the caches too.
 */
export class Rehearsal {
  readonly #standIn: ControlBlock;
  /** What the memory had counted before. */
  readonly #copies = new Float64Array(2);

  constructor(layer: TcpLayer) {
    this.#standIn = new Connection(layer, null).wake();
    this.#standIn.isStandIn = true;
    this.#standIn.noDelay = true;
  }

  /** What `Connection.write` of these bytes would return. */
  write(block: ControlBlock, bytes: Uint8Array, start: number, length: number, now: Instant): number {
    const errno = writeError(block, true);
    if (errno !== Errno.NONE) return -errno;
    const { layer, sendBuffer } = block;
    const taken = sendBuffer.mayGrow ? Math.min(length, sendBuffer.room) : 0;
    if (taken <= 0 || !maySend(block)) return taken;
    const { pool } = layer;
    const { peak, memory } = pool;
    this.#copies[0] = memory.copies[0]!;
    this.#copies[1] = memory.copies[1]!;
    const text = Math.min(taken, block.segmentSize, memory.layout.frameSize - HEADROOM);
    this.#standInFor(block, bytes, start, text, now);
    const packet = pool.take()!;
    packet.memory.write(packet.offset, bytes, start, text);
    packet.length = text;
    packet.flags = PacketFlag.REHEARSAL;
    const sum = block.path!.completesChecksum ? -1 : memory.sum(packet.offset, text, 0);
    transmit(block, packet, block.recovery.next, ACK | PSH, text, sum, true, now);
    memory.copies[0] = this.#copies[0]!;
    memory.copies[1] = this.#copies[1]!;
    pool.peak = peak;
    return taken;
  }

  #standInFor(block: ControlBlock, bytes: Uint8Array, start: number, length: number, now: Instant): void {
    const standIn = this.#standIn;
    const { recovery, sendBuffer } = standIn;
    const { next } = block.recovery;
    standIn.path = block.path;
    standIn.state = State.ESTABLISHED;
    standIn.pathMtu = block.path!.mtu;
    standIn.segmentSize = block.segmentSize;
    standIn.sendWindow = block.segmentSize;
    standIn.receiveNext = block.receiveNext;
    standIn.hasTimestamps = block.hasTimestamps;
    standIn.hasEcn = block.hasEcn;
    recovery.start(next, now);
    recovery.established(block.segmentSize, now);
    sendBuffer.begin(next);
    sendBuffer.write(bytes, start, length);
    output(standIn, now);
    sendBuffer.clear();
    standIn.timers.close();
    standIn.state = State.CLOSED;
    standIn.path = null;
  }
}

/** There is a way to the peer, by an interface of this stack with room, a connection over it, and no want of packets. */
function maySend(block: ControlBlock): boolean {
  const { path, layer } = block;
  if (path === null || !canSend(block.state) || !path.network.refresh(path)) return false;
  const networkInterface = path.ipv4Route.interface;
  if (networkInterface === null || networkInterface.transmitRoom < SPARE) return false;
  const { available, region } = layer.pool;
  return available > (region.frames >> 2) + SPARE;
}
