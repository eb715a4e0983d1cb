import {
  AcknowledgementSample,
  type CongestionCause,
  type CongestionControl,
  type CongestionTraits,
  type CongestionWindow,
  createCongestionControl,
  NO_TRAITS,
} from '@prism-net/congestion';
import { seq, TcpOptions } from '@prism-net/wire';
import { LossRecovery } from './loss-recovery.js';
import { DeadlineKind, RecoveryAction, RecoveryPhase } from './recovery-constants.js';
import type { LossRecoveryOptions } from './recovery-options.js';

/** NewReno that writes down what it was told. */
export class RecordingControl implements CongestionControl {
  readonly name = 'recording';
  readonly traits: CongestionTraits;
  readonly calls: string[] = [];
  /** The samples it was given, if it wants samples. */
  readonly samples: AcknowledgementSample[] = [];
  /** Bytes sent, and in flight then. */
  readonly sent: [number, number][] = [];
  acknowledgements = 0;
  readonly #inner = createCongestionControl('newreno');

  constructor(traits: Partial<CongestionTraits> = {}) {
    this.traits = { ...NO_TRAITS, ...traits };
  }

  get last(): AcknowledgementSample {
    return this.samples.at(-1)!;
  }

  count(call: string): number {
    return this.calls.filter((c) => c === call).length;
  }
  start(window: CongestionWindow, now: number): void {
    this.#inner.start(window, now);
  }
  onSent(_window: CongestionWindow, bytes: number, inFlight: number): void {
    this.sent.push([bytes, inFlight]);
  }
  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: number): void {
    this.acknowledgements++;
    if (this.traits.deliveryRate || this.traits.rulesRecovery) {
      this.samples.push(Object.assign(new AcknowledgementSample(), sample));
    }
    this.#inner.onAcknowledgement(window, sample, now);
  }
  onCongestion(window: CongestionWindow, flightSize: number, cause: CongestionCause, now: number): void {
    this.calls.push('congestion');
    this.#inner.onCongestion(window, flightSize, cause, now);
    if (this.traits.rulesRecovery) window.window = window.slowStartThreshold;
  }
  onRecovered(window: CongestionWindow, now: number): void {
    this.calls.push('recovered');
    this.#inner.onRecovered(window, now);
  }
  onTimeout(window: CongestionWindow, flightSize: number, now: number): void {
    this.calls.push('timeout');
    this.#inner.onTimeout(window, flightSize, now);
  }
  onUndo(window: CongestionWindow, now: number): void {
    this.calls.push('undo');
    this.#inner.onUndo(window, now);
  }
  onIdle(window: CongestionWindow, idle: number, timeout: number, now: number): void {
    this.calls.push('idle');
    this.#inner.onIdle(window, idle, timeout, now);
  }
  describe(): Readonly<Record<string, number>> {
    return {};
  }
}

export interface Segment {
  /** Counted from 0, retransmissions too. */
  readonly number: number;
  /** Offset into the stream and bytes. */
  readonly start: number;
  readonly length: number;
  readonly isRetransmission: boolean;
  /** Milliseconds. */
  readonly timestamp: number;
  /** µs, at the sender. */
  readonly sentAt: number;
}

export interface Acknowledgement {
  readonly number: number;
  readonly acknowledged: number;
  readonly blocks: readonly (readonly [number, number])[];
  readonly echo: number;
}

