import type { CongestionTraits } from '@prism-net/congestion';
import { TcpOptions } from '@prism-net/wire';
import { expect } from 'vitest';
import { LossRecovery } from './loss-recovery.js';
import { RecordingControl } from './recovery.testkit.js';
import type { DeadlineKind, RecoveryAction } from './recovery-constants.js';
import type { LossRecoveryOptions } from './recovery-options.js';

export const SEGMENT = 1000;

/** A {@link LossRecovery} driven call by call. Blocks and acknowledgements are counted in segments from 0. */
export class Harness {
  readonly control: RecordingControl;
  readonly recovery: LossRecovery;
  readonly options = new TcpOptions();
  now = 0x7fff_f000;
  clock = 0;
  ecnEcho = false;

  constructor(sackEnabled: boolean, options: LossRecoveryOptions = {}, traits: Partial<CongestionTraits> = {}) {
    this.control = new RecordingControl(traits);
    this.recovery = new LossRecovery(64, options);
    this.recovery.use(this.control, this.now);
    this.recovery.start(0, this.now);
    this.recovery.sackEnabled = sackEnabled;
    this.recovery.established(SEGMENT, this.now);
  }

  pass(microseconds: number): this {
    this.now = (this.now + microseconds) | 0;
    return this;
  }
  send(segments = 1): this {
    this.recovery.onSent((this.recovery.next + segments * SEGMENT) | 0, this.now);
    return this;
  }
  /** Retransmits what is to be retransmitted, up to the allowance; returns the segments. */
  retransmit(most = Number.POSITIVE_INFINITY): number[] {
    const { recovery } = this;
    const segments: number[] = [];
    while (segments.length < most) {
      const index = recovery.nextLost();
      if (index < 0 || recovery.allowance() < SEGMENT) break;
      segments.push(recovery.recordStart(index) / SEGMENT);
      recovery.onRetransmitted(index, this.now);
    }
    return segments;
  }
  /** Timestamps in milliseconds: what the acknowledgements from now on echo, and what the clock shows. */
  stamp(echo: number, clock: number): this {
    this.recovery.timestampsEnabled = true;
    this.options.hasTimestamps = true;
    this.options.timestampEcho = echo;
    this.clock = clock;
    return this;
  }
  acknowledge(segments: number, ...blocks: [number, number][]): this {
    this.options.sackCount = blocks.length;
    blocks.forEach(([start, end], i) => {
      this.options.sackStart[i] = start * SEGMENT;
      this.options.sackEnd[i] = end * SEGMENT;
    });
    this.recovery.onAcknowledgement(segments * SEGMENT, this.options, this.ecnEcho, false, this.clock, this.now);
    expect(this.recovery.check()).toBe(null);
    return this;
  }
  expire(): RecoveryAction {
    this.now = this.recovery.deadline;
    const action = this.recovery.onDeadline(this.now);
    expect(this.recovery.check()).toBe(null);
    return action;
  }
  /** µs until the deadline. */
  get wait(): number {
    return (this.recovery.deadline - this.now) | 0;
  }
  get kindAndWait(): [DeadlineKind, number] {
    return [this.kind, this.wait];
  }
  get kind(): DeadlineKind {
    return this.recovery.deadlineKind;
  }
}
