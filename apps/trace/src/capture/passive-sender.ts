import type { TraceRecorder } from '@prism-net/pictures';
import { tcp } from '@prism-net/wire';
import { HoleList } from './hole-list.js';
import { RangeSet } from './range-set.js';
import { RecentSegments } from './recent-segments.js';
import { RoundTripEstimator } from './round-trip-estimator.js';
import { SequenceSpace } from './sequence-space.js';
import type { TcpFrame } from './tcp-frame.js';

/** What a segment may lie ahead of everything acknowledged, whatever windows were announced. */
const PLAUSIBLE_BYTES = 1 << 22;
/** After so many implausible segments in a row it is the capture that has a gap. */
const IMPLAUSIBLE_IN_A_ROW = 3;
/** A segment that comes this late was sent again, where no round trip was measured yet. */
const REORDERING_MICROSECONDS = 3000;
/** The least silence that is taken for a retransmission timeout. */
const TIMEOUT_MICROSECONDS = 200_000;

const CONGESTION_EXPERIENCED = 3; // RFC 3168 §5

/** Of the shift in a window scale option: no SYN was captured, or it has none. */
const Scale = { UNKNOWN: -2, NONE: -1 } as const;

/**
 * What an observer can tell about one direction of a connection: from the segments of the sender and the replies of the
 * receiver to the samples and events of a trace. Memory is bounded; content never makes it throw.
 */
export class PassiveSender {
  /** Segments left out, because their numbers cannot belong to the connection. */
  implausible = 0;
  /** Bytes that were acknowledged and are not in the capture. */
  uncaptured = 0;
  hasAcknowledgements = false;
  isWindowKnown = false;

  readonly #recorder: TraceRecorder;
  readonly #isInformed: boolean;
  readonly #space = new SequenceSpace();
  readonly #trip = new RoundTripEstimator();
  /** Not acknowledged yet: captured, and selectively acknowledged. */
  readonly #seen = new RangeSet();
  readonly #sacked = new RangeSet();
  readonly #holes = new HoleList();
  readonly #copies = new RecentSegments();
  #highest = 0;
  /** SND.UNA as the observer knows it; -1 while SYN is not acknowledged. */
  #acknowledged = 0;
  #finish = Number.NaN;
  #window = Number.NaN;
  #largestWindow = 0;
  #lastRawWindow = -1;
  #isClosed = false;
  #senderScale: number = Scale.UNKNOWN;
  #receiverScale: number = Scale.UNKNOWN;
  #duplicates = 0;
  #implausibleInARow = 0;
  /** When either side was last heard of, for silences. */
  #lastHeard = 0;

  /**
   * `isInformed`: the sender itself tells of its state and its timers; only what segments say is left to be found here.
   */
  constructor(recorder: TraceRecorder, isInformed = false) {
    this.#recorder = recorder;
    this.#isInformed = isInformed;
  }

