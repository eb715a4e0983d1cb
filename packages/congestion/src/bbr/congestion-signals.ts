import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import { MAXIMUM_WINDOW } from '../congestion-window.js';
import type { BandwidthFilter } from './bandwidth-filter.js';
import type { EcnMarks } from './ecn-marks.js';
import { hasSegment, type RateSample } from './rate-sample.js';

/** BBR.Beta: a round with losses takes no more than this off. */
const BETA = 0.7;

/**
 * The short-term model ("When not Probing for Bandwidth"): upon losses bandwidth and volume are held to what was delivered
 * in the round trip of the losses, until the next probe.
 */
export class CongestionSignals {
  /** BBR.bw_shortterm (bw_lo): bytes per second, a double; Infinity: no bound. */
  bandwidth = Number.POSITIVE_INFINITY;
  /** BBR.inflight_shortterm (inflight_lo): bytes; MAXIMUM_WINDOW: no bound. */
  inFlight = MAXIMUM_WINDOW;
  /** BBR.loss_round_start: the acknowledgement just taken ends a round. */
  isRoundStart = false;
  /** BBR.is_loss_in_round. */
  hasLoss = false;
  /** Acknowledgements of this round that found losses. */
  lossEvents = 0;
  /** BBR.inflight_latest. */
  latestInFlight = 0;
  /** BBR.bw_latest, a double. */
  #latestBandwidth = 0;
  #roundEnd = 0;
  #hasRound = false;

  reset(): void {
    this.forget();
    this.unbind();
    this.isRoundStart = false;
    this.lossEvents = 0;
    this.#hasRound = false;
  }

  /** ResetCongestionSignals. */
  forget(): void {
    this.hasLoss = false;
    this.#latestBandwidth = 0;
    this.latestInFlight = 0;
  }

  /** ResetShortTermModel. */
  unbind(): void {
    this.bandwidth = Number.POSITIVE_INFINITY;
    this.inFlight = MAXIMUM_WINDOW;
  }

  /** NoteLoss: the first one begins a round. */
  onLoss(sample: AcknowledgementSample): void {
    if (!this.hasLoss) {
      this.#hasRound = true;
      this.#roundEnd = sample.deliveredTotal;
    }
    this.hasLoss = true;
    this.lossEvents = (this.lossEvents + 1) | 0;
  }

  /** UpdateLatestDeliverySignals. */
  update(rate: RateSample, sample: AcknowledgementSample): void {
    if (rate.rate > this.#latestBandwidth) this.#latestBandwidth = rate.rate;
    this.latestInFlight = Math.max(this.latestInFlight, sample.intervalBytes);
    this.isRoundStart = hasSegment(sample) && (!this.#hasRound || ((sample.priorDelivered - this.#roundEnd) | 0) >= 0);
    if (!this.isRoundStart) return;
    this.#hasRound = true;
    this.#roundEnd = sample.deliveredTotal;
  }

  /** AdvanceLatestDeliverySignals. */
  advance(rate: RateSample, sample: AcknowledgementSample): void {
    if (!this.isRoundStart) return;
    this.#latestBandwidth = rate.rate;
    this.latestInFlight = sample.intervalBytes;
  }

  /** LossLowerBounds, InitLowerBounds: a round with losses has ended in which nothing was probed for. */
  lowerForLoss(filter: BandwidthFilter, window: number): void {
    const bandwidth = BETA * Math.min(this.bandwidth, filter.maximum);
    this.bandwidth = Math.max(bandwidth, this.#latestBandwidth);
    const inFlight = Math.floor(BETA * (this.inFlight === MAXIMUM_WINDOW ? window : this.inFlight));
    this.inFlight = Math.max(this.latestInFlight, inFlight);
  }

  /** A round with marks has ended. */
  lowerForMarks(marks: EcnMarks, window: number): void {
    this.inFlight = marks.reduced(this.inFlight === MAXIMUM_WINDOW ? window : this.inFlight);
  }
}
