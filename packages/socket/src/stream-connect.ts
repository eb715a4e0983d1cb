import { Errno, type PosixError } from '@prism-net/errors';
import type { Connection, ConnectionHandler } from '@prism-net/tcp';
import type { TimerHandler } from '@prism-net/time';
import type { ReadyTarget } from './ready-queue.js';
import type { Closable, SocketContext } from './socket-context.js';
import {
  connectionOptions,
  requireAddress,
  requireConnectOptions,
  type StreamConnectOptions,
  streamError,
} from './stream-options.js';
import { StreamSocket } from './stream-socket.js';

/**
 * Opens a connection. Rejects with ECONNREFUSED, ETIMEDOUT, EHOSTUNREACH, ENETUNREACH, EADDRINUSE, EADDRNOTAVAIL, EACCES,
 * EAFNOSUPPORT, EINVAL, ENOBUFS, ENETDOWN when the stack is closed meanwhile; with the signal's reason when it is aborted.
 */
export async function connectStream(context: SocketContext, options: StreamConnectOptions): Promise<StreamSocket> {
  requireConnectOptions(options);
  options.signal?.throwIfAborted();
  const address = requireAddress('connect', 'address', options.address);
  const { localAddress, localPort = 0, port } = options;
  const local = localAddress === undefined ? null : requireAddress('connect', 'localAddress', localAddress);
  const connection = context.tcp.open(null);
  connection.apply(connectionOptions(options));
  if (local !== null || localPort !== 0) {
    const errno = connection.bind(local, localPort);
    if (errno !== Errno.NONE) throw streamError('bind', errno, `${localAddress ?? '0.0.0.0'}:${localPort}`);
  }
  const attempt = new ConnectAttempt(context, connection, options);
  const errno = connection.connect(address, port, context.now());
  if (errno !== Errno.NONE) attempt.fail(streamError('connect', errno, `${options.address}:${port}`));
  context.requestPoll();
  return attempt.socket;
}

/** A handshake under way. It keeps the process alive, and is closed with its stack. */
class ConnectAttempt implements ConnectionHandler, ReadyTarget, Closable, TimerHandler {
  isMarked = false;
  readonly socket: Promise<StreamSocket>;
  readonly #context: SocketContext;
  readonly #connection: Connection;
  readonly #options: StreamConnectOptions;
  readonly #aborted = () => this.fail(this.#options.signal?.reason);
  #resolve!: (socket: StreamSocket) => void;
  #reject!: (error: unknown) => void;
  #isConnected = false;
  #isOver = false;
  #errno: Errno = Errno.NONE;
  #timer = -1;

  constructor(context: SocketContext, connection: Connection, options: StreamConnectOptions) {
    this.#context = context;
    this.#connection = connection;
    this.#options = options;
    this.socket = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    connection.handler = this;
    context.opened(this);
    options.signal?.addEventListener('abort', this.#aborted, { once: true });
    if (options.timeoutMilliseconds !== undefined) this.#startTimer(options.timeoutMilliseconds);
  }

  /** Gives up, and says why. */
  fail(error: unknown): void {
    if (this.#isOver) return;
    this.#finish();
    this.#connection.abort(this.#context.now());
    // Gives back the local port, and what has been received.
    this.#connection.close(this.#context.now());
    this.#context.closed(this);
    this.#context.requestPoll();
    this.#reject(error);
  }

  /** For the stack, which closes. */
  close(): void {
    this.fail(this.#error(Errno.ENETDOWN, 'the stack was closed'));
  }

  connected(): void {
    this.#isConnected = true;
    this.#context.ready.mark(this);
  }

  readable(): void {}

  writable(): void {}

  ended(_connection: Connection, errno: Errno): void {
    this.#errno = errno === Errno.NONE ? Errno.ECONNRESET : errno;
    this.#context.ready.mark(this);
  }

  onTimer(): void {
    if (this.#isConnected) return;
    // An ICMP error that did not end the attempt (RFC 9293 §3.9.2.2) says more than that nobody answered.
    const { softError } = this.#connection;
    this.fail(this.#error(softError === Errno.NONE ? Errno.ETIMEDOUT : softError));
  }

  /** For the ready queue. */
  ready(): void {
    if (this.#isOver) return;
    if (this.#errno !== Errno.NONE) {
      this.fail(this.#error(this.#errno));
      return;
    }
    this.#finish();
    const socket = new StreamSocket(this.#context, this.#connection, this.#options);
    this.#context.closed(this);
    this.#resolve(socket);
  }

  #startTimer(timeoutMilliseconds: number): void {
    const { timers } = this.#context;
    this.#timer = timers.create(this, 0);
    if (this.#timer >= 0) timers.arm(this.#timer, timeoutMilliseconds * 1000, this.#context.now());
    else this.fail(this.#error(Errno.ENOBUFS, 'no timer is left for timeoutMilliseconds; raise timers of the stack'));
  }

  #finish(): void {
    this.#isOver = true;
    this.#options.signal?.removeEventListener('abort', this.#aborted);
    if (this.#timer >= 0) this.#context.timers.destroy(this.#timer);
    this.#timer = -1;
  }

  #error(errno: Errno, detail?: string): PosixError {
    const { address, port } = this.#options;
    return streamError('connect', errno, `${address}:${port}${detail === undefined ? '' : `: ${detail}`}`);
  }
}
