import {
  type AcknowledgementSample,
  type CongestionCause,
  type CongestionControl,
  type CongestionTraits,
  type CongestionWindow,
  createCongestionControl,
  Dctcp,
  NewReno,
  type StateExchange,
} from '@prism-net/congestion';
import type { Instant } from '@prism-net/time';

/** Exceptions kept until somebody takes them; of further ones nobody hears. */
const MAXIMUM_FAILURES = 16;
/** Of these all objects are alike. */
const OWN: readonly string[] = ['newreno', 'cubic', 'dctcp', 'bbr'];

/**
 * Makes congestion controls of which none throws within the packet path, where a half-processed segment would be left
 * behind. What a user's algorithm throws is kept in {@link failures}, to be thrown when the packets of a poll are done with;
 * its connection goes on by NewReno (DCTCP with the trait `preciseEcn`), from the window there was.
 */
export class GuardedControls {
  readonly failures: unknown[] = [];

  /** @throws PosixError EINVAL for a name that is not registered */
  create(name: string): CongestionControl {
    let control: CongestionControl;
    try {
      control = createCongestionControl(name);
    } catch (thrown) {
      if ((thrown as { syscall?: unknown } | null)?.syscall === 'createCongestionControl') throw thrown;
      this.note(thrown);
      const instead = new GuardedControl(new NewReno(), this);
      // Others save what theirs knows, which is not the same.
      delete instead.exchange;
      return instead;
    }
    return OWN.includes(name) ? control : new GuardedControl(control, this);
  }

  note(thrown: unknown): void {
    if (this.failures.length < MAXIMUM_FAILURES) this.failures.push(thrown);
  }

  /** Throws what was thrown first, if anything was. To be called where nothing is half done. */
  surface(): void {
    if (this.failures.length > 0) throw this.failures.shift();
  }
}

/** A user's algorithm until it throws; from then on one that does not. */
export class GuardedControl implements CongestionControl {
  readonly traits: CongestionTraits;
  /** Only while the algorithm has one and has not thrown: its state is what it saves. */
  exchange?: (state: StateExchange) => void;
  readonly #owner: GuardedControls;
  #control: CongestionControl;
  #hasFailed = false;

  constructor(control: CongestionControl, owner: GuardedControls) {
    this.traits = control.traits;
    this.#control = control;
    this.#owner = owner;
    if (control.exchange !== undefined) this.exchange = (state) => control.exchange!(state);
  }

  /** What is in force: the user's algorithm, or what has replaced it. */
  get algorithm(): CongestionControl {
    return this.#control;
  }

  get name(): string {
    return this.#control.name;
  }

  start(window: CongestionWindow, now: Instant): void {
    try {
      this.#control.start(window, now);
    } catch (thrown) {
      this.giveUp(thrown, window, now);
    }
  }

  onSent(window: CongestionWindow, bytes: number, inFlight: number, now: Instant): void {
    try {
      this.#control.onSent(window, bytes, inFlight, now);
      tidy(window);
    } catch (thrown) {
      this.giveUp(thrown, window, now);
    }
  }

  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void {
    try {
      this.#control.onAcknowledgement(window, sample, now);
      tidy(window);
    } catch (thrown) {
      this.giveUp(thrown, window, now);
      this.#control.onAcknowledgement(window, sample, now);
    }
  }

  onCongestion(window: CongestionWindow, flightSize: number, cause: CongestionCause, now: Instant): void {
    try {
      this.#control.onCongestion(window, flightSize, cause, now);
      tidy(window);
    } catch (thrown) {
      this.giveUp(thrown, window, now);
      this.#control.onCongestion(window, flightSize, cause, now);
    }
    // Loss recovery leaves the window to the algorithm that asked for it.
    if (this.#hasFailed && this.traits.rulesRecovery)
      window.window = Math.min(window.window, window.slowStartThreshold);
  }

  onRecovered(window: CongestionWindow, now: Instant): void {
    try {
      this.#control.onRecovered(window, now);
      tidy(window);
    } catch (thrown) {
      this.giveUp(thrown, window, now);
      this.#control.onRecovered(window, now);
    }
  }

  onTimeout(window: CongestionWindow, flightSize: number, now: Instant): void {
    try {
      this.#control.onTimeout(window, flightSize, now);
      tidy(window);
    } catch (thrown) {
      this.giveUp(thrown, window, now);
      this.#control.onTimeout(window, flightSize, now);
    }
  }

  /** What the algorithm has reduced nobody else can take back. */
  onUndo(window: CongestionWindow, now: Instant): void {
    try {
      this.#control.onUndo(window, now);
      tidy(window);
    } catch (thrown) {
      this.giveUp(thrown, window, now);
    }
  }

  onIdle(window: CongestionWindow, idle: number, retransmissionTimeout: number, now: Instant): void {
    try {
      this.#control.onIdle(window, idle, retransmissionTimeout, now);
      tidy(window);
    } catch (thrown) {
      this.giveUp(thrown, window, now);
      this.#control.onIdle(window, idle, retransmissionTimeout, now);
    }
  }

  /** Asked for by the user, who hears what it throws. */
  describe(): Readonly<Record<string, number>> {
    return this.#control.describe();
  }

  /** The algorithm has thrown, or has done what leaves no other way. */
  giveUp(thrown: unknown, window: CongestionWindow, now: Instant): void {
    if (this.#hasFailed) throw thrown;
    this.#hasFailed = true;
    this.#owner.note(thrown);
    delete this.exchange;
    // It may have been interrupted at any place.
    tidy(window);
    window.bytesPerSecond = 0;
    this.#control = this.traits.preciseEcn ? new Dctcp() : new NewReno();
    this.#control.start(window, now);
  }
}

/** What it set, of whatever kind, becomes whole numbers within the limits, and no others are seen by anybody. */
function tidy(window: CongestionWindow): void {
  if (typeof window.window !== 'number') window.window = NaN;
  if (typeof window.slowStartThreshold !== 'number') window.slowStartThreshold = NaN;
  if (typeof window.bytesPerSecond !== 'number') window.bytesPerSecond = NaN;
  window.confine();
  window.window |= 0;
  window.slowStartThreshold |= 0;
}
