import type { Errno } from '@prism-net/errors';
import type { DatagramTemplate as UdpTemplate } from '@prism-net/udp';
import { MessageTemplate, type TemplateOptions } from './message-template.js';
import type { SocketContext } from './socket-context.js';

/** A datagram that stands ready as a frame; made by `DatagramSocket.template`. */
export class DatagramTemplate extends MessageTemplate {
  readonly #context: SocketContext;
  readonly #template: UdpTemplate;
  readonly #immediate: boolean;

  constructor(context: SocketContext, template: UdpTemplate, options: TemplateOptions) {
    super(template.payload);
    this.#context = context;
    this.#template = template;
    this.#immediate = options.immediate ?? true;
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
