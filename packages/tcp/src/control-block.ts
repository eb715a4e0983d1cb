import type { Packet } from '@prism-net/buffers';
import type { CongestionControl } from '@prism-net/congestion';
import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { type IpAddress, seq } from '@prism-net/wire';
import type { Connection } from './connection.js';
import { COMMON_COUNTS } from './connection-counts.js';
import { type ConnectionOptions, DSCP_BITS } from './connection-options.js';
import type { TcpLayer } from './layer/tcp-layer.js';
import { ChallengeLimit, FlowKey } from './opening/index.js';
import type { StateCursor } from './parking/state-cursor.js';
import type { Network } from './path/network.js';
import { Path } from './path/path.js';
import { ReassemblyQueue } from './receive/reassembly-queue.js';
import { ReceiveBuffer } from './receive/receive-buffer.js';
import { ReceiveWindow } from './receive/receive-window.js';
import { LossRecovery } from './recovery/index.js';
import type { Segment } from './segment.js';
import type { Pacer } from './send/pacer.js';
import { SendBuffer } from './send/send-buffer.js';
import { canReceive, State } from './state.js';
import { ConnectionTimers } from './timers/connection-timers.js';

const ECN_MODES = ['active', 'passive', 'off'] as const;

/**
 * The transmission control block (RFC 9293 §3.3.1): everything that is known of a {@link Connection}. The fields are
 * shared by the files that each handle one concern.
 */
export class ControlBlock {
  readonly layer: TcpLayer;
  /** Whose state this is. */
  connection: Connection;
  state: State = State.CLOSED;
  readonly key = new FlowKey();
  /** Addresses, ports and route; null until bound or connected. */
  path: Path | null = null;
  /** Given by bind; the unspecified address means any. */
  boundAddress: IpAddress | null = null;
  boundPort = 0;
  /** Opened by a listener (RFC 9293 §3.5, MUST-11). */
  isPassive = false;

  // Sending (RFC 9293 §3.3.1). SND.UNA and SND.NXT are `recovery.unacknowledged` and `recovery.next`.
  readonly recovery: LossRecovery;
  readonly sendBuffer: SendBuffer;
  /** ISS. */
  initialSendSequence = 0;
  /** SND.WND in bytes: 32 bits (RFC 9293 §3.1, REC-1). */
  sendWindow = 0;
  /** The largest window the peer ever offered. */
  maximumSendWindow = 0;
  /** SND.WL1 and SND.WL2. */
  windowUpdateSequence = 0;
  windowUpdateAcknowledgement = 0;
  sendWindowScale = 0;
  /** MSS option of the peer, or the default (RFC 9293 §3.7.1). */
  peerSegmentSize = 536;
  /** Bytes of text in a full segment, after path MTU and the options every segment carries. */
  segmentSize = 536;
  /** A FIN follows the last byte of the send buffer. */
  isFinQueued = false;
  /** The FIN was sent, so `sendBuffer.end` is its sequence number. */
  isFinSent = false;
  /** The last write was not taken whole: the application waits for room. */
  isWriteBlocked = false;
  /** In the layer's list of those who wait for packets. */
  isStarved = false;
  /** Bytes it may write because it was in that list, although others still are. */
  turn = 0;
  /** A byte beyond the window was sent as a probe: the peer may acknowledge it. */
  isProbeOutstanding = false;
  /** SND.NXT when it was sent, and when that was first. */
  probeSequence = 0;
  probeSentAt: Instant = 0;
  /** End of the last segment smaller than the segment size that was sent (Minshall's Nagle). */
  lastShortEnd = 0;
  /** Made when the connection is first paced. */
  pacer: Pacer | null = null;

  // Receiving
  /** IRS and RCV.NXT. */
  initialReceiveSequence = 0;
  receiveNext = 0;
  readonly receiveBuffer: ReceiveBuffer;
  readonly reassembly = new ReassemblyQueue();
  readonly receiveWindow: ReceiveWindow;
  /** RCV.NXT of the last acknowledgement sent: Last.ACK.sent (RFC 7323 §4.3). */
  lastAcknowledgementSent = 0;
  /** Text of a full segment of the peer, as they come; 0: none came yet. */
  receivedSegmentSize = 0;
  /** Bytes received in order since then. */
  unacknowledgedBytes = 0;
  /** An acknowledgement must go out with the next output. */
  mustAcknowledge = false;
  /** Segments still acknowledged at once, at the start and after a gap, so that the peer's window opens quickly. */
  quickAcknowledgements = 16;
  /** The block a duplicate segment repeated, to be reported (RFC 2883); empty when both are equal. */
  duplicateStart = 0;
  duplicateEnd = 0;
  /** A FIN came ahead of a gap, at this sequence number. */
  hasEarlyFin = false;
  earlyFinSequence = 0;
  /** The peer's FIN was received in order. */
  isFinReceived = false;
  /** The application will not read: text is acknowledged and thrown away. */
  isReadShut = false;

