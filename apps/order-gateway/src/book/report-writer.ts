import type { SpscRing } from '@prism-net/rings';
import { ReportWord } from '../gateway/book-messages.js';

/** Fills in records of the ring of reports. Whoever writes has made sure that there is room, and commits. */
export class ReportWriter {
  readonly #ring: SpscRing;

  constructor(ring: SpscRing) {
    this.#ring = ring;
  }

  /** `kind`: a `ReplyKind`, or a `SessionReport`, which says what the other words mean to a session. */
  write(
    owner: number,
    kind: number,
    reason: number,
    executions: number,
    idLow: number,
    idHigh: number,
    filledLots: number,
    remainingLots: number,
    lastPriceTicks: number,
  ): void {
    const at = this.#ring.reserve();
    const { words } = this.#ring;
    words[at + ReportWord.owner] = owner;
    words[at + ReportWord.kind] = kind;
    words[at + ReportWord.reason] = reason;
    words[at + ReportWord.executions] = executions;
    words[at + ReportWord.idLow] = idLow;
    words[at + ReportWord.idHigh] = idHigh;
    words[at + ReportWord.filledLots] = filledLots;
    words[at + ReportWord.remainingLots] = remainingLots;
    words[at + ReportWord.lastPriceTicks] = lastPriceTicks;
  }
}
