import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from './acknowledgement-sample.js';
import type { CongestionControl, CongestionTraits } from './congestion-control.js';
import type { CongestionWindow } from './congestion-window.js';
import { MarkedShare } from './marked-share.js';
import { NewReno } from './new-reno.js';
import type { StateExchange } from './state-exchange.js';

/** Marks are to be told one by one (RFC 8257 §3.2). */
const TRAITS: CongestionTraits = Object.freeze({
  deliveryRate: false,
  sent: false,
  rulesRecovery: false,
  preciseEcn: true,
});

/**
 * DCTCP (RFC 8257), for networks under one administration whose switches mark by a low, fixed queue length: the window is
 * lowered by how many segments were marked, not by half because one was, once per window of data. All else, growth (§3.4)
 * and the reaction to losses (§3.5), is NewReno's; so is everything where ECN was not negotiated.
 */
export class Dctcp extends NewReno implements CongestionControl {
  override readonly name: string = 'dctcp';
  override readonly traits = TRAITS;
  readonly #share = new MarkedShare();
  /** No reduction before so much is delivered: what was under way at the last one. */
  #reductionEnd = 0;
  #isReduced = false;

  override start(window: CongestionWindow, now: Instant): void {
    super.start(window, now);
    this.#share.reset();
    this.#isReduced = false;
  }

  override onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void {
    this.#share.observe(sample);
    if (this.#isReduced && ((sample.deliveredTotal - this.#reductionEnd) | 0) > 0) this.#isReduced = false;
    if (sample.hasEcnEcho) {
      // The acknowledgement that brings a mark does not enlarge the window (RFC 3168 §6.1.2).
      // Nor does it shrink twice: a loss under repair has lowered it already.
      if (!this.#isReduced && !window.isRecovering) this.#reduce(window, sample);
      return;
    }
    super.onAcknowledgement(window, sample, now);
  }

  override exchange(state: StateExchange): void {
    super.exchange(state);
    this.#share.exchange(state);
    this.#reductionEnd = state.rare(this.#reductionEnd);
    this.#isReduced = state.flag(this.#isReduced);
  }

  override describe(): Readonly<Record<string, number>> {
    return { ...super.describe(), alpha: this.#share.alpha };
  }

  /**
   * RFC 8257 §3.3: cwnd × (1 - α / 2), with the α of the last complete window, at the first mark (as RFC 3168 §6.1.2
   * has it), not at the end of the window it falls into.
   */
  #reduce(window: CongestionWindow, sample: AcknowledgementSample): void {
    const share = this.#share;
    this.#isReduced = true;
    this.#reductionEnd = (sample.deliveredTotal - sample.deliveredBytes + sample.inFlight) | 0;
    window.slowStartThreshold = Math.max(share.reduced(window.window), window.minimumWindow);
    window.window = Math.min(window.window, window.slowStartThreshold);
    // What an undo would bring back is not exempt: the mark was no mistake.
    if (window.canUndo) {
      window.priorWindow = Math.max(share.reduced(window.priorWindow), window.maximumSegmentSize);
      window.priorThreshold = Math.min(window.priorThreshold, Math.max(window.priorWindow, window.minimumWindow));
    }
    this.restartCounting();
  }
}
