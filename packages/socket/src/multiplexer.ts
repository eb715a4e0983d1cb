import type { DatagramSocket } from './datagram-socket.js';
import type { ReadyTarget } from './ready-queue.js';

/**
 * Waits for many sockets at once, as epoll does: level-triggered, and one wake-up per tick of the stack however many
 * sockets became ready in it.
 */
export class Multiplexer implements ReadyTarget {
  isMarked = false;
  readonly #sockets = new Set<DatagramSocket>();
  #waiters: ((ready: DatagramSocket[]) => void)[] = [];

  add(socket: DatagramSocket): this {
    if (this.#sockets.has(socket)) return this;
    this.#sockets.add(socket);
    socket.watch(this);
    return this;
  }

  delete(socket: DatagramSocket): this {
    if (this.#sockets.delete(socket)) socket.unwatch(this);
    return this;
  }

  /** The sockets that have datagrams waiting (or were closed) now; possibly none. */
  poll(): DatagramSocket[] {
    return [...this.#sockets].filter((socket) => socket.readable > 0 || socket.isClosed);
  }

  /** Resolves to the ready sockets as soon as there is at least one. */
  async wait(): Promise<DatagramSocket[]> {
    const ready = this.poll();
    if (ready.length > 0) return ready;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** For the ready queue. */
  ready(): void {
    const ready = this.poll();
    if (ready.length === 0) return;
    const waiters = this.#waiters;
    this.#waiters = [];
    for (const resolve of waiters) resolve(ready);
  }
}
