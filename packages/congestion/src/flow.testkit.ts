import { AcknowledgementSample } from './acknowledgement-sample.js';
import { CongestionCause, type CongestionControl } from './congestion-control.js';
import { CongestionWindow } from './congestion-window.js';

export const SEGMENT = 1000;

/** One algorithm and what it is told, in virtual time, with loss recovery reduced to its result. */
export class Flow<Control extends CongestionControl = CongestionControl> {
  readonly window = new CongestionWindow(SEGMENT);
  readonly sample = new AcknowledgementSample();

  readonly control: Control;
  now: number;
  roundTrip: number;

  constructor(control: Control, now = 0, roundTrip = 100_000) {
    this.control = control;
    this.now = now;
    this.roundTrip = roundTrip;
    control.start(this.window, now);
  }

  get segments(): number {
    return this.window.window / SEGMENT;
  }

  /** In congestion avoidance without any history, at so many segments. */
  settle(segments: number): this {
    this.window.window = segments * SEGMENT;
    this.window.slowStartThreshold = segments * SEGMENT;
    return this;
  }

  acknowledge(bytes: number, isWindowLimited = true): void {
    this.sample.acknowledgedBytes = bytes;
    this.sample.deliveredBytes = bytes;
    this.sample.deliveredTotal = (this.sample.deliveredTotal + bytes) | 0;
    this.sample.roundTrip = this.roundTrip;
    this.sample.smoothedRoundTrip = this.roundTrip;
    this.sample.inFlight = this.window.window;
    this.sample.isWindowLimited = isWindowLimited;
    // What a window's sender sees on a path that delivers a window per round trip.
    this.sample.inFlightNow = Math.max(0, this.window.window - bytes);
    this.sample.interval = this.roundTrip;
    this.sample.intervalBytes = this.window.window;
    this.sample.priorDelivered = (this.sample.deliveredTotal - this.window.window) | 0;
    this.sample.inFlightAtSend = this.window.window;
    this.sample.isApplicationLimited = !isWindowLimited;
    this.control.onAcknowledgement(this.window, this.sample, this.now);
  }

  /** One round trip in which one window is acknowledged, by so many bytes at a time, spread evenly. */
  round(bytesEach = 2 * SEGMENT, isWindowLimited = true): void {
    const total = this.window.window;
    const end = (this.now + this.roundTrip) | 0;
    for (let done = 0; done < total; ) {
      const bytes = Math.min(bytesEach, total - done);
      done += bytes;
      this.now = (end - Math.round(this.roundTrip * (1 - done / total))) | 0;
      this.acknowledge(bytes, isWindowLimited);
    }
    this.now = end;
  }

  rounds(count: number): void {
    for (let i = 0; i < count; i++) this.round();
  }

  /** A loss with a full window outstanding, repaired within a round trip. */
  congest(flightSize = this.window.window): void {
    this.control.onCongestion(this.window, flightSize, CongestionCause.LOSS, this.now);
    this.now = (this.now + this.roundTrip) | 0;
    this.window.window = Math.min(this.window.window, this.window.slowStartThreshold);
    this.control.onRecovered(this.window, this.now);
  }

  timeOut(flightSize = this.window.window): void {
    this.control.onTimeout(this.window, flightSize, this.now);
  }
}
