import type { Instant } from '@prism-net/time';
import type { IpAddress } from '@prism-net/wire';
import type { Connection } from '../connection.js';
import type { ListenerHandler } from '../connection-handler.js';
import type { ConnectionOptions } from '../connection-options.js';
import type { TcpLayer } from './tcp-layer.js';

/** A passive open (RFC 9293 §3.10.1): an address and port that accept connections. */
export class Listener {
  readonly layer: TcpLayer;
  /** Null: any own address. */
  readonly localAddress: IpAddress | null;
  readonly localPort: number;
  /** Connections that wait for {@link accept}, at most. */
  backlog: number;
  readonly options: ConnectionOptions;
  handler: ListenerHandler | null;
  /** Its number in the SYN cache. */
  readonly slot: number;
  isClosed = false;
  readonly #queue: Connection[] = [];

  constructor(
    layer: TcpLayer,
    slot: number,
    localAddress: IpAddress | null,
    localPort: number,
    backlog: number,
    options: ConnectionOptions,
    handler: ListenerHandler | null,
  ) {
    this.layer = layer;
    this.slot = slot;
    this.localAddress = localAddress;
    this.localPort = localPort;
    this.backlog = backlog;
    this.options = options;
    this.handler = handler;
  }

  /** Established connections that wait. */
  get pending(): number {
    return this.#queue.length;
  }

  get isFull(): boolean {
    return this.#queue.length >= this.backlog;
  }

  /** The oldest established connection, now the caller's, who sets its `handler`; null when none waits. */
  accept(): Connection | null {
    return this.#queue.shift() ?? null;
  }

  /** Stops listening; connections nobody accepted are reset. Idempotent. */
  close(now: Instant): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.layer.removeListener(this);
    for (const connection of this.#queue.splice(0)) {
      connection.abort(now);
    }
  }

  /** For the layer: a connection was established. */
  add(connection: Connection): void {
    this.#queue.push(connection);
    this.handler?.acceptable(this);
  }
}
