import type { Packet } from '@prism-net/buffers';
import type { StreamSocket } from '@prism-net/socket';
import { Ending, type ServerConnection } from '@prism-net/soup-bin-tcp';
import type { OrderEntry } from './order-entry.js';

/** Bytes committed at a time: a segment at an MTU of 1,500, so that messages are not cut by their way. */
const SEGMENT_BYTES = 1400;
/**
 * Further orders are not read while so many messages, or half of what is kept, wait to be sent: the peer's window closes,
 * and it waits.
 */
const BACKLOG = 4096;
/** Packets read per round. */
const BURST = 64;

/** A session's connection on its TCP socket, in packet memory both ways. */
export class SessionConnection {
  readonly connection: ServerConnection;
  readonly #socket: StreamSocket;
  readonly #entry: OrderEntry;
  /** A packet that was taken only in part. */
  #held: Packet | null = null;

  constructor(socket: StreamSocket, connection: ServerConnection, entry: OrderEntry) {
    this.#socket = socket;
    this.connection = connection;
    this.#entry = entry;
  }

  get isOver(): boolean {
    return this.connection.ending !== Ending.none && !this.connection.hasOutput;
  }

  get #isBehind(): boolean {
    const { backlog, session } = this.connection;
    return session !== null && backlog >= Math.min(BACKLOG, session.store.capacity >> 1);
  }

  /** Takes what has arrived. Returns how many packets. */
  receive(now: number): number {
    const { connection } = this;
    let taken = 0;
    while (taken < BURST && connection.ending === Ending.none && !this.#isBehind) {
      if (this.#held === null && this.#socket.readableBytes === 0) break;
      if (!this.#entry.prepare()) break;
      const packet = this.#held ?? this.#socket.receivePacket();
      if (packet === null) break;
      const used = connection.receive(packet.view, packet.offset, packet.length, now);
      if (used < packet.length && connection.ending === Ending.none) {
        packet.consume(used);
        this.#held = packet;
        break;
      }
      this.#held = null;
      packet.release();
      taken = (taken + 1) | 0;
    }
    if (taken === 0 && (this.#socket.isClosed || this.#socket.isEndOfStream)) connection.disconnected();
    return taken;
  }

  /** Sends what waits, as far as the socket has room. Returns how many packets. */
  transmit(now: number): number {
    const { connection } = this;
    let sent = 0;
    while (connection.hasOutput) {
      const packet = this.#socket.reserve();
      if (packet === null) break;
      const length = connection.transmit(packet.view, packet.offset, SEGMENT_BYTES, now);
      if (length === 0) {
        packet.release();
        break;
      }
      packet.length = length;
      // Refused only when the connection is gone, which `receive` finds out.
      this.#socket.commit(packet);
      sent = (sent + 1) | 0;
    }
    return sent;
  }

  /** The transport is given up at once. */
  abort(): void {
    this.connection.disconnected();
    this.#socket.abort();
  }

  close(): void {
    this.#held?.release();
    this.#held = null;
    if (this.connection.mustAbort) this.#socket.abort();
    else this.#socket.close();
  }
}
