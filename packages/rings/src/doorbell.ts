import { invalidArgument } from '@prism-net/errors';

const AWAKE = 0;
const ASLEEP = 1;

export interface DoorbellOptions {
  /** Memory that both sides share. To sleep in {@link Doorbell.wait} it must be a SharedArrayBuffer. */
  readonly buffer: ArrayBufferLike;
  /** Where its one word lies (4 bytes, a multiple of 4, zeroed), best on a cache line of its own. */
  readonly byteOffset: number;
  /**
   * Calls back after some milliseconds. Where `Atomics.waitAsync` is missing, {@link Doorbell.waitAsync} polls with
   * it; without it, it then fails.
   */
  readonly setTimer?: (callback: () => void, milliseconds: number) => void;
}

/** `Atomics.waitAsync` (ES2024); the library in use ends at ES2023. */
interface WaitAsyncAtomics {
  waitAsync?(
    words: Int32Array,
    index: number,
    value: number,
    timeoutMilliseconds?: number,
  ): { async: false; value: 'not-equal' | 'timed-out' } | { async: true; value: Promise<'ok' | 'timed-out'> };
}

/** How often the fallback of `waitAsync` looks. */
const POLL_MILLISECONDS = 1;

/**
 * Lets a consumer that ran dry sleep, and a producer wake it only when it sleeps: while nobody does, a ring of the
 * bell is one atomic load. To wake a thread costs the producer several microseconds, the sleeper some tens.
 *
 * No wake-up is lost: the consumer first announces its sleep and then looks once more whether there is work, the
 * producer first publishes and then looks for sleepers; all four are sequentially consistent. Several consumers may
 * share a bell: each ring wakes all that sleep. Only a producer takes the announcement back, because a consumer
 * cannot know whether another still sleeps; so a ring after a timeout may wake nobody.
 */
export class Doorbell {
  readonly #word: Int32Array;
  readonly #setTimer: ((callback: () => void, milliseconds: number) => void) | undefined;

  static readonly byteLength = 4;

  constructor(options: DoorbellOptions) {
    const { buffer, byteOffset, setTimer } = options;
    if (!Number.isInteger(byteOffset) || byteOffset < 0 || byteOffset % 4 !== 0 || byteOffset + 4 > buffer.byteLength) {
      throw invalidArgument('Doorbell', `byteOffset must be a multiple of 4 inside the buffer, not ${byteOffset}`);
    }
    this.#word = new Int32Array(buffer, byteOffset, 1);
    this.#setTimer = setTimer;
  }

  /** Producer: to be called after items were published. */
  ring(): void {
    if (Atomics.load(this.#word, 0) === AWAKE) return;
    if (Atomics.exchange(this.#word, 0, AWAKE) === ASLEEP) Atomics.notify(this.#word, 0);
  }

  /**
   * Consumer: blocks the thread until the bell rings or the time is over. `isEmpty` must look at the shared counters
   * (the `length` of a ring does). True when there may be work, false after a timeout.
   */
  wait(timeoutMilliseconds: number, isEmpty: () => boolean): boolean {
    Atomics.store(this.#word, 0, ASLEEP);
    if (!isEmpty()) return true;
    return Atomics.wait(this.#word, 0, ASLEEP, timeoutMilliseconds) !== 'timed-out';
  }

  /**
   * Consumer on an event loop: as {@link wait}, without blocking. A pending wait does not keep the process alive.
   */
  async waitAsync(isEmpty: () => boolean, timeoutMilliseconds = Number.POSITIVE_INFINITY): Promise<boolean> {
    Atomics.store(this.#word, 0, ASLEEP);
    if (!isEmpty()) return true;
    const atomics = Atomics as WaitAsyncAtomics;
    if (atomics.waitAsync !== undefined) {
      const result = atomics.waitAsync(this.#word, 0, ASLEEP, timeoutMilliseconds);
      return (result.async ? await result.value : result.value) !== 'timed-out';
    }
    return this.#poll(isEmpty, timeoutMilliseconds);
  }

  #poll(isEmpty: () => boolean, timeoutMilliseconds: number): Promise<boolean> {
    const setTimer = this.#setTimer;
    if (setTimer === undefined) {
      const error = new Error('doorbell: no Atomics.waitAsync here, and no setTimer was given');
      return Promise.reject(Object.assign(error, { code: 'ENOTSUP' }));
    }
    return new Promise((resolve) => {
      let left = timeoutMilliseconds;
      const look = () => {
        if (Atomics.load(this.#word, 0) === AWAKE || !isEmpty()) resolve(true);
        else if (left <= 0) resolve(false);
        else {
          left -= POLL_MILLISECONDS;
          setTimer(look, POLL_MILLISECONDS);
        }
      };
      look();
    });
  }
}
