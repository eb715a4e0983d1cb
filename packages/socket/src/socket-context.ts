import type { TcpLayer } from '@prism-net/tcp';
import type { Instant, TimerWheel } from '@prism-net/time';
import type { UdpLayer } from '@prism-net/udp';
import type { ReadyQueue } from './ready-queue.js';

/** What a socket needs of the stack it lives in. */
export interface SocketContext {
  readonly udp: UdpLayer;
  readonly tcp: TcpLayer;
  readonly timers: TimerWheel;
  readonly ready: ReadyQueue;
  /** The time of the poll under way, or of the last one while the loop is spinning: cheap. */
  now(): Instant;
  /** Something waits to be sent: poll soon, if no poll is under way. Cheap enough to be called per datagram. */
  requestPoll(): void;
  /** Something is open: the process stays alive for it, and it is closed with the stack. */
  opened(socket: Closable): void;
  /** The connection is gone, but not all it received was read: no process lives for that; it is closed with the stack. */
  detached(socket: Closable): void;
  /** Nothing is left of it. */
  closed(socket: Closable): void;
}

export interface Closable {
  close(): void;
}
