import type { AcknowledgementSample } from './acknowledgement-sample.js';
import { MAXIMUM_WINDOW } from './congestion-window.js';
import type { StateExchange } from './state-exchange.js';

/** g (RFC 8257 §3.3, §4.2): the weight of the latest window. */
const GAIN = 1 / 16;

/**
 * DCTCP.Alpha (RFC 8257 §3.3): which share of the bytes delivered was marked, estimated once per observation window, that is
 * per window of data, and averaged. What SACK says is delivered counts too, though the RFC would ignore it.
 */
export class MarkedShare {
  /** 0 to 1; 1 at first, so that the first mark halves (§3.3). */
  alpha = 1;
  /** DCTCP.BytesAcked, int32. */
  #delivered = 0;
  /** DCTCP.BytesMarked, int32. */
  #marked = 0;
  /** DCTCP.WindowEnd, in bytes delivered instead of sequence numbers. */
  #windowEnd = 0;
  #hasWindow = false;

  reset(): void {
    this.alpha = 1;
    this.#delivered = 0;
    this.#marked = 0;
    this.#hasWindow = false;
  }

  exchange(state: StateExchange): void {
    this.alpha = state.rareDouble(this.alpha);
    this.#delivered = state.number(this.#delivered);
    this.#marked = state.rare(this.#marked);
    this.#windowEnd = state.number(this.#windowEnd);
    this.#hasWindow = state.flag(this.#hasWindow);
  }

  observe(sample: AcknowledgementSample): void {
    const sent = (sample.deliveredTotal - sample.deliveredBytes + sample.inFlight) | 0;
    if (!this.#hasWindow) {
      this.#hasWindow = true;
      this.#windowEnd = sent;
    }
    this.#delivered = Math.min((this.#delivered + sample.deliveredBytes) | 0, MAXIMUM_WINDOW);
    if (sample.hasEcnEcho) this.#marked = Math.min((this.#marked + sample.deliveredBytes) | 0, MAXIMUM_WINDOW);
    if (((sample.deliveredTotal - this.#windowEnd) | 0) <= 0) return;
    // Nothing delivered, but much lost in between: no estimate.
    if (this.#delivered > 0) this.alpha += GAIN * (this.#marked / this.#delivered - this.alpha);
    this.#windowEnd = sent;
    this.#delivered = 0;
    this.#marked = 0;
  }

  /** `bytes` × (1 - α / 2), an int32. */
  reduced(bytes: number): number {
    return Math.floor(bytes * (1 - this.alpha / 2));
  }
}
