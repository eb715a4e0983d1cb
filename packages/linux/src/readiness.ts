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
  #owner: object | undefined;

  /**
   * `owner` closes the descriptor when it is collected: it lives as long as this. Else the number would soon be that of
   * another file, for which nobody could wait while the event loop still waits for the old one.
   *
   * @throws SystemError EPERM when the descriptor is of a kind that cannot be waited for.
   */
  constructor(descriptor: number, owner?: object) {
    this.#owner = owner;
    this.#native = new (linuxAddon().Readiness)(descriptor, () => {
      const callback = this.#callback;
      this.#callback = null;
      callback?.();
    });
  }

  /** What closes the descriptor; undefined once this is closed. */
  get owner(): object | undefined {
    return this.#owner;
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
    this.#owner = undefined;
    this.#native.close();
  }
}
