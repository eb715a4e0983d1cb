import { HEADROOM, type Packet, PacketFlag } from '@prism-net/buffers';
import { Errno, type PosixError, posixError } from '@prism-net/errors';
import { type EndpointHandler, MAXIMUM_DATAGRAM, sourceAddress, sourcePort, type UdpEndpoint } from '@prism-net/udp';
import { formatIpv4Address, parseIpv4Address } from '@prism-net/wire';
import { type Answerer, Datagram } from './datagram.js';
import {
  applySocketOptions,
  type DatagramSocketOptions,
  requirePort,
  requireSocketOptions,
} from './datagram-socket-options.js';
import { DatagramTemplate } from './datagram-template.js';
import { errorAdvice } from './error-advice.js';
import { endpoint, INSPECT, oneLine } from './inspection.js';
import { requireTemplateOptions, type TemplateOptions } from './message-template.js';
import { END, ReaderQueue } from './reader-queue.js';
import { type ReadyTarget, throwLater } from './ready-queue.js';
import { requireBytes } from './require-bytes.js';
import type { SocketAddress } from './socket-address.js';
import type { Closable, SocketContext } from './socket-context.js';
import { type SocketWatcher, type Watchable, Watchers } from './watchable.js';

/**
 * A UDP socket, in two styles that may be mixed.
 *
 * *Zero-copy*: `reserve` a packet, write the payload at `packet.offset` of `packet.view`, set `packet.length`, and
 * `commit` it; `receivePacket` hands out packets whose data is the payload, to be given back with `release()`. Nothing is
 * copied and nothing allocated; results are {@link Errno} numbers.
 *
 * *Friendly*: `send` bytes or text, and `for await (const { data, address, port } of socket)`, `next()` or `onMessage`.
 * Payloads are copied, failures are thrown as POSIX errors (`error.code`).
 */
