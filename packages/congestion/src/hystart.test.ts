import { describe, expect, it } from 'vitest';
import { MAXIMUM_WINDOW } from './congestion-window.js';
import { Cubic } from './cubic.js';
import { Flow, SEGMENT } from './flow.testkit.js';
import { NewReno } from './new-reno.js';

/** One round of full windows, acknowledged segment by segment, all with this round trip in µs. */
function round(flow: Flow, roundTrip: number): void {
  flow.roundTrip = roundTrip;
  flow.round(SEGMENT);
}

/** After a round at 10 segments with this round trip: 20 segments. */
function started(roundTrip: number, control = new Cubic()): Flow<Cubic> {
  const flow = new Flow(control);
  round(flow, roundTrip);
  expect(flow.segments).toBe(20);
  return flow;
}

describe('HyStart++ (RFC 9406)', () => {
  it('doubles the window while round trips stay alike', () => {
    const flow = started(100_000);
    for (const segments of [40, 80, 160]) {
      round(flow, 112_499);
      expect(flow.segments).toBe(segments);
      round(flow, 100_000);
      expect(flow.segments).toBe(2 * segments);
      flow.window.window = segments * SEGMENT;
    }
    expect(flow.window.slowStartThreshold).toBe(MAXIMUM_WINDOW);
  });

  it('grows a quarter as fast from the eighth sample on that is an eighth longer, for five rounds', () => {
    const flow = started(100_000);
    round(flow, 112_500);
    // 7 segments, then 13 acknowledgements of which each counts 250 bytes.
    expect(flow.window.window).toBe(20_000 + 7000 + 13 * 250);
    expect(flow.control.describe()['conservativeSlowStart']).toBe(1);
    for (const expected of [37_812, 47_265, 59_081]) {
      round(flow, 120_000);
      expect(flow.window.window).toBe(expected);
      expect(flow.window.isSlowStart).toBe(true);
    }
    round(flow, 120_000);
    // A round ends with the acknowledgement of its first segment, so that each is an acknowledgement or two shorter than the
    // window: the fifth was over before the 73,851 bytes were reached that five windows come to.
    expect(flow.window.slowStartThreshold).toBeGreaterThan(70_000);
    expect(flow.window.slowStartThreshold).toBeLessThan(73_851);
    expect(flow.control.describe()['conservativeSlowStart']).toBe(0);
    // Congestion avoidance.
    round(flow, 120_000);
    expect(flow.window.window).toBeLessThan(75_500);
  });

  it('resumes slow start when the round trips become shorter again', () => {
    const flow = started(100_000);
    round(flow, 130_000);
    const conservative = flow.window.window;
    round(flow, 129_999);
    // The round had begun with the last 2 acknowledgements before: of these, 5 still counted a quarter.
    expect(flow.window.window).toBe(2 * conservative - 5 * 750);
    expect(flow.window.slowStartThreshold).toBe(MAXIMUM_WINDOW);
    expect(flow.control.describe()['conservativeSlowStart']).toBe(0);
    const before = flow.window.window;
    round(flow, 129_999);
    expect(flow.window.window).toBe(2 * before);
  });

  it.each([
    ['no less than 4 ms', 10_000, 13_999, 14_000],
    ['an eighth', 64_000, 71_999, 72_000],
    ['no more than 16 ms', 300_000, 315_999, 316_000],
  ])('takes %s for longer', (_name, base, below, above) => {
    const calm = started(base);
    round(calm, below);
    expect(calm.segments).toBe(40);
    const alarmed = started(base);
    round(alarmed, above);
    expect(alarmed.segments).toBeLessThan(40);
  });

  it('judges by the shortest of at least eight samples', () => {
    const flow = started(100_000);
    flow.roundTrip = 150_000;
    for (let i = 0; i < 7; i++) flow.acknowledge(SEGMENT);
    flow.roundTrip = 100_000;
    for (let i = 0; i < 13; i++) flow.acknowledge(SEGMENT);
    expect(flow.segments).toBe(40);
    const few = started(100_000);
    few.roundTrip = 150_000;
    for (let i = 0; i < 7; i++) few.acknowledge(i === 6 ? 14 * SEGMENT : SEGMENT);
    expect(few.control.describe()['conservativeSlowStart']).toBe(0);
  });

  it('is for the initial slow start only (§4.3)', () => {
    const flow = new Flow(new Cubic()).settle(200);
    flow.timeOut();
    for (const segments of [2, 4, 8, 16, 32, 64, 128]) {
      round(flow, 100_000 + segments * 10_000);
      expect(flow.segments).toBe(segments);
    }
  });

  it('ends with the first congestion', () => {
    const flow = started(100_000);
    round(flow, 130_000);
    flow.congest();
    round(flow, 130_000);
    expect(flow.control.describe()['conservativeSlowStart']).toBe(0);
  });

  it('counts 8 segments of an acknowledgement, divided by 4, and all of it while paced', () => {
    const growth = [0, 1e6].map((rate) => {
      const flow = started(100_000);
      flow.roundTrip = 130_000;
      for (let i = 0; i < 8; i++) flow.acknowledge(SEGMENT);
      flow.window.bytesPerSecond = rate;
      const before = flow.window.window;
      flow.acknowledge(12 * SEGMENT);
      return flow.window.window - before;
    });
    expect(growth).toEqual([2 * SEGMENT, 3 * SEGMENT]);
  });

  it('counts delivered bytes across 2^32', () => {
    const flow = new Flow(new Cubic());
    flow.sample.deliveredTotal = -5 * SEGMENT;
    round(flow, 100_000);
    round(flow, 112_500);
    expect(flow.window.window).toBe(30_250);
  });

  it('can be switched off for CUBIC and on for NewReno', () => {
    const off = started(100_000, new Cubic({ hyStart: false }));
    round(off, 200_000);
    expect(off.segments).toBe(40);
    const reno = new Flow(new NewReno());
    const careful = new Flow(new NewReno({ hyStart: true }));
    for (const flow of [reno, careful]) {
      round(flow, 100_000);
      round(flow, 200_000);
    }
    expect([reno.segments, careful.segments]).toEqual([40, 30.25]);
    expect(() => new NewReno({ hystart: true } as never)).toThrow('hystart');
  });
});
