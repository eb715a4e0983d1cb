import type { Packet } from '@prism-net/buffers';
import { Errno, invalidArgument, type PosixError, requireWholeNumber } from '@prism-net/errors';
import { type Connection, type ConnectionOptions, State, stateName, type TcpInformation } from '@prism-net/tcp';
import { ClosingDeadline } from './closing-deadline.js';
import { endpoint, INSPECT, oneLine } from './inspection.js';
import { requireTemplateOptions, type TemplateOptions } from './message-template.js';
import { throwLater } from './ready-queue.js';
import { CHUNK, type Chunk, GOES_ON, ReceivingSide } from './receiving-side.js';
import { requireBytes } from './require-bytes.js';
import { SendingSide } from './sending-side.js';
import type { SocketAddress } from './socket-address.js';
import type { SocketContext } from './socket-context.js';
import { StreamExtras } from './stream-extras.js';
import { StreamLife, type StreamOwner } from './stream-life.js';
import { requireChangeableOptions, type StreamSocketOptions, streamError } from './stream-options.js';
import { StreamTemplate } from './stream-template.js';
import { type SocketWatcher, type Watchable, Watchers } from './watchable.js';
import { makeReadable, makeWritable } from './web-streams.js';

/**
 * A TCP connection, in two styles that may be mixed.
 *
 * *Zero-copy*: `reserve` a packet, write at `packet.offset` of `packet.view`, set `packet.length`, and `commit` it;
 * `receivePacket` hands out packets whose data are the next bytes, to be given back with `release()` or committed again.
 * `tryWrite` and `readInto` copy. Nothing is allocated; results are counts, and {@link Errno} numbers, negative where a
 * count is expected.
 *
 * *Friendly*: `await write(…)`, `await read()`, `for await (const chunk of socket)`, `readable` and `writable`. Bytes are
 * copied, failures are POSIX errors (`error.code`).
 *
 * Sockets come from `connect` and from a listener.
 */
export class StreamSocket implements StreamOwner, Watchable, AsyncIterable<Chunk> {
  /** Owned by the stack's ready queue. */
  isMarked = false;
  readonly connection: Connection;
  readonly #life: StreamLife;
  readonly #receiving: ReceivingSide;
  readonly #sending: SendingSide;
  #watchers: Watchers | null = null;
  #onReadable: ((socket: StreamSocket) => void) | null = null;
  #onWritable: ((socket: StreamSocket) => void) | null = null;
  /** What most sockets never need, made when they do: there may be very many of them. */
  #extras: StreamExtras | null = null;

  /** For `connect` and listeners: takes the connection over. */
  constructor(context: SocketContext, connection: Connection, options: StreamSocketOptions = {}) {
    const { allowHalfOpen = true, signal } = options;
    this.connection = connection;
    this.#life = new StreamLife(context, connection, this);
    this.#receiving = new ReceivingSide(this.#life, allowHalfOpen);
    this.#sending = new SendingSide(this.#life);
    context.opened(this);
    // Before it was accepted the connection may have ended already.
    if (connection.state === State.CLOSED) this.#life.ended(connection, connection.error);
    if (signal === undefined) return;
    const close = () => this.close();
    signal.addEventListener('abort', close, { once: true });
    this.#extra.detachSignal = () => signal.removeEventListener('abort', close);
    if (signal.aborted) this.close();
  }

  // ---- about the connection

  get localAddress(): SocketAddress {
    return { address: `${this.connection.localAddress}`, port: this.connection.localPort };
  }

  get remoteAddress(): SocketAddress {
    return { address: `${this.connection.remoteAddress}`, port: this.connection.remotePort };
  }

  /** As RFC 9293 §3.3.2 names it: `ESTABLISHED`. */
  get state(): string {
    return stateName(this.connection.state);
  }

  /** This side has closed or aborted it, or the connection is gone. */
  get isClosed(): boolean {
    return this.#life.isClosed || this.#life.hasEnded;
  }

