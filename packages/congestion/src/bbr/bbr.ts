import { requireBoolean, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import { CongestionCause, type CongestionControl, type CongestionTraits } from '../congestion-control.js';
import type { CongestionWindow } from '../congestion-window.js';
import { BbrPhase, isAccelerating, isProbingBandwidth } from './bbr-phase.js';
import { BbrState, UNBOUNDED } from './bbr-state.js';
import { initializeRate, updateProducts, updateRate, updateWindow } from './control-parameters.js';
import { startDown, startRefill } from './cycle.js';
import { adaptLongTermModel } from './long-term-model.js';
import { updatePhase } from './probe-bandwidth.js';
import { RoundTripProbe } from './probe-round-trip.js';
import { checkStartupDone, isDrained } from './startup.js';
import { restoreWindow, saveWindow } from './volumes.js';

export interface BbrOptions {
  /**
   * Marks count one by one, as DCTCP's do, and hold back what is in flight by their share. Only for networks whose switches
   * mark early and whose receivers echo precisely (RFC 8257 §5); elsewhere a mark is taken for a loss. Default false.
   */
  readonly ecn?: boolean;
  /**
   * An int32, from which the times between probes are drawn. Default: they are drawn from when cycles begin and what was
   * delivered until then, which is the same in each run, but not for each connection.
   */
  readonly seed?: number;
}

const CLASSIC: CongestionTraits = Object.freeze({
  deliveryRate: true,
  sent: false,
  rulesRecovery: true,
  preciseEcn: false,
});
const PRECISE: CongestionTraits = Object.freeze({ ...CLASSIC, preciseEcn: true });

/**
 * BBR, version 3 (draft-ietf-ccwg-bbr): no window that losses cut, but a model of the path, its bandwidth and its shortest round
 * trip, by which the rate is set and what is in flight is bounded. What losses and marks say of the path bounds the model.
 *
 * ```
 *   Startup ─► Drain ─► DOWN ─► CRUISE ─► REFILL ─► UP ─┐      from anywhere, if 5 s showed no shorter
 *                        ▲                              │      round trip: ProbeRTT, 200 ms ─► CRUISE
 *                        └──────────────────────────────┘
 * ```
 */
export class Bbr implements CongestionControl {
  readonly name: string = 'bbr';
  readonly traits: CongestionTraits;
  readonly #state: BbrState;
  readonly #probe = new RoundTripProbe();
  /** An acknowledgement's sample is needed where a cycle is to begin outside one. */
  #hasRate = false;

  /** @throws PosixError EINVAL that names the option */
  constructor(options: BbrOptions = {}) {
    requireKnownOptions('Bbr', options, ['ecn', 'seed']);
    const { ecn = false, seed } = options;
    requireBoolean('Bbr', 'ecn', ecn);
    // Unsigned ones are as good.
    if (seed !== undefined) requireWholeNumber('Bbr', 'seed', seed, -(2 ** 31), 2 ** 32 - 1);
    this.traits = ecn ? PRECISE : CLASSIC;
    this.#state = new BbrState(seed === undefined ? null : seed | 0, ecn);
  }

  start(window: CongestionWindow, now: Instant): void {
    this.#state.reset(now);
    this.#probe.reset();
    this.#hasRate = false;
    initializeRate(window, 0);
  }

  onSent(): void {}

  /** UpdateOnACK. */
  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void {
    const bbr = this.#state;
    const { signals, pipe } = bbr;
    if (!this.#hasRate && sample.smoothedRoundTrip > 0) {
      this.#hasRate = true;
      initializeRate(window, sample.smoothedRoundTrip);
    }
    bbr.delivered = Math.min((bbr.delivered + sample.deliveredBytes) | 0, UNBOUNDED);
    this.#takeSignals(window, sample);
    bbr.aggregation.update(
      bbr.bandwidth,
      sample.deliveredBytes,
      window.window,
      bbr.round.isStart,
      pipe.wasReached,
      now,
    );
    if (bbr.round.isStart) pipe.update(bbr.sample);
    checkStartupDone(bbr, window, sample);
    if (signals.isRoundStart) signals.lossEvents = 0;
    if (bbr.phase === BbrPhase.DRAIN && isDrained(bbr, window, sample)) startDown(bbr, now);
    if (pipe.wasReached) {
      adaptLongTermModel(bbr, window, sample, now);
      updatePhase(bbr, window, sample, now);
    }
    bbr.hasUnansweredMark = false;
    bbr.roundTrip.update(sample.roundTrip, now);
    this.#probe.update(bbr, window, sample, now);
    signals.advance(bbr.sample, sample);
    updateProducts(bbr, window);
    updateRate(bbr, window, bbr.phase);
    updateWindow(bbr, window, sample);
  }

  /** UpdateLatestDeliverySignals, UpdateCongestionSignals, and what begins and ends with a round. */
  #takeSignals(window: CongestionWindow, sample: AcknowledgementSample): void {
    const bbr = this.#state;
    const { signals, marks, round } = bbr;
    bbr.sample.take(sample);
    if (sample.lostBytes > 0 || bbr.hasUnansweredMark) signals.onLoss(sample);
    marks.observe(sample);
    signals.update(bbr.sample, sample);
    // As the draft's C.is_cwnd_limited: in the last round trip. What this acknowledgement delivered was in flight still.
    if (((sample.inFlight + window.maximumSegmentSize) | 0) > window.window) bbr.isWindowLimited = true;
    if (round.update(sample)) {
      bbr.clock.onRound();
      bbr.wasWindowLimited = bbr.isWindowLimited;
      bbr.isWindowLimited = false;
    } else if (bbr.isWindowLimited) bbr.wasWindowLimited = true;
    bbr.bandwidth.update(bbr.sample);
    if (!signals.isRoundStart) return;
    marks.endRound();
    if (!isAccelerating(bbr.phase)) {
      if (signals.hasLoss) signals.lowerForLoss(bbr.bandwidth, window.window);
      if (marks.hasMarks) signals.lowerForMarks(marks, window.window);
    }
    signals.hasLoss = false;
  }

  onCongestion(window: CongestionWindow, _flightSize: number, cause: CongestionCause, _now: Instant): void {
    const bbr = this.#state;
    this.#saveState(window);
    window.reduce(window.slowStartThreshold);
    if (cause !== CongestionCause.ECN) return;
    bbr.marks.onClassicMark();
    bbr.hasUnansweredMark = true;
  }

  onRecovered(window: CongestionWindow, _now: Instant): void {
    const bbr = this.#state;
    const wasRecovering = window.isRecovering;
    window.recovered();
    if (wasRecovering) restoreWindow(bbr, window);
  }

  onTimeout(window: CongestionWindow, _flightSize: number, _now: Instant): void {
    if (!window.isRepeatedTimeout) this.#saveState(window);
    window.timeOut(window.slowStartThreshold);
  }

  /** SaveStateUponLoss. */
  #saveState(window: CongestionWindow): void {
    const bbr = this.#state;
    saveWindow(bbr, window);
    // DRAIN stands for none: a transition that needs no undo.
    bbr.undoPhase = BbrPhase.DRAIN;
    bbr.undoLongTermInFlight = bbr.longTermInFlight;
    bbr.undoShortTermInFlight = bbr.signals.inFlight;
    bbr.undoShortTermBandwidth = bbr.signals.bandwidth;
  }

  /** HandleSpuriousLossDetection. */
  onUndo(window: CongestionWindow, _now: Instant): void {
    const bbr = this.#state;
    const { signals, pipe } = bbr;
    if (!window.canUndo) return;
    window.undo();
    signals.hasLoss = false;
    pipe.restart();
    signals.bandwidth = Math.max(signals.bandwidth, bbr.undoShortTermBandwidth);
    signals.inFlight = Math.max(signals.inFlight, bbr.undoShortTermInFlight);
    bbr.longTermInFlight = Math.max(bbr.longTermInFlight, bbr.undoLongTermInFlight);
    const isElsewhere = bbr.phase !== bbr.undoPhase && bbr.phase !== BbrPhase.PROBE_ROUND_TRIP;
    if (bbr.undoPhase === BbrPhase.STARTUP) {
      pipe.wasReached = false;
      if (isElsewhere) bbr.phase = BbrPhase.STARTUP;
    } else if (bbr.undoPhase === BbrPhase.PROBE_UP && isElsewhere) startRefill(bbr);
    bbr.undoPhase = BbrPhase.DRAIN;
  }

  /** HandleRestartFromIdle: neither slow start nor a burst, but the bandwidth as it was known. */
  onIdle(window: CongestionWindow, _idleMicroseconds: number, _retransmissionTimeout: number, now: Instant): void {
    const bbr = this.#state;
    bbr.isRestarting = true;
    bbr.aggregation.restart(now);
    if (isProbingBandwidth(bbr.phase)) updateRate(bbr, window, BbrPhase.PROBE_CRUISE);
    else if (bbr.phase === BbrPhase.PROBE_ROUND_TRIP) this.#probe.endIfDone(bbr, window, now);
  }

  /** The phase is a {@link BbrPhase}; rates in bytes per second, volumes in bytes, times in µs; a bound of 0: none. */
  describe(): Readonly<Record<string, number>> {
    const { phase, round, bandwidth, roundTrip, aggregation, signals, marks, longTermInFlight } = this.#state;
    return {
      phase,
      rounds: round.count,
      maximumBandwidth: bandwidth.maximum,
      bandwidth: bandwidth.bandwidth,
      minimumRoundTrip: roundTrip.value,
      bandwidthDelayProduct: this.#state.bandwidthDelayProduct,
      extraAcknowledged: aggregation.extra,
      longTermInFlight: bound(longTermInFlight),
      shortTermInFlight: bound(signals.inFlight),
      shortTermBandwidth: Number.isFinite(signals.bandwidth) ? signals.bandwidth : 0,
      alpha: marks.alpha,
    };
  }
}

function bound(bytes: number): number {
  return bytes === UNBOUNDED ? 0 : bytes;
}
