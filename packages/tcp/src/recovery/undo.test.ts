import { TcpOptions } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { Model, type ModelOptions, type Segment } from './recovery.testkit.js';
import { RecoveryAction, RecoveryPhase } from './recovery-constants.js';

const MSS = 1000;
const DELAY = 50_000;
const { LOSS, RECOVERY } = RecoveryPhase;

/** The first transmissions of these segments overtake no one: they come `late` µs later. */
function delaying(late: number, ...segments: number[]): (segment: Segment) => readonly number[] {
  return (segment) => [!segment.isRetransmission && segments.includes(segment.start / MSS) ? DELAY + late : DELAY];
}

/** The window where a transfer without any trouble has it after the same bytes. */
function undisturbed(options: ModelOptions): number {
  return new Model({ bytes: options.bytes }).run().recovery.window.window;
}

describe('reordering', () => {
  it('within a quarter of the round trip, of less than three segments, retransmits nothing', () => {
    const model = new Model({ bytes: 200 * MSS, fate: delaying(20_000, 9) }).run();
    expect(model.retransmissions).toBe(0);
    expect(model.phases).not.toContain(RECOVERY);
    expect(model.recovery.rack.hasReordering).toBe(false);
  });

  it('is believed once seen: from then on three SACKs are no proof of loss', () => {
    // 40 comes after 41 to 43, which counts as lost; 100 does the same later.
    const model = new Model({ bytes: 300 * MSS, fate: delaying(20_000, 40, 150), timestamps: false }).run();
    expect(model.recovery.rack.hasReordering).toBe(true);
    expect(model.sent.filter((s) => s.isRetransmission).map((s) => s.start / MSS)).toEqual([40]);
  });

  it('beyond the window enlarges it, D-SACK by D-SACK', () => {
    const late = [40, 150, 250, 350, 450];
    const model = new Model({ bytes: 700 * MSS, fate: delaying(60_000, ...late), timestamps: false }).run();
    expect(model.recovery.rack.multiplier).toBeGreaterThan(2);
    const again = model.sent.filter((s) => s.isRetransmission).map((s) => s.start / MSS);
    // At first there is none, then 50 ms, then 75 ms, which are enough.
    expect(again).toEqual([40, 150]);
  });
});

describe('a spurious fast retransmit is undone', () => {
  it('by D-SACK (RFC 3708): when all retransmissions turn out to have been duplicates', () => {
    const options = { bytes: 300 * MSS, fate: delaying(40_000, 40), timestamps: false };
    const model = new Model(options).run();
    expect(model.control.calls).toEqual(['congestion', 'recovered', 'undo']);
    expect(model.recovery.window.window).toBeGreaterThan(undisturbed(options) * 0.7);
  });

  it('not by a D-SACK of a segment that the network has duplicated', () => {
    const fate = (s: Segment) => {
      if (s.isRetransmission || s.start !== 40 * MSS) return s.start === 45 * MSS ? [DELAY, DELAY] : [DELAY];
      return [];
    };
    const model = new Model({ bytes: 300 * MSS, fate, timestamps: false }).run();
    expect(model.control.calls).toEqual(['congestion', 'recovered']);
  });

  it('not by a D-SACK of another segment, or when one of two was needed', () => {
    const fate = delaying(40_000, 40);
    const model = new Model({
      bytes: 300 * MSS,
      fate: (segment) => (!segment.isRetransmission && segment.start === 42 * MSS ? [] : fate(segment)),
      timestamps: false,
    }).run();
    expect(model.control.count('undo')).toBe(0);
  });

  it('by timestamps (Eifel, RFC 3522): at once, before the retransmission arrives', () => {
    const options = { bytes: 300 * MSS, fate: delaying(40_000, 40), duplicateSack: false };
    const model = new Model(options).run();
    expect(model.control.calls).toEqual(['congestion', 'undo']);
    expect(model.recovery.window.window).toBeGreaterThan(undisturbed(options) * 0.7);
  });

  it('not by timestamps when the original was lost', () => {
    const fate = (s: Segment) => (!s.isRetransmission && s.start === 40 * MSS ? [] : [DELAY]);
    const model = new Model({ bytes: 300 * MSS, fate }).run();
    expect(model.control.calls).toEqual(['congestion', 'recovered']);
  });
});

