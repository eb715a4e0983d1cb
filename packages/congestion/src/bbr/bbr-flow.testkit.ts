import { AcknowledgementSample } from '../acknowledgement-sample.js';
import { CongestionWindow } from '../congestion-window.js';
import { Bbr, type BbrOptions } from './bbr.js';
import { BbrPhase } from './bbr-phase.js';

export const RATE = 1_000_000;
export const ROUND_TRIP = 100_000;
/** What fills the path. */
export const PRODUCT = 100_000;

export interface Round {
  /** Bytes per second delivered. */
  readonly rate?: number;
  readonly roundTrip?: number;
  readonly inFlight?: number;
  readonly inFlightAtSend?: number;
  readonly lost?: number;
  readonly marked?: boolean;
  readonly limited?: boolean;
}

/** BBR, told of whole round trips by one acknowledgement each. */
export class BbrFlow {
  readonly control: Bbr;
  readonly window = new CongestionWindow(1000);
  readonly sample = new AcknowledgementSample();
  now: number;

  constructor(options: BbrOptions = { seed: 1 }, now = 0) {
    this.control = new Bbr(options);
    this.now = now;
    this.control.start(this.window, now);
  }

  get state(): Readonly<Record<string, number>> {
    return this.control.describe();
  }

  get phase(): BbrPhase {
    return this.state['phase'] as BbrPhase;
  }

  /** A round trip in which so much was delivered; the window is not what limits, unless so much is in flight. */
  round({ rate = RATE, roundTrip = ROUND_TRIP, inFlight = PRODUCT, ...rest }: Round = {}): this {
    const { sample } = this;
    const bytes = Math.round((rate * roundTrip) / 1e6);
    this.now = (this.now + roundTrip) | 0;
    sample.acknowledgedBytes = bytes;
    sample.deliveredBytes = bytes;
    sample.priorDelivered = sample.deliveredTotal;
    sample.deliveredTotal = (sample.deliveredTotal + bytes) | 0;
    sample.roundTrip = roundTrip;
    sample.smoothedRoundTrip = roundTrip;
    sample.interval = roundTrip;
    sample.intervalBytes = bytes;
    sample.inFlight = inFlight;
    sample.inFlightNow = inFlight;
    sample.inFlightAtSend = rest.inFlightAtSend ?? inFlight;
    sample.lostBytes = rest.lost ?? 0;
    sample.lostSinceSend = rest.lost ?? 0;
    sample.hasEcnEcho = rest.marked ?? false;
    sample.isApplicationLimited = rest.limited ?? false;
    this.control.onAcknowledgement(this.window, sample, this.now);
    return this;
  }

  rounds(count: number, round: Round = {}): this {
    for (let i = 0; i < count; i++) this.round(round);
    return this;
  }

  /** Until this phase is entered; fails if it is not within so many rounds. */
  until(phase: BbrPhase, round: Round = {}, most = 80): this {
    for (let i = 0; i < most && this.phase !== phase; i++) this.round(round);
    if (this.phase !== phase) throw new Error(`phase ${this.phase} after ${most} rounds`);
    return this;
  }

  /** Startup and Drain are over: the path has {@link RATE} and {@link ROUND_TRIP}. */
  cruising(): this {
    for (const rate of [100_000, 200_000, 400_000, 800_000]) this.round({ rate, inFlight: 50_000 });
    return this.rounds(4).until(BbrPhase.PROBE_CRUISE);
  }
}
