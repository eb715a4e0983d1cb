import type { DatagramSocket } from './datagram-socket.js';
import type { SocketWatcher, Watchable } from './watchable.js';

/**
 * Waits for many sockets at once, as epoll does: level-triggered, one wake-up per tick of the stack however many sockets
 * became ready in it, and at a cost that grows with the ready sockets, not with all of them. It takes sockets of all kinds, and listeners:
 * `new Multiplexer<StreamSocket | StreamListener>()`.
 */
export class Multiplexer<Socket extends Watchable = DatagramSocket> implements SocketWatcher {
  isMarked = false;
  readonly #sockets = new Set<Socket>();
  /** Sockets that were ready when last looked at, or have become so since. */
  readonly #candidates = new Set<Socket>();
  #waiters: ((ready: Socket[]) => void)[] = [];

  add(socket: Socket): this {
    if (this.#sockets.has(socket)) return this;
    this.#sockets.add(socket);
    socket.watch(this);
    return this;
  }

  delete(socket: Socket): this {
    if (!this.#sockets.delete(socket)) return this;
    this.#candidates.delete(socket);
    socket.unwatch(this);
    return this;
  }

  /** The sockets that have something to read, an error or the room they waited for, or were closed; possibly none. */
  poll(): Socket[] {
    const ready: Socket[] = [];
    for (const socket of this.#candidates) {
      if (socket.isReady) ready.push(socket);
      else this.#candidates.delete(socket);
    }
    return ready;
  }

  /** Resolves to the ready sockets as soon as there is at least one. */
  async wait(): Promise<Socket[]> {
    const ready = this.poll();
    if (ready.length > 0) return ready;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** For sockets. */
  socketReady(socket: Socket): void {
    this.#candidates.add(socket);
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