  // Options agreed upon
  hasTimestamps = false;
  /** Added to the clock for what this peer sees (RFC 7323 §5.4). */
  timestampOffset = 0;
  /** TS.Recent, and when it was taken, in ms of the layer's clock. */
  timestampRecent = 0;
  timestampRecentAt = 0;
  hasSelectiveAcknowledgements = false;
  hasScaling = false;
  /** Both agreed on ECN (RFC 3168 §6.1.1). */
  hasEcn = false;
  /** CE was received: ECE is set until the peer answers with CWR (RFC 3168 §6.1.3). */
  isEchoingCongestion = false;

  // Coalescing of a burst (see input/coalescing.ts)
  heldPacket: Packet | null = null;
  heldLast: Packet | null = null;
  heldSequence = 0;
  heldLength = 0;
  heldAcknowledgement = 0;
  heldFlags = 0;
  heldWindow = 0;
  heldEcn = 0;
  heldFrames = 0;
  heldTimestampValue = 0;
  heldTimestampEcho = 0;
  heldHasTimestamps = false;

  // Life
  /** In the layer's list of connections that have something to send. */
  isPending = false;
  /** The application has closed it. */
  isOrphan = false;
  /** Its place in the layer's list of those that still have something to do. */
  isListedOrphan = false;
  olderOrphan: ControlBlock | null = null;
  newerOrphan: ControlBlock | null = null;
  /** What ended it. */
  error: Errno = Errno.NONE;
  /** An ICMP error that does not end it (RFC 5927 §6), reported if it does not get better. */
  softError: Errno = Errno.NONE;
  readonly challenges = new ChallengeLimit();
  readonly timers: ConnectionTimers;
  /** When the last segment came, in ms of the layer's clock; for keep-alive. */
  lastReceivedAt = 0;
  /** Since when the oldest of what is out has waited, at least, in ms of the layer's clock; for the user timeout. */
  waitingSince = 0;
  /** When data was last sent, in µs; for the restart after idleness. */
  lastSentAt: Instant = 0;
  unansweredKeepAlives = 0;
  /** Largest segment, headers apart, that the black-hole search allows; 0: no search. */
  searchedSegmentSize = 0;
  /** When it was set, in ms of the layer's clock. */
  searchedAt = 0;
  /** The search was confirmed: only smaller segments get through. */
  isBlackHole = false;
  /** Path MTU that the segment size was computed from. */
  pathMtu = 0;
  /** Frames a full segment takes. */
  segmentFrames = 1;
  /** Whether an interface that was full delays the output. */
  isHeldBack = false;
  /** It has ended, and these are the round trips as they were then, for {@link information}. */
  hasRoundTrips = false;
  lastSmoothed = 0;
  lastVariation = 0;
  lastMinimum = 0;
  lastTimeout = 0;
  /** Nobody's: it only stands in for another in rehearsals, and what it sends is no more than that (see send/rehearsal.ts). */
  isStandIn = false;
  /** Counts for {@link information}. */
  readonly counts = new Float64Array(8);

  // Options of the user
  noDelay = false;
  cork = false;
  quickAcknowledgement = false;
  keepAlive = false;
  keepAliveIdle = 7_200_000;
  keepAliveInterval = 75_000;
  keepAliveProbes = 9;
  userTimeout = 0;
  linger = -1;
  maximumSegment = 0;
  pacing = false;
  /** Bytes per second; 0: as fast as congestion control says. */
  maximumPacingRate = 0;
  trafficClass = 0;
  timeToLive = 64;
  reuseAddress = false;
  reusePort = false;
  ecn: 'active' | 'passive' | 'off';

