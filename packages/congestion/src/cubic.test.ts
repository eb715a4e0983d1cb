import { describe, expect, it } from 'vitest';
import { MAXIMUM_WINDOW } from './congestion-window.js';
import { Cubic } from './cubic.js';
import { Flow, SEGMENT } from './flow.testkit.js';

/** RFC 9438 §4.2, figure 1, in segments and seconds. */
function curve(t: number, maximum: number, epochWindow: number): number {
  const k = Math.cbrt((maximum - epochWindow) / 0.4);
  return 0.4 * (t - k) ** 3 + maximum;
}

/** Congestion at so many segments, just repaired. */
function afterCongestion(segments: number, now = 0, roundTrip = 100_000): Flow<Cubic> {
  const cubic = new Flow(new Cubic(), now, roundTrip).settle(segments);
  cubic.congest();
  return cubic;
}

describe('CUBIC', () => {
  // RFC 9293 §3.8.2, MAY-18.
  it('reduces to 0.7 of the flight and returns to the maximum after K (RFC 9438 §4.2)', () => {
    const cubic = afterCongestion(1000);
    expect(cubic.segments).toBe(700);
    cubic.acknowledge(SEGMENT);
    // K = ∛(300 / 0.4) s.
    expect(cubic.control.describe()['timeToMaximum']).toBeCloseTo(9.0856, 4);
    expect(cubic.control.describe()['maximum']).toBe(1000 * SEGMENT);
    cubic.rounds(91);
    expect(cubic.segments).toBeGreaterThan(999);
    expect(cubic.segments).toBeLessThan(1001);
  });

  it.each([
    ['from zero', 0],
    ['across 2^31', 0x7fff_ffff - 3_000_000],
    ['across 2^32', -3_000_000],
  ])('follows the concave, then the convex curve, by a clock that runs %s', (_name, now) => {
    const cubic = afterCongestion(1000, now);
    for (let second = 1; second <= 20; second++) {
      cubic.rounds(10);
      const expected = curve(second, 1000, 700);
      expect(Math.abs(cubic.segments / expected - 1), `${second} s: ${cubic.segments}, not ${expected}`).toBeLessThan(
        0.01,
      );
    }
  });

  it('grows alike for small, ordinary and stretched acknowledgements', () => {
    const windows = [40, SEGMENT, 2 * SEGMENT, 44 * SEGMENT].map((bytesEach) => {
      const cubic = afterCongestion(1000);
      for (let i = 0; i < 150; i++) cubic.round(bytesEach);
      return cubic.segments;
    });
    expect(Math.max(...windows) / Math.min(...windows)).toBeLessThan(1.01);
  });

  it('aims at half as much again at most (RFC 9438 §4.2)', () => {
    const cubic = afterCongestion(1000, 0, 5_000_000);
    for (let i = 0; i < 8; i++) {
      const before = cubic.segments;
      cubic.round();
      // The bound is on each acknowledgement's target, which moves with the window: e^0.5 in all.
      expect(cubic.segments / before).toBeLessThan(Math.exp(0.5));
      expect(cubic.segments).toBeGreaterThanOrEqual(before);
    }
    cubic.acknowledge(cubic.window.window);
    const before = cubic.window.window;
    cubic.acknowledge(MAXIMUM_WINDOW);
    expect(Math.abs(cubic.window.window - before * 1.5)).toBeLessThanOrEqual(1);
  });

  it('makes room for others when the window shrinks, unless told not to (RFC 9438 §4.7)', () => {
    const cubic = afterCongestion(1000);
    cubic.congest();
    expect(cubic.control.describe()['maximum']).toBeCloseTo(700 * SEGMENT * 0.85, 6);
    const alone = new Flow(new Cubic({ fastConvergence: false })).settle(1000);
    alone.congest();
    alone.congest();
    expect(alone.control.describe()['maximum']).toBe(700 * SEGMENT);
    expect(() => new Cubic({ fastConvergense: false } as never)).toThrow('fastConvergense');
  });

  it('lets K be zero where there was no maximum before (RFC 9438 §4.10)', () => {
    const cubic = new Flow(new Cubic()).settle(100);
    cubic.rounds(30);
    // Reno's window: one segment per round trip, of which the curve is ahead from about 8 s on only.
    expect(cubic.segments).toBeGreaterThan(129);
    expect(cubic.segments).toBeLessThan(131);
    expect(cubic.control.describe()).toMatchObject({ maximum: 100 * SEGMENT, timeToMaximum: 0 });
  });
});

describe('the Reno-friendly region (RFC 9438 §4.3)', () => {
  it('adds 0.529 segments per round trip, and one from the former window on', () => {
    const cubic = afterCongestion(100, 0, 1000);
    expect(cubic.segments).toBe(70);
    cubic.rounds(40);
    expect(cubic.segments).toBeCloseTo(70 + 40 * (0.9 / 1.7), 0);
    while (cubic.segments < 100) cubic.round();
    const before = cubic.segments;
    cubic.rounds(20);
    expect(cubic.segments - before).toBeCloseTo(20, 0);
  });

  it('yields to the curve where that is ahead', () => {
    const near = afterCongestion(100, 0, 1000);
    const far = afterCongestion(100, 0, 100_000);
    near.rounds(10);
    far.rounds(10);
    expect(near.segments).toBeCloseTo(75.3, 0);
    expect(far.segments).toBeCloseTo(curve(1, 100, 70), 0);
  });
});