export interface ModelOptions {
  readonly bytes: number;
  readonly maximumSegmentSize?: number;
  /** One way, µs. */
  readonly delay?: number;
  /** When each copy of a segment arrives, in µs after it was sent: none is a loss. Default: one copy after `delay`. */
  readonly fate?: (segment: Segment) => readonly number[];
  readonly acknowledgementFate?: (acknowledgement: Acknowledgement) => readonly number[];
  readonly sack?: boolean;
  readonly duplicateSack?: boolean;
  readonly timestamps?: boolean;
  /** Segments of one in-order run per acknowledgement; a lone one waits for 40 ms. */
  readonly acknowledgeEvery?: number;
  /** The peer's window, bytes. */
  readonly peerWindow?: number;
  readonly firstSequence?: number;
  readonly maximumRecords?: number;
  readonly recovery?: LossRecoveryOptions;
  /** Bytes the application writes, and µs between writes; default: all at once. */
  readonly write?: readonly [bytes: number, every: number];
  /** µs by which timers are late, at most. */
  readonly timerDelay?: () => number;
  readonly check?: boolean;
  /** Of congestion control. */
  readonly traits?: Partial<CongestionTraits>;
}

interface Event {
  readonly at: number;
  readonly order: number;
  readonly run: () => void;
}

/** A sender made of {@link LossRecovery} and a receiver, joined by a network that does as it is told, in virtual time. */
export class Model {
  readonly recovery: LossRecovery;
  readonly control: RecordingControl;
  readonly sent: Segment[] = [];
  readonly phases: RecoveryPhase[] = [RecoveryPhase.OPEN];
  /** µs since the start. */
  time = 0;
  timeouts = 0;
  probes = 0;
  reorderings = 0;
  /** Called after each acknowledgement. */
  onStep: (() => void) | null = null;
  readonly options: Required<Omit<ModelOptions, 'fate' | 'acknowledgementFate' | 'recovery' | 'write' | 'traits'>>;

  #events: Event[] = [];
  #order = 0;
  readonly #fate: (segment: Segment) => readonly number[];
  readonly #acknowledgementFate: (acknowledgement: Acknowledgement) => readonly number[];
  readonly #parsed = new TcpOptions();
  readonly #origin = 0x7fff_0000;
  #written = 0;
  #maximumSegmentSize: number;
  #deadline = { at: -1, order: -1 };

  // Receiver.
  received = 0;
  #ranges: { start: number; end: number; stamp: number }[] = [];
  #stamp = 0;
  #recentTimestamp = 0;
  #unacknowledgedSegments = 0;
  #delayedAt = -1;
  #acknowledgements = 0;
  #lastAcknowledged = 0;

