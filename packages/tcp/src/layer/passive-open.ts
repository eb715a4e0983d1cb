import { Errno } from '@prism-net/errors';
import { elapsed, type Instant } from '@prism-net/time';
import { DropReason, seq, tcp } from '@prism-net/wire';
import { DSCP_BITS } from '../connection-options.js';
import type { ControlBlock } from '../control-block.js';
import { defaultSegmentSize } from '../default-segment-size.js';
import { segmentArrives } from '../input/segment-arrives.js';
import { type FlowKey, SynCache, type SynCacheHandler, SynCookies } from '../opening/index.js';
import { isHard } from '../path/icmp-errors.js';
import type { Network } from '../path/network.js';
import { Addresses, type Segment } from '../segment.js';
import { DEFAULT_TIME_TO_LIVE } from '../send/control-segments.js';
import { offeredSegmentSize, SynContents } from '../send/handshake.js';
import { State } from '../state.js';
import type { Listener } from './listener.js';
import type { TcpLayer } from './tcp-layer.js';

const { ACK, CWR, ECE, RST, SYN } = tcp.Flag;
/** RFC 6298 §5.7, in µs. */
const TIMEOUT_AFTER_LOST_SYN = 3_000_000;
/** The window of a SYN is not scaled. */
const FIELD_MAXIMUM = 65_535;

/**
 * SEGMENT ARRIVES in LISTEN (RFC 9293 §3.10.7.2) and in SYN-RECEIVED of passive opens: half-open connections are rows of
 * the SYN cache, or nothing at all but a cookie; a connection is made by the third segment only (RFC 4987).
 */
export class PassiveOpen implements SynCacheHandler {
  readonly #layer: TcpLayer;
  readonly #cache: SynCache;
  readonly #cookies: SynCookies;
  readonly #listeners: (Listener | null)[] = [];
  readonly #syn = new SynContents();
  readonly #addresses = new Addresses();
  #count = 0;

