import { Errno, type PosixError } from '@prism-net/errors';
import type { Connection, ConnectionHandler } from '@prism-net/tcp';
import type { ReadyTarget } from './ready-queue.js';
import type { Closable, SocketContext } from './socket-context.js';
import { streamError } from './stream-options.js';

/** The socket, as its parts know it. */
export interface StreamOwner extends ReadyTarget, Closable {
  end(): void;
}

/**
 * What the parts of a stream socket share: the connection, and what has become of it. Hears the connection within the
 * packet path, where it only takes notes; the socket does the rest in the same tick.
 */
export class StreamLife implements ConnectionHandler {
  readonly context: SocketContext;
  readonly connection: Connection;
  readonly socket: StreamOwner;
  /** Something arrived, or the stream ended, since `onReadable` was last called. */
  hasArrived = false;
  /** The application has closed or aborted it. */
  isClosed = false;
  isAborted = false;
  /** The connection exists no longer, and `errno` is what ended it. */
  hasEnded = false;
  errno: Errno = Errno.NONE;
  /** That has been told to everybody. */
  isFinished = false;

  constructor(context: SocketContext, connection: Connection, socket: StreamOwner) {
    this.context = context;
    this.connection = connection;
    this.socket = socket;
    connection.handler = this;
  }

  connected(): void {}

  readable(): void {
    this.hasArrived = true;
    this.context.ready.mark(this.socket);
  }

  writable(): void {
    this.context.ready.mark(this.socket);
  }

  ended(_connection: Connection, errno: Errno): void {
    this.hasEnded = true;
    this.hasArrived = true;
    this.errno = errno;
    this.wake();
  }

  /** The socket gets its turn in the next tick, and there will be one. */
  wake(): void {
    this.context.ready.mark(this.socket);
    this.context.requestPoll();
  }

  error(syscall: string, errno: Errno): PosixError {
    const { remoteAddress, remotePort } = this.connection;
    return streamError(syscall, errno, `${remoteAddress}:${remotePort}`);
  }
}
