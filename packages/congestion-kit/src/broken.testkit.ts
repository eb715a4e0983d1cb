import {
  type AcknowledgementSample,
  type CongestionCause,
  type CongestionControl,
  CongestionWindow,
  createCongestionControl,
  MAXIMUM_WINDOW,
  registerCongestionControl,
} from '@prism-net/congestion';

type Defect = (window: CongestionWindow, largest: number) => void;

/** An algorithm whose every word is forwarded to another one; what that did to the window is then spoilt. */
class Broken implements CongestionControl {
  readonly name: string;
  readonly traits: CongestionControl['traits'];
  readonly inner: CongestionControl;
  /** The window the inner one sees; null: the connection's. */
  readonly #own: CongestionWindow | null;
  readonly #spoil: Defect;
  #largest = 0;

  constructor(name: string, inner: string, hasOwnWindow: boolean, spoil: Defect) {
    this.name = name;
    this.inner = createCongestionControl(inner);
    this.traits = this.inner.traits;
    this.#own = hasOwnWindow ? new CongestionWindow(1448) : null;
    this.#spoil = spoil;
  }

  start(window: CongestionWindow, now: number): void {
    this.#largest = 0;
    this.#own?.reset(window.maximumSegmentSize);
    this.inner.start(this.#own ?? window, now);
    this.#spoilt(window);
  }

  onSent(window: CongestionWindow, bytes: number, inFlight: number, now: number): void {
    this.inner.onSent(this.#own ?? window, bytes, inFlight, now);
    this.#spoilt(window);
  }

  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: number): void {
    this.inner.onAcknowledgement(this.#own ?? window, sample, now);
    this.#spoilt(window);
  }

  onCongestion(window: CongestionWindow, flightSize: number, cause: CongestionCause, now: number): void {
    this.inner.onCongestion(this.#own ?? window, flightSize, cause, now);
    this.#spoilt(window);
  }

  onRecovered(window: CongestionWindow, now: number): void {
    this.inner.onRecovered(this.#own ?? window, now);
    this.#spoilt(window);
  }

  onTimeout(window: CongestionWindow, flightSize: number, now: number): void {
    this.inner.onTimeout(this.#own ?? window, flightSize, now);
    this.#spoilt(window);
  }

  onUndo(window: CongestionWindow, now: number): void {
    this.inner.onUndo(this.#own ?? window, now);
    this.#spoilt(window);
  }

  onIdle(window: CongestionWindow, idle: number, timeout: number, now: number): void {
    this.inner.onIdle(this.#own ?? window, idle, timeout, now);
    this.#spoilt(window);
  }

  describe(): Readonly<Record<string, number>> {
    return this.inner.describe();
  }

  #spoilt(window: CongestionWindow): void {
    this.#largest = Math.max(this.#largest, window.window);
    this.#spoil(window, this.#largest);
  }
}

function paceAt(bytesPerSecond: number): Defect {
  return (window) => {
    window.bytesPerSecond = bytesPerSecond;
  };
}

const DEFECTS: Readonly<Record<string, { readonly hasOwnWindow?: boolean; readonly spoil: Defect }>> = {
  /** Computes a window, but never sets the one the connection uses. */
  ignored: {
    hasOwnWindow: true,
    spoil: (window) => {
      window.window = MAXIMUM_WINDOW;
      window.slowStartThreshold = MAXIMUM_WINDOW;
      window.bytesPerSecond = 0;
    },
  },
  /** Grows, and never gives anything back. */
  stubborn: {
    spoil: (window, largest) => {
      window.window = largest;
      window.slowStartThreshold = Math.max(window.slowStartThreshold, largest);
      window.bytesPerSecond = 0;
    },
  },
  /** Never more than a segment. */
  collapsed: {
    spoil: (window) => {
      window.window = window.maximumSegmentSize;
    },
  },
  /** No number at all. */
  'not-a-number': {
    spoil: (window) => {
      window.window = Number.NaN;
    },
  },
  /** Paces at no rate: TCP would confine each of them, and say nothing. */
  'paced at NaN': { spoil: paceAt(Number.NaN) },
  'paced at -1': { spoil: paceAt(-1) },
  'paced at Infinity': { spoil: paceAt(Number.POSITIVE_INFINITY) },
};

export const DEFECT_NAMES = Object.keys(DEFECTS);

/** Registers an algorithm with a defect, made of a good one. Returns its name. */
export function registerBroken(defect: string, inner: string): string {
  const name = `${defect} ${inner}`;
  const { hasOwnWindow = false, spoil } = DEFECTS[defect]!;
  registerCongestionControl(name, () => new Broken(name, inner, hasOwnWindow, spoil));
  return name;
}