  /** The congestion control it was made with, and comes back to. */
  #ownControl: CongestionControl;
  #ownPath: Path | null = null;
  /** Its place in the layer's list of those in the table; -1 while in none. */
  place = -1;
  /** Given back as soon as nobody in the layer refers to it any more. */
  isLetGo = false;

  constructor(connection: Connection) {
    const { layer } = connection;
    const { settings } = layer;
    this.layer = layer;
    this.connection = connection;
    this.ecn = settings.ecn;
    this.recovery = new LossRecovery(settings.maximumRecords, layer.recoveryOptions);
    this.#ownControl = layer.createCongestionControl(settings.congestionControl);
    this.recovery.use(this.#ownControl, layer.now);
    this.sendBuffer = new SendBuffer(layer.pool, settings.sendBuffer, layer.holdings);
    this.receiveBuffer = new ReceiveBuffer(layer.holdings);
    this.receiveWindow = new ReceiveWindow(settings.receiveBuffer, settings.maximumReceiveBuffer);
    this.timers = new ConnectionTimers(this);
  }

  /** The path object of this block, as new. The caller resolves it, and sets {@link path}. */
  pathOn(network: Network): Path {
    this.#ownPath ??= new Path(network);
    this.#ownPath.restart(network);
    return this.#ownPath;
  }

  /** Congestion control is the one the block was made with, and can be saved. */
  get hasOwnControl(): boolean {
    return this.recovery.control === this.#ownControl && this.#ownControl.exchange !== undefined;
  }

  /** It is used by no connection now: what only a connection can have is given up. {@link exchange} does the rest. */
  clear(): void {
    const { recovery, layer } = this;
    if (!this.hasOwnControl) {
      // A user's algorithm may remember what it likes.
      this.#ownControl = layer.createCongestionControl(layer.settings.congestionControl);
      recovery.use(this.#ownControl, layer.now);
    }
    recovery.records.shrink();
    this.sendBuffer.shrink();
    this.receiveBuffer.clear();
    this.reassembly.shrink();
    this.pacer = null;
    this.path = null;
    this.boundAddress = null;
    this.isPending = false;
    this.isStarved = false;
    this.isOrphan = false;
    this.isLetGo = false;
    this.isHeldBack = false;
    this.isWriteBlocked = false;
    this.turn = 0;
    this.key.clear();
    this.lastShortEnd = 0;
    this.heldSequence = 0;
    this.heldLength = 0;
    this.heldAcknowledgement = 0;
    this.heldFlags = 0;
    this.heldWindow = 0;
    this.heldEcn = 0;
    this.heldFrames = 0;
    this.heldTimestampValue = 0;
    this.heldTimestampEcho = 0;
    this.heldHasTimestamps = false;
    this.lastSmoothed = 0;
    this.lastVariation = 0;
    this.lastMinimum = 0;
    this.lastTimeout = 0;
  }

  /**
   * Saves what an idle connection is, or restores it; from the words of a new block, makes it as new. Fields that idle
   * connections have no use for are not among them: see {@link clear}, and `isIdle`.
   */
  exchange(state: StateCursor): void {
    const { counts } = this;
    this.state = state.number(this.state) as State;
    this.boundPort = state.rare(this.boundPort);
    this.isPassive = state.flag(this.isPassive);
    this.recovery.exchange(state);
    if (!state.isSaving) {
      this.sendBuffer.begin(this.recovery.next);
      this.lastShortEnd = this.recovery.next;
    }
    this.sendBuffer.limit = state.rare(this.sendBuffer.limit);
    this.initialSendSequence = state.number(this.initialSendSequence);
    this.sendWindow = state.number(this.sendWindow);
    this.maximumSendWindow = state.number(this.maximumSendWindow);
    this.windowUpdateSequence = state.number(this.windowUpdateSequence);
    this.windowUpdateAcknowledgement = state.number(this.windowUpdateAcknowledgement);
    this.sendWindowScale = state.number(this.sendWindowScale);
    this.peerSegmentSize = state.number(this.peerSegmentSize);
    this.segmentSize = state.number(this.segmentSize);
    this.isFinQueued = state.flag(this.isFinQueued);
    this.isFinSent = state.flag(this.isFinSent);
    this.isProbeOutstanding = state.flag(this.isProbeOutstanding);
    this.probeSequence = state.rare(this.probeSequence);
    this.probeSentAt = state.rare(this.probeSentAt);
    this.initialReceiveSequence = state.number(this.initialReceiveSequence);
    this.receiveNext = state.number(this.receiveNext);
    this.receiveWindow.exchange(state);
    this.lastAcknowledgementSent = state.number(this.lastAcknowledgementSent);
    this.receivedSegmentSize = state.number(this.receivedSegmentSize);
    this.unacknowledgedBytes = state.rare(this.unacknowledgedBytes);
    this.mustAcknowledge = state.flag(this.mustAcknowledge);
    this.quickAcknowledgements = state.number(this.quickAcknowledgements);
    this.duplicateStart = state.rare(this.duplicateStart);
    this.duplicateEnd = state.rare(this.duplicateEnd);
    this.hasEarlyFin = state.flag(this.hasEarlyFin);
    this.earlyFinSequence = state.rare(this.earlyFinSequence);
    this.isFinReceived = state.flag(this.isFinReceived);
    this.isReadShut = state.flag(this.isReadShut);
    this.hasTimestamps = state.flag(this.hasTimestamps);
    this.timestampOffset = state.number(this.timestampOffset);
    this.timestampRecent = state.number(this.timestampRecent);
    this.timestampRecentAt = state.number(this.timestampRecentAt);
    this.hasSelectiveAcknowledgements = state.flag(this.hasSelectiveAcknowledgements);
    this.hasScaling = state.flag(this.hasScaling);
    this.hasEcn = state.flag(this.hasEcn);
    this.isEchoingCongestion = state.flag(this.isEchoingCongestion);
    this.error = state.rare(this.error) as Errno;
    this.softError = state.rare(this.softError) as Errno;
    this.challenges.readyAt = state.number(this.challenges.readyAt);
    this.challenges.suppressed = state.rare(this.challenges.suppressed);
    this.timers.exchange(state);
    this.lastReceivedAt = state.number(this.lastReceivedAt);
    this.waitingSince = state.number(this.waitingSince);
    this.lastSentAt = state.number(this.lastSentAt);
    this.unansweredKeepAlives = state.rare(this.unansweredKeepAlives);
    this.searchedSegmentSize = state.rare(this.searchedSegmentSize);
    this.searchedAt = state.rare(this.searchedAt);
    this.isBlackHole = state.flag(this.isBlackHole);
    this.pathMtu = state.number(this.pathMtu);
    this.segmentFrames = state.rare(this.segmentFrames);
    this.hasRoundTrips = state.flag(this.hasRoundTrips);
    for (let i = 0; i < COMMON_COUNTS; i++) counts[i] = state.double(counts[i]!);
    for (let i = COMMON_COUNTS; i < counts.length; i++) counts[i] = state.rareDouble(counts[i]!);
    this.noDelay = state.flag(this.noDelay);
    this.cork = state.flag(this.cork);
    this.quickAcknowledgement = state.flag(this.quickAcknowledgement);
    this.keepAlive = state.flag(this.keepAlive);
    this.keepAliveIdle = state.rare(this.keepAliveIdle);
    this.keepAliveInterval = state.rare(this.keepAliveInterval);
    this.keepAliveProbes = state.rare(this.keepAliveProbes);
    this.userTimeout = state.rare(this.userTimeout);
    this.linger = state.rare(this.linger);
    this.maximumSegment = state.rare(this.maximumSegment);
    this.trafficClass = state.rare(this.trafficClass);
    this.timeToLive = state.rare(this.timeToLive);
    this.pacing = state.flag(this.pacing);
    this.maximumPacingRate = state.rareDouble(this.maximumPacingRate);
    this.reuseAddress = state.flag(this.reuseAddress);
    this.reusePort = state.flag(this.reusePort);
    this.ecn = ECN_MODES[state.rare(ECN_MODES.indexOf(this.ecn))]!;
    // Last: a user's may do it wrong, and everything else is right nevertheless.
    this.recovery.control.exchange?.(state);
  }

  /** Sets options. The caller has checked them (`requireConnectionOptions`). @throws PosixError EINVAL for an unknown congestionControl. */
  apply(options: ConnectionOptions): void {
    this.noDelay = options.noDelay ?? this.noDelay;
    this.cork = options.cork ?? this.cork;
    this.quickAcknowledgement = options.quickAcknowledgement ?? this.quickAcknowledgement;
    this.keepAlive = options.keepAlive ?? this.keepAlive;
    this.keepAliveIdle = options.keepAliveIdleMilliseconds ?? this.keepAliveIdle;
    this.keepAliveInterval = options.keepAliveIntervalMilliseconds ?? this.keepAliveInterval;
    this.keepAliveProbes = options.keepAliveProbes ?? this.keepAliveProbes;
    this.userTimeout = options.userTimeoutMilliseconds ?? this.userTimeout;
    this.linger = options.lingerSeconds ?? this.linger;
    this.pacing = options.pacing ?? this.pacing;
    this.maximumPacingRate = options.maximumPacingRate ?? this.maximumPacingRate;
    this.maximumSegment = options.maximumSegmentSize ?? this.maximumSegment;
    // RFC 9293 §3.9.1.9, MUST-48: the DSCP is the user's, also in the course of the connection (SHLD-21).
    this.trafficClass = (options.trafficClass ?? this.trafficClass) & DSCP_BITS;
    this.timeToLive = options.timeToLive ?? this.timeToLive;
    this.reuseAddress = options.reuseAddress ?? this.reuseAddress;
    this.reusePort = options.reusePort ?? this.reusePort;
    this.ecn = options.ecn ?? this.ecn;
    if (options.receiveBuffer !== undefined) this.receiveWindow.fix(options.receiveBuffer);
    if (options.sendBuffer !== undefined) this.sendBuffer.limit = options.sendBuffer;
    if (options.congestionControl !== undefined) {
      this.recovery.use(this.layer.createCongestionControl(options.congestionControl), this.layer.now);
    }
    if (this.state !== State.CLOSED) this.optionsChanged(options);
  }

  /** Options that matter at once. */
  optionsChanged(options: ConnectionOptions): void {
    const { layer } = this;
    // Nagle, the cork or the pace may have held something back.
    if (options.noDelay !== undefined || options.cork !== undefined) layer.markPending(this);
    if (options.pacing !== undefined || options.maximumPacingRate !== undefined) layer.markPending(this);
    if (options.keepAlive !== undefined || options.keepAliveIdleMilliseconds !== undefined) {
      this.timers.keepAliveChanged(layer.now);
    }
    if (options.userTimeoutMilliseconds !== undefined) this.timers.update(layer.now);
  }

  // ---- what the handler of the connection hears

  tellConnected(): void {
    this.connection.handler?.connected(this.connection);
  }

  tellReadable(): void {
    this.connection.handler?.readable(this.connection);
  }

  tellWritable(): void {
    this.connection.handler?.writable(this.connection);
  }

  tellEnded(errno: Errno): void {
    this.connection.handler?.ended(this.connection, errno);
  }

  /** SND.UNA + SND.WND. */
  get sendWindowEnd(): number {
    return (this.recovery.unacknowledged + this.sendWindow) | 0;
  }

  /** Sequence number behind everything the application wants sent, its FIN included. */
  get sendEnd(): number {
    return (this.sendBuffer.end + (this.isFinQueued ? 1 : 0)) | 0;
  }

  /** Something was written, or closed, that was never sent. */
  get hasUnsent(): boolean {
    return seq.isGreater(this.sendEnd, this.recovery.next);
  }

  /** Our FIN was acknowledged. */
  get isFinAcknowledged(): boolean {
    return this.isFinSent && seq.isGreater(this.recovery.unacknowledged, this.sendBuffer.end);
  }

  /** A soft error: told at once to a handler that wants to know (RFC 9293 §3.9.1.8, MUST-47, SHLD-20). */
  report(errno: Errno): void {
    this.connection.handler?.softError?.(this.connection, errno);
  }

  get canReceiveText(): boolean {
    return canReceive(this.state) && !this.isFinReceived;
  }

  /** It ends: what was measured can still be asked for. */
  keepRoundTrips(): void {
    const { estimator } = this.recovery;
    this.hasRoundTrips = true;
    this.lastSmoothed = estimator.smoothed;
    this.lastVariation = estimator.variation;
    this.lastMinimum = estimator.minimum;
    this.lastTimeout = estimator.timeout;
  }

  /** For the probe hook. */
  observed(segment: Segment | null, now: Instant): void {
    const { probe } = this.layer;
    if (probe !== null && !this.isStandIn) probe(this.connection, segment, now);
  }
}
