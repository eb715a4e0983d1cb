import type { Errno } from '@prism-net/errors';
import type { Connection } from './connection.js';
import type { Listener } from './layer/listener.js';

/** Hears what happens to a connection. Called within the packet path: mark and return, never throw, do the work later. */
export interface ConnectionHandler {
  /** The handshake of an active open is done. */
  connected(connection: Connection): void;
  /** Text, or the end of the peer's stream, can be read. */
  readable(connection: Connection): void;
  /** After a write that was taken in part or not at all there is room again. */
  writable(connection: Connection): void;
  /**
   * The connection exists no longer. NONE after an orderly end; else ECONNRESET, ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH,
   * ENETUNREACH, ECONNABORTED … What was received can still be read.
   */
  ended(connection: Connection, errno: Errno): void;
  /**
   * Something is wrong that need not last: an ICMP error that does not end the connection (EHOSTUNREACH, ENETUNREACH …), or
   * three retransmissions without success (ETIMEDOUT). A handler without this method does not hear of it.
   */
  softError?(connection: Connection, errno: Errno): void;
}

export interface ListenerHandler {
  /** {@link Listener.accept} has something. */
  acceptable(listener: Listener): void;
}
