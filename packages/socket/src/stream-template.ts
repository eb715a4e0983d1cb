import type { SegmentTemplate } from '@prism-net/tcp';
import { MessageTemplate, type TemplateOptions } from './message-template.js';
import type { SendingSide } from './sending-side.js';

/** A message of a stream that stands ready as a frame; made by `StreamSocket.template`. */
export class StreamTemplate extends MessageTemplate {
  readonly #sending: SendingSide;
  readonly #template: SegmentTemplate;
  readonly #immediate: boolean;

  constructor(sending: SendingSide, template: SegmentTemplate, options: TemplateOptions) {
    super(template.payload);
    this.#sending = sending;
    this.#template = template;
    this.#immediate = options.immediate ?? true;
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
