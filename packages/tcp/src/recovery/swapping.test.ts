import { congestionControlNames, createCongestionControl } from '@prism-net/congestion';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Harness, SEGMENT } from './harness.testkit.js';
import { Model, RecordingControl } from './recovery.testkit.js';
import { RecoveryPhase } from './recovery-constants.js';

const RULING = { rulesRecovery: true, deliveryRate: true, sent: true };

describe('another congestion control', () => {
  it('goes on with the window and the threshold as they are', () => {
    const h = new Harness(true);
    const { recovery } = h;
    recovery.window.window = 23 * SEGMENT;
    recovery.window.slowStartThreshold = 17 * SEGMENT;
    for (const name of [...congestionControlNames(), ...[...congestionControlNames()].reverse()]) {
      recovery.use(createCongestionControl(name), h.now);
      expect([recovery.window.window, recovery.window.slowStartThreshold]).toEqual([23 * SEGMENT, 17 * SEGMENT]);
    }
  });

  it('leaves no pace behind that it does not set', () => {
    const h = new Harness(true);
    h.recovery.window.bytesPerSecond = 12_345;
    h.recovery.use(createCongestionControl('newreno'), h.now);
    expect(h.recovery.window.bytesPerSecond).toBe(0);
  });

  it('within a repair is told of its end, and cannot take back what it did not do', () => {
    const h = new Harness(true);
    h.send(10).pass(100_000).acknowledge(0, [1, 5]);
    expect(h.recovery.phase).toBe(RecoveryPhase.RECOVERY);
    const threshold = h.recovery.window.slowStartThreshold;
    const control = new RecordingControl();
    h.recovery.use(control, h.now);
    expect(h.recovery.window.canUndo).toBe(false);
    h.retransmit();
    // A D-SACK for the retransmission: the original had arrived.
    h.pass(100_000).acknowledge(5, [0, 1]);
    h.acknowledge(10);
    expect(control.calls).toEqual(['recovered']);
    expect(h.recovery.window.window).toBeLessThanOrEqual(threshold);
    expect(h.recovery.phase).toBe(RecoveryPhase.OPEN);
  });

  it('after one that rules the window itself goes on with what that left, and does not jump to a threshold never set', () => {
    const h = new Harness(true, {}, RULING);
    h.send(10).pass(100_000);
    h.acknowledge(0, [1, 5]);
    expect(h.recovery.phase).toBe(RecoveryPhase.RECOVERY);
    // Such a one need not know of thresholds.
    h.recovery.window.window = 7 * SEGMENT;
    h.recovery.window.slowStartThreshold = 0x3fff_ffff;
    h.recovery.use(createCongestionControl('cubic'), h.now);
    h.retransmit();
    h.pass(100_000).acknowledge(10);
    expect(h.recovery.phase).toBe(RecoveryPhase.OPEN);
    expect(h.recovery.window.window).toBe(7 * SEGMENT);
  });
});

const lossy = fc.record({
  seed: fc.integer({ min: 1 }),
  loss: fc.constantFrom(0, 0.01, 0.1),
  jitter: fc.constantFrom(0, 2000, 100_000),
  sack: fc.boolean(),
  swaps: fc.array(fc.record({ at: fc.integer({ min: 0, max: 3_000_000 }), which: fc.nat() }), { maxLength: 12 }),
});

it('any number of times, among all there are, in the middle of losses: nothing breaks, jumps or stops', () => {
  const names = congestionControlNames();
  fc.assert(
    fc.property(lossy, ({ seed, loss, jitter, sack, swaps }) => {
      let state = seed;
      const random = () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
        return (state >>> 8) / 2 ** 24;
      };
      const fate = () => (random() < loss ? [] : [20_000 + Math.floor(random() * jitter)]);
      const model: Model = new Model({ bytes: 300_000, fate, acknowledgementFate: fate, sack });
      const { recovery } = model;
      for (const { at, which } of swaps) {
        model.at(at, () => {
          const { window, slowStartThreshold } = recovery.window;
          const control =
            which % 3 === 0
              ? new RecordingControl(which % 2 === 0 ? RULING : {})
              : createCongestionControl(names[which % names.length]!);
          recovery.use(control, model.now);
          expect(recovery.window.window).toBe(window);
          expect(recovery.window.slowStartThreshold).toBeLessThanOrEqual(slowStartThreshold);
          expect(recovery.check()).toBe(null);
          model.send();
        });
      }
      model.run();
      expect(model.isDone).toBe(true);
      expect(recovery.inFlight).toBe(0);
      if (sack) expect(recovery.deliveredTotal).toBe(300_000);
    }),
    { numRuns: 150 },
  );
});
