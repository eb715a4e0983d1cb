import { TcpOptions } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { Model, type Segment } from './recovery.testkit.js';
import { RecoveryPhase } from './recovery-constants.js';

const MSS = 1000;
const DELAY = 50_000;
const ROUND_TRIP = 2 * DELAY;
const { OPEN, DISORDER, RECOVERY } = RecoveryPhase;

function losing(...segments: number[]): (segment: Segment) => readonly number[] {
  return (segment) => (!segment.isRetransmission && segments.includes(segment.start / MSS) ? [] : [DELAY]);
}

function run(bytes: number, fate: (segment: Segment) => readonly number[]): Model {
  return new Model({ bytes, fate, sack: false, timestamps: false }).run();
}

describe('without SACK (RFC 6582)', () => {
  it('three duplicates retransmit what is missing, once, with one reduction', () => {
    const model = run(200 * MSS, losing(20));
    expect(model.isDone).toBe(true);
    expect(model.sent.filter((s) => s.isRetransmission).map((s) => s.start / MSS)).toEqual([20]);
    expect(model.phases).toEqual([OPEN, DISORDER, RECOVERY, OPEN]);
    expect(model.control.calls).toEqual(['congestion', 'recovered']);
    expect(model.timeouts).toBe(0);
    const lost = model.sent.find((s) => s.start === 20 * MSS)!;
    expect(model.sent.find((s) => s.isRetransmission)!.sentAt - lost.sentAt).toBe(ROUND_TRIP);
  });

  it('two duplicates let one new segment leave each (RFC 3042), the third is the fast retransmit', () => {
    const { recovery, control } = new Model({ bytes: 0, sack: false });
    const options = new TcpOptions();
    const duplicate = () => recovery.onAcknowledgement(recovery.unacknowledged, options, false, false, 0, 50_000);
    recovery.onSent(recovery.next + 10 * MSS, 0);
    expect(recovery.allowance()).toBe(0);
    for (let i = 0; i < 2; i++) {
      duplicate();
      expect(recovery.phase).toBe(DISORDER);
      expect(recovery.allowance()).toBe(MSS);
      recovery.onSent(recovery.next + MSS, 50_000);
      expect(recovery.allowance()).toBe(0);
    }
    expect(recovery.nextLost()).toBe(-1);
    duplicate();
    expect(recovery.phase).toBe(RECOVERY);
    expect(recovery.recordStart(recovery.nextLost())).toBe(recovery.unacknowledged);
    expect(recovery.allowance()).toBe(MSS);
    expect(control.calls).toEqual(['congestion']);
    // RFC 5681 §3.1 (4): of the window, without what limited transmit added.
    expect(recovery.window.slowStartThreshold).toBe(5 * MSS);
  });

  it('an acknowledgement with data, or of a changed window, is no duplicate (RFC 5681 §2)', () => {
    const { recovery } = new Model({ bytes: 0, sack: false });
    recovery.onSent(recovery.next + 10 * MSS, 0);
    for (let i = 0; i < 5; i++) {
      recovery.onAcknowledgement(recovery.unacknowledged, new TcpOptions(), false, true, 0, 50_000);
    }
    expect(recovery.phase).toBe(OPEN);
    expect(recovery.allowance()).toBe(0);
  });

  it('partial acknowledgements show the next holes: one per round trip, in one recovery', () => {
    const lost = [20, 22, 25, 29];
    const model = run(200 * MSS, losing(...lost));
    expect(model.isDone).toBe(true);
    const again = model.sent.filter((s) => s.isRetransmission);
    expect(again.map((s) => s.start / MSS)).toEqual(lost);
    expect(model.control.calls).toEqual(['congestion', 'recovered']);
    expect(model.timeouts).toBe(0);
    for (let i = 1; i < again.length; i++) expect(again[i]!.sentAt - again[i - 1]!.sentAt).toBe(ROUND_TRIP);
  });

  it('new data flows during the repair, no more than half the flight per round trip', () => {
    const model: Model = new Model({ bytes: 400 * MSS, fate: losing(60), sack: false });
    let before = 0;
    let fresh = 0;
    model.onStep = () => {
      if (model.recovery.phase === RECOVERY) fresh += model.sent.length - before;
      before = model.sent.length;
    };
    model.run();
    expect(fresh).toBeGreaterThan(10);
    expect(fresh).toBeLessThan(45);
  });

  it('duplicates of what a timeout sent again do not begin a fast retransmit (RFC 6582 §4)', () => {
    const fate = (s: Segment) => (s.sentAt === 100_000 && s.start <= 16 * MSS ? [] : [DELAY]);
    const model = run(120 * MSS, fate);
    expect(model.isDone).toBe(true);
    expect(model.control.count('congestion') + model.control.count('timeout')).toBeLessThanOrEqual(2);
  });

  it('the tail lost costs a timeout, since there is no probe', () => {
    const model = run(50 * MSS, losing(48, 49));
    expect(model.isDone).toBe(true);
    expect([model.timeouts, model.probes]).toEqual([1, 0]);
  });
});