  /** A segment of the sender. */
  segment(frame: TcpFrame, time: number): void {
    const { flags } = frame;
    const isSyn = (flags & tcp.Flag.SYN) !== 0;
    const isFin = (flags & tcp.Flag.FIN) !== 0;
    const isRepeatedSyn = isSyn && this.#senderScale !== Scale.UNKNOWN;
    if (isSyn && !isRepeatedSyn) this.#open(frame, time);
    else if (!this.#space.isAnchored) this.#space.anchor(frame.sequence, 0); // the capture began too late: this is byte 0
    const start = this.#space.relative(isSyn ? (frame.sequence + 1) | 0 : frame.sequence);
    if (!this.#isPlausible(start + frame.length)) return;
    if ((flags & tcp.Flag.RST) !== 0) {
      this.#recorder.event('reset', time, start);
      return;
    }
    if (!isSyn && (flags & tcp.Flag.CWR) !== 0) this.#recorder.event('window-reduced', time, start);
    if (frame.ecn === CONGESTION_EXPERIENCED) {
      this.#recorder.event('congestion-experienced', time, start, frame.length);
    }
    const isRepeatedFin = isFin && start + frame.length === this.#finish;
    if (frame.length > 0) this.#send(frame, start, time);
    else if (isRepeatedSyn || isRepeatedFin) this.#repeatFlag(frame, start, time);
    if (isFin) this.#finish = start + frame.length;
    if (isSyn || isFin) this.#copies.add(frame);
    if (frame.length > 0 || isSyn || isFin) this.#sample(time);
    this.#lastHeard = time;
  }

  /** A segment of the receiver. */
  reply(frame: TcpFrame, time: number): void {
    const { flags, options } = frame;
    const isSyn = (flags & tcp.Flag.SYN) !== 0;
    if (isSyn) this.#receiverScale = Math.max(Scale.NONE, options.windowScale);
    if ((flags & tcp.Flag.RST) !== 0) {
      this.#recorder.event('reset', time, this.#highest);
      return;
    }
    if ((flags & tcp.Flag.ACK) === 0) return;
    if (!this.#space.isAnchored) this.#space.anchor(frame.acknowledgement, 0);
    // The acknowledgement of a FIN is one above the data.
    let acknowledged = this.#space.relative(frame.acknowledgement);
    if (acknowledged > this.#finish) acknowledged = this.#finish;
    if (!this.#isPlausible(acknowledged)) return;
    this.hasAcknowledgements = true;
    const isSameWindow = frame.window === this.#lastRawWindow;
    this.#takeWindow(frame, isSyn, time);
    if (!isSyn && (flags & tcp.Flag.ECE) !== 0) this.#recorder.event('ecn-echo', time, acknowledged);
    if (acknowledged > this.#acknowledged) {
      this.#advance(acknowledged, options.hasTimestamps ? options.timestampEcho : Number.NaN, time);
    } else if (acknowledged === this.#acknowledged) {
      this.#takeDuplicate(frame, acknowledged, isSameWindow, time);
    }
    this.#takeSack(frame, acknowledged, time);
    this.#lastHeard = time;
    this.#sample(time);
  }

  #open(frame: TcpFrame, time: number): void {
    this.#senderScale = Math.max(Scale.NONE, frame.options.windowScale);
    this.#space.anchor((frame.sequence + 1) | 0, 0);
    this.#highest = 0;
    this.#acknowledged = -1;
    // SYN is a segment too, when it comes to round trips.
    this.#trip.sent(0, timestampOf(frame), time);
  }

  #send(frame: TcpFrame, start: number, time: number): void {
    const { length } = frame;
    const end = start + length;
    // RFC 9293 §3.8.4: with one byte of garbage, or none.
    if (length === 1 && end === this.#highest && this.#acknowledged === end) {
      this.#recorder.event('keep-alive', time, start);
      return;
    }
    this.#recorder.segments++;
    this.#recorder.sentBytes += length;
    const isRepeated = this.#classify(frame, start, end, time);
    this.#copies.add(frame);
    this.#seen.add(Math.max(start, this.#acknowledged), end);
    // A probe of a closed window is acknowledged when the window opens, sooner or later.
    if (isRepeated)
      this.#trip.repeated(Math.max(end, this.#highest), this.#isClosed ? Number.NaN : timestampOf(frame), time);
    if (start > this.#highest) this.#holes.open(this.#highest, start, time);
    if (end <= this.#highest) return;
    if (!isRepeated) this.#trip.sent(end, timestampOf(frame), time);
    this.#advanceHighest(end);
  }

  /** Names a segment that is not simply the next one. True when an acknowledgement of it says nothing of round trips. */
  #classify(frame: TcpFrame, start: number, end: number, time: number): boolean {
    const { length } = frame;
    if (this.#isClosed && length === 1) {
      this.#recorder.event('window-probe', time, start, length);
      return true;
    }
    if (start >= this.#highest) return false;
    if (this.#copies.has(frame)) {
      this.#recorder.event('duplicate', time, start, length);
      return true;
    }
    if (end <= this.#acknowledged || this.#sacked.overlap(start, end) === length) {
      this.#recorder.event('spurious-retransmission', time, start, length);
      return true;
    }
    const hole = this.#seen.overlap(start, end) > 0 ? Number.NaN : this.#holes.fill(start, end);
    const limit = Math.max(REORDERING_MICROSECONDS, this.#trip.minimum / 2 || 0);
    if (time - hole < limit) {
      this.#recorder.event('reordering', time, start, length);
      return false;
    }
    // It was lost before it could be captured.
    if (!Number.isNaN(hole)) this.#recorder.event('loss', hole, start, length);
    this.#nameSilence(start, end, time);
    this.#recorder.event('retransmission', time, start, length);
    return true;
  }

  /** What made the sender send again: a silence, or else the acknowledgements. */
  #nameSilence(start: number, end: number, time: number): void {
    if (this.#isInformed) return;
    const silence = time - this.#lastHeard;
    const trip = this.#trip.smoothed;
    const hasReports = this.#duplicates > 2 || this.#sacked.total > 0;
    if (start <= this.#acknowledged && silence >= TIMEOUT_MICROSECONDS) {
      this.#recorder.event('timeout', time, start, end - start);
    } else if (end === this.#highest && !hasReports && silence > 1.5 * trip) {
      this.#recorder.event('tail-loss-probe', time, start, end - start);
    }
  }

  /** SYN and FIN without data are repeated when nothing was heard. */
  #repeatFlag(frame: TcpFrame, start: number, time: number): void {
    if (!this.#isInformed) this.#recorder.event(this.#copies.has(frame) ? 'duplicate' : 'timeout', time, start);
    this.#trip.repeated(this.#highest, timestampOf(frame), time);
  }

  #takeWindow(frame: TcpFrame, isSyn: boolean, time: number): void {
    this.#lastRawWindow = frame.window;
    // It takes two options to scale (RFC 7323 §2.2), and never in a segment with SYN.
    const isScaled = this.#senderScale >= 0 && this.#receiverScale >= 0;
    const isUnscaled = isSyn || this.#senderScale === Scale.NONE || this.#receiverScale === Scale.NONE;
    const window = frame.window * (isScaled && !isSyn ? 2 ** this.#receiverScale : 1);
    const isKnown = isScaled || isUnscaled || window === 0;
    this.#window = isKnown ? window : Number.NaN;
    this.isWindowKnown ||= isKnown && !isSyn;
    this.#largestWindow = Math.max(this.#largestWindow, window);
    const isClosed = window === 0 && !isSyn;
    if (isClosed !== this.#isClosed)
      this.#recorder.event(isClosed ? 'zero-window' : 'window-open', time, this.#highest);
    this.#isClosed = isClosed;
  }

  #advance(acknowledged: number, echo: number, time: number): void {
    this.#recorder.now.roundTrip = this.#trip.acknowledged(acknowledged, echo, time);
    this.uncaptured += this.#holes.closeBelow(acknowledged);
    if (acknowledged > this.#highest) {
      this.uncaptured += acknowledged - this.#highest;
      this.#advanceHighest(acknowledged);
    }
    this.#acknowledged = acknowledged;
    this.#seen.removeBelow(acknowledged);
    this.#sacked.removeBelow(acknowledged);
    this.#duplicates = 0;
  }

  /** RFC 5681 §2. */
  #takeDuplicate(frame: TcpFrame, acknowledged: number, isSameWindow: boolean, time: number): void {
    if (frame.length > 0 || (frame.flags & (tcp.Flag.SYN | tcp.Flag.FIN)) !== 0) return;
    if (!isSameWindow || this.#highest <= acknowledged || this.#isClosed) return;
    this.#duplicates++;
    this.#recorder.event('duplicate-acknowledgement', time, acknowledged);
  }

  #takeSack({ options }: TcpFrame, acknowledged: number, time: number): void {
    for (let block = 0; block < options.sackCount; block++) {
      const start = this.#space.relative(options.sackStart[block]!);
      const end = this.#space.relative(options.sackEnd[block]!);
      if (end <= start) continue;
      // RFC 2883 §4: a first block of what is acknowledged already reports a duplicate.
      if (block === 0 && end <= acknowledged) this.#recorder.event('duplicate-report', time, start, end - start);
      if (start < acknowledged || end > this.#highest) continue;
      if (this.#sacked.add(start, end) > 0) {
        this.#recorder.event('selective-acknowledgement', time, start, end - start);
      }
    }
  }

  /** Numbers count from the highest: they may then go on for ever. */
  #advanceHighest(highest: number): void {
    this.#space.advance(highest - this.#highest);
    this.#highest = highest;
  }

  #isPlausible(end: number): boolean {
    const span = Math.max(PLAUSIBLE_BYTES, 2 * this.#largestWindow);
    const isAhead = end > this.#highest + span;
    if (!isAhead && end >= this.#acknowledged - span) {
      this.#implausibleInARow = 0;
      return true;
    }
    if (isAhead && ++this.#implausibleInARow > IMPLAUSIBLE_IN_A_ROW) return true;
    this.implausible++;
    return false;
  }

  #sample(time: number): void {
    if (this.#isInformed) return;
    const { now } = this.#recorder;
    now.inFlight = Math.max(0, this.#highest - Math.max(0, this.#acknowledged) - this.#sacked.total);
    now.receiveWindow = this.#window;
    now.smoothedRoundTrip = this.#trip.smoothed;
    now.sequence = Math.max(0, this.#highest);
    now.acknowledged = Math.max(0, this.#acknowledged);
    this.#recorder.delivered = now.acknowledged;
    this.#recorder.sample(time);
  }
}

function timestampOf({ options }: TcpFrame): number {
  return options.hasTimestamps ? options.timestampValue : Number.NaN;
}
