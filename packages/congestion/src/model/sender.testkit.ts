import { AcknowledgementSample } from '../acknowledgement-sample.js';
import { CongestionCause, type CongestionControl } from '../congestion-control.js';
import { CongestionWindow } from '../congestion-window.js';
import type { Events } from './events.testkit.js';
import type { Link } from './link.testkit.js';

export const PACKET = 1000;
const MINIMUM_TIMEOUT = 200_000;
/** RFC 6675: DupThresh. The model never reorders. */
const DUPLICATES = 3;

export interface SenderOptions {
  readonly roundTripMicroseconds: number;
  /** µs since the model began. Default 0. */
  readonly startAt?: number;
  /** Clock of the algorithm when the model begins. */
  readonly clock?: number;
  /** The receiver's window, bytes. Default: none. */
  readonly receiveWindow?: number;
  /** Heeds the receiver's window alone: neither what the algorithm allows nor its rate. */
  readonly isDeaf?: boolean;
  /** Segments are ECN-capable. Default true. */
  readonly ecn?: boolean;
}

interface Packet {
  readonly order: number;
  readonly index: number;
  readonly sentAt: number;
  readonly delivered: number;
  readonly deliveredAt: number;
  readonly firstSentAt: number;
  readonly inFlight: number;
  readonly lost: number;
  readonly isApplicationLimited: boolean;
  state: 'out' | 'delivered' | 'lost';
}

/**
 * A sender that always has data (or {@link supply} packets of it), its receiver, and the way between: window, pacing,
 * recovery by SACK and timer, delivery rates. The receiver acknowledges each packet.
 */
export class Sender<Control extends CongestionControl = CongestionControl> {
  readonly control: Control;
  readonly window = new CongestionWindow(PACKET);
  readonly sample = new AcknowledgementSample();
  /** Packets the application still has. */
  supply = Number.POSITIVE_INFINITY;
  inFlight = 0;
  delivered = 0;
  lost = 0;
  timeouts = 0;
  recoveries = 0;
  smoothedRoundTrip = 0;

  readonly #events: Events;
  readonly #link: Link;
  readonly #options: SenderOptions;
  readonly #clock: number;
  readonly #out: Packet[] = [];
  #order = 0;
  #nextIndex = 0;
  readonly #arrived = new Set<number>();
  #cumulative = 0;
  #resend: number[] = [];
  #measuredFrom = 0;
  #measuredBytes = 0;
  // Delivery rate.
  #deliveredAt = 0;
  #firstSentAt = 0;
  #limitedEnd = 0;
  #minimumRoundTrip = 0;
  #lostReported = 0;
  // Recovery.
  #phase: 'open' | 'recovery' | 'loss' = 'open';
  #recoveryPoint = 0;
  #reductionPoint = 0;
  #isWindowLimited = false;
  #timerOf = 0;
  #backOff = 1;
  #nextSend = 0;
  #isWaking = false;
  #lastSent = 0;

  constructor(events: Events, link: Link, control: Control, options: SenderOptions) {
    this.control = control;
    this.#events = events;
    this.#link = link;
    this.#options = options;
    this.#clock = options.clock ?? 0;
    events.at(options.startAt ?? 0, () => {
      control.start(this.window, this.now);
      this.#lastSent = events.now;
      this.send();
    });
  }

