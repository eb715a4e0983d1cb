import type { StateCursor } from '../parking/state-cursor.js';

const Step = { OFF: 0, FIRST: 1, SECOND: 2 } as const;

/** What an acknowledgement means for F-RTO. */
export const ForwardVerdict = { NONE: 0, LOSS: 1, SPURIOUS: 2 } as const;
export type ForwardVerdict = (typeof ForwardVerdict)[keyof typeof ForwardVerdict];

/**
 * F-RTO (RFC 5682): after a timeout's first retransmission new data is sent instead of more retransmissions, and the second
 * acknowledgement tells whether the timeout was spurious.
 */
export class ForwardRetransmission {
  #step: 0 | 1 | 2 = Step.OFF;

  start(): void {
    this.#step = Step.FIRST;
  }

  stop(): void {
    this.#step = Step.OFF;
  }

  exchange(state: StateCursor): void {
    this.#step = state.rare(this.#step) as 0 | 1 | 2;
  }

  /** Step 3 waits for its acknowledgement: lost records are not to be retransmitted, new data is to be sent. */
  get isSendingNewData(): boolean {
    return this.#step === Step.SECOND;
  }

  /**
   * `hasAdvanced`: SND.UNA did. `isComplete`: it has reached what was outstanding at the timeout. `deliversOriginal`: data sent
   * before the timeout and not again has arrived by this acknowledgement. `isDuplicate`: it is a duplicate, or SACKs
   * something.
   */
  onAcknowledgement(
    hasAdvanced: boolean,
    isComplete: boolean,
    deliversOriginal: boolean,
    isDuplicate: boolean,
    newDataAvailable: boolean,
    sackEnabled: boolean,
  ): ForwardVerdict {
    if (this.#step === Step.FIRST) {
      if (hasAdvanced) {
        // RFC 5682 §2.1 and §3.1 step 2: (a) with all acknowledged nothing can be told; (b) needs new data to send.
        this.#step = isComplete || !newDataAvailable ? Step.OFF : Step.SECOND;
      } else if (isDuplicate && !sackEnabled) {
        // RFC 5682 §2.1 step 2 (a); with SACK, §3.1 stays in step 2.
        this.#step = Step.OFF;
      }
      return ForwardVerdict.NONE;
    }
    if (this.#step === Step.OFF || !(hasAdvanced || isDuplicate)) return ForwardVerdict.NONE;
    this.#step = Step.OFF;
    // RFC 5682 §2.1 and §3.1 step 3: (b), (a).
    return deliversOriginal ? ForwardVerdict.SPURIOUS : ForwardVerdict.LOSS;
  }
}
