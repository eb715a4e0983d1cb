import type { Connection } from '@prism-net/tcp';
import type { TimerHandler } from '@prism-net/time';
import type { SocketContext } from './socket-context.js';
import type { WriteQueue } from './write-queue.js';

/**
 * The socket is closed, and its last writes still wait for room. A peer that makes none for as long as one may take to
 * send its FIN is reset, or it could keep the memory for ever.
 */
export class ClosingDeadline implements TimerHandler {
  readonly #context: SocketContext;
  readonly #connection: Connection;
  readonly #queue: WriteQueue;
  #timer: number;
  #left: number;

  constructor(context: SocketContext, connection: Connection, queue: WriteQueue) {
    this.#context = context;
    this.#connection = connection;
    this.#queue = queue;
    this.#left = queue.bytes;
    this.#timer = context.tcp.wheel.create(this, 0);
    if (this.#timer >= 0) this.#arm();
    else connection.abort(context.now());
  }

  onTimer(): void {
    const { bytes } = this.#queue;
    if (bytes < this.#left) {
      this.#left = bytes;
      this.#arm();
    } else {
      this.#connection.abort(this.#context.now());
    }
  }

  cancel(): void {
    if (this.#timer >= 0) this.#context.tcp.wheel.destroy(this.#timer);
    this.#timer = -1;
  }

  #arm(): void {
    const { finWait2Milliseconds } = this.#context.tcp.settings;
    this.#context.tcp.wheel.arm(this.#timer, finWait2Milliseconds * 1000, this.#context.now());
  }
}
