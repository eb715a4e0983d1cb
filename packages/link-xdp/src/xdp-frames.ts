import type { Packet, PacketPool } from '@prism-net/buffers';

/** Where a frame of the link's pool is. */
const Place = { HERE: 0, RECEIVING: 1, SENDING: 2 } as const;

/** Where all frames of a link's pool are. `fill + receive + transmit + completion + available + outstanding + elsewhere = total`. */
export interface FrameAccount {
  /** In the fill ring, or with the driver to be written to. */
  readonly fill: number;
  /** In the receive ring. */
  readonly receive: number;
  /** In the transmit ring, or with the driver to be read from. */
  readonly transmit: number;
  /** In the completion ring. */
  readonly completion: number;
  /** Free in the pool. */
  readonly available: number;
  /** With the application, the stack or a burst. */
  readonly outstanding: number;
  /** Lent by the pool to another link that shares it. */
  readonly elsewhere: number;
  readonly total: number;
}

/**
 * The frames that the kernel has of a pool. It says where each went, so that an address the kernel hands over is believed
 * only when that frame is there: nothing it writes makes a frame appear twice.
 */
export class XdpFrames {
  readonly pool: PacketPool;
  /** Frames the kernel has to receive into, and to send from. */
  receiving = 0;
  sending = 0;

  readonly #places: Uint8Array;
  readonly #first: number;
  readonly #shift: number;
  readonly #packetOffset: number;

  constructor(pool: PacketPool) {
    const { layout } = pool.memory;
    this.pool = pool;
    this.#places = new Uint8Array(pool.region.frames);
    this.#first = pool.region.firstFrame;
    this.#shift = 31 - Math.clz32(layout.frameSize);
    this.#packetOffset = layout.packetOffset;
  }

  /** Takes a free frame of the pool to be received into and returns its address in the UMEM; -1: none is free. */
  give(): number {
    const frame = this.pool.takeReleasedFrame();
    if (frame < 0) return -1;
    this.#places[(frame - this.#first) | 0] = Place.RECEIVING;
    this.receiving = (this.receiving + 1) | 0;
    return frame << this.#shift;
  }

  /**
   * The packet that the kernel received: `high` and `low` are the words of its address. Null when the kernel did not have
   * that frame, or the range is not inside it (then the frame goes back to the pool).
   */
  receive(low: number, high: number, length: number): Packet | null {
    // Beyond 2^31 is outside of every packet memory; a negative `low` becomes a number no pool has.
    const frame = low >>> this.#shift;
    const index = (frame - this.#first) | 0;
    if (high !== 0 || this.#places[index] !== Place.RECEIVING) return null;
    this.#places[index] = Place.HERE;
    this.receiving = (this.receiving - 1) | 0;
    const packet = this.pool.adopt(frame, (this.#packetOffset + low) | 0, length);
    if (packet === null) this.pool.reclaim(frame);
    return packet;
  }

  /** Passes the frame of a segment to the kernel and returns the address of its data. */
  send(segment: Packet): number {
    const address = (segment.offset - this.#packetOffset) | 0;
    this.#places[(segment.frame - this.#first) | 0] = Place.SENDING;
    this.sending = (this.sending + 1) | 0;
    this.pool.lend(segment);
    return address;
  }

  /** A frame was sent. False when the kernel did not have it for that. */
  complete(low: number, high: number): boolean {
    const frame = low >>> this.#shift;
    const index = (frame - this.#first) | 0;
    if (high !== 0 || this.#places[index] !== Place.SENDING) return false;
    this.#places[index] = Place.HERE;
    this.sending = (this.sending - 1) | 0;
    return this.pool.reclaim(frame);
  }

  /** The kernel has let go of everything: all frames come back. */
  takeBackAll(): void {
    for (let index = 0; index < this.#places.length; index++) {
      if (this.#places[index] === Place.HERE) continue;
      this.#places[index] = Place.HERE;
      this.pool.reclaim(this.#first + index);
    }
    this.receiving = 0;
    this.sending = 0;
  }
}
