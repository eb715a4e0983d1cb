/** What is to be done at given times; at the same time in the order it was asked for. */
export class Agenda {
  /** Latest first, so that the next one is taken off the end. */
  readonly #times: number[] = [];
  readonly #actions: (() => void)[] = [];

  /** Time of the next action, Infinity when there is none. */
  get due(): number {
    return this.#times.at(-1) ?? Number.POSITIVE_INFINITY;
  }

  add(time: number, action: () => void): void {
    let low = 0;
    let high = this.#times.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      // In front of those of the same time, which were asked for earlier.
      if (this.#times[middle]! > time) low = middle + 1;
      else high = middle;
    }
    this.#times.splice(low, 0, time);
    this.#actions.splice(low, 0, action);
  }

  takeNext(): () => void {
    this.#times.pop();
    return this.#actions.pop()!;
  }
}
