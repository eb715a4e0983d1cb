/** How a wake-up gets to the event loop: `queueMicrotask`, `setImmediate`, or what a simulation uses instead. */
export type Schedule = (callback: () => void) => void;

/** What a {@link Wakeup} asks before it calls: is there still a reason? */
export interface WakeupCondition {
  /** True when `receive` would return packets, or `transmit` would take some again after a refusal. */
  isReady(): boolean;
}

/** The `arm` of links that live in one thread: one call per arming, from the event loop, and only for a reason that still holds. */
export class Wakeup {
  readonly #condition: WakeupCondition;
  readonly #schedule: Schedule;
  /** Made once: scheduling allocates nothing here. */
  readonly #fire: () => void;
  #wake: (() => void) | null = null;
  #scheduled = false;

  constructor(condition: WakeupCondition, schedule: Schedule = queueMicrotask) {
    this.#condition = condition;
    this.#schedule = schedule;
    this.#fire = () => {
      this.#scheduled = false;
      const wake = this.#wake;
      // Whoever polled in the meantime may have taken the reason away: the next one will do.
      if (wake === null || !this.#condition.isReady()) return;
      this.#wake = null;
      wake();
    };
  }

  /** Keeps `wake` for the next {@link notify}, in place of an earlier one; or forgets it and returns false when there is a reason already. */
  arm(wake: () => void): boolean {
    const ready = this.#condition.isReady();
    this.#wake = ready ? null : wake;
    return !ready;
  }

  disarm(): void {
    this.#wake = null;
  }

  /** Something changed. Cheap when nobody waits. */
  notify(): void {
    if (this.#wake === null || this.#scheduled) return;
    this.#scheduled = true;
    this.#schedule(this.#fire);
  }
}