  constructor(layer: TcpLayer) {
    const { synCacheSize, synRetransmissions, initialRetransmissionMilliseconds } = layer.settings;
    this.#layer = layer;
    this.#cache = new SynCache(layer.random, {
      capacity: synCacheSize,
      retransmissions: Math.min(synRetransmissions, 5),
      timeoutMilliseconds: initialRetransmissionMilliseconds,
    });
    this.#cookies = new SynCookies(layer.random);
  }

  get halfOpen(): number {
    return this.#cache.size;
  }

  /** A number for a listener; -1 when there are as many as allowed. */
  freeSlot(): number {
    const free = this.#listeners.indexOf(null);
    if (free >= 0) return free;
    return this.#listeners.length < this.#layer.settings.maximumListeners ? this.#listeners.length : -1;
  }

  add(listener: Listener): void {
    this.#listeners[listener.slot] = listener;
    this.#count++;
  }

  remove(listener: Listener): void {
    this.#listeners[listener.slot] = null;
    this.#cache.removeListener(listener.slot);
    this.#count--;
  }

  advance(now: Instant, maximum: number): number {
    return this.#cache.size === 0 ? 0 : this.#cache.serve(now, maximum, this);
  }

  nextDeadline(now: Instant): number {
    return this.#cache.size === 0 ? -1 : this.#cache.nextDeadline(now);
  }

  /** The segment is the third of a handshake under way, or a reset that ends it. */
  expects(key: FlowKey, segment: Segment): boolean {
    const slot = this.#cache.find(key);
    if (slot < 0) return false;
    if (segment.has(RST)) return segment.sequence === ((this.#cache.irs(slot) + 1) | 0);
    return segment.acknowledgement === ((this.#cache.iss(slot) + 1) | 0);
  }

  /** Takes a segment that belongs to a listener; false when there is none. */
  segmentArrives(segment: Segment, network: Network, addresses: Addresses, key: FlowKey, now: Instant): boolean {
    if (this.#count === 0) return false;
    const slot = this.#cache.size === 0 ? -1 : this.#cache.find(key);
    if (slot >= 0) {
      this.#halfOpenArrives(slot, segment, network, addresses, key, now);
      return true;
    }
    const layer = this.#layer;
    const listener = layer.ports.findListener(addresses, layer.spread(key));
    if (listener === null) return false;
    // First, check for a RST: there is nothing it could end.
    if (segment.has(RST)) {
      layer.drop(segment, DropReason.TCP_RESET_INVALID);
      return true;
    }
    // Second, check for an ACK: a cookie coming back, or bad.
    if (segment.has(ACK)) {
      if (segment.has(SYN) || !this.#cookieArrives(listener, segment, network, addresses, key, now)) return false;
      return true;
    }
    // Third, check for a SYN. Anything else was refused before.
    this.#synArrives(listener, segment, network, addresses, key, now);
    return true;
  }

  /** The time of a SYN-ACK is up (RFC 6298 §5.5). */
  retransmit(slot: number, now: Instant): void {
    const cache = this.#cache;
    cache.copyAddresses(slot, this.#addresses);
    this.#addresses.localPort = cache.localPort(slot);
    this.#addresses.remotePort = cache.remotePort(slot);
    this.#answer(slot, this.#layer.networks[cache.networkIndex(slot)]!, this.#addresses, now);
  }

  /**
   * An ICMP error about a SYN-ACK (RFC 9293 §3.9.2.2, MUST-54): the row of a host that does not want the connection gives
   * way to others. True when the sequence number is that of the SYN-ACK (RFC 5927 §4.1).
   */
  errorArrives(key: FlowKey, sequence: number, errno: Errno): boolean {
    const slot = this.#cache.size === 0 ? -1 : this.#cache.find(key);
    // A SYN-ACK is too large for no path.
    if (slot < 0 || sequence !== this.#cache.iss(slot) || errno === Errno.EMSGSIZE) return false;
    // SHLD-26: hard errors; what is unreachable for now may be reached by the next retransmission (SHLD-25).
    if (isHard(errno)) this.#cache.remove(slot);
    return true;
  }

  gaveUp(): void {
    // The row is all there was.
  }

  #synArrives(
    listener: Listener,
    segment: Segment,
    network: Network,
    addresses: Addresses,
    key: FlowKey,
    now: Instant,
  ): void {
    const layer = this.#layer;
    const { settings } = layer;
    if (listener.isFull) {
      layer.drop(segment, DropReason.TCP_ACCEPT_QUEUE_FULL);
      return;
    }
    const slot = settings.synCookies === 'always' ? -1 : this.#cache.insert(key, listener.slot, now);
    const waiting = layer.timeWait.size === 0 ? -1 : layer.timeWait.find(key);
    if (slot < 0) {
      // A cookie cannot be chosen to lie above the numbers of a connection in TIME-WAIT (RFC 6191 §2).
      if (settings.synCookies === 'never' || waiting >= 0) layer.drop(segment, DropReason.TCP_SYN_RATE);
      else this.#answerWithCookie(listener, segment, network, addresses, key, now);
      return;
    }
    const cache = this.#cache;
    const { options } = segment;
    let sequence = layer.initialSequence.next(key, now);
    // RFC 6191 §2, RFC 9293 §3.6.1, MAY-2: the successor of a connection in TIME-WAIT begins above it.
    if (waiting >= 0) sequence = layer.timeWait.successor(waiting, sequence);
    cache.setAddresses(slot, addresses);
    cache.setNetworkIndex(slot, network.index);
    cache.setIrs(slot, segment.sequence);
    cache.setIss(slot, sequence);
    cache.setMaximumSegmentSize(slot, options.maximumSegmentSize);
    cache.setWindowScale(slot, settings.windowScaling ? options.windowScale : -1);
    cache.setReceiveWindowScale(slot, this.#scale(listener));
    cache.setSackPermitted(slot, settings.selectiveAcknowledgements && options.sackPermitted);
    cache.setHasTimestamps(slot, settings.timestamps && options.hasTimestamps);
    cache.setTimestampRecent(slot, options.timestampValue);
    cache.setTimestampOffset(slot, layer.timestampOffset.of(key));
    cache.setEcn(slot, this.#agreesToEcn(listener, segment));
    layer.handled(segment);
    this.#answer(slot, network, addresses, now);
  }

  /** RFC 3168 §6.1.1: the SYN asks by ECE and CWR. */
  #agreesToEcn(listener: Listener, segment: Segment): boolean {
    const { ecn = this.#layer.settings.ecn } = listener.options;
    return ecn !== 'off' && (segment.flags & (ECE | CWR)) === (ECE | CWR);
  }

  /** The SYN-ACK of a row. */
  #answer(slot: number, network: Network, addresses: Addresses, now: Instant): void {
    const cache = this.#cache;
    const layer = this.#layer;
    const listener = this.#listeners[cache.listener(slot)]!;
    const syn = this.#syn;
    syn.sequence = cache.iss(slot);
    syn.acknowledgement = (cache.irs(slot) + 1) | 0;
    syn.flags = cache.ecn(slot) ? SYN | ACK | ECE : SYN | ACK;
    syn.window = this.#window(listener);
    syn.sackPermitted = cache.sackPermitted(slot);
    syn.hasTimestamps = cache.hasTimestamps(slot);
    syn.timestampValue = (layer.milliseconds + cache.timestampOffset(slot)) | 0;
    syn.timestampEcho = cache.timestampRecent(slot);
    syn.windowScale = cache.windowScale(slot) < 0 ? -1 : cache.receiveWindowScale(slot);
    this.#send(listener, network, addresses, now);
  }

  #send(listener: Listener, network: Network, addresses: Addresses, now: Instant): void {
    const { control } = this.#layer;
    const path = control.pathTo(network, addresses);
    if (path === null) return;
    const { maximumSegmentSize = 0, trafficClass = 0, timeToLive = DEFAULT_TIME_TO_LIVE } = listener.options;
    this.#syn.maximumSegmentSize = offeredSegmentSize(path, maximumSegmentSize);
    control.synAcknowledge(network, addresses, this.#syn, trafficClass & DSCP_BITS, timeToLive, now);
  }

  #answerWithCookie(
    listener: Listener,
    segment: Segment,
    network: Network,
    addresses: Addresses,
    key: FlowKey,
    now: Instant,
  ): void {
    const layer = this.#layer;
    const { settings } = layer;
    const { options } = segment;
    const syn = this.#syn;
    // Without timestamps there is no place for the other options: they are not agreed upon.
    const hasTimestamps = settings.timestamps && options.hasTimestamps;
    const scale = hasTimestamps && settings.windowScaling ? options.windowScale : -1;
    const sackPermitted = hasTimestamps && settings.selectiveAcknowledgements && options.sackPermitted;
    const ecn = hasTimestamps && this.#agreesToEcn(listener, segment);
    syn.sequence = this.#cookies.make(key, segment.sequence, options.maximumSegmentSize, now);
    syn.acknowledgement = (segment.sequence + 1) | 0;
    syn.flags = ecn ? SYN | ACK | ECE : SYN | ACK;
    syn.window = this.#window(listener);
    syn.sackPermitted = sackPermitted;
    syn.hasTimestamps = hasTimestamps;
    const value = (layer.milliseconds + layer.timestampOffset.of(key)) | 0;
    syn.timestampValue = hasTimestamps ? this.#cookies.makeTimestamp(value, scale, sackPermitted, ecn) : 0;
    syn.timestampEcho = options.timestampValue;
    syn.windowScale = scale < 0 ? -1 : this.#scale(listener);
    layer.counter.cookieSent();
    layer.handled(segment);
    this.#send(listener, network, addresses, now);
  }

  /** Takes the segment when it acknowledges a cookie of ours; false when not. */
  #cookieArrives(
    listener: Listener,
    segment: Segment,
    network: Network,
    addresses: Addresses,
    key: FlowKey,
    now: Instant,
  ): boolean {
    const layer = this.#layer;
    if (layer.settings.synCookies === 'never') return false;
    const irs = (segment.sequence - 1) | 0;
    const cookie = (segment.acknowledgement - 1) | 0;
    const segmentSize = this.#cookies.check(key, irs, cookie, now);
    if (segmentSize < 0) return false;
    if (listener.isFull) {
      layer.drop(segment, DropReason.TCP_ACCEPT_QUEUE_FULL);
      return true;
    }
    const { options } = segment;
    const hasTimestamps = layer.settings.timestamps && options.hasTimestamps;
    let windowScale = -1;
    const block = this.#create(listener, network, addresses, key);
    if (block === null) {
      layer.drop(segment, DropReason.TCP_CONNECTION_LIMIT);
      return true;
    }
    layer.counter.cookieAccepted();
    block.hasTimestamps = hasTimestamps;
    if (hasTimestamps) {
      this.#cookies.readTimestamp(options.timestampEcho);
      windowScale = this.#cookies.windowScale;
      block.hasSelectiveAcknowledgements = this.#cookies.sackPermitted;
      block.hasEcn = this.#cookies.ecn;
      block.timestampOffset = layer.timestampOffset.of(key);
      block.timestampRecent = options.timestampValue;
    }
    this.#begin(block, irs, cookie, segmentSize, windowScale, this.#scale(listener), now);
    this.#complete(listener, block, segment, now);
    return true;
  }

  /** SEGMENT ARRIVES in SYN-RECEIVED, for a row of the cache (§3.10.7.4). Takes the segment. */
  #halfOpenArrives(
    slot: number,
    segment: Segment,
    network: Network,
    addresses: Addresses,
    key: FlowKey,
    now: Instant,
  ): void {
    const cache = this.#cache;
    const layer = this.#layer;
    const next = (cache.irs(slot) + 1) | 0;
    const listener = this.#listeners[cache.listener(slot)]!;
    const distance = (segment.sequence - next) | 0;
    const isInWindow = distance >= 0 && distance < this.#window(listener);
    if (segment.has(RST)) {
      // RFC 5961 §3.2: exactly the next number ends it; one in the window is challenged. RFC 9293 §3.5, MUST-11: back to LISTEN.
      if (distance === 0) {
        cache.remove(slot);
        layer.handled(segment);
      } else {
        if (isInWindow) this.#acknowledge(slot, network, addresses, now);
        layer.drop(segment, DropReason.TCP_RESET_INVALID);
      }
      return;
    }
    if (segment.has(SYN)) {
      // The same SYN again: our answer got lost.
      if (distance === -1 && !segment.has(ACK)) {
        layer.handled(segment);
        cache.setAnsweredAgain(slot);
        this.#answer(slot, network, addresses, now);
      } else {
        this.#acknowledge(slot, network, addresses, now);
        layer.drop(segment, DropReason.TCP_SYN_UNEXPECTED);
      }
      return;
    }
    const { options } = segment;
    const hasTimestamps = cache.hasTimestamps(slot);
    if (hasTimestamps && !options.hasTimestamps) {
      // RFC 7323 §3.2: dropped silently; it completes nothing.
      layer.drop(segment, DropReason.TCP_TIMESTAMP_MISSING);
      return;
    }
    const isOld = hasTimestamps && seq.isLess(options.timestampValue, cache.timestampRecent(slot));
    if (!isInWindow || isOld) {
      this.#acknowledge(slot, network, addresses, now);
      layer.drop(segment, isOld ? DropReason.TCP_TIMESTAMP_OLD : DropReason.TCP_OUT_OF_WINDOW);
      return;
    }
    if (segment.acknowledgement !== ((cache.iss(slot) + 1) | 0)) {
      layer.resets.answer(network, addresses, segment, now);
      layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_INVALID);
      return;
    }
    if (listener.isFull) {
      // The row stays: our SYN-ACK will be sent again, and so will this.
      layer.drop(segment, DropReason.TCP_ACCEPT_QUEUE_FULL);
      return;
    }
    this.#establish(slot, listener, segment, network, addresses, key, now);
  }

  #establish(
    slot: number,
    listener: Listener,
    segment: Segment,
    network: Network,
    addresses: Addresses,
    key: FlowKey,
    now: Instant,
  ): void {
    const cache = this.#cache;
    const layer = this.#layer;
    const block = this.#create(listener, network, addresses, key);
    if (block === null) {
      layer.drop(segment, DropReason.TCP_CONNECTION_LIMIT);
      return;
    }
    const waiting = layer.timeWait.size === 0 ? -1 : layer.timeWait.find(key);
    if (waiting >= 0) layer.timeWait.remove(waiting);
    block.hasTimestamps = cache.hasTimestamps(slot);
    block.timestampOffset = cache.timestampOffset(slot);
    block.timestampRecent = cache.timestampRecent(slot);
    block.hasSelectiveAcknowledgements = cache.sackPermitted(slot);
    block.hasEcn = cache.ecn(slot);
    const peerSegment = cache.maximumSegmentSize(slot);
    const scale = cache.windowScale(slot);
    this.#begin(block, cache.irs(slot), cache.iss(slot), peerSegment, scale, cache.receiveWindowScale(slot), now);
    const { recovery } = block;
    const retransmissions = cache.retransmissions(slot);
    // RFC 6298 §3 (Karn): not when it was sent twice; then §5.7, and RFC 6928 §2, as for a SYN of ours.
    if (retransmissions === 0) {
      if (!cache.answeredAgain(slot)) recovery.estimator.sample(Math.max(0, elapsed(now, cache.sentAt(slot))), now);
    } else recovery.estimator.reinitialize(Math.max(TIMEOUT_AFTER_LOST_SYN, recovery.estimator.initialTimeout));
    recovery.handshakeTimeouts = retransmissions;
    cache.remove(slot);
    this.#complete(listener, block, segment, now);
  }

  /** A connection in the table; null when there are too many, or no way back. */
  #create(listener: Listener, network: Network, addresses: Addresses, key: FlowKey): ControlBlock | null {
    const layer = this.#layer;
    if (layer.size >= layer.settings.maximumConnections) return null;
    const handle = layer.open(null);
    const block = handle.wake();
    const path = block.pathOn(network);
    path.copy(addresses);
    if (network.resolve(path) !== Errno.NONE || !layer.table.insert(handle, key)) {
      block.isOrphan = true;
      layer.blocks.letGo(block);
      return null;
    }
    block.path = path;
    handle.settle(path);
    block.isPassive = true;
    block.key.copy(key);
    block.apply(listener.options);
    return block;
  }

  /** The state after the SYN and our SYN-ACK. */
  #begin(
    block: ControlBlock,
    irs: number,
    iss: number,
    segmentSize: number,
    sendScale: number,
    receiveScale: number,
    now: Instant,
  ): void {
    const { settings } = this.#layer;
    block.state = State.SYN_RECEIVED;
    block.initialReceiveSequence = irs;
    block.receiveNext = (irs + 1) | 0;
    block.lastAcknowledgementSent = block.receiveNext;
    block.timestampRecentAt = this.#layer.milliseconds;
    block.initialSendSequence = iss;
    // RFC 9293 §3.7.1, MUST-14.
    const size = segmentSize < 0 ? defaultSegmentSize(block.path!.network.family) : segmentSize;
    block.peerSegmentSize = Math.max(size, settings.minimumSegmentSize);
    block.hasScaling = sendScale >= 0;
    block.sendWindowScale = Math.max(0, sendScale);
    block.receiveWindow.scale = block.hasScaling ? receiveScale : 0;
    block.receiveWindow.initial(block.receiveNext);
    block.sendBuffer.begin((iss + 1) | 0);
    block.recovery.start((iss + 1) | 0, now);
  }

  #complete(listener: Listener, block: ControlBlock, segment: Segment, now: Instant): void {
    segmentArrives(block, segment, now);
    if (block.state === State.CLOSED) return;
    listener.add(block.connection);
  }

  #acknowledge(slot: number, network: Network, addresses: Addresses, now: Instant): void {
    const cache = this.#cache;
    const layer = this.#layer;
    // RFC 5961 §7: nobody gets more of them for the asking.
    if (!cache.allowChallenge(slot, now, layer.random.nextInt32())) return;
    layer.countChallenge();
    const listener = this.#listeners[cache.listener(slot)]!;
    const { trafficClass = 0, timeToLive = DEFAULT_TIME_TO_LIVE } = listener.options;
    layer.control.acknowledge(
      network,
      addresses,
      (cache.iss(slot) + 1) | 0,
      (cache.irs(slot) + 1) | 0,
      // Scaled, if both agreed on it: only that of the SYN is not (RFC 7323 §2.3).
      this.#window(listener) >>> (cache.windowScale(slot) < 0 ? 0 : cache.receiveWindowScale(slot)),
      cache.hasTimestamps(slot),
      (layer.milliseconds + cache.timestampOffset(slot)) | 0,
      cache.timestampRecent(slot),
      trafficClass & DSCP_BITS,
      timeToLive,
      now,
    );
  }

  #window(listener: Listener): number {
    return Math.min(listener.options.receiveBuffer ?? this.#layer.settings.receiveBuffer, FIELD_MAXIMUM);
  }

  /** As `ReceiveWindow.offeredScale` for the connections of the listener. */
  #scale(listener: Listener): number {
    const { settings } = this.#layer;
    const maximum = listener.options.receiveBuffer ?? Math.max(settings.receiveBuffer, settings.maximumReceiveBuffer);
    let scale = 0;
    while (scale < 14 && FIELD_MAXIMUM << scale < maximum) scale++;
    return scale;
  }
}
