import type { Packet, PacketPool } from '@prism-net/buffers';
import { AcknowledgementSample, type CongestionControl } from '@prism-net/congestion';
import { Errno } from '@prism-net/errors';
import type { Ipv4Layer } from '@prism-net/ipv4';
import type { PacketAccounts } from '@prism-net/link';
import { createHashKey, type HashKey, hash4, type RandomSource } from '@prism-net/tables';
import { elapsed, type Instant, TimerWheel } from '@prism-net/time';
import { DropReason, type IpAddress, tcp } from '@prism-net/wire';
import { Connection } from '../connection.js';
import type { ConnectionHandler, ListenerHandler } from '../connection-handler.js';
import type { ConnectionOptions } from '../connection-options.js';
import type { ControlBlock } from '../control-block.js';
import { coalesce } from '../input/coalescing.js';
import { segmentArrives } from '../input/segment-arrives.js';
import { type FlowKey, InitialSequence, TimestampOffset } from '../opening/index.js';
import { ControlBlocks } from '../parking/control-blocks.js';
import { errorArrives } from '../path/icmp-errors.js';
import { Ipv4Network, type SegmentReceiver } from '../path/ipv4-network.js';
import type { Network } from '../path/network.js';
import { GuardedControls } from '../recovery/guarded-control.js';
import type { LossRecoveryOptions } from '../recovery/index.js';
import { type Addresses, Segment } from '../segment.js';
import { ControlSegments } from '../send/control-segments.js';
import { output, sendAcknowledgement } from '../send/output.js';
import { Rehearsal } from '../send/rehearsal.js';
import { State } from '../state.js';
import { resolveSettings, type TcpSettings } from '../tcp-settings.js';
import { TimerDispatch } from '../timers/timer-dispatch.js';
import { ActiveOpen } from './active-open.js';
import { ConnectionTable } from './connection-table.js';
import { HeldSegments } from './held-segments.js';
import { Holdings } from './holdings.js';
import { Listener } from './listener.js';
import { Orphans } from './orphans.js';
import { PassiveOpen } from './passive-open.js';
import { PortTable } from './port-table.js';
import { Resets } from './resets.js';
import { Shortage } from './shortage.js';
import { LOOK_MICROSECONDS, StarvedWriters } from './starved-writers.js';
import { TcpCounter, type TcpStatistics } from './statistics.js';
import { TimeWait } from './time-wait.js';
import { Turns } from './turns.js';

export interface TcpLayerOptions extends Partial<TcpSettings> {
  /** Absent: networks come by {@link TcpLayer.addNetwork} alone. */
  readonly ipv4?: Ipv4Layer;
  readonly pool: PacketPool;
  readonly accounts: PacketAccounts;
  readonly random: RandomSource;
  readonly now: Instant;
}

/** Sees every segment after it was processed, and every one sent (`segment` null): for tests and traces. */
export type Probe = (connection: Connection, segment: Segment | null, now: Instant) => void;

const { ACK, FIN, RST, SYN } = tcp.Flag;
/** Half-open and closing entries looked after per poll. */
const CLEANING_BUDGET = 32;

/**
 * The Transmission Control Protocol (RFC 9293) of one stack: which connection a segment is for, and when connections get
 * their turn. Belongs to one thread; time and randomness are given.
 *
 * A poll: the network layers call {@link segmentArrives} for each packet, then {@link endBurst}; timers by
 * {@link advance}; then applications write, and {@link flush} sends. Between them packets only wait in lists.
 */