export class DatagramSocket
  implements Answerer, EndpointHandler, ReadyTarget, Closable, Watchable, AsyncIterable<Datagram>
{
  /** Owned by the stack's ready queue. */
  isMarked = false;
  readonly endpoint: UdpEndpoint;
  readonly #context: SocketContext;
  readonly #readers = new ReaderQueue<Datagram>();
  readonly #watchers = new Watchers();
  #onReadable: ((socket: DatagramSocket) => void) | null = null;
  #onMessage: ((datagram: Datagram) => void) | null = null;
  #onError: ((error: PosixError, peer: SocketAddress) => void) | null = null;
  #errors: { readonly errno: Errno; readonly address: number; readonly port: number }[] = [];
  #detachSignal: (() => void) | undefined;

  /**
   * @throws PosixError EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS when the address cannot be bound; the signal's reason
   * when it is aborted already.
   */
  constructor(context: SocketContext, options: DatagramSocketOptions = {}) {
    requireSocketOptions(options);
    const { signal } = options;
    signal?.throwIfAborted();
    this.#context = context;
    this.endpoint = context.udp.open(this);
    applySocketOptions(this.endpoint, options);
    if (options.port !== undefined || options.address !== undefined) this.bind(options.port ?? 0, options.address);
    if (signal !== undefined) {
      const close = () => this.close();
      signal.addEventListener('abort', close, { once: true });
      this.#detachSignal = () => signal.removeEventListener('abort', close);
    }
    context.opened(this);
  }

  // ---- addresses

  /** @throws PosixError EADDRINUSE, EADDRNOTAVAIL, EINVAL. */
  bind(port = 0, address?: string): this {
    requirePort('bind', port, 0);
    const local = address === undefined ? 0 : parseIpv4Address(address);
    this.#check(this.endpoint.bind(local, port), 'bind', `${address ?? '0.0.0.0'}:${port}`);
    return this;
  }

  /** Fixes the peer. @throws PosixError ENETUNREACH, EACCES (broadcast not allowed), EINVAL, EADDRINUSE. */
  connect(port: number, address: string): this {
    requirePort('connect', port, 1);
    this.#check(this.endpoint.connect(parseIpv4Address(address), port), 'connect', `${address}:${port}`);
    return this;
  }

  disconnect(): this {
    this.endpoint.disconnect();
    return this;
  }

  /** Joins a multicast group, optionally for one source only. @throws PosixError EINVAL, ENOBUFS, ENETUNREACH. */
  join(group: string, options: { readonly interfaceIndex?: number; readonly source?: string } = {}): this {
    const source = options.source === undefined ? 0 : parseIpv4Address(options.source);
    const errno = this.endpoint.joinGroup(parseIpv4Address(group), options.interfaceIndex ?? -1, source);
    this.#check(errno, 'join', group);
    return this;
  }

  leave(group: string, options: { readonly interfaceIndex?: number; readonly source?: string } = {}): this {
    const source = options.source === undefined ? 0 : parseIpv4Address(options.source);
    const errno = this.endpoint.leaveGroup(parseIpv4Address(group), options.interfaceIndex ?? -1, source);
    this.#check(errno, 'leave', group);
    return this;
  }

  get localAddress(): SocketAddress {
    return { address: formatIpv4Address(this.endpoint.localAddress), port: this.endpoint.localPort };
  }

  /** Undefined while not connected. */
  get remoteAddress(): SocketAddress | undefined {
    if (!this.endpoint.isConnected) return undefined;
    return { address: formatIpv4Address(this.endpoint.remoteAddress), port: this.endpoint.remotePort };
  }

  get isClosed(): boolean {
    return this.endpoint.isClosed;
  }

  // ---- zero-copy

  /** An empty packet, the caller's, to write up to one frame of payload into; null when the pool is exhausted. */
  reserve(): Packet | null {
    return this.endpoint.reserve();
  }

  /** Sends a reserved (or received) packet's data to the connected peer. Takes the packet in every case. */
  commit(packet: Packet): Errno {
    const errno = this.endpoint.send(packet, this.#context.now());
    this.#context.requestPoll();
    return errno;
  }

  /** Sends `count` packets to the connected peer. Takes all of them in every case; returns how many were sent. */
  commitBurst(burst: readonly Packet[], count: number): number {
    const sent = this.endpoint.sendBurst(burst, count, this.#context.now());
    this.#context.requestPoll();
    return sent;
  }

  /** Sends a packet's data to an IPv4 address (int32, host order) and port. Takes the packet in every case. */
  commitTo(packet: Packet, address: number, port: number): Errno {
    const errno = this.endpoint.sendTo(packet, address, port, this.#context.now());
    this.#context.requestPoll();
    return errno;
  }

  /**
   * A datagram of this payload, its frame made ready: to be patched and sent, again and again, with as little as possible
   * between a decision and the link. To the connected peer, whoever that is at each send, when `to` is left out.
   * @throws PosixError EMSGSIZE when it does not fit one frame, EDESTADDRREQ, ENOBUFS, ENETUNREACH, EACCES, EINVAL, EBADF.
   */
  template(payload: Uint8Array | string, to?: SocketAddress, options: TemplateOptions = {}): DatagramTemplate {
    const bytes = requireBytes('template', payload);
    requireTemplateOptions(options);
    if (to === null)
      throw posixError(Errno.EINVAL, 'template', 'to: { address, port }, or undefined for the connected peer');
    if (to !== undefined) requirePort('template', to.port, 1);
    const address = to === undefined ? 0 : parseIpv4Address(to.address);
    const made = this.endpoint.template(bytes, address, to?.port ?? 0);
    if (typeof made !== 'number') return new DatagramTemplate(this.#context, made, options);
    const where = to === undefined ? 'to the connected peer' : `to ${to.address}:${to.port}`;
    throw this.#error(made, 'template', made === Errno.EMSGSIZE ? `${bytes.length} bytes do not fit one frame` : where);
  }

  /**
   * Does what sending a copy of `payload` would, to an IPv4 address (int32, host order) and port or to the connected
   * peer, up to the link, which nothing reaches: a real send soon after finds code and caches warm. Returns what a send
   * would, and changes nothing: nobody is asked for a neighbour's address, nothing is bound, an error that waits keeps
   * waiting, and no counter moves. What exceeds one packet, or its path, is rehearsed as far as it is an ordinary send.
   */
  warm(payload: Uint8Array, address = 0, port = 0): Errno {
    const { endpoint } = this;
    if (payload.length > MAXIMUM_DATAGRAM) return Errno.EMSGSIZE;
    const { pool } = this.#context.udp;
    if (pool.available === 0) return Errno.ENOBUFS;
    const { peak } = pool;
    const packet = pool.take()!;
    const length = Math.min(payload.length, packet.tailroom);
    packet.memory.write(packet.offset, payload, 0, length);
    const { copies } = packet.memory;
    copies[0]! -= 1;
    copies[1]! -= length;
    packet.length = length;
    packet.flags = PacketFlag.REHEARSAL;
    const now = this.#context.now();
    const errno =
      address === 0 && port === 0 ? endpoint.send(packet, now) : endpoint.sendTo(packet, address, port, now);
    pool.peak = peak;
    return errno;
  }

  /** The oldest datagram, whose data is the payload and which the caller must release (or commit); null when none waits. */
  receivePacket(): Packet | null {
    return this.endpoint.receive();
  }

  /**
   * Sends a received packet's data, changed or not, back to where it came from. Takes the packet in every case: an answer
   * written over its question, in the same frame.
   */
  reply(packet: Packet): Errno {
    return this.commitTo(packet, sourceAddress(packet), sourcePort(packet));
  }

  /** Up to `maximum` datagrams into `burst` from index 0; returns their number. They are the caller's. */
  receiveBurst(burst: Packet[], maximum: number): number {
    return this.endpoint.receiveBurst(burst, maximum);
  }

  /**
   * Called once per tick in which datagrams arrived (and again next tick while some are left). While it is set,
   * `onMessage` and readers that wait get nothing. Null turns it off.
   */
  onReadable(callback: ((socket: DatagramSocket) => void) | null): this {
    this.#onReadable = callback;
    this.#markIfReadable();
    return this;
  }

  // ---- friendly

  /**
   * Sends a copy of `data` (text as UTF-8) to `port` at `address`, or to the connected peer when both are left out.
   * @throws PosixError EDESTADDRREQ, EMSGSIZE, ENOBUFS, ENETUNREACH, EHOSTUNREACH, EACCES, or a pending ICMP error
   * (ECONNREFUSED) of a connected socket. What was received is answered by {@link Datagram.reply}: an address that came
   * from the network must not be able to throw.
   */
  send(data: Uint8Array | string, port?: number, address?: string): void {
    const bytes = requireBytes('send', data);
    if (bytes.length > MAXIMUM_DATAGRAM) {
      throw posixError(Errno.EMSGSIZE, 'send', `${bytes.length} bytes; a datagram holds at most ${MAXIMUM_DATAGRAM}`);
    }
    if (port === undefined && address === undefined) {
      const packet = this.#fill(bytes);
      if (packet === null) throw noPacket();
      this.#check(this.commit(packet), 'send', 'to the connected peer');
      return;
    }
    if (port === undefined || address === undefined) {
      throw posixError(Errno.EINVAL, 'send', 'give both a port and an address, or neither on a connected socket');
    }
    requirePort('send', port, 1);
    const destination = parseIpv4Address(address);
    const packet = this.#fill(bytes);
    if (packet === null) throw noPacket();
    this.#check(this.commitTo(packet, destination, port), 'send', `to ${address}:${port}`);
  }

  /** For {@link Datagram.reply}, which see. */
  answer(data: Uint8Array | string, address: number, port: number): Errno {
    const bytes = requireBytes('reply', data);
    if (bytes.length > MAXIMUM_DATAGRAM) return Errno.EMSGSIZE;
    const packet = this.#fill(bytes);
    return packet === null ? Errno.ENOBUFS : this.commitTo(packet, address, port);
  }

  /**
   * The next datagram. Resolves to undefined once closed. Without {@link onError} it rejects with an ICMP error of a
   * connected socket that no send has reported yet.
   */
  async next(): Promise<Datagram | undefined> {
    const result = await this.#read(null);
    return result.value;
  }

  /** Calls back for every datagram, in the tick it arrived. Null turns it off. */
  onMessage(callback: ((datagram: Datagram) => void) | null): this {
    this.#onMessage = callback;
    this.#markIfReadable();
    return this;
  }

  /** Calls back for ICMP errors and unreachable peers, also of a socket that is not connected. */
  onError(callback: ((error: PosixError, peer: SocketAddress) => void) | null): this {
    this.#onError = callback;
    return this;
  }

  /** Ends when the socket is closed. To leave the loop does not close it. */
  [Symbol.asyncIterator](): AsyncIterator<Datagram, undefined> {
    return this.#readers.iterate((iterator) => this.#read(iterator));
  }

  /** Releases what is queued, frees the port and ends iterators. Idempotent. */
  close(): void {
    if (this.endpoint.isClosed) return;
    this.endpoint.close();
    this.#detachSignal?.();
    this.#readers.end();
    this.#tellWatchers();
    this.#context.closed(this);
    this.#context.requestPoll();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.close();
  }

  /** In one line, for `console.log`. */
  [INSPECT](): string {
    const { remoteAddress, readable } = this;
    const remote = remoteAddress === undefined ? '' : `, remote: ${endpoint(remoteAddress)}`;
    const state = this.isClosed ? 'closed' : remote === '' ? 'open' : 'connected';
    return oneLine(this, state, this.localAddress, `${remote}, readable: ${readable}`);
  }

  // ---- readiness

  /** Datagrams that can be received now. */
  get readable(): number {
    return this.endpoint.queued;
  }

  /** There is something to do: datagrams wait, an ICMP error is pending, or the socket was closed. */
  get isReady(): boolean {
    return this.endpoint.queued > 0 || this.endpoint.hasError || this.endpoint.isClosed;
  }

  /** For multiplexers: tells `watcher`, once per tick, that this socket has become ready. */
  watch(watcher: SocketWatcher): void {
    this.#watchers.add(watcher);
    if (this.isReady) this.#tellWatchers();
  }

  unwatch(watcher: SocketWatcher): void {
    this.#watchers.delete(watcher);
  }

  #tellWatchers(): void {
    this.#watchers.tell(this, this.#context.ready);
  }

  /** For the endpoint: its queue is no longer empty. */
  becameReadable(): void {
    this.#context.ready.mark(this);
  }

  /** For the ready queue: hands on what arrived, once per tick. */
  ready(): void {
    if (this.#errors.length > 0) this.#reportErrors();
    this.#tellWatchers();
    try {
      if (this.#onReadable !== null) this.#onReadable(this);
      else this.#handOutCopies();
    } finally {
      // Also when a callback threw: nobody else would tell of the datagrams that are left.
      this.#markIfReadable();
    }
  }

  /** For the endpoint: an ICMP error. Reported in the next tick, outside the receive path. */
  failed(errno: Errno, address: number, port: number): void {
    // An attacker can make errors arrive, but not pile up.
    if (this.#errors.length >= 16) return;
    this.#errors.push({ errno, address, port });
    this.#context.ready.mark(this);
  }

  #reportErrors(): void {
    for (const { errno, address, port } of this.#errors.splice(0)) {
      // Errors are made for those who listen: a stack trace costs more than the forged ICMP message that asks for it.
      if (this.#onError === null && this.#readers.length === 0) continue;
      const peer = { address: formatIpv4Address(address), port };
      const error = posixError(errno, 'send', `${peer.address}:${peer.port}`);
      if (this.#onError === null) {
        // A reader that waits hears it, and then the next send does not.
        if (this.endpoint.takeError() !== Errno.NONE) this.#readers.reject(error);
        continue;
      }
      try {
        this.#onError(error, peer);
      } catch (thrown) {
        throwLater(thrown);
      }
    }
  }

  #handOutCopies(): void {
    while (this.#onMessage !== null || this.#readers.length > 0) {
      const packet = this.endpoint.receive();
      if (packet === null) return;
      const datagram = new Datagram(packet, this);
      if (!this.#readers.serve(datagram)) this.#onMessage?.(datagram);
    }
  }

  #markIfReadable(): void {
    if (this.endpoint.queued === 0) return;
    const wanted = this.#onReadable !== null || this.#onMessage !== null || this.#readers.length > 0;
    if (!wanted) return;
    this.#context.ready.mark(this);
    this.#context.requestPoll();
  }

  #read(iterator: object | null): Promise<IteratorResult<Datagram, undefined>> {
    const packet = this.endpoint.receive();
    if (packet !== null) return Promise.resolve({ done: false, value: new Datagram(packet, this) });
    if (this.endpoint.isClosed) return Promise.resolve(END);
    const errno = this.#onError === null ? this.endpoint.takeError() : Errno.NONE;
    if (errno !== Errno.NONE) {
      const peer = `${formatIpv4Address(this.endpoint.remoteAddress)}:${this.endpoint.remotePort}`;
      return Promise.reject(posixError(errno, 'receive', peer));
    }
    return this.#readers.wait(iterator);
  }

  /** The bytes in a packet, or a chain of packets when they exceed a frame; null when the pool runs out. */
  #fill(bytes: Uint8Array): Packet | null {
    const first = this.endpoint.reserve();
    if (first === null) return null;
    let segment = first;
    let done = 0;
    for (;;) {
      const part = Math.min(bytes.length - done, segment.tailroom);
      segment.memory.write(segment.offset, bytes, done, part);
      segment.length = part;
      done += part;
      if (done === bytes.length) return first;
      const next = this.endpoint.reserve();
      if (next === null) {
        first.release();
        return null;
      }
      // Only the first segment gets headers pushed in front.
      next.offset = (next.offset - HEADROOM) | 0;
      segment.nextSegment = next;
      segment = next;
    }
  }

  #check(errno: Errno, syscall: string, detail: string): void {
    if (errno !== Errno.NONE) throw this.#error(errno, syscall, detail);
  }

  #error(errno: Errno, syscall: string, detail: string): PosixError {
    const advice = this.endpoint.isClosed ? 'the socket is closed' : errorAdvice(syscall, errno);
    return posixError(errno, syscall, advice === undefined ? detail : `${detail}: ${advice}`);
  }
}

function noPacket(): PosixError {
  return posixError(Errno.ENOBUFS, 'send', 'no packet left in the pool; poll, or make the pool larger');
}