describe('a spurious timeout', () => {
  /** What is sent from 250 ms on arrives after 750 ms: later than the first timeout, before the second. */
  const frozen = (segment: Segment) => [Math.max(DELAY, segment.sentAt > 250_000 ? 750_000 - segment.sentAt : 0)];

  for (const sack of [true, false]) {
    it(`is undone by F-RTO (RFC 5682), and what was taken for lost is not sent again (SACK ${sack})`, () => {
      const model = new Model({
        bytes: 400 * MSS,
        fate: frozen,
        sack,
        timestamps: false,
        duplicateSack: false,
        // The probe would spoil the picture: as if the peer's window were full and the probe lost.
        recovery: { minimumProbeTimeout: 50_000_000 },
      }).run();
      expect(model.isDone).toBe(true);
      expect(model.timeouts).toBeGreaterThan(0);
      expect(model.control.count('undo')).toBe(1);
      // Only what the timer itself sent.
      expect(model.retransmissions).toBeLessThanOrEqual(model.timeouts);
      expect(model.recovery.estimator.backoffs).toBe(0);
    });
  }

  it('is undone by timestamps with the first acknowledgement', () => {
    const model = new Model({ bytes: 400 * MSS, fate: frozen, sack: false }).run();
    expect(model.control.count('undo')).toBe(1);
    expect(model.retransmissions).toBeLessThanOrEqual(model.timeouts);
  });

  it('does not burst when the window returns (RFC 4015 §3.2)', () => {
    const model: Model = new Model({ bytes: 400 * MSS, fate: frozen, sack: false });
    let before = 0;
    let burst = 0;
    model.onStep = () => {
      burst = Math.max(burst, model.sent.length - before);
      before = model.sent.length;
    };
    model.run();
    expect(model.control.count('undo')).toBe(1);
    expect(burst).toBeLessThanOrEqual(12);
  });
});

describe('a real timeout', () => {
  for (const sack of [true, false]) {
    for (const timestamps of [true, false]) {
      it(`is not undone; all is sent again by slow start (SACK ${sack}, timestamps ${timestamps})`, () => {
        // A whole window is lost, and the probe with it.
        const fate = (s: Segment) => (s.sentAt >= 200_000 && s.sentAt < 410_000 ? [] : [DELAY]);
        const model = new Model({ bytes: 400 * MSS, fate, sack, timestamps }).run();
        expect(model.isDone).toBe(true);
        expect(model.phases).toContain(LOSS);
        expect(model.control.count('undo')).toBe(0);
        expect(model.control.count('timeout')).toBe(1);
        // Each once, and the probe.
        const lost = model.sent.filter((s) => s.sentAt >= 200_000 && s.sentAt < 410_000).length;
        expect(model.retransmissions).toBeGreaterThanOrEqual(lost - 1);
        expect(model.retransmissions).toBeLessThanOrEqual(lost + 1);
      });
    }
  }

  it('F-RTO that finds duplicates goes on with no more than three segments (RFC 5682 §2.1 step 3a)', () => {
    const { recovery, control } = new Model({ bytes: 0, sack: false, timestamps: false });
    const options = new TcpOptions();
    recovery.onSent(recovery.next + 10 * MSS, 1000);
    expect(recovery.onDeadline(recovery.deadline)).toBe(RecoveryAction.RETRANSMIT);
    const now = recovery.deadline;
    recovery.onRetransmitted(recovery.nextLost(), now);
    expect(recovery.allowance()).toBe(0);
    recovery.newDataAvailable = true;
    recovery.onAcknowledgement(recovery.unacknowledged + MSS, options, false, false, 0, now);
    // New data instead of what counts as lost.
    expect(recovery.nextLost()).toBe(-1);
    expect(recovery.allowance()).toBe(2 * MSS);
    recovery.onSent(recovery.next + 2 * MSS, now);
    recovery.window.window = 20 * MSS;
    recovery.onAcknowledgement(recovery.unacknowledged, options, false, false, 0, now);
    expect(recovery.window.window).toBe(3 * MSS);
    expect(recovery.recordStart(recovery.nextLost())).toBe(recovery.unacknowledged);
    expect(control.calls).toEqual(['timeout']);
  });

  it('without new data to send, F-RTO gives way to retransmission at once', () => {
    const { recovery } = new Model({ bytes: 0, sack: false, timestamps: false });
    recovery.onSent(recovery.next + 10 * MSS, 1000);
    recovery.onDeadline(recovery.deadline);
    const now = recovery.deadline;
    recovery.onRetransmitted(recovery.nextLost(), now);
    recovery.newDataAvailable = false;
    recovery.onAcknowledgement(recovery.unacknowledged + MSS, new TcpOptions(), false, false, 0, now);
    expect(recovery.recordStart(recovery.nextLost())).toBe(recovery.unacknowledged);
  });
});

describe('reneging (RFC 2018 §8)', () => {
  it('is survived: what was SACKed and thrown away is sent again', () => {
    let isFirst = true;
    const model: Model = new Model({
      bytes: 100 * MSS,
      // 20 and its retransmissions are lost for half a second, in which the receiver has thrown away the rest.
      fate: (s) => (s.start === 20 * MSS && s.sentAt < 700_000 ? [] : [DELAY]),
    });
    model.at(600_000, () => {
      expect(model.recovery.records.sackedCount).toBeGreaterThan(10);
      isFirst = false;
      model.renege();
    });
    model.run();
    expect(isFirst).toBe(false);
    expect(model.isDone).toBe(true);
    expect(model.received).toBe(100 * MSS);
  });
});
