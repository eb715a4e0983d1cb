import { type Listener, type ListenerHandler, State } from '@prism-net/tcp';
import { INSPECT, oneLine } from './inspection.js';
import { END, ReaderQueue } from './reader-queue.js';
import { type ReadyTarget, throwLater } from './ready-queue.js';
import type { SocketAddress } from './socket-address.js';
import type { Closable, SocketContext } from './socket-context.js';
import {
  connectionOptions,
  requireAddress,
  requireListenOptions,
  type StreamListenOptions,
  type StreamSocketOptions,
  streamError,
} from './stream-options.js';
import { StreamSocket } from './stream-socket.js';
import { type SocketWatcher, type Watchable, Watchers } from './watchable.js';

/**
 * Accepts TCP connections: `for await (const socket of listener)`, `accept()`, `onConnection(callback)`, or `tryAccept()`
 * for those who ask a multiplexer first.
 */
export class StreamListener implements ListenerHandler, ReadyTarget, Closable, Watchable, AsyncIterable<StreamSocket> {
  /** Owned by the stack's ready queue. */
  isMarked = false;
  readonly listener: Listener;
  readonly #context: SocketContext;
  readonly #socketOptions: StreamSocketOptions;
  readonly #readers = new ReaderQueue<StreamSocket>();
  readonly #watchers = new Watchers();
  #onConnection: ((socket: StreamSocket) => void) | null = null;
  #detachSignal: (() => void) | undefined;

  /**
   * @throws PosixError EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EINVAL, ENOBUFS; the signal's reason when it is aborted
   * already.
   */
  constructor(context: SocketContext, options: StreamListenOptions) {
    requireListenOptions(options);
    const { address, allowHalfOpen, backlog, port, signal } = options;
    signal?.throwIfAborted();
    this.#context = context;
    this.#socketOptions = allowHalfOpen === undefined ? {} : { allowHalfOpen };
    const local = address === undefined ? null : requireAddress('listen', 'address', address);
    const chosen = backlog === undefined ? {} : { backlog };
    const listener = context.tcp.listen(local, port, { ...connectionOptions(options), ...chosen }, this);
    if (typeof listener === 'number') throw streamError('listen', listener, `${address ?? '0.0.0.0'}:${port}`);
    this.listener = listener;
    context.opened(this);
    if (signal === undefined) return;
    const close = () => this.close();
    signal.addEventListener('abort', close, { once: true });
    this.#detachSignal = () => signal.removeEventListener('abort', close);
  }

  get localAddress(): SocketAddress {
    return { address: `${this.listener.localAddress ?? '0.0.0.0'}`, port: this.listener.localPort };
  }

  /** Connections that wait to be accepted. */
  get pending(): number {
    return this.listener.pending;
  }

  get isClosed(): boolean {
    return this.listener.isClosed;
  }

  /** The next connection; undefined once closed. */
  async accept(): Promise<StreamSocket | undefined> {
    const result = await this.#read(null);
    return result.value;
  }

  /** A connection that waits; null when none does. */
  tryAccept(): StreamSocket | null {
    for (;;) {
      const connection = this.listener.accept();
      if (connection === null) return null;
      // One that its peer has reset meanwhile is of no use, unless it left something to read.
      if (connection.state === State.CLOSED && connection.readableBytes === 0) continue;
      return new StreamSocket(this.#context, connection, this.#socketOptions);
    }
  }

  /** Called for every connection. While it is set, those who wait in `accept` or a loop get nothing. Null turns it off. */
  onConnection(callback: ((socket: StreamSocket) => void) | null): this {
    this.#onConnection = callback;
    if (this.pending > 0) {
      this.#context.ready.mark(this);
      this.#context.requestPoll();
    }
    return this;
  }

  /** Ends when the listener is closed. To leave the loop does not close it. */
  [Symbol.asyncIterator](): AsyncIterator<StreamSocket, undefined> {
    return this.#readers.iterate((iterator) => this.#read(iterator));
  }

  /** Stops listening: connections nobody accepted are reset, those accepted go on. Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.listener.close(this.#context.now());
    this.#detachSignal?.();
    this.#readers.end();
    this.#watchers.tell(this, this.#context.ready);
    this.#context.closed(this);
    this.#context.requestPoll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** In one line, for `console.log`. */
  [INSPECT](): string {
    return oneLine(this, this.isClosed ? 'closed' : 'LISTEN', this.localAddress, `, pending: ${this.pending}`);
  }

  /** Connections wait, or it was closed. */
  get isReady(): boolean {
    return this.pending > 0 || this.isClosed;
  }

  watch(watcher: SocketWatcher): void {
    this.#watchers.add(watcher);
    if (this.isReady) this.#watchers.tell(this, this.#context.ready);
  }

  unwatch(watcher: SocketWatcher): void {
    this.#watchers.delete(watcher);
  }

  /** For the TCP layer, within the packet path. */
  acceptable(): void {
    this.#context.ready.mark(this);
  }

  /** For the ready queue. */
  ready(): void {
    this.#watchers.tell(this, this.#context.ready);
    while (this.#onConnection !== null || this.#readers.length > 0) {
      const socket = this.tryAccept();
      if (socket === null) return;
      if (this.#onConnection === null) this.#readers.serve(socket);
      else this.#call(this.#onConnection, socket);
    }
  }

  #call(callback: (socket: StreamSocket) => void, socket: StreamSocket): void {
    try {
      callback(socket);
    } catch (thrown) {
      throwLater(thrown);
    }
  }

  #read(iterator: object | null): Promise<IteratorResult<StreamSocket, undefined>> {
    if (this.isClosed) return Promise.resolve(END);
    const socket = this.#readers.length > 0 ? null : this.tryAccept();
    return socket === null ? this.#readers.wait(iterator) : Promise.resolve({ done: false, value: socket });
  }
}
