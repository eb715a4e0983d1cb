import { describe, expect, it } from 'vitest';
import { Model, type Segment } from './recovery.testkit.js';
import { RecoveryPhase } from './recovery-constants.js';

const MSS = 1000;
const DELAY = 50_000;
const ROUND_TRIP = 2 * DELAY;
const { OPEN, DISORDER, RECOVERY, LOSS } = RecoveryPhase;

/** Loses the first transmission of the segments with these offsets (in segments). */
function losing(...segments: number[]): (segment: Segment) => readonly number[] {
  return (segment) => (!segment.isRetransmission && segments.includes(segment.start / MSS) ? [] : [DELAY]);
}

describe('without loss', () => {
  it('sends everything once, stays open and ends with no timer', () => {
    const model = new Model({ bytes: 500 * MSS }).run();
    expect(model.isDone).toBe(true);
    expect(model.sent).toHaveLength(500);
    expect(model.phases).toEqual([OPEN]);
    expect(model.control.calls).toEqual([]);
    expect([model.timeouts, model.probes]).toEqual([0, 0]);
    expect(model.recovery.deadlineKind).toBe(0);
    expect(model.recovery.estimator.smoothed).toBe(ROUND_TRIP);
  });
});

describe('one segment lost', () => {
  it('is repaired in one round trip after it is noticed, with one reduction and no timeout', () => {
    const model = new Model({ bytes: 200 * MSS, fate: losing(20) }).run();
    expect(model.isDone).toBe(true);
    expect(model.retransmissions).toBe(1);
    expect([model.timeouts, model.probes]).toEqual([0, 0]);
    expect(model.phases).toEqual([OPEN, DISORDER, RECOVERY, OPEN]);
    expect(model.control.calls).toEqual(['congestion', 'recovered']);
    const lost = model.sent.find((segment) => segment.start === 20 * MSS)!;
    const again = model.sent.find((segment) => segment.isRetransmission)!;
    expect(again.start).toBe(lost.start);
    // Its third successor's SACK comes back one round trip after it was sent.
    expect(again.sentAt - lost.sentAt).toBe(ROUND_TRIP);
  });
});