describe('time (RFC 9438 §4.2, §5.8)', () => {
  it('stands still, and the window too, while the application limits', () => {
    const cubic = afterCongestion(1000);
    cubic.rounds(20);
    const before = cubic.window.window;
    for (let i = 0; i < 100; i++) cubic.round(SEGMENT, false);
    expect(cubic.window.window).toBe(before);
    cubic.rounds(20);
    expect(Math.abs(cubic.segments / curve(4, 1000, 700) - 1)).toBeLessThan(0.01);
  });

  it('stands still while nothing is sent', () => {
    const cubic = afterCongestion(1000);
    cubic.rounds(20);
    cubic.now += 5_000_000;
    // Less than a retransmission timeout: the window stays.
    cubic.control.onIdle(cubic.window, 5_000_000, 6_000_000, cubic.now);
    cubic.rounds(20);
    expect(Math.abs(cubic.segments / curve(4, 1000, 700) - 1)).toBeLessThan(0.01);
  });

  it('does not run backwards when the clock seems to', () => {
    const cubic = afterCongestion(1000);
    cubic.rounds(20);
    const { elapsed } = cubic.control.describe();
    const before = cubic.window.window;
    cubic.now -= 1_000_000;
    cubic.acknowledge(SEGMENT);
    expect(cubic.control.describe()['elapsed']).toBe(elapsed);
    expect(cubic.window.window).toBeGreaterThanOrEqual(before);
  });

  it('is summed up over hours, while the largest window is held', () => {
    const cubic = afterCongestion(1000, 123, 1_000_000);
    // One acknowledgement per second for 5 hours: four times around the clock.
    for (let i = 0; i < 5 * 3600; i++) {
      cubic.now = (cubic.now + 1_000_000) | 0;
      cubic.acknowledge(cubic.window.window);
    }
    expect(cubic.window.window).toBe(MAXIMUM_WINDOW);
    expect(cubic.control.describe()['elapsed']).toBe(5 * 3600 - 1);
    cubic.congest();
    expect(cubic.window.window).toBe(Math.floor(MAXIMUM_WINDOW * 0.7));
    cubic.rounds(3);
    expect(cubic.window.window).toBeGreaterThan(Math.floor(MAXIMUM_WINDOW * 0.7));
  });
});

describe('timeout (RFC 9438 §4.8)', () => {
  it('leaves one segment; the stage after slow start has K = 0 and begins at the threshold', () => {
    const cubic = afterCongestion(1000);
    cubic.rounds(50);
    const flight = cubic.window.window;
    cubic.timeOut();
    cubic.timeOut();
    expect(cubic.segments).toBe(1);
    expect(cubic.window.slowStartThreshold).toBe(Math.floor(flight * 0.7));
    while (cubic.window.isSlowStart) cubic.round(SEGMENT);
    const { timeToMaximum, maximum } = cubic.control.describe();
    expect([timeToMaximum, maximum]).toEqual([0, Math.floor(flight * 0.7)]);
  });

  it('that was spurious is taken back: the curve goes on', () => {
    const cubic = afterCongestion(1000);
    const undisturbed = afterCongestion(1000);
    cubic.rounds(50);
    undisturbed.rounds(50);
    cubic.timeOut();
    cubic.control.onUndo(cubic.window, cubic.now);
    expect(cubic.control.describe()).toEqual(undisturbed.control.describe());
    cubic.rounds(70);
    undisturbed.rounds(70);
    expect(cubic.window.window).toBe(undisturbed.window.window);
  });
});

describe('undo of fast retransmit (RFC 9438 §4.9.2)', () => {
  it('restores window, threshold and curve; the time under repair counts', () => {
    const cubic = afterCongestion(1000);
    cubic.rounds(50);
    const before = cubic.window.window;
    cubic.congest();
    expect(cubic.window.window).toBe(Math.floor(before * 0.7));
    cubic.control.onUndo(cubic.window, cubic.now);
    expect([cubic.window.window, cubic.window.slowStartThreshold]).toEqual([before, 700 * SEGMENT]);
    cubic.rounds(49);
    expect(Math.abs(cubic.segments / curve(10, 1000, 700) - 1)).toBeLessThan(0.01);
  });

  it('leaves the new curve alone once it has led further', () => {
    const cubic = afterCongestion(1000);
    cubic.rounds(10);
    cubic.congest();
    cubic.rounds(200);
    const state = cubic.control.describe();
    const { window } = cubic.window;
    cubic.control.onUndo(cubic.window, cubic.now);
    expect(cubic.control.describe()).toEqual(state);
    expect(cubic.window.window).toBe(window);
  });
});

describe('restart', () => {
  it('after idling begins a new stage at the end of slow start', () => {
    const cubic = afterCongestion(1000);
    cubic.rounds(50);
    cubic.control.onIdle(cubic.window, 9_000_000, 200_000, cubic.now);
    expect(cubic.segments).toBe(10);
    while (cubic.window.isSlowStart) cubic.round();
    const begun = cubic.segments;
    expect(cubic.control.describe()['maximum']).toBe(1000 * SEGMENT);
    cubic.rounds(30);
    expect(Math.abs(cubic.segments / curve(3, 1000, begun) - 1)).toBeLessThan(0.02);
  });

  it('of a used object forgets everything', () => {
    const cubic = afterCongestion(1000);
    cubic.rounds(50);
    cubic.control.start(cubic.window, cubic.now);
    expect(cubic.control.describe()).toEqual(new Cubic().describe());
  });
});
