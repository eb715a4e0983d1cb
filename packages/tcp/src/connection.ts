import type { Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { IpAddress } from '@prism-net/wire';
import { abort, close, shutdownRead, shutdownWrite } from './closing.js';
import type { ConnectionHandler } from './connection-handler.js';
import type { ConnectionOptions } from './connection-options.js';
import type { ControlBlock } from './control-block.js';
import { describeConnection, type TcpInformation } from './information.js';
import type { TcpLayer } from './layer/tcp-layer.js';
import { OVER } from './parking/control-blocks.js';
import type { Network } from './path/network.js';
import type { Path } from './path/path.js';
import { Addresses } from './segment.js';
import { SegmentTemplate } from './send/segment-template.js';
import { refuse, writeError } from './send/writing.js';
import { canSend, State } from './state.js';

/** The third word of an IPv4 address written as an IPv6 one (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffff;
/** What a packet counts while packets are scarce. */
const FRAME = 2048;

/**
 * A connection as its user holds it: the calls of RFC 9293 §3.9.1, which return error numbers and counts and never throw.
 * What TCP knows of it is in its control block.
 */
export class Connection {
  readonly layer: TcpLayer;
  handler: ConnectionHandler | null;
  /** Its number in the table of connections; -1 while it is in none. */
  slot = -1;
  /** Null before it was ever used, while it is parked, and when it is over; {@link wake} gives one in every case. */
  block: ControlBlock | null = null;
  #templates: Set<SegmentTemplate> | null = null;
  /** Null before it is opened. */
  network: Network | null = null;
  localPort = 0;
  remotePort = 0;
  /** IPv4 addresses; of others all words are in {@link #wide}. */
  #local = 0;
  #remote = 0;
  #wide: Addresses | null = null;

  constructor(layer: TcpLayer, handler: ConnectionHandler | null) {
    this.layer = layer;
    this.handler = handler;
  }

  /** The control block, for whoever looks at what TCP does: tests, traces, tools. */
  wake(): ControlBlock {
    return this.block ?? this.layer.blocks.give(this);
  }

  /** It has nothing to do, and takes little memory until it has. */
  get isParked(): boolean {
    return this.block === null && this.slot >= 0;
  }

  /** The user has closed or aborted it. */
  get isClosed(): boolean {
    return this.slot === OVER || (this.block?.isOrphan ?? false);
  }

  get state(): State {
    if (this.block !== null) return this.block.state;
    return this.slot >= 0 ? State.ESTABLISHED : State.CLOSED;
  }

  // ---- the user's calls

  /**
   * Fixes the local address (null: any; RFC 9293 §3.9.1.1, MUST-43) and port (0: chosen when connecting). EINVAL,
   * EADDRNOTAVAIL, EADDRINUSE.
   */
  bind(address: IpAddress | null, port: number): Errno {
    return this.layer.bind(this.wake(), address, port);
  }

  /**
   * Active open (§3.10.1). NONE: the handshake is under way, `connected` or `ended` will tell. EISCONN, EALREADY, EINVAL,
   * EADDRNOTAVAIL (no port is free), EADDRINUSE, ENETUNREACH, EACCES (a broadcast or multicast address), ENOBUFS.
   */
  connect(address: IpAddress, port: number, now: Instant): Errno {
    return this.layer.connect(this.wake(), address, port, now);
  }

  /**
   * SEND (§3.10.2): adds a copy of the bytes to the stream. Returns how many were taken, 0 when the buffer is full
   * (`writable` will tell); or a negative error number: -EPIPE after a shutdown, -ENOTCONN, or what ended the connection.
   */
  write(bytes: Uint8Array, start: number, length: number): number {
    const block = this.wake();
    const errno = writeError(block);
    if (errno !== Errno.NONE) return -errno;
    const taken = block.sendBuffer.write(bytes, start, this.layer.starved.allow(block, length));
    if (taken < length) refuse(block);
    if (taken > 0) this.layer.markPending(block);
    return taken;
  }

  /**
   * Text made ready to be sent again and again, changed in places, as one segment of this connection. ENOTCONN before it is
   * established and what a write would say else; EMSGSIZE when it does not fit one segment, EINVAL without a byte,
   * ENOBUFS. The templates of a connection are closed with it.
   */
  template(text: Uint8Array): SegmentTemplate | Errno {
    const block = this.#known;
    if (block === null || block.state < State.ESTABLISHED)
      return block === null ? Errno.ENOTCONN : templateError(block);
    const errno = writeError(block, true);
    if (errno !== Errno.NONE) return errno;
    if (text.length === 0) return Errno.EINVAL;
    const { pool } = this.layer;
    const packet = text.length > block.segmentSize ? null : pool.take();
    if (packet === null) return text.length > block.segmentSize ? Errno.EMSGSIZE : Errno.ENOBUFS;
    if (text.length > packet.tailroom) {
      packet.release();
      return Errno.EMSGSIZE;
    }
    packet.memory.write(packet.offset, text, 0, text.length);
    packet.length = text.length;
    const template = new SegmentTemplate(this, packet);
    this.#templates ??= new Set();
    this.#templates.add(template);
    return template;
  }

  /** For templates: one is closed. */
  forgetTemplate(template: SegmentTemplate): void {
    this.#templates?.delete(template);
  }

  /** Whoever makes templates wants no waking before a send. */
  get hasTemplates(): boolean {
    return this.#templates !== null && this.#templates.size > 0;
  }

  /** Closes its templates: nothing more will be written. */
  closeTemplates(): void {
    if (this.#templates === null) return;
    for (const template of this.#templates) template.close();
  }

  /**
   * Does what writing these bytes and sending them would, up to the link, which nothing reaches: a real write soon after
   * finds code and caches warm. Returns what the write would; changes nothing.
   */
  warm(bytes: Uint8Array, start: number, length: number, now: Instant): number {
    const block = this.#known;
    return block === null ? -Errno.ENOTCONN : this.layer.rehearsal.write(block, bytes, start, length, now);
  }

  /** A packet to write the next bytes of the stream into, at `offset`; null when the buffer is full or the pool runs low. */
  reserve(): Packet | null {
    const { pool, starved } = this.layer;
    const block = this.wake();
    if (block.sendBuffer.room === 0 || !block.sendBuffer.mayGrow || starved.allow(block, FRAME) === 0) {
      refuse(block);
      return null;
    }
    return pool.take();
  }

  /** Adds the packet's data to the stream. Takes the packet in every case. EPIPE, ENOTCONN, ENOBUFS, or what ended the connection. */
  commit(packet: Packet): Errno {
    const block = this.wake();
    const errno = writeError(block);
    if (errno !== Errno.NONE) {
      packet.release();
      return errno;
    }
    const { pool } = this.layer;
    let own: Packet | null = packet;
    if (packet.memory !== pool.memory) {
      // A packet of another stack, in whose memory the kernels of ours cannot read.
      own = packet.copyTo(pool);
      packet.release();
      if (own === null) return Errno.ENOBUFS;
    }
    block.sendBuffer.append(own);
    this.layer.markPending(block);
    return Errno.NONE;
  }

  /** RECEIVE (§3.10.3): the oldest packet, whose data is text and which the caller must release; null when none waits. */
  receive(): Packet | null {
    const { block } = this;
    if (block === null) return null;
    const packet = block.receiveBuffer.shift();
    if (packet !== null) block.receiveWindow.consumed(block, packet.length);
    return packet;
  }

  /** Copies text out; returns how many bytes, 0 when none waits. */
  read(target: Uint8Array, start: number, length: number): number {
    const { block } = this;
    if (block === null) return 0;
    const bytes = block.receiveBuffer.read(target, start, length);
    if (bytes > 0) block.receiveWindow.consumed(block, bytes);
    return bytes;
  }

  /** Throws away what waits to be read, of a connection that is gone. */
  discardReceived(): void {
    this.block?.receiveBuffer.clear();
  }

  /** CLOSE of the sending half (§3.10.4): a FIN follows what was written. ENOTCONN. */
  shutdownWrite(): Errno {
    return shutdownWrite(this.wake());
  }

  /** Text that waits, and what will come, is thrown away. ENOTCONN. */
  shutdownRead(): Errno {
    return shutdownRead(this.wake());
  }

  /**
   * The application is done, with reading too (RFC 9293 §3.6.1, MAY-1): the rest is sent, then a FIN. With text unread
   * the peer is told by a reset that it got lost (RFC 2525 §2.17). The connection must not be used any more; `ended`
   * still tells when it is gone.
   */
  close(now: Instant): void {
    if (this.slot === OVER) return;
    this.closeTemplates();
    close(this.wake(), now);
  }

  /** ABORT (§3.10.5): everything is given up, and the peer reset. */
  abort(now: Instant): void {
    if (this.slot === OVER) return;
    const block = this.wake();
    // Nobody reads any more: what was received is given back too.
    if (block.state === State.CLOSED) close(block, now);
    block.isOrphan = true;
    abort(block, Errno.ECONNABORTED, now);
  }

  /** Bytes that can be read. */
  get readableBytes(): number {
    return this.block === null ? 0 : this.block.receiveBuffer.length;
  }

  /** The peer has sent its FIN, or will send nothing any more, and everything before it was read. */
  get isEndOfStream(): boolean {
    const { block } = this;
    if (block === null) return this.state === State.CLOSED;
    return (
      block.receiveBuffer.length === 0 && (block.isFinReceived || block.isReadShut || block.state === State.CLOSED)
    );
  }

  /** The peer has sent its FIN, and everything before it was received. */
  get isFinReceived(): boolean {
    return this.block?.isFinReceived ?? false;
  }

  /** The last write was not taken whole: `writable` will tell of room. */
  get isWriteBlocked(): boolean {
    return this.block?.isWriteBlocked ?? false;
  }

  /** Whoever filled the buffer to the brim may say that it waits for room, though no write was refused. */
  set isWriteBlocked(isBlocked: boolean) {
    this.wake().isWriteBlocked = isBlocked;
  }

  /** Bytes a write would take. */
  get writableBytes(): number {
    const block = this.wake();
    return canSend(block.state) && !block.isFinQueued ? block.sendBuffer.room : 0;
  }

  /** Room in the send buffer, whether it may be written to or not. */
  get sendRoom(): number {
    return this.wake().sendBuffer.room;
  }

  /** Bytes written that the peer has not acknowledged (SIOCOUTQ). */
  get unacknowledgedWrites(): number {
    return this.block === null ? 0 : this.block.sendBuffer.length;
  }

  /** What ended the connection, or an ICMP error that came since; cleared by asking (SO_ERROR). */
  pendingError(): Errno {
    const block = this.#known;
    if (block === null) return Errno.NONE;
    const errno = block.error !== Errno.NONE ? block.error : block.softError;
    block.error = Errno.NONE;
    block.softError = Errno.NONE;
    return errno;
  }

  /** What ended the connection; {@link pendingError} without clearing. */
  get error(): Errno {
    return this.block?.error ?? Errno.NONE;
  }

  /** An ICMP error that does not end it (RFC 5927 §6). */
  get softError(): Errno {
    return this.#known?.softError ?? Errno.NONE;
  }

  /** Opened by a listener. */
  get isPassive(): boolean {
    return this.#known?.isPassive ?? false;
  }

  /** Seconds, as `lingerSeconds` of the options. */
  get linger(): number {
    return this.#known?.linger ?? -1;
  }

  get localAddress(): IpAddress | null {
    const { network } = this;
    if (network === null) return this.block?.boundAddress ?? null;
    const wide = this.#wide;
    if (wide === null) return IpAddress.fromIpv4(this.#local);
    return IpAddress.fromIpv6(wide.localA, wide.localB, wide.localC, wide.localD);
  }

  get remoteAddress(): IpAddress | null {
    const { network } = this;
    if (network === null) return null;
    const wide = this.#wide;
    if (wide === null) return IpAddress.fromIpv4(this.#remote);
    return IpAddress.fromIpv6(wide.remoteA, wide.remoteB, wide.remoteC, wide.remoteD);
  }

  /** The control block of a connection that was opened and is not over. */
  get #known(): ControlBlock | null {
    return this.slot >= 0 ? this.wake() : this.block;
  }

  /** It has both addresses, which it keeps when it is over. */
  settle(path: Path): void {
    const { network } = path;
    this.network = network;
    this.localPort = path.localPort;
    this.remotePort = path.remotePort;
    this.#local = path.localD;
    this.#remote = path.remoteD;
    if (network.family === 4) return;
    this.#wide = new Addresses();
    this.#wide.copy(path);
  }

  /** For a path that is as new: where {@link settle} was called with. */
  copyTo(path: Path): void {
    if (this.#wide !== null) {
      path.copy(this.#wide);
      return;
    }
    path.localC = MAPPED;
    path.localD = this.#local;
    path.remoteC = MAPPED;
    path.remoteD = this.#remote;
    path.localPort = this.localPort;
    path.remotePort = this.remotePort;
  }

  /** STATUS (§3.10.6), as `TCP_INFO` gives it: of one that has ended until it is closed, then of none. Allocates. */
  information(): TcpInformation {
    return describeConnection(this.wake());
  }

  /** Sets options. The caller has checked them (`requireConnectionOptions`). @throws PosixError EINVAL for an unknown congestionControl. */
  apply(options: ConnectionOptions): void {
    this.wake().apply(options);
  }
}

function templateError(block: ControlBlock): Errno {
  return block.state === State.CLOSED && block.error !== Errno.NONE ? block.error : Errno.ENOTCONN;
}
