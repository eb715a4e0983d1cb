import { requirePowerOfTwo, requireWholeNumber } from '@prism-net/errors';
import { copyBytes, PACKET_HEADER_BYTES, PacketType, writePacketHeader } from './packet.js';

export interface MessageStoreOptions {
  /** Bytes kept, packet headers included. Default 4 MiB. */
  readonly bytes?: number;
  /** Messages kept: a power of two. Default 65,536. */
  readonly messages?: number;
}

/**
 * The sequenced messages of a session, numbered from 1, each kept as the packet that goes out. The newest that fit are
 * kept, the oldest make room: memory is fixed.
 *
 * A place among them is a *cursor*: the message's number minus one as int32, modulo 2^32; compare by difference.
 */
export class MessageStore {
  /** The packets; a message's payload is written here. */
  readonly view: DataView;
  /** Of the next message. */
  end = 0;
  /** Of the oldest message kept. */
  start = 0;

  readonly #bytes: number;
  readonly #mask: number;
  readonly #offsets: Int32Array;
  /** Where the next packet goes. */
  #head = 0;
  /** Messages ever added; they pass 2^31. */
  readonly #total = new Float64Array(1);

  constructor(options: MessageStoreOptions = {}) {
    this.#bytes = requireWholeNumber('MessageStore', 'bytes', options.bytes ?? 4 << 20, 1 << 10, 1 << 30);
    const messages = requirePowerOfTwo('MessageStore', 'messages', options.messages ?? 65_536, 2, 1 << 24);
    this.#mask = messages - 1;
    this.#offsets = new Int32Array(messages);
    this.view = new DataView(new ArrayBuffer(this.#bytes));
  }

  /** The longest payload: a quarter of the bytes, so that there is always more than the newest message. */
  get maximumPayload(): number {
    return Math.min((this.#bytes >> 2) - PACKET_HEADER_BYTES, 65_534);
  }

  /** Messages that can be kept at most. */
  get capacity(): number {
    return this.#mask + 1;
  }

  /** Messages ever added: the number of the newest. */
  get total(): number {
    return this.#total[0]!;
  }

  /** Number of the oldest message kept; one more than {@link total} when none is. */
  get oldestNumber(): number {
    return this.#total[0]! - ((this.end - this.start) | 0) + 1;
  }

  /** The cursor of a message by its number, which must be from `oldestNumber` to `total + 1`. */
  cursorOf(number: number): number {
    return (this.end - (this.#total[0]! + 1 - number)) | 0;
  }

  /** Adds a message of `length` bytes, at most {@link maximumPayload}, and returns where in {@link view} to write them. */
  add(length: number): number {
    const size = (length + PACKET_HEADER_BYTES) | 0;
    let at = this.#head;
    if (at + size > this.#bytes) {
      // What lies between here and the end of the memory is older than anything at its beginning.
      while (this.start !== this.end && this.#offsets[this.start & this.#mask]! >= at)
        this.start = (this.start + 1) | 0;
      at = 0;
    }
    const next = (at + size) | 0;
    while (this.start !== this.end) {
      const oldest = this.#offsets[this.start & this.#mask]!;
      const isInTheWay = oldest >= at && oldest < next;
      if (!isInTheWay && ((this.end - this.start) | 0) <= this.#mask) break;
      this.start = (this.start + 1) | 0;
    }
    this.#offsets[this.end & this.#mask] = at;
    this.#head = next;
    this.end = (this.end + 1) | 0;
    this.#total[0]! += 1;
    writePacketHeader(this.view, at, PacketType.sequencedData, length);
    return (at + PACKET_HEADER_BYTES) | 0;
  }

  /** Length of the whole packet at a cursor from `start` to before `end`. */
  packetLength(cursor: number): number {
    return (this.view.getUint16(this.#offsets[cursor & this.#mask]!) + 2) | 0;
  }

  /** Copies the whole packet at a cursor and returns its length. */
  copyPacket(cursor: number, to: DataView, at: number): number {
    const from = this.#offsets[cursor & this.#mask]!;
    const length = (this.view.getUint16(from) + 2) | 0;
    copyBytes(to, at, this.view, from, length);
    return length;
  }
}
