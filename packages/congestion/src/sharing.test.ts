import { describe, expect, it } from 'vitest';
import { Bottleneck } from './bottleneck.testkit.js';
import { Cubic } from './cubic.js';
import { Flow, SEGMENT } from './flow.testkit.js';
import { NewReno } from './new-reno.js';

/** Jain's index: 1 when all have the same, 1/n when one has everything. */
function fairness(shares: readonly number[]): number {
  const sum = shares.reduce((a, b) => a + b, 0);
  const squares = shares.reduce((a, b) => a + b * b, 0);
  return (sum * sum) / (shares.length * squares);
}

describe('two flows at one bottleneck', () => {
  it.each([
    ['NewReno', () => new NewReno()],
    ['CUBIC', () => new Cubic()],
  ])('of %s come to equal shares, even if one comes late', (_name, make) => {
    const link = new Bottleneck([make(), make()], 100, 50, 20_000);
    link.flows[0]!.settle(140);
    link.run(500);
    link.run(2000);
    expect(fairness(link.averages), link.averages.join(' : ')).toBeGreaterThan(0.99);
    expect(link.averages[0]! + link.averages[1]!, 'the link is in use').toBeGreaterThan(100);
    expect(link.losses, 'the link is not flooded').toBeLessThan(200);
  });

  it('CUBIC takes no more than its share from NewReno where NewReno works well', () => {
    const link = new Bottleneck([new NewReno(), new Cubic()], 40, 20, 10_000);
    link.run(500);
    link.run(5000);
    const [reno, cubic] = link.averages as [number, number];
    expect(cubic / reno).toBeGreaterThan(0.8);
    expect(cubic / reno).toBeLessThan(1.25);
  });

  it('CUBIC fills a long fat link that NewReno leaves empty', () => {
    const [reno, cubic] = [new NewReno(), new Cubic({ fastConvergence: false })].map((control) => {
      // 10 Gbit/s, 100 ms, a queue of a tenth of that; in congestion avoidance after one loss.
      const link = new Bottleneck([control], 83_000, 8300, 100_000);
      link.flows[0]!.settle(40_000);
      link.run(600);
      link.run(600);
      return link.averages[0]! / 83_000;
    });
    expect(reno).toBeLessThan(0.55);
    expect(cubic).toBeGreaterThan(0.85);
  });
});

/** The average window with one loss each `1 / p` segments, nearly periodic: CUBIC's curve is flat where it is to settle. */
function averageWindow(flow: Flow, p: number): number {
  const period = Math.round(1 / p);
  flow.settle(20);
  let average = 0;
  const cycles = 150;
  for (let cycle = 0; cycle < cycles; cycle++) {
    let segments = 0;
    let time = 0;
    let area = 0;
    for (let acknowledged = 0; acknowledged < period; ) {
      const each = Math.min(2, period - acknowledged);
      const step = (flow.roundTrip * each) / flow.segments;
      acknowledged += each;
      segments += each;
      area += step * flow.segments;
      time += step;
      flow.now = (flow.now + Math.round(step)) | 0;
      flow.acknowledge(each * SEGMENT);
    }
    if (cycle >= cycles / 2) average += area / time / (cycles / 2);
    const { now } = flow;
    flow.congest();
    flow.now = now;
    expect(segments).toBe(period);
  }
  return average;
}

describe('the average window by rate of loss', () => {
  // RFC 9438 §5.1, tables 1 and 2, C = 0.4; where the curve, not Reno's window, is the larger: 1.054 (RTT / p)^(3/4).
  it.each([
    [100_000, 1e-2, 12],
    [100_000, 1e-3, 38],
    [100_000, 1e-4, 187],
    [100_000, 1e-5, 1054],
    [10_000, 1e-3, 38],
    [10_000, 1e-4, 120],
    [10_000, 1e-5, 379],
  ])('CUBIC: round trip %i µs, loss %d: %i segments', (roundTrip, p, expected) => {
    const average = averageWindow(new Flow(new Cubic({ fastConvergence: false }), 0, roundTrip), p);
    expect(average / expected, `${average}`).toBeGreaterThan(0.85);
    expect(average / expected, `${average}`).toBeLessThan(1.15);
  });

  // √(3 / 2p), RFC 9438 §4.3, figure 3 with α = 1, β = 0.5.
  it.each([1e-2, 1e-3, 1e-4, 1e-5])('NewReno: loss %d', (p) => {
    const ratio = averageWindow(new Flow(new NewReno()), p) / Math.sqrt(1.5 / p);
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
  });
});
