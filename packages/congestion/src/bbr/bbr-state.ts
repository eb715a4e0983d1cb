import { MAXIMUM_WINDOW } from '../congestion-window.js';
import { AckAggregation } from './ack-aggregation.js';
import { BandwidthFilter } from './bandwidth-filter.js';
import { AcknowledgementPhase, BbrPhase } from './bbr-phase.js';
import { CongestionSignals } from './congestion-signals.js';
import { EcnMarks } from './ecn-marks.js';
import { FullPipe } from './full-pipe.js';
import { MinimumRoundTrip } from './minimum-round-trip.js';
import { ProbeClock } from './probe-clock.js';
import { RateSample } from './rate-sample.js';
import { RoundCounter } from './round-counter.js';

/** "No bound" for volumes in flight. */
export const UNBOUNDED = MAXIMUM_WINDOW;

/**
 * All that BBR knows of one connection: the model of the path, in parts, and where the state machine stands. Bandwidths are
 * doubles in bytes per second, that stay in their objects; volumes are int32 bytes, times int32 µs.
 */
export class BbrState {
  phase: BbrPhase = BbrPhase.STARTUP;
  acknowledgementPhase: AcknowledgementPhase = AcknowledgementPhase.NONE;

  readonly sample = new RateSample();
  readonly round = new RoundCounter();
  readonly bandwidth = new BandwidthFilter();
  readonly roundTrip = new MinimumRoundTrip();
  readonly aggregation = new AckAggregation();
  readonly pipe = new FullPipe();
  readonly signals = new CongestionSignals();
  readonly marks: EcnMarks;
  readonly clock: ProbeClock;

  /** BBR.bdp: the bandwidth to be used × the shortest round trip. */
  bandwidthDelayProduct = 0;
  /** The same of the largest bandwidth of late, whatever the short-term bounds are. */
  largestProduct = 0;

  /** BBR.inflight_longterm (inflight_hi): the most that was ever in flight without too many losses; UNBOUNDED: not known. */
  longTermInFlight = UNBOUNDED;
  /** BBR.probe_up_acked_per_inc: bytes delivered by which {@link longTermInFlight} grows by a segment. */
  bytesPerIncrement = UNBOUNDED;
  deliveredForIncrement = 0;
  roundsProbingUp = 0;
  /** BBR.is_bw_probe_sample: what arrives may have been sent faster than the path delivers. */
  isProbeSample = false;
  /** A classic mark has come that is not answered yet. */
  hasUnansweredMark = false;

  /** BBR.drain_start_round. */
  drainRound = 0;
  /** BBR.prior_cwnd: the window that recovery and ProbeRTT give back. */
  priorWindow = 0;
  /** BBR.idle_restart. */
  isRestarting = false;
  /** Bytes delivered since the beginning, up to MAXIMUM_WINDOW. */
  delivered = 0;
  /** The window was full at some time in this round trip (C.is_cwnd_limited). */
  isWindowLimited = false;
  wasWindowLimited = false;

  // To be restored if the losses were none (BBR.undo_*).
  undoPhase: BbrPhase = BbrPhase.DRAIN;
  undoLongTermInFlight = UNBOUNDED;
  undoShortTermInFlight = UNBOUNDED;
  undoShortTermBandwidth = 0;

  constructor(seed: number | null, ecn: boolean) {
    this.clock = new ProbeClock(seed);
    this.marks = new EcnMarks(ecn);
  }

  reset(now: number): void {
    this.phase = BbrPhase.STARTUP;
    this.acknowledgementPhase = AcknowledgementPhase.NONE;
    this.sample.reset();
    this.round.reset();
    this.bandwidth.reset();
    this.roundTrip.reset(now);
    this.aggregation.reset(now);
    this.pipe.reset();
    this.signals.reset();
    this.marks.reset();
    this.clock.reset(now);
    this.bandwidthDelayProduct = 0;
    this.largestProduct = 0;
    this.longTermInFlight = UNBOUNDED;
    this.bytesPerIncrement = UNBOUNDED;
    this.deliveredForIncrement = 0;
    this.roundsProbingUp = 0;
    this.isProbeSample = false;
    this.hasUnansweredMark = false;
    this.drainRound = 0;
    this.priorWindow = 0;
    this.isRestarting = false;
    this.delivered = 0;
    this.isWindowLimited = false;
    this.wasWindowLimited = false;
    this.undoPhase = BbrPhase.DRAIN;
    this.undoLongTermInFlight = UNBOUNDED;
    this.undoShortTermInFlight = UNBOUNDED;
    this.undoShortTermBandwidth = 0;
  }
}
