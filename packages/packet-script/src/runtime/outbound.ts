import { formatPacket, formatTime } from '../language/printer.js';
import type { EventTime, PacketAction } from '../language/syntax.js';
import type { Flow } from '../packet/flow.js';
import type { ObservedPacket, ObservedTcp } from '../packet/observed-packet.js';
import { comparePacket } from '../packet/packet-comparison.js';
import { describeObserved } from '../packet/packet-description.js';
import { Difference } from '../values/unsupported.js';
import type { Configuration } from './configuration.js';
import type { Flows } from './flows.js';
import type { Host } from './host.js';

/** How long `*` waits: longer than any timer of TCP. */
const LONGEST_WAIT = 7_200_000_000;
/** How much longer to look for a packet that is late, in order to say how late it is. */
const LATENESS = 5_000_000;

/** When an event should happen, in microseconds of the script. */
export interface Schedule {
  readonly type: EventTime['type'];
  readonly start: number;
  readonly end: number;
  /** What it may be early or late. */
  readonly tolerance: number;
}

export interface OutboundOptions {
  readonly checkEcho: boolean;
}

/** Waits for what an outbound line of the script expects, and compares. */
export class OutboundExpectations {
  readonly #host: Host;
  readonly #flows: Flows;
  readonly #configuration: Configuration;
  readonly #options: OutboundOptions;

  constructor(host: Host, flows: Flows, configuration: Configuration, options: OutboundOptions) {
    this.#host = host;
    this.#flows = flows;
    this.#configuration = configuration;
    this.#options = options;
  }

  /** @throws Difference when no packet comes in time, or another one */
  expect(packet: PacketAction, schedule: Schedule): void {
    const flow = this.#flows.forOutbound(packet);
    const latest = schedule.type === 'any' ? this.#host.time + LONGEST_WAIT : schedule.end + schedule.tolerance;
    const first = this.#next(flow, packet, latest);
    const observed = this.#completed(first, flow, packet);
    const mismatch = comparePacket(packet, observed, flow, {
      timestampTick: this.#configuration.timestampTick,
      tolerance: this.#configuration.tolerance,
      checkEcho: this.#options.checkEcho,
    });
    const actual = describeObserved(observed, flow, packet);
    if (mismatch !== null) {
      const { field, expected, actual: found } = mismatch;
      const message = `the packet's ${field} should be ${expected}, is ${found}`;
      throw new Difference(message, formatPacket(packet), `${actual} at ${formatTime(first.time)}`);
    }
    checkTime(first.time, schedule, 'the packet was sent', formatPacket(packet), actual);
  }

  /** What is left of a flow's packets: nobody expected them. */
  firstUnexpected(): { time: number; text: string } | null {
    const { current } = this.#flows;
    const observed = current === null ? undefined : this.#host.sent.find((each) => this.#flows.matches(current, each));
    return observed === undefined ? null : { time: observed.time, text: describeObserved(observed, current!) };
  }

  /** The oldest packet of the flow that was not looked at yet; lets time pass until there is one. */
  #next(flow: Flow, packet: PacketAction, latest: number): ObservedPacket {
    const host = this.#host;
    const index = (): number => host.sent.findIndex((each) => this.#flows.matches(flow, each));
    host.settle();
    if (index() < 0) host.advanceTo(latest, () => index() >= 0);
    if (index() < 0) {
      const at = host.time;
      host.advanceTo(at + LATENESS, () => index() >= 0);
      const late = host.sent[index()];
      const text =
        late === undefined ? 'no packet' : `${describeObserved(late, flow, packet)} at ${formatTime(late.time)}`;
      throw new Difference('the packet was not sent in time', formatPacket(packet), text);
    }
    const [observed] = host.sent.splice(index(), 1);
    this.#flows.learn(flow, observed!);
    return observed!;
  }

  /** Packets that together make up what the script writes as one, as a large segment cut up on its way. */
  #completed(first: ObservedPacket, flow: Flow, packet: PacketAction): ObservedPacket {
    const { transport } = packet;
    const wanted = transport.protocol === 'tcp' ? transport.sequence.length : 0;
    let whole = first;
    while (!this.#configuration.strictSegments) {
      const { content } = whole;
      if (content.protocol !== 'tcp' || content.payload.length === 0 || content.payload.length >= wanted) break;
      const part = this.#nextPart(flow, whole, content);
      if (part === null) break;
      whole = part;
    }
    return whole;
  }

  #nextPart(flow: Flow, whole: ObservedPacket, content: ObservedTcp): ObservedPacket | null {
    const { sent } = this.#host;
    const index = sent.findIndex((each) => this.#flows.matches(flow, each));
    const next = sent[index];
    if (next === undefined || next.time !== whole.time || next.content.protocol !== 'tcp') return null;
    const follows = next.content.sequence === ((content.sequence + content.payload.length) | 0);
    const isAlike =
      next.content.acknowledgement === content.acknowledgement &&
      next.content.window === content.window &&
      next.trafficClass === whole.trafficClass;
    if (!follows || !isAlike) return null;
    sent.splice(index, 1);
    const payload = new Uint8Array(content.payload.length + next.content.payload.length);
    payload.set(content.payload);
    payload.set(next.content.payload, content.payload.length);
    return { ...whole, content: { ...content, flags: content.flags | next.content.flags, payload } };
  }
}

/** @throws Difference when something happened too early or too late */
export function checkTime(time: number, schedule: Schedule, what: string, expected: string, actual: string): void {
  const { type, start, end, tolerance } = schedule;
  if (type === 'any' || (time >= start - tolerance && time <= end + tolerance)) return;
  const wanted = end > start ? `from ${formatTime(start)} to ${formatTime(end)}` : `at ${formatTime(start)}`;
  const message = `${what} ${time < start ? 'too early' : 'too late'}: ${wanted} was expected, ± ${formatTime(tolerance)}`;
  throw new Difference(message, `${expected} ${wanted}`, `${actual} at ${formatTime(time)}`);
}
