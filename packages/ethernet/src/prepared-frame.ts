import { type Packet, PacketFlag, type PacketPool, PatchedBytes } from '@prism-net/buffers';
import type { Errno } from '@prism-net/errors';
import type { EthernetInterface } from './ethernet-interface.js';

/**
 * A frame that is sent again and again with other values in its payload, by whatever transport wrote the headers. It takes
 * two packets:
 *
 *     kept     | Ethernet | IPv4 | transport | payload |   made by a rehearsed send, patched, never sent
 *     loaded   | Ethernet | IPv4 | transport | payload |   the copy that leaves with the next send, patched likewise
 *
 * The next one is copied behind each send, so that a patch and a send are all that lies between a decision and the link.
 * When the frame has to be made anew is for the transport to say; {@link isNeighbourAsBefore} is part of the answer.
 */
export class PreparedFrame {
  readonly payload: PatchedBytes;
  readonly #pool: PacketPool;
  /** Null once closed. */
  #kept: Packet | null;
  #loaded: Packet | null = null;
  #interface: EthernetInterface | null = null;
  #nextHop = 0;
  #asksNeighbour = false;
  #macHigh = 0;
  #macLow = 0;

  /** Takes the packet, whose data is the payload. Copies come from `pool`. */
  constructor(packet: Packet, pool: PacketPool) {
    this.#kept = packet;
    this.#pool = pool;
    this.payload = new PatchedBytes(packet.memory);
    this.payload.at = packet.offset;
    this.payload.length = packet.length;
  }

  get isClosed(): boolean {
    return this.#kept === null;
  }

  /** The packet with the frame, or with the payload alone as long as there is none; null once closed. */
  get kept(): Packet | null {
    return this.#kept;
  }

  /** The one the frame was made for; null before there was a frame. */
  get interface(): EthernetInterface | null {
    return this.#interface;
  }

  /** The payload alone, for a rehearsed send, which takes it and leaves its headers there. Not to be called once closed. */
  beginRehearsal(): Packet {
    const kept = this.#kept!;
    this.unload();
    kept.offset = this.payload.at;
    kept.length = this.payload.length;
    kept.linkOffset = -1;
    kept.flags = PacketFlag.REHEARSAL;
    kept.retain();
    return kept;
  }

  /** The rehearsed send came as far as the interface, with the payload as one frame. */
  get isWhole(): boolean {
    const kept = this.#kept!;
    return kept.linkOffset === kept.offset && kept.end === this.payload.at + this.payload.length;
  }

  /** Notes the way the rehearsed frame took. `isFixed`: its MAC address is not that of a neighbour. */
  follow(networkInterface: EthernetInterface, nextHop: number, isFixed: boolean): void {
    const { view, offset } = this.#kept!;
    this.#interface = networkInterface;
    this.#nextHop = nextHop;
    this.#asksNeighbour = !isFixed && !networkInterface.isLoopback;
    this.#macHigh = view.getUint16(offset);
    this.#macLow = view.getInt32((offset + 2) | 0);
  }

  /** The neighbour, if there is one, can be sent to at once at the address the frame has. */
  get isNeighbourAsBefore(): boolean {
    if (!this.#asksNeighbour) return true;
    const { neighbours } = this.#interface!;
    const slot = neighbours.lookup(this.#nextHop);
    return (
      slot >= 0 &&
      neighbours.isUsable(slot) &&
      neighbours.macLow(slot) === this.#macLow &&
      neighbours.macHigh(slot) === this.#macHigh
    );
  }

  /** Copies the frame for the next send. Null when the pool is exhausted, or once closed. */
  load(): Packet | null {
    const kept = this.#kept;
    if (kept === null || this.#pool.available === 0) return null;
    const packet = this.#pool.take()!;
    copyFrame(kept, packet);
    this.payload.mirror = (packet.offset + this.payload.at - kept.offset) | 0;
    return (this.#loaded = packet);
  }

  /** The copy to be sent, which stays loaded until {@link send}; null when the pool is exhausted. */
  next(): Packet | null {
    return this.#loaded ?? this.load();
  }

  /** Sends what {@link next} gave. To be followed by {@link load}. */
  send(packet: Packet, flush: boolean): Errno {
    const networkInterface = this.#interface!;
    this.#loaded = null;
    this.payload.mirror = -1;
    const errno = networkInterface.sendFrame(packet);
    if (flush) networkInterface.flush();
    return errno;
  }

  /** Does what {@link send} and {@link load} would, up to the link, and what counts stays as it was. */
  rehearse(packet: Packet): Errno {
    packet.retain();
    packet.flags = PacketFlag.REHEARSAL;
    const errno = this.#interface!.sendFrame(packet);
    packet.flags = 0;
    this.#rehearseLoading();
    return errno;
  }

  /** Gives the copy back: the frame will be another. */
  unload(): void {
    this.payload.mirror = -1;
    if (this.#loaded === null) return;
    this.#loaded.release();
    this.#loaded = null;
  }

  /** Gives the packets back. Idempotent. */
  close(): void {
    if (this.#kept === null) return;
    this.payload.forget();
    this.unload();
    this.#kept.release();
    this.#kept = null;
  }

  /** Brings the packet that the next send will copy to into the caches, and gives it back uncounted. */
  #rehearseLoading(): void {
    const pool = this.#pool;
    if (pool.available === 0) return;
    const { peak } = pool;
    const packet = pool.take()!;
    copyFrame(this.#kept!, packet);
    const { copies } = packet.memory;
    copies[0]! -= 1;
    copies[1]! -= packet.length;
    packet.release();
    pool.peak = peak;
  }
}

/** The same bytes at the same place of another packet, and what links and layers below want to know of them. */
function copyFrame(from: Packet, to: Packet): void {
  to.offset = (to.base + from.offset - from.base) | 0;
  to.length = from.length;
  to.linkOffset = to.offset;
  to.networkOffset = (to.offset + from.networkOffset - from.offset) | 0;
  to.checksumState = from.checksumState;
  to.memory.copy(to.offset, from.offset, from.length);
}
