import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import { MAXIMUM_WINDOW } from '../congestion-window.js';

/** Weight of the latest round in {@link EcnMarks.alpha}. */
const GAIN = 1 / 16;
/** BBR.ecn_factor: the short-term bound falls by this × alpha per round with marks. */
const FACTOR = 1 / 3;
/** BBR.ecn_thresh: more than this share marked, and too much is in flight. */
const THRESHOLD = 0.5;
/** Rounds above the threshold that end Startup. */
const STARTUP_ROUNDS = 2;

/**
 * The share of bytes that were marked (CE), by round trip and averaged. The draft leaves ECN to implementations; the rules
 * are those of the authors' own: alpha as in DCTCP (RFC 8257 §3.3).
 */
export class EcnMarks {
  /** Marks come one by one (the trait `preciseEcn`). */
  readonly isPrecise: boolean;
  /** 0 to 1, a double; 1 at first. */
  alpha = 1;
  /** The round that has just ended had marks. */
  hasMarks = false;
  /** More of it than the threshold was marked. */
  isTooHigh = false;
  #delivered = 0;
  #marked = 0;
  #hasClassicMark = false;
  #rounds = 0;

  constructor(isPrecise: boolean) {
    this.isPrecise = isPrecise;
  }

  reset(): void {
    this.alpha = 1;
    this.hasMarks = false;
    this.isTooHigh = false;
    this.#delivered = 0;
    this.#marked = 0;
    this.#hasClassicMark = false;
    this.#rounds = 0;
  }

  /** Rounds on end that were too high are enough to leave Startup. */
  get isPipeFull(): boolean {
    return this.#rounds >= STARTUP_ROUNDS;
  }

  /** ECE as RFC 3168 has it: something in this round was marked, no more is known. */
  onClassicMark(): void {
    this.#hasClassicMark = true;
  }

  observe(sample: AcknowledgementSample): void {
    if (!this.isPrecise) return;
    this.#delivered = Math.min((this.#delivered + sample.deliveredBytes) | 0, MAXIMUM_WINDOW);
    if (sample.hasEcnEcho) this.#marked = Math.min((this.#marked + sample.deliveredBytes) | 0, MAXIMUM_WINDOW);
  }

  /** A round has ended. */
  endRound(): void {
    if (this.#delivered > 0) {
      const share = this.#marked / this.#delivered;
      this.alpha += GAIN * (share - this.alpha);
      this.isTooHigh = share >= THRESHOLD;
    } else this.isTooHigh = false;
    this.hasMarks = this.#marked > 0;
    this.#rounds = this.isTooHigh || this.#hasClassicMark ? Math.min(this.#rounds + 1, STARTUP_ROUNDS) : 0;
    this.#delivered = 0;
    this.#marked = 0;
    this.#hasClassicMark = false;
  }

  /** `bytes` × (1 - alpha × ecn_factor), an int32. */
  reduced(bytes: number): number {
    return Math.floor(bytes * (1 - this.alpha * FACTOR));
  }
}
