import type { CongestionControl } from '../congestion-control.js';
import { Events } from './events.testkit.js';
import { Link, type LinkOptions } from './link.testkit.js';
import { PACKET, Sender, type SenderOptions } from './sender.testkit.js';

/** One bottleneck and those who share it, in virtual time: the same on every machine. */
export class Network {
  readonly events = new Events();
  readonly link: Link;
  readonly senders: Sender[] = [];

  constructor(options: LinkOptions) {
    this.link = new Link(this.events, options);
  }

  add<Control extends CongestionControl>(control: Control, options: SenderOptions): Sender<Control> {
    const sender = new Sender(this.events, this.link, control, options);
    this.senders.push(sender);
    return sender;
  }

  /** Runs for so many seconds more. */
  run(seconds: number): this {
    this.events.runUntil(this.events.now + seconds * 1e6);
    return this;
  }

  /** What is measured begins now. */
  measure(): this {
    this.link.measure();
    for (const sender of this.senders) sender.measure();
    return this;
  }

  get goodputs(): number[] {
    return this.senders.map(({ goodput }) => goodput);
  }
}

/** Bytes that fill a path. */
export function bandwidthDelayProduct(bytesPerSecond: number, roundTripMicroseconds: number): number {
  return (bytesPerSecond * roundTripMicroseconds) / 1e6;
}

/** Jain's index: 1 when all have the same, 1/n when one has everything. */
export function fairness(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return (sum * sum) / (shares.length * squares);
}

export { PACKET };