  /** The clock the algorithm sees. */
  get now(): number {
    return (this.#clock + Math.floor(this.#events.now)) | 0;
  }

  measure(): void {
    this.#measuredFrom = this.#events.now;
    this.#measuredBytes = this.delivered;
  }

  /** Bytes per second since {@link measure}. */
  get goodput(): number {
    return ((this.delivered - this.#measuredBytes) / (this.#events.now - this.#measuredFrom)) * 1e6;
  }

  /** What is allowed is sent; to be called when {@link supply} has grown. */
  send(): void {
    for (;;) {
      if (this.#resend.length === 0 && this.supply < 1) {
        if (this.inFlight < this.window.window) this.#limitedEnd = this.delivered + this.inFlight || 1;
        return;
      }
      const { isDeaf = false, receiveWindow = Number.POSITIVE_INFINITY } = this.#options;
      if (this.inFlight + PACKET > receiveWindow) return;
      if (!isDeaf) {
        if (this.inFlight === 0 && this.#out.length === 0) this.#wakeUp();
        if (this.inFlight > 0 && this.inFlight + PACKET > this.window.window) {
          this.#isWindowLimited = true;
          return;
        }
        if (this.window.bytesPerSecond > 0 && this.#events.now < this.#nextSend) {
          this.#wait();
          return;
        }
      }
      this.#transmit();
    }
  }

  #wakeUp(): void {
    const idle = Math.floor(this.#events.now - this.#lastSent);
    this.control.onIdle(this.window, idle, this.#timeout(), this.now);
  }

  #wait(): void {
    if (this.#isWaking) return;
    this.#isWaking = true;
    this.#events.at(this.#nextSend, () => {
      this.#isWaking = false;
      this.send();
    });
  }

  #transmit(): void {
    const events = this.#events;
    const { control, window } = this;
    let index = this.#resend.shift();
    if (index === undefined) {
      index = this.#nextIndex++;
      this.supply--;
    }
    if (this.inFlight === 0) {
      this.#firstSentAt = events.now;
      this.#deliveredAt = events.now;
    }
    this.inFlight += PACKET;
    const packet: Packet = {
      order: this.#order++,
      index,
      sentAt: events.now,
      delivered: this.delivered,
      deliveredAt: this.#deliveredAt,
      firstSentAt: this.#firstSentAt,
      inFlight: this.inFlight,
      lost: this.lost,
      isApplicationLimited: this.#limitedEnd > 0,
      state: 'out',
    };
    this.#out.push(packet);
    this.#lastSent = events.now;
    if (control.traits.sent) control.onSent(window, PACKET, this.inFlight, this.now);
    if (window.bytesPerSecond > 0) {
      this.#nextSend = Math.max(events.now, this.#nextSend) + (PACKET / window.bytesPerSecond) * 1e6;
    }
    if (this.#out.length === 1) this.#restartTimer();
    const rest = this.#options.roundTripMicroseconds;
    this.#link.send(PACKET, (isMarked) => {
      events.at(events.now + rest, () => this.#acknowledge(packet, isMarked && this.#options.ecn !== false));
    });
  }

  #timeout(): number {
    return Math.max(MINIMUM_TIMEOUT, Math.round(2 * this.smoothedRoundTrip)) * this.#backOff;
  }

  #restartTimer(): void {
    const timer = ++this.#timerOf;
    this.#events.at(this.#events.now + this.#timeout(), () => {
      if (timer === this.#timerOf && (this.#out.length > 0 || this.#resend.length > 0)) this.#expire();
    });
  }

  #expire(): void {
    const { control, window } = this;
    const flight = (this.#nextIndex - this.#cumulative) * PACKET;
    for (const packet of this.#out) this.#lose(packet);
    this.#out.length = 0;
    this.timeouts++;
    this.#backOff = Math.min(this.#backOff * 2, 64);
    control.onTimeout(window, flight, this.now);
    this.#phase = 'loss';
    this.#recoveryPoint = this.#nextIndex;
    this.#restartTimer();
    this.#nextSend = this.#events.now;
    this.send();
  }

  #lose(packet: Packet): void {
    packet.state = 'lost';
    this.inFlight -= PACKET;
    this.lost += PACKET;
    this.#resend.push(packet.index);
  }

  #acknowledge(packet: Packet, isMarked: boolean): void {
    const { sample } = this;
    sample.reset();
    sample.inFlight = this.inFlight;
    const isNew = !this.#arrived.has(packet.index) && packet.index >= this.#cumulative;
    if (packet.state === 'out') {
      packet.state = 'delivered';
      this.inFlight -= PACKET;
    } else if (isNew) this.#resend = this.#resend.filter((index) => index !== packet.index);
    const before = this.#cumulative;
    if (isNew) {
      this.#arrived.add(packet.index);
      while (this.#arrived.delete(this.#cumulative)) this.#cumulative++;
      this.delivered += PACKET;
      sample.deliveredBytes = PACKET;
    }
    sample.acknowledgedBytes = (this.#cumulative - before) * PACKET;
    this.#measure(packet);
    this.#backOff = 1;
    this.#restartTimer();

    const { traits } = this.control;
    this.#complete(packet, isMarked);
    if (!traits.rulesRecovery && this.#phase !== 'recovery') this.#report();
    const hasLost = this.#findLosses(packet);
    this.#changePhase(hasLost, isMarked && !traits.preciseEcn);
    if (traits.rulesRecovery) {
      sample.inFlightNow = this.inFlight;
      sample.lostTotal = this.lost | 0;
      sample.lostBytes = this.lost - this.#lostReported;
      sample.lostSinceSend = this.lost - packet.lost;
      this.#report();
    }
    if (this.#out.length === 0) this.#timerOf++;
    this.send();
  }

  #measure(packet: Packet): void {
    const roundTrip = Math.round(this.#events.now - packet.sentAt);
    this.sample.roundTrip = roundTrip;
    this.smoothedRoundTrip =
      this.smoothedRoundTrip === 0 ? roundTrip : Math.round(this.smoothedRoundTrip * 0.875 + roundTrip * 0.125);
    if (this.#minimumRoundTrip === 0 || roundTrip < this.#minimumRoundTrip) this.#minimumRoundTrip = roundTrip;
  }

  #complete(packet: Packet, isMarked: boolean): void {
    const { sample, window } = this;
    const { now } = this.#events;
    sample.deliveredTotal = this.delivered | 0;
    sample.smoothedRoundTrip = this.smoothedRoundTrip;
    sample.minimumRoundTrip = this.#minimumRoundTrip;
    sample.isWindowLimited = this.#isWindowLimited || (window.isSlowStart && sample.inFlight >= window.window >> 1);
    this.#isWindowLimited = false;
    sample.hasEcnEcho = isMarked;
    sample.inFlightNow = this.inFlight;
    sample.lostTotal = this.lost | 0;
    sample.lostBytes = this.lost - this.#lostReported;
    if (this.#limitedEnd > 0 && this.delivered > this.#limitedEnd) this.#limitedEnd = 0;
    this.#deliveredAt = now;
    this.#firstSentAt = packet.sentAt;
    const interval = Math.round(Math.max(packet.sentAt - packet.firstSentAt, now - packet.deliveredAt));
    sample.priorDelivered = packet.delivered | 0;
    sample.intervalBytes = this.delivered - packet.delivered;
    sample.inFlightAtSend = packet.inFlight;
    sample.lostSinceSend = this.lost - packet.lost;
    sample.isApplicationLimited = packet.isApplicationLimited;
    if (interval >= this.#minimumRoundTrip) sample.interval = interval;
  }

  #report(): void {
    this.#lostReported = this.lost;
    this.control.onAcknowledgement(this.window, this.sample, this.now);
  }

  #findLosses(acknowledged: Packet): boolean {
    const out = this.#out;
    let kept = 0;
    let hasLost = false;
    // In the order they were sent: what is delivered leaves, what was passed by three later ones is lost.
    let i = 0;
    for (; i < out.length; i++) {
      const packet = out[i]!;
      if (packet.order > acknowledged.order) break;
      if (packet.state === 'delivered') continue;
      if (packet.order + DUPLICATES <= acknowledged.order) {
        this.#lose(packet);
        hasLost = true;
        continue;
      }
      out[kept++] = packet;
    }
    if (kept < i) out.splice(kept, i - kept);
    return hasLost;
  }

  #changePhase(hasLost: boolean, isMarked: boolean): void {
    const { control, window } = this;
    if (this.#phase !== 'open' && this.#cumulative >= this.#recoveryPoint) {
      control.onRecovered(window, this.now);
      this.#phase = 'open';
    }
    if (this.#phase !== 'open' || (!hasLost && !isMarked)) return;
    if (!hasLost && this.#cumulative < this.#reductionPoint) return;
    const flight = (this.#nextIndex - this.#cumulative) * PACKET;
    control.onCongestion(window, flight, hasLost ? CongestionCause.LOSS : CongestionCause.ECN, this.now);
    this.#reductionPoint = this.#nextIndex;
    if (!control.traits.rulesRecovery) window.window = Math.min(window.window, window.slowStartThreshold);
    if (hasLost) {
      this.recoveries++;
      this.#phase = 'recovery';
      this.#recoveryPoint = this.#nextIndex;
    } else control.onRecovered(window, this.now);
  }
}
