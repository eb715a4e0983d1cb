import type { Instant } from '@prism-net/time';
import type { UdpLayer } from '@prism-net/udp';
import type { ReadyQueue } from './ready-queue.js';

/** What a socket needs of the stack it lives in. */
export interface SocketContext {
  readonly udp: UdpLayer;
  readonly ready: ReadyQueue;
  /** The time of the poll under way, or of the last one while the loop is spinning: cheap. */
  now(): Instant;
  /** Something waits to be sent: poll soon, if no poll is under way. Cheap enough to be called per datagram. */
  requestPoll(): void;
  opened(socket: Closable): void;
  closed(socket: Closable): void;
}

export interface Closable {
  close(): void;
}
