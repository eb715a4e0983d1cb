import type { SegmentTemplate } from '@prism-net/tcp';
import type { TemplateOptions } from './datagram-template.js';
import { requireArray, requireNumber } from './require-bytes.js';
import type { SendingSide } from './sending-side.js';

/**
 * A message of a stream that stands ready as a frame; made by `StreamSocket.template`. Patches write values at byte offsets
 * of the message, big-endian unless told otherwise and cut to the width of the field; a value that would not lie within it
 * throws EINVAL. What is patched stays for the sends to come. Nothing is allocated.
 */
export class StreamTemplate {
  readonly #sending: SendingSide;
  readonly #template: SegmentTemplate;
  readonly #immediate: boolean;

  constructor(sending: SendingSide, template: SegmentTemplate, options: TemplateOptions) {
    this.#sending = sending;
    this.#template = template;
    this.#immediate = options.immediate ?? true;
  }

  /** Bytes of the message; -1 once closed. */
  get length(): number {
    return this.#template.payload.length;
  }

  get isClosed(): boolean {
    return this.#template.isClosed;
  }

  setUint8(offset: number, value: number): void {
    requireNumber('setUint8', value);
    this.#template.payload.setUint8(offset, value);
  }

  setUint16(offset: number, value: number, littleEndian = false): void {
    requireNumber('setUint16', value);
    this.#template.payload.setUint16(offset, value, littleEndian);
  }

  setUint32(offset: number, value: number, littleEndian = false): void {
    requireNumber('setUint32', value);
    this.#template.payload.setUint32(offset, value, littleEndian);
  }

  /** Two words of 32 bits, the more significant first: a `BigInt` would be allocated. */
  setUint64(offset: number, high: number, low: number, littleEndian = false): void {
    requireNumber('setUint64', high);
    requireNumber('setUint64', low);
    this.#template.payload.setUint64(offset, high, low, littleEndian);
  }

  /** Copies `length` bytes of `bytes`, from `start` on. */
  setBytes(offset: number, bytes: Uint8Array, start = 0, length = bytes?.length - start): void {
    requireArray('setBytes', bytes);
    this.#template.payload.setBytes(offset, bytes, start, length);
  }

  /**
   * Sends the message as it stands as the next bytes of the stream. Returns its length; 0, and none of it is sent, when it
   * does not fit the send buffer or writes wait (`onWritable` will tell); or a negative error number: that of `tryWrite`,
   * and -EBADF once this or its socket is closed.
   */
  send(): number {
    return this.#sending.fire(this.#template, this.#immediate);
  }

  /** Does what {@link send} would, up to the link, which nothing reaches; returns what it would, and changes nothing. */
  warm(): number {
    return this.#sending.warmTemplate(this.#template);
  }

  /** Gives its two packets back; the end of the connection and closing the socket do so too. Idempotent. */
  close(): void {
    this.#template.close();
  }
}
