/** Something that became ready during a poll and wants to be told once, when the poll's packets are all in. */
export interface ReadyTarget {
  /** Owned by the {@link ReadyQueue}. */
  isMarked: boolean;
  ready(): void;
}

/**
 * Wake-ups of one tick, coalesced: however many packets a socket received in a burst, it is told once. Targets marked
 * while the queue is dispatching are told in the next tick, so that two sockets that answer each other cannot keep the
 * loop from receiving.
 */
export class ReadyQueue {
  #marked: (ReadyTarget | null)[] = [];
  #spare: (ReadyTarget | null)[] = [];
  #count = 0;
  #isDispatching = false;

  get length(): number {
    return this.#count;
  }

  mark(target: ReadyTarget): void {
    if (target.isMarked) return;
    target.isMarked = true;
    this.#marked[this.#count] = target;
    this.#count = (this.#count + 1) | 0;
  }

  /** Tells every marked target and returns how many there were. What a target throws surfaces as an uncaught error of its own. */
  dispatch(): number {
    const count = this.#count;
    if (count === 0) return 0;
    const marked = this.#marked;
    const isNested = this.#isDispatching;
    // A target may close the stack, which dispatches a last time: the list being worked on stays as it is.
    this.#marked = isNested ? [] : this.#spare;
    if (!isNested) this.#spare = marked;
    this.#count = 0;
    this.#isDispatching = true;
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const target = marked[i]!;
      marked[i] = null;
      target.isMarked = false;
      try {
        target.ready();
      } catch (error) {
        throwLater(error);
      }
    }
    this.#isDispatching = isNested;
    return count;
  }
}

/** An application's exception must reach the application's handlers, but not unwind the stack's poll. */
export function throwLater(error: unknown): void {
  queueMicrotask(() => {
    throw error;
  });
}
