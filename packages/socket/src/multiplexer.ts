import type { DatagramSocket, SocketWatcher } from './datagram-socket.js';

/**
 * Waits for many sockets at once, as epoll does: level-triggered, one wake-up per tick of the stack however many sockets
 * became ready in it, and at a cost that grows with the ready sockets, not with all of them.
 */
export class Multiplexer implements SocketWatcher {
  isMarked = false;
  readonly #sockets = new Set<DatagramSocket>();
  /** Sockets that were ready when last looked at, or have become so since. */
  readonly #candidates = new Set<DatagramSocket>();
  #waiters: ((ready: DatagramSocket[]) => void)[] = [];

  add(socket: DatagramSocket): this {
    if (this.#sockets.has(socket)) return this;
    this.#sockets.add(socket);
    socket.watch(this);
    return this;
  }

  delete(socket: DatagramSocket): this {
    if (!this.#sockets.delete(socket)) return this;
    this.#candidates.delete(socket);
    socket.unwatch(this);
    return this;
  }

  /** The sockets that have datagrams or an error waiting, or were closed; possibly none. */
  poll(): DatagramSocket[] {
    const ready: DatagramSocket[] = [];
    for (const socket of this.#candidates) {
      if (socket.isReady) ready.push(socket);
      else this.#candidates.delete(socket);
    }
    return ready;
  }

  /** Resolves to the ready sockets as soon as there is at least one. */
  async wait(): Promise<DatagramSocket[]> {
    const ready = this.poll();
    if (ready.length > 0) return ready;
    return new Promise((resolve) => this.#waiters.push(resolve));
  }

  /** For sockets. */
  socketReady(socket: DatagramSocket): void {
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