  /** Resolves when the connection is gone after an orderly end; rejects with the error that ended it. */
  get closed(): Promise<void> {
    const extra = this.#extra;
    if (extra.closed !== undefined) return extra.closed;
    extra.closed = new Promise((resolve, reject) => {
      extra.settleClosed = () => {
        const { errno } = this.#life;
        if (errno === Errno.NONE) resolve();
        else reject(this.#life.error('read', errno));
      };
      if (this.#life.isFinished) extra.settleClosed();
    });
    // Nobody has to look at it.
    extra.closed.catch(() => {});
    return extra.closed;
  }

  /**
   * The state of the connection in numbers, as TCP_INFO; when it has ended, the last ones. Once the socket is closed and the
   * connection gone all are 0: whoever wants them in the end asks before `close()`.
   */
  tcpInfo(): TcpInformation {
    return this.connection.information();
  }

  /** Changes options of the connection. @throws PosixError EINVAL, EBADF. */
  setOptions(options: ConnectionOptions): this {
    if (this.isClosed) throw streamError('setOptions', Errno.EBADF, 'the socket is closed');
    requireChangeableOptions(options);
    this.connection.apply(options);
    this.#life.context.requestPoll();
    return this;
  }

  // ---- zero-copy

  /**
   * An empty packet, the caller's, to write up to one frame of the stream into; null when there is no room (`onWritable`
   * will tell), while writes wait, and when nothing can be written any more.
   */
  reserve(): Packet | null {
    return this.#sending.reserve();
  }

  /**
   * Sends a reserved (or received) packet's data as the next bytes. Takes the packet in every case. EPIPE after `end()`,
   * EBADF once closed, ECONNRESET …, EAGAIN while writes wait. Whoever commits received packets looks at
   * {@link writableBytes} first: what exceeds it is kept all the same.
   */
  commit(packet: Packet): Errno {
    return this.#sending.commit(packet);
  }

  /** Copies bytes into the send buffer. Returns how many: 0 when it is full (`onWritable` will tell); or a negative error number. */
  tryWrite(bytes: Uint8Array, start = 0, length = bytes?.length - start): number {
    return this.#sending.tryWrite(bytes, start, length);
  }

  /**
   * A message made ready as a frame of this connection: to be patched and sent, again and again, with as little as possible
   * between a decision and the link. Where TCP would not send it at once, as one segment, it goes the way of `tryWrite`,
   * whole or not at all; the bytes of the stream and their order are the same.
   * @throws PosixError ENOTCONN, EMSGSIZE when it does not fit one segment, EINVAL without a byte, ENOBUFS, EPIPE, EBADF.
   */
  template(message: Uint8Array | string, options: TemplateOptions = {}): StreamTemplate {
    const bytes = requireBytes('template', message);
    requireTemplateOptions(options);
    const { errno } = this.#sending;
    const made = errno === Errno.NONE ? this.connection.template(bytes) : errno;
    if (typeof made !== 'number') return new StreamTemplate(this.#sending, made, options);
    if (made === Errno.EMSGSIZE) throw streamError('template', made, `${bytes.length} bytes do not fit one segment`);
    throw this.#life.error('template', made);
  }

  /**
   * Does what `tryWrite` of these bytes and sending them would, up to the link, which nothing reaches: a real write soon
   * after finds code and caches warm. Returns what `tryWrite` would; no sequence number, timer or counter moves.
   */
  warm(bytes: Uint8Array, start = 0, length = bytes?.length - start): number {
    return this.#sending.warm(bytes, start, length);
  }

  /** A packet whose data are the next bytes, which the caller must release (or commit); null when nothing waits. */
  receivePacket(): Packet | null {
    return this.#receiving.receivePacket();
  }

  /**
   * Copies the next bytes to `target`. Returns how many: 0 when nothing waits, and at the end of the stream (see
   * {@link isEndOfStream}); or, when all was read, a negative error number that says what ended the connection.
   */
  readInto(target: Uint8Array, start = 0, length = target?.length - start): number {
    return this.#receiving.readInto(target, start, length);
  }

  /** Bytes that can be read now. */
  get readableBytes(): number {
    return this.connection.readableBytes;
  }

  /** Bytes that can be written now. */
  get writableBytes(): number {
    return this.#sending.room;
  }

  /** Everything the peer sent before it ended its side was read. Not so when an error cut the stream off. */
  get isEndOfStream(): boolean {
    return this.#receiving.end === Errno.NONE;
  }

  /**
   * Called once per tick in which bytes arrived (and again next tick while some are left), and once at the end of the
   * stream or of the connection. While it is set, readers that wait get nothing. Null turns it off.
   */
  onReadable(callback: ((socket: StreamSocket) => void) | null): this {
    this.#onReadable = callback;
    if (this.#receiving.end !== GOES_ON) {
      this.#life.hasArrived = true;
      this.#life.wake();
    }
    this.#wakeIfReadable();
    return this;
  }

  /**
   * Called once when there is room again after `reserve`, `tryWrite` or `commit` found the send buffer full or filled it;
   * also when the connection is gone, and there never will be. Null turns it off.
   */
  onWritable(callback: ((socket: StreamSocket) => void) | null): this {
    this.#onWritable = callback;
    if (this.#sending.isRoomDue) this.#life.wake();
    return this;
  }

  /** Called with the error that ends the connection, if one does before the socket is closed. */
  onError(callback: ((error: PosixError) => void) | null): this {
    this.#extra.onError = callback;
    return this;
  }

  // ---- friendly

  /**
   * Resolves when all of `data` (text as UTF-8) is in the send buffer: whoever waits for it is slowed down to what the peer
   * reads. Several writes keep their order; bytes must not be changed before. Rejects with EPIPE after `end()`, EBADF once
   * closed, ECONNRESET, ETIMEDOUT …, EINVAL.
   */
  write(data: Uint8Array | string): Promise<void> {
    return this.#sending.write(data);
  }

  /**
   * The next bytes, at most `maximum`, as soon as there are any; undefined at the end of the stream and once closed.
   * Rejects with the error that ended the connection when all that was received is read.
   */
  async read(maximum = CHUNK): Promise<Chunk | undefined> {
    requireWholeNumber('read', 'maximum', maximum, 1, 1 << 30);
    const result = await this.#receiving.read(null, maximum);
    return result.value;
  }

  /** Chunks until the end of the peer's stream. To leave the loop does not close the socket. */
  [Symbol.asyncIterator](): AsyncIterator<Chunk, undefined> {
    return this.#receiving.readers.iterate((iterator) => this.#receiving.read(iterator, CHUNK));
  }

  /** What is received, as a web stream of bytes; made when first asked for. Its `cancel` is `shutdown('read')`. */
  get readable(): ReadableStream<Uint8Array> {
    const extra = this.#extra;
    extra.readable ??= makeReadable(this);
    return extra.readable;
  }

  /** What is sent, as a web stream; made when first asked for. Its `close` is `end()`, its `abort` is `abort()`. */
  get writable(): WritableStream<Uint8Array | string> {
    const extra = this.#extra;
    extra.writable ??= makeWritable(this);
    return extra.writable;
  }

  // ---- the end

  /** No more will be written: what was is sent, then the end of the stream. The socket can still be read. Idempotent. */
  end(): void {
    this.#sending.end();
  }

  /**
   * Ends one direction or both: 'write' is {@link end}; after 'read' the stream has ended for readers, and what else
   * arrives is thrown away. @throws PosixError EINVAL.
   */
  shutdown(how: 'read' | 'write' | 'both'): void {
    if (how !== 'read' && how !== 'write' && how !== 'both') {
      throw invalidArgument('shutdown', `how must be read, write or both, not ${String(how)}`);
    }
    if (how !== 'read') this.end();
    if (how !== 'write' && !this.#life.isClosed) this.#receiving.shutdown();
  }

  /**
   * Done with the connection: readers see the end; what was written is still sent (`closed` tells when), then the end of
   * the stream. When bytes were received that nobody has read, or come later, a reset tells the peer that they are lost
   * (RFC 2525 §2.17). Idempotent.
   */
  close(): void {
    const { connection } = this;
    const life = this.#life;
    if (life.isClosed) return;
    life.isClosed = true;
    connection.closeTemplates();
    this.#sending.isEnding = true;
    this.#extras?.detachSignal?.();
    this.#receiving.serveEnd();
    this.#watchers?.tell(this, this.#life.context.ready);
    const sending = this.#sending;
    const mustWait = sending.waiting > 0 && !life.hasEnded && connection.readableBytes === 0 && connection.linger !== 0;
    if (mustWait) this.#extra.deadline = new ClosingDeadline(life.context, connection, sending.queue);
    else this.#closeConnection();
  }

  /** Gives everything up and resets the peer. Reads and writes that wait reject with ECONNABORTED. Idempotent. */
  abort(): void {
    const life = this.#life;
    if (!life.hasEnded) {
      life.isAborted = true;
      this.connection.abort(this.#life.context.now());
    }
    this.close();
    this.#finish();
    this.#life.context.requestPoll();
  }

  /** As {@link close}: `await socket.closed` before, to know that the peer has everything. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** In one line, for `console.log`. */
  [INSPECT](): string {
    return oneLine(this, this.state, this.localAddress, `, remote: ${endpoint(this.remoteAddress)}`);
  }

  // ---- readiness

  /** There is something to do: bytes to read, the end or an error, or room that a write has waited for. */
  get isReady(): boolean {
    return this.connection.readableBytes > 0 || this.#receiving.end !== GOES_ON || this.#sending.isRoomDue;
  }

  watch(watcher: SocketWatcher): void {
    this.#watchers ??= new Watchers();
    this.#watchers.add(watcher);
    if (this.isReady) this.#watchers?.tell(this, this.#life.context.ready);
  }

  unwatch(watcher: SocketWatcher): void {
    this.#watchers?.delete(watcher);
  }

  /** For the ready queue: what was noted in the packet path is done now, once per tick. */
  ready(): void {
    const life = this.#life;
    if (this.#sending.waiting > 0 && !life.hasEnded) this.#sending.move();
    this.#watchers?.tell(this, this.#life.context.ready);
    if (!life.isClosed) this.#callBack();
    else if (this.#extras?.deadline !== undefined && !life.hasEnded) this.#closeIfDone();
    if (life.hasEnded) this.#finish();
    this.#wakeIfReadable();
  }

  #callBack(): void {
    const life = this.#life;
    if (this.#onWritable !== null && this.#sending.isRoomDue) {
      this.#sending.wantsRoom = false;
      this.#call(this.#onWritable);
    }
    if (this.#onReadable === null) {
      this.#receiving.serve();
    } else if (life.hasArrived || this.connection.readableBytes > 0) {
      const hadBytes = this.connection.readableBytes > 0;
      life.hasArrived = false;
      this.#call(this.#onReadable);
      // The end has a call of its own, with nothing else to read.
      if (hadBytes && !life.isClosed && this.#receiving.end !== GOES_ON) {
        life.hasArrived = true;
        life.wake();
      }
    }
  }

  get #extra(): StreamExtras {
    this.#extras ??= new StreamExtras();
    return this.#extras;
  }

  /** Exceptions reach the application, but nobody else suffers from them. */
  #call(callback: (socket: StreamSocket) => void): void {
    try {
      callback(this);
    } catch (thrown) {
      throwLater(thrown);
    }
  }

  #wakeIfReadable(): void {
    if (this.connection.readableBytes === 0 || this.#life.isClosed) return;
    if (this.#onReadable !== null || this.#receiving.waiting > 0) this.#life.wake();
  }

  /** A closed socket waited for its last writes. Text that comes now will be read by nobody: the peer is reset. */
  #closeIfDone(): void {
    if (this.#sending.waiting === 0 || this.connection.readableBytes > 0) this.#closeConnection();
  }

  #closeConnection(): void {
    this.#extras?.deadline?.cancel();
    this.connection.close(this.#life.context.now());
    if (this.#life.hasEnded) {
      this.#finish();
      this.#life.context.closed(this);
    }
    this.#life.context.requestPoll();
  }

  /** The connection is gone: everybody who waits is told. */
  #finish(): void {
    const life = this.#life;
    if (life.isFinished || !life.hasEnded) return;
    life.isFinished = true;
    const { connection } = this;
    const { errno, isClosed } = life;
    const onError = this.#extras?.onError ?? null;
    this.#extras?.deadline?.cancel();
    this.#extras?.detachSignal?.();
    this.#sending.fail();
    this.#receiving.serveEnd();
    this.#extras?.settleClosed?.();
    // Gives back what was received and nobody will read.
    if (isClosed) connection.close(this.#life.context.now());
    else if (errno !== Errno.NONE && onError !== null) this.#report(errno, onError);
    if (connection.readableBytes === 0) this.#life.context.closed(this);
    else this.#life.context.detached(this);
  }

  #report(errno: Errno, callback: (error: PosixError) => void): void {
    try {
      callback(this.#life.error('read', errno));
    } catch (thrown) {
      throwLater(thrown);
    }
  }
}