export class TcpLayer implements SegmentReceiver {
  readonly settings: TcpSettings;
  readonly pool: PacketPool;
  readonly accounts: PacketAccounts;
  readonly random: RandomSource;
  readonly wheel: TimerWheel;
  readonly table: ConnectionTable;
  readonly ports = new PortTable();
  readonly blocks: ControlBlocks;
  readonly fastTimers: TimerDispatch;
  readonly slowTimers: TimerDispatch;
  readonly orphans: Orphans;
  readonly starved: StarvedWriters;
  readonly shortage: Shortage;
  readonly holdings: Holdings;
  readonly control: ControlSegments;
  readonly resets: Resets;
  readonly passiveOpen: PassiveOpen;
  readonly timeWait: TimeWait;
  readonly initialSequence: InitialSequence;
  readonly timestampOffset: TimestampOffset;
  readonly recoveryOptions: LossRecoveryOptions;
  readonly controls = new GuardedControls();
  readonly counter = new TcpCounter();
  readonly networks: Network[] = [];
  /** The segment that coalescing hands over. */
  readonly heldSegment = new Segment();
  /** Delay of acknowledgements in µs. */
  readonly acknowledgementDelay: number;
  probe: Probe | null = null;
  /** Time of the call under way, or of the last one. */
  now: Instant;
  /** A clock in ms modulo 2^32, for timestamps (RFC 7323 §4.1) and for what takes longer than an Instant can say. */
  milliseconds = 0;
  /** Somebody used up a turn and has more to send. */
  hasTurnsLeft = false;

  readonly #hashKey: HashKey;
  readonly #activeOpen: ActiveOpen;
  readonly #segment = new Segment();
  readonly #turns = new Turns();
  readonly #held = new HeldSegments();
  #microseconds = 0;
  #rehearsal: Rehearsal | null = null;

  /** @throws PosixError EINVAL for a setting out of range, EADDRINUSE when TCP has a handler already. */
  constructor(options: TcpLayerOptions) {
    const { ipv4, pool, accounts, random, now, ...settings } = options;
    this.settings = resolveSettings(settings);
    this.pool = pool;
    this.accounts = accounts;
    this.random = random;
    this.now = now;
    // Timestamps need no origin of their own: the offset per peer hides it (RFC 7323 §7.1).
    this.milliseconds = random.nextInt32();
    const { maximumConnections } = this.settings;
    // Two for each connection, and one for its socket; memory is taken for those there are.
    this.wheel = new TimerWheel({ capacity: 3 * maximumConnections, now });
    this.table = new ConnectionTable(maximumConnections, random);
    this.#hashKey = createHashKey(random);
    this.initialSequence = new InitialSequence(random);
    this.timestampOffset = new TimestampOffset(random);
    // RFC 9293 §3.8.6.3, MUST-40: less than half a second.
    this.acknowledgementDelay = Math.min(this.settings.delayedAcknowledgementMilliseconds, 499) * 1000;
    this.recoveryOptions = {
      minimumTimeout: this.settings.minimumRetransmissionMilliseconds * 1000,
      initialTimeout: this.settings.initialRetransmissionMilliseconds * 1000,
      maximumTimeout: this.settings.maximumRetransmissionMilliseconds * 1000,
      sample: new AcknowledgementSample(),
    };
    this.orphans = new Orphans(this.settings.maximumOrphans);
    this.holdings = new Holdings(pool);
    this.holdings.milliseconds = this.milliseconds;
    this.starved = new StarvedWriters(pool);
    this.shortage = new Shortage(this);
    this.control = new ControlSegments(pool);
    this.resets = new Resets(this);
    this.#activeOpen = new ActiveOpen(this);
    this.passiveOpen = new PassiveOpen(this);
    this.timeWait = new TimeWait(this);
    this.fastTimers = new TimerDispatch(this.table, false);
    this.slowTimers = new TimerDispatch(this.table, true);
    this.blocks = new ControlBlocks(this);
    if (ipv4 !== undefined) this.addNetwork(new Ipv4Network(ipv4, this));
  }

  /** Connections to addresses of the network's family go by it from now on. */
  addNetwork(network: Network): void {
    network.index = this.networks.length;
    this.networks.push(network);
    this.control.addNetwork(network);
  }

  // ---- the user's calls

  /** A connection that is not open yet: bind, connect. */
  open(handler: ConnectionHandler | null): Connection {
    return new Connection(this, handler);
  }

