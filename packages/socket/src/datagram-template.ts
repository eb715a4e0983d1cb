import { type Errno, requireBoolean, requireKnownOptions } from '@prism-net/errors';
import type { DatagramTemplate as UdpTemplate } from '@prism-net/udp';
import { requireArray, requireNumber } from './require-bytes.js';
import type { SocketContext } from './socket-context.js';

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
 * A datagram that stands ready as a frame; made by `DatagramSocket.template`. Patches write values at byte offsets of the
 * payload, big-endian unless told otherwise and cut to the width of the field, and update the checksum by the difference; a
 * value that would not lie within the payload throws EINVAL. What is patched stays for the sends to come. Nothing is
 * allocated.
 */
export class DatagramTemplate {
  readonly #context: SocketContext;
  readonly #template: UdpTemplate;
  readonly #immediate: boolean;

  constructor(context: SocketContext, template: UdpTemplate, options: TemplateOptions) {
    this.#context = context;
    this.#template = template;
    this.#immediate = options.immediate ?? true;
  }

  /** Bytes of payload; -1 once closed. */
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

  /** Sends the datagram as it stands. Errors are those of `commitTo`, and EBADF once this or its socket is closed. */
  send(): Errno {
    const template = this.#template;
    const errno = template.send(this.#immediate, this.#context.now());
    if (template.needsPoll) this.#context.requestPoll();
    return errno;
  }

  /** Does what {@link send} would, up to the link, which nothing reaches; and returns what it would. See `DatagramSocket.warm`. */
  warm(): Errno {
    return this.#template.warm(this.#context.now());
  }

  /** Gives its two packets back; closing the socket does so too. Idempotent. */
  close(): void {
    this.#template.close();
  }
}
