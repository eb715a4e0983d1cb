import { linuxAddon, type NativeReadiness } from './addon.js';

/** What to wait for, to be combined by `|`. */
export const Readable = 1;
export const Writable = 2;

/**
 * Tells, through the event loop of the thread, when a file descriptor is ready; the `arm` of a link in interrupt mode.
 * It does not keep the process alive. Close it before the descriptor.
 */
export class Readiness {
  readonly #native: NativeReadiness;
  #callback: (() => void) | null = null;

  /** @throws SystemError EPERM when the descriptor is of a kind that cannot be waited for. */
  constructor(descriptor: number) {
    this.#native = new (linuxAddon().Readiness)(descriptor, () => {
      const callback = this.#callback;
      this.#callback = null;
      callback?.();
    });
  }

  /**
   * One call of `callback`, from the event loop, as soon as one of `events` holds. Replaces an earlier one.
   *
   * @throws SystemError EEXIST when another Readiness of this thread waits for the same descriptor.
   */
  arm(events: number, callback: () => void): void {
    this.#callback = callback;
    this.#native.arm(events);
  }

  disarm(): void {
    if (this.#callback === null) return;
    this.#callback = null;
    this.#native.disarm();
  }

  /** Idempotent. */
  close(): void {
    this.#callback = null;
    this.#native.close();
  }
}