  /**
   * Passive open (RFC 9293 §3.9.1.1): a new listener or an error, whatever else there is (MUST-41). `address` null: any
   * own address (MUST-43); `port` 0: one is chosen. An error number: EADDRINUSE, EADDRNOTAVAIL, ENOBUFS. `options` hold
   * for the connections it accepts; the caller has checked them.
   */
  listen(
    address: IpAddress | null,
    port: number,
    options: ConnectionOptions & { readonly backlog?: number },
    handler: ListenerHandler | null,
  ): Listener | Errno {
    if (address !== null && !address.isAny && !this.#activeOpen.isLocal(address)) return Errno.EADDRNOTAVAIL;
    const slot = this.passiveOpen.freeSlot();
    if (slot < 0) return Errno.ENOBUFS;
    const chosen = port === 0 ? this.#activeOpen.freePort() : port;
    if (chosen === 0) return Errno.EADDRINUSE;
    const { backlog = this.settings.backlog, ...rest } = options;
    const listener = new Listener(this, slot, address, chosen, backlog, rest, handler);
    const { reuseAddress = true, reusePort = false } = options;
    const errno = this.ports.bind(listener, address, chosen, reuseAddress, reusePort, true);
    if (errno !== Errno.NONE) return errno;
    this.passiveOpen.add(listener);
    return listener;
  }

  /** For {@link Listener.close}. */
  removeListener(listener: Listener): void {
    this.ports.unbind(listener, listener.localPort);
    this.passiveOpen.remove(listener);
  }

  /** For {@link Connection.bind}. */
  bind(block: ControlBlock, address: IpAddress | null, port: number): Errno {
    return this.#activeOpen.bind(block, address, port);
  }

  /** For {@link Connection.connect}. */
  connect(block: ControlBlock, address: IpAddress, port: number, now: Instant): Errno {
    this.#setNow(now);
    return this.#activeOpen.connect(block, address, port, now);
  }

  // ---- a poll

  segmentArrives(packet: Packet, network: Network, addresses: Addresses, ecn: number, now: Instant): void {
    if (now !== this.now) this.#setNow(now);
    const segment = this.#segment;
    if (segment.packet !== null) this.drop(segment, DropReason.TCP_AFTER_CLOSE);
    const reason = segment.parse(packet);
    if (reason !== DropReason.NONE) {
      this.accounts.drop(packet, reason);
      return;
    }
    segment.ecn = ecn;
    const found = this.table.lookup(network, addresses);
    if (found === null) {
      this.#withoutConnection(segment, network, addresses, now);
      return;
    }
    const block = found.block ?? found.wake();
    if (isImpossible(segment.flags)) {
      this.drop(segment, DropReason.TCP_FLAGS_INVALID);
      return;
    }
    if (coalesce(block, segment, now)) return;
    // What was held has been judged meanwhile, and may have ended the connection.
    if (block.state === State.CLOSED) this.#withoutConnection(segment, network, addresses, now);
    else segmentArrives(block, segment, now);
  }

  /**
   * All packets of the burst are in: what was held is judged, and only then connections answer (RFC 9293 §3.10.7.4,
   * MUST-58, MUST-59).
   */
  endBurst(now: Instant): void {
    if (now !== this.now) this.#setNow(now);
    this.#held.release(now);
    if (this.#turns.count > 0) this.flush(now);
    this.starved.feed();
    this.shortage.relieve();
    this.blocks.recycle();
  }

  /** Connections that have something to send get their turn. */
  flush(now: Instant): void {
    if (now !== this.now) this.#setNow(now);
    this.hasTurnsLeft = false;
    this.#turns.serve(now);
  }

  /** Fires due timers, and clears away what timed out, at most `maximum` of each. Returns how many there were. */
  advance(now: Instant, maximum: number): number {
    if (now !== this.now) this.#setNow(now);
    const fired = this.wheel.advance(now, maximum);
    if (this.#held.isEmpty) this.blocks.recycle();
    const budget = Math.min(maximum, CLEANING_BUDGET);
    return (fired + this.passiveOpen.advance(now, budget) + this.timeWait.advance(now, budget)) | 0;
  }

  /** Microseconds until {@link advance} or {@link flush} has something to do; 0: now, -1: never. */
  nextExpiry(now: Instant): number {
    if (this.hasTurnsLeft && this.#turns.count > 0) return 0;
    // Held back by a full interface or an empty pool, of whose recovery nobody tells.
    const look = this.#turns.count > 0 ? LOOK_MICROSECONDS : earliest(this.starved.nextLook, this.shortage.nextLook);
    return earliest(
      earliest(look, this.wheel.nextExpiry(now)),
      earliest(this.passiveOpen.nextDeadline(now), this.timeWait.nextDeadline(now)),
    );
  }

  /** No connection holds a segment until the end of a burst. */
  get isBetweenBursts(): boolean {
    return this.#held.isEmpty;
  }

  /** Something waits for {@link flush}. */
  get hasPending(): boolean {
    return this.#turns.count > 0;
  }

  get statistics(): TcpStatistics {
    return this.counter.snapshot(this);
  }

  /** Connections in the table: all states but CLOSED, LISTEN and TIME-WAIT. */
  get size(): number {
    return this.table.size;
  }

  /** All of them, for listings. Allocates. */
  connections(): Connection[] {
    return this.table.list();
  }

  /** Gives everything back without a word to the peers. */
  close(): void {
    for (const each of [this.#segment, this.heldSegment]) {
      if (each.packet !== null) this.drop(each, DropReason.TCP_AFTER_CLOSE);
    }
    this.#turns.clear();
    for (const each of this.connections()) {
      const block = each.wake();
      block.isOrphan = true;
      block.connection.closeTemplates();
      this.discardHeld(block);
      block.sendBuffer.clear();
      block.receiveBuffer.clear();
      block.state = State.CLOSED;
      this.release(block);
      this.blocks.letGo(block);
      // One after the other: a million of them would not fit.
      this.blocks.recycle();
    }
    this.starved.clear();
    this.blocks.close();
  }

  // ---- for the files of this package

  createCongestionControl(name: string): CongestionControl {
    return this.controls.create(name);
  }

  /** Packets run low: memory is for what must be, not for what may be useful later. */
  isShortOfPackets(): boolean {
    return this.pool.available <= this.pool.region.frames >> 3;
  }

  /** So few are left that links may soon find none for what they receive. */
  isNearlyOutOfPackets(): boolean {
    return this.pool.available <= this.pool.region.frames >> 4;
  }

  /** The connection has something to send: it gets its turn with the next {@link flush}. */
  markPending(block: ControlBlock): void {
    if (!block.isPending) this.#turns.add(block);
  }

  /** Made when first asked for. */
  get rehearsal(): Rehearsal {
    this.#rehearsal ??= new Rehearsal(this);
    return this.#rehearsal;
  }

  /** A call from outside a poll, at this time. */
  enter(now: Instant): void {
    if (now !== this.now) this.#setNow(now);
  }

  /** The connection sends what it may at once, without waiting for {@link flush}. */
  sendNow(block: ControlBlock, now: Instant): void {
    this.enter(now);
    output(block, now);
  }

  /** It could not send all: it is tried again with the next flush. */
  hold(block: ControlBlock): void {
    this.markPending(block);
  }

  /** For coalescing: the connection holds a segment until the end of the burst. */
  keepHeld(block: ControlBlock): void {
    this.#held.add(block);
  }

  /** The held segment of a connection that is gone. */
  discardHeld(block: ControlBlock): void {
    const packet = block.heldPacket;
    if (packet === null) return;
    block.heldPacket = null;
    block.heldLast = null;
    packet.release();
    this.accounts.countDrops(block.heldFrames, DropReason.TCP_AFTER_CLOSE);
  }

  /** An acknowledgement that must not wait for the end of the burst. */
  acknowledgeNow(block: ControlBlock, now: Instant): void {
    sendAcknowledgement(block, now);
  }

  /** Releases the packet of a segment that is not accepted. */
  drop(segment: Segment, reason: DropReason): void {
    segment.takePacket().release();
    this.accounts.countDrops(segment.frames, reason);
  }

  /** Releases the packet of a segment that did its work by its header. */
  handled(segment: Segment): void {
    segment.takePacket().release();
    this.accounts.handleFrames(segment.frames);
  }

  /** RST in answer to a segment that a half-open connection cannot accept. */
  resetFor(block: ControlBlock, segment: Segment, now: Instant): void {
    const path = block.path!;
    this.resets.answer(path.network, path, segment, now);
  }

  countChallenge(): void {
    this.counter.challenges();
  }

  countEstablished(block: ControlBlock): void {
    this.counter.established(block.isPassive);
  }

  /** Takes a connection that has ended out of everything. */
  release(block: ControlBlock): void {
    this.#clearReassembly(block);
    block.timers.close();
    this.orphans.delete(block);
    this.starved.delete(block);
    this.shortage.delete(block);
    if (block.boundPort !== 0) this.ports.unbind(block.connection, block.boundPort);
    this.#activeOpen.giveBack(block.connection.localPort);
    this.blocks.delist(block);
    this.table.remove(block.connection, block.key);
  }

  enterTimeWait(block: ControlBlock, now: Instant): void {
    this.timeWait.add(block, now);
  }

  /** RFC 9293 §3.9.2.2, MUST-54. RFC 5927 §4.1: an ICMP error counts only when the segment it quotes is in flight. */
  errorArrives(
    network: Network,
    addresses: Addresses,
    sequence: number,
    errno: Errno,
    mtu: number,
    now: Instant,
  ): boolean {
    this.#setNow(now);
    const connection = this.table.lookup(network, addresses);
    if (connection === null) return this.passiveOpen.errorArrives(this.table.key, sequence, errno);
    // Of a parked connection nothing is in flight.
    return connection.block !== null && errorArrives(connection.block, sequence, errno, mtu, now);
  }

  /** Which of several listeners that share a port a flow belongs to. */
  spread(key: FlowKey): number {
    return hash4(this.#hashKey.k0, this.#hashKey.k1, key.a, key.b, key.c, key.d);
  }

  #withoutConnection(segment: Segment, network: Network, addresses: Addresses, now: Instant): void {
    const { key } = this.table;
    const { flags } = segment;
    network.keyOf(addresses, key);
    if (isImpossible(flags) && this.#isExpected(addresses, key)) {
      this.drop(segment, DropReason.TCP_FLAGS_INVALID);
      return;
    }
    if (this.timeWait.segmentArrives(segment, network, addresses, key, now)) return;
    if (this.passiveOpen.segmentArrives(segment, network, addresses, key, now)) return;
    // RFC 9293 §3.10.7.1: as if CLOSED; a reset answers whatever is none itself.
    this.resets.answer(network, addresses, segment, now);
    this.drop(segment, DropReason.TCP_NO_CONNECTION);
  }

  /** Something stands where a segment without a connection goes: a connection in TIME-WAIT, or a listener. */
  #isExpected(addresses: Addresses, key: FlowKey): boolean {
    return this.timeWait.find(key) >= 0 || this.ports.findListener(addresses, 0) !== null;
  }

  #clearReassembly(block: ControlBlock): void {
    const frames = block.reassembly.clear();
    if (frames === 0) return;
    this.accounts.unholdFrames(frames);
    this.accounts.countDrops(frames, DropReason.TCP_AFTER_CLOSE);
  }

  #setNow(now: Instant): void {
    const passed = elapsed(now, this.now);
    this.now = now;
    if (passed <= 0) return;
    const microseconds = (this.#microseconds + passed) | 0;
    const whole = microseconds > 0 ? (microseconds / 1000) | 0 : 0;
    this.#microseconds = (microseconds - Math.imul(whole, 1000)) | 0;
    this.milliseconds = (this.milliseconds + whole) | 0;
    this.holdings.milliseconds = this.milliseconds;
  }
}

/** Combinations that no host sends (the state machine needs SYN, RST or ACK; SYN goes with neither FIN nor RST). */
function isImpossible(flags: number): boolean {
  if ((flags & SYN) !== 0) return (flags & (FIN | RST)) !== 0;
  return (flags & (ACK | RST)) === 0;
}

function earliest(a: number, b: number): number {
  if (a < 0) return b;
  return b < 0 || a < b ? a : b;
}