  constructor(options: ModelOptions) {
    this.options = {
      bytes: options.bytes,
      maximumSegmentSize: options.maximumSegmentSize ?? 1000,
      delay: options.delay ?? 50_000,
      sack: options.sack ?? true,
      duplicateSack: options.duplicateSack ?? true,
      timestamps: options.timestamps ?? true,
      acknowledgeEvery: options.acknowledgeEvery ?? 1,
      peerWindow: options.peerWindow ?? 1 << 24,
      firstSequence: options.firstSequence ?? -0x4000,
      maximumRecords: options.maximumRecords ?? 4096,
      timerDelay: options.timerDelay ?? (() => 0),
      check: options.check ?? true,
    };
    this.#maximumSegmentSize = this.options.maximumSegmentSize;
    const delay = this.options.delay;
    this.#fate = options.fate ?? (() => [delay]);
    this.#acknowledgementFate = options.acknowledgementFate ?? (() => [delay]);
    this.recovery = new LossRecovery(this.options.maximumRecords, options.recovery ?? {});
    this.control = new RecordingControl(options.traits);
    this.recovery.use(this.control, this.now);
    this.recovery.start(this.options.firstSequence, this.now);
    this.recovery.sackEnabled = this.options.sack;
    this.recovery.timestampsEnabled = this.options.timestamps;
    this.recovery.established(this.options.maximumSegmentSize, this.now);
    const [bytes, every] = options.write ?? [options.bytes, 0];
    for (let at = 0, left = options.bytes; left > 0; at += every, left -= bytes) {
      this.#schedule(at, () => {
        this.#written = Math.min(this.#written + bytes, options.bytes);
        this.send();
      });
    }
  }

  get now(): number {
    return (this.#origin + this.time) | 0;
  }

  get isDone(): boolean {
    return this.acknowledgedBytes === this.options.bytes;
  }

  get acknowledgedBytes(): number {
    return seq.difference(this.recovery.unacknowledged, this.options.firstSequence);
  }

  get retransmissions(): number {
    return this.sent.filter((segment) => segment.isRetransmission).length;
  }

  /** The path MTU falls. */
  setMaximumSegmentSize(bytes: number): void {
    this.#maximumSegmentSize = bytes;
    this.recovery.onSegmentSizeReduced(bytes, this.now);
  }

  at(time: number, run: () => void): void {
    this.#schedule(time - this.time, run);
  }

  /** Runs until all is acknowledged, or `until` µs. */
  run(until = 3600e6): this {
    while (!this.isDone) {
      const event = this.#events.shift();
      if (event === undefined || event.at > until) break;
      this.time = event.at;
      event.run();
    }
    return this;
  }

  /** Sends what may be sent, as the output of a connection would. */
  send(): void {
    const { recovery } = this;
    const segment = this.#maximumSegmentSize;
    recovery.resume(this.now);
    for (let index = recovery.nextLost(); index >= 0; index = recovery.nextLost()) {
      const length = seq.difference(recovery.recordEnd(index), recovery.recordStart(index));
      if (recovery.allowance() < length) break;
      this.#retransmit(index);
    }
    while (recovery.canRecord()) {
      const length = Math.min(segment, this.#sendable());
      if (length <= 0 || recovery.allowance() < length) break;
      this.#transmit(length);
    }
    this.#arm();
    this.#verify();
  }

  #sendable(): number {
    const offset = seq.difference(this.recovery.next, this.options.firstSequence);
    return Math.min(this.#written, this.acknowledgedBytes + this.options.peerWindow) - offset;
  }

  #transmit(length: number): void {
    const start = seq.difference(this.recovery.next, this.options.firstSequence);
    this.#put(start, length, false);
    this.recovery.onSent(seq.add(this.recovery.next, length), this.now);
  }

  #retransmit(index: number): void {
    const { recovery } = this;
    const start = seq.difference(recovery.recordStart(index), this.options.firstSequence);
    this.#put(start, seq.difference(recovery.recordEnd(index), recovery.recordStart(index)), true);
    recovery.onRetransmitted(index, this.now);
  }

  #put(start: number, length: number, isRetransmission: boolean): void {
    const segment = {
      number: this.sent.length,
      start,
      length,
      isRetransmission,
      timestamp: this.#milliseconds(),
      sentAt: this.time,
    };
    this.sent.push(segment);
    for (const delay of this.#fate(segment)) this.#schedule(delay, () => this.#receive(segment));
  }

  #milliseconds(): number {
    return Math.floor(this.time / 1000) + 1;
  }

  #arm(): void {
    const { recovery } = this;
    if (recovery.deadlineKind === DeadlineKind.NONE) {
      this.#deadline = { at: -1, order: -1 };
      return;
    }
    const wait = Math.max((recovery.deadline - this.now) | 0, 0);
    if (this.#deadline.at === this.time + wait) return;
    const deadline = { at: this.time + wait, order: this.#order };
    this.#deadline = deadline;
    this.#schedule(wait + this.options.timerDelay(), () => {
      if (this.#deadline === deadline) this.#expire();
    });
  }

  #expire(): void {
    const { recovery } = this;
    this.#deadline = { at: -1, order: -1 };
    const kind = recovery.deadlineKind;
    const action = recovery.onDeadline(this.now);
    if (kind === DeadlineKind.RETRANSMISSION) this.timeouts++;
    if (kind === DeadlineKind.REORDERING) this.reorderings++;
    if (action === RecoveryAction.PROBE_SEND_NEW_OR_LAST) {
      this.probes++;
      const length = Math.min(this.#maximumSegmentSize, this.#sendable());
      if (length > 0 && recovery.canRecord()) this.#transmit(length);
      else this.#retransmit(recovery.lastRecord());
    }
    this.send();
  }

  /** The sender gets an acknowledgement. */
  acknowledge(acknowledgement: Acknowledgement): void {
    const { recovery } = this;
    const first = this.options.firstSequence;
    const sequence = seq.add(first, acknowledgement.acknowledged);
    if (seq.isLess(sequence, recovery.unacknowledged)) return;
    const options = this.#parsed;
    options.hasTimestamps = this.options.timestamps;
    options.timestampEcho = acknowledgement.echo;
    options.sackCount = acknowledgement.blocks.length;
    acknowledgement.blocks.forEach(([start, end], i) => {
      options.sackStart[i] = seq.add(first, start);
      options.sackEnd[i] = seq.add(first, end);
    });
    recovery.newDataAvailable = this.#sendable() > 0;
    recovery.onAcknowledgement(sequence, options, false, false, this.#milliseconds(), this.now);
    this.send();
    this.onStep?.();
  }

  #verify(): void {
    if (this.recovery.phase !== this.phases.at(-1)) this.phases.push(this.recovery.phase);
    if (!this.options.check) return;
    const broken = this.recovery.check();
    if (broken !== null) throw new Error(`at ${this.time} µs: ${broken}`);
  }

  #receive(segment: Segment): void {
    const end = segment.start + segment.length;
    const inside = this.#ranges.find((range) => range.start <= segment.start && end <= range.end);
    const isDuplicate = end <= this.received || inside !== undefined;
    if (segment.start <= this.#lastAcknowledged) this.#recentTimestamp = segment.timestamp;
    const isInOrder = segment.start === this.received && this.#ranges.length === 0;
    if (!isDuplicate) this.#take(segment.start, end);
    if (isInOrder && !isDuplicate) {
      this.#unacknowledgedSegments++;
      if (this.#unacknowledgedSegments < this.options.acknowledgeEvery) {
        const at = this.time + 40_000;
        this.#delayedAt = at;
        this.#schedule(40_000, () => {
          if (this.#delayedAt === at) this.#reply(null);
        });
        return;
      }
    }
    this.#reply(isDuplicate ? [segment.start, end] : null);
  }

  #take(start: number, end: number): void {
    let from = start;
    let to = end;
    this.#ranges = this.#ranges.filter((range) => {
      if (range.end < from || range.start > to) return true;
      from = Math.min(from, range.start);
      to = Math.max(to, range.end);
      return false;
    });
    if (from <= this.received) this.received = to;
    else this.#ranges.push({ start: from, end: to, stamp: this.#stamp++ });
  }

  /** Throws away all that has arrived out of order, as RFC 2018 §8 allows. */
  renege(): void {
    this.#ranges = [];
  }

  #reply(duplicate: readonly [number, number] | null): void {
    this.#delayedAt = -1;
    this.#unacknowledgedSegments = 0;
    this.#lastAcknowledged = this.received;
    const blocks: [number, number][] = [];
    if (duplicate !== null && this.options.duplicateSack) {
      blocks.push([...duplicate]);
      const around = this.#ranges.find((range) => range.start <= duplicate[0] && duplicate[1] <= range.end);
      if (around !== undefined) around.stamp = this.#stamp++;
    }
    const ranges = [...this.#ranges].sort((a, b) => b.stamp - a.stamp);
    for (const range of ranges.slice(0, 3)) blocks.push([range.start, range.end]);
    const acknowledgement = {
      number: this.#acknowledgements++,
      acknowledged: this.received,
      blocks: this.options.sack ? blocks.slice(0, 4) : [],
      echo: this.#recentTimestamp,
    };
    for (const delay of this.#acknowledgementFate(acknowledgement)) {
      this.#schedule(delay, () => this.acknowledge(acknowledgement));
    }
  }

  #schedule(delay: number, run: () => void): void {
    const event = { at: this.time + delay, order: this.#order++, run };
    let low = 0;
    let high = this.#events.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#events[middle]!.at <= event.at) low = middle + 1;
      else high = middle;
    }
    this.#events.splice(low, 0, event);
  }
}
