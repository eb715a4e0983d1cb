import type { ReadyQueue, ReadyTarget } from './ready-queue.js';

/** A socket whose readiness can be waited for together with that of others. */
export interface Watchable {
  /** There is something to do. */
  readonly isReady: boolean;
  /** Tells `watcher`, once per tick, that this socket has become ready; at once when it is ready already. */
  watch(watcher: SocketWatcher): void;
  unwatch(watcher: SocketWatcher): void;
}

/** Wants to know which of many sockets are ready. */
export interface SocketWatcher extends ReadyTarget {
  socketReady(socket: Watchable): void;
}

/** Those who watch one socket. */
export class Watchers {
  #list: SocketWatcher[] = [];

  add(watcher: SocketWatcher): void {
    this.#list.push(watcher);
  }

  delete(watcher: SocketWatcher): void {
    this.#list = this.#list.filter((each) => each !== watcher);
  }

  tell(socket: Watchable, ready: ReadyQueue): void {
    for (let i = 0; i < this.#list.length; i = (i + 1) | 0) {
      const watcher = this.#list[i]!;
      watcher.socketReady(socket);
      ready.mark(watcher);
    }
  }
}
