import type { PatchedBytes } from '@prism-net/buffers';
import { requireBoolean, requireKnownOptions } from '@prism-net/errors';
import { requireArray, requireNumber } from './require-bytes.js';

export interface TemplateOptions {
  /**
   * Hand the frame to the link within `send`, behind what waits there already. Else it leaves with the burst of the poll
   * under way or the next: cheaper for several at once. Default true.
   */
  readonly immediate?: boolean;
}

export function requireTemplateOptions(options: TemplateOptions): void {
  requireKnownOptions('template', options, ['immediate']);
  if (options.immediate !== undefined) requireBoolean('template', 'immediate', options.immediate);
}

/**
 * What templates of datagrams and of streams have in common: the message, and how it is patched. Values are written at byte
 * offsets of the message, big-endian unless told otherwise and cut to the width of the field, and the checksum is updated
 * by the difference; a value that would not lie within the message throws EINVAL. What is patched stays for the sends to
 * come. Nothing is allocated.
 */
export class MessageTemplate {
  readonly #message: PatchedBytes;

  constructor(message: PatchedBytes) {
    this.#message = message;
  }

  /** Bytes of the message; -1 once closed. */
  get length(): number {
    return this.#message.length;
  }

  get isClosed(): boolean {
    return this.#message.length < 0;
  }

  setUint8(offset: number, value: number): void {
    requireNumber('setUint8', value);
    this.#message.setUint8(offset, value);
  }

  setUint16(offset: number, value: number, littleEndian = false): void {
    requireNumber('setUint16', value);
    this.#message.setUint16(offset, value, littleEndian);
  }

  setUint32(offset: number, value: number, littleEndian = false): void {
    requireNumber('setUint32', value);
    this.#message.setUint32(offset, value, littleEndian);
  }

  /** Two words of 32 bits, the more significant first: a `BigInt` would be allocated. */
  setUint64(offset: number, high: number, low: number, littleEndian = false): void {
    requireNumber('setUint64', high);
    requireNumber('setUint64', low);
    this.#message.setUint64(offset, high, low, littleEndian);
  }

  /** Copies `length` bytes of `bytes`, from `start` on. */
  setBytes(offset: number, bytes: Uint8Array, start = 0, length = bytes?.length - start): void {
    requireArray('setBytes', bytes);
    this.#message.setBytes(offset, bytes, start, length);
  }
}
