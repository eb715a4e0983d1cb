import { requireWholeNumber } from '@prism-net/errors';
import { Ending } from './ending.js';
import { copyBytes, LENGTH_BYTES, PACKET_HEADER_BYTES } from './packet.js';

export interface PacketReceiver {
  /**
   * One packet; its payload is `length` bytes at `at` and may be read during the call only. False: stop after this one
   * (there is no room for what the next may bring, or the connection is over).
   */
  receivePacket(type: number, view: DataView, at: number, length: number): boolean;
}

/**
 * Finds the packets in a stream that comes in pieces of any size. A packet that lies within one piece is handed out where
 * it is; only one that is cut is put together in a buffer of its own, of one packet's size. Nothing is allocated.
 */
export class Deframer {
  readonly #receiver: PacketReceiver;
  readonly #maximumLength: number;
  readonly #held: DataView;
  #heldLength = 0;
  #fault: Ending = Ending.none;

  /** `maximumLength`: of type and payload; longer packets end the stream. */
  constructor(receiver: PacketReceiver, maximumLength: number) {
    this.#receiver = receiver;
    this.#maximumLength = requireWholeNumber('Deframer', 'maximumLength', maximumLength, 1, 65_535);
    this.#held = new DataView(new ArrayBuffer(LENGTH_BYTES + maximumLength));
  }

  /** What is wrong with the stream: `zeroLength`, `oversized`; or none. Nothing is read after a fault. */
  get fault(): Ending {
    return this.#fault;
  }

  /** Bytes of a packet whose rest has not come yet. */
  get heldBytes(): number {
    return this.#heldLength;
  }

  /** For a new connection. */
  reset(): void {
    this.#heldLength = 0;
    this.#fault = Ending.none;
  }

  /** Takes `length` bytes at `at`; returns how many were used: fewer when the receiver said stop, the rest comes again. */
  push(view: DataView, at: number, length: number): number {
    if (length <= 0 || this.#fault !== Ending.none) return length;
    const end = (at + length) | 0;
    let from = at;
    if (this.#heldLength > 0) {
      from = (from + this.#complete(view, at, length)) | 0;
      if (this.#heldLength > 0 || this.#fault !== Ending.none) return length;
      if (!this.#deliver(this.#held, 0, this.#held.getUint16(0))) return (from - at) | 0;
    }
    while (end - from >= LENGTH_BYTES) {
      const size = view.getUint16(from);
      if (!this.#isAllowed(size)) return length;
      const next = (from + LENGTH_BYTES + size) | 0;
      if (next > end) break;
      const goesOn = this.#deliver(view, from, size);
      from = next;
      if (!goesOn) return (from - at) | 0;
    }
    const rest = (end - from) | 0;
    copyBytes(this.#held, 0, view, from, rest);
    this.#heldLength = rest;
    return length;
  }

  /** Adds to the packet that was begun; it is whole when nothing is held any more. Returns how many bytes it took. */
  #complete(view: DataView, at: number, length: number): number {
    let taken = 0;
    if (this.#heldLength < LENGTH_BYTES) {
      this.#held.setUint8(1, view.getUint8(at));
      this.#heldLength = LENGTH_BYTES;
      taken = 1;
    }
    const size = this.#held.getUint16(0);
    if (!this.#isAllowed(size)) return length;
    const wanted = (LENGTH_BYTES + size - this.#heldLength) | 0;
    const count = Math.min(wanted, length - taken);
    copyBytes(this.#held, this.#heldLength, view, at + taken, count);
    this.#heldLength = count === wanted ? 0 : (this.#heldLength + count) | 0;
    return (taken + count) | 0;
  }

  #deliver(view: DataView, at: number, size: number): boolean {
    return this.#receiver.receivePacket(view.getUint8(at + LENGTH_BYTES), view, at + PACKET_HEADER_BYTES, size - 1);
  }

  #isAllowed(size: number): boolean {
    if (size > 0 && size <= this.#maximumLength) return true;
    this.#fault = size === 0 ? Ending.zeroLength : Ending.oversized;
    return false;
  }
}
