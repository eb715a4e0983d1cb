import { describe, expect, it } from 'vitest';
import { Bbr } from '../bbr/bbr.js';
import type { CongestionControl } from '../congestion-control.js';
import { Cubic } from '../cubic.js';
import { Dctcp } from '../dctcp.js';
import { NewReno } from '../new-reno.js';
import { type Figures, type Run, run } from './runs.testkit.js';

const make: Readonly<Record<string, () => CongestionControl>> = {
  newreno: () => new NewReno(),
  cubic: () => new Cubic(),
  dctcp: () => new Dctcp(),
  bbr: () => new Bbr({ seed: 1 }),
};
const names = Object.keys(make);

/** Where each algorithm is at home, and what it keeps there. The same must fail where the window is ignored. */
const homes: Readonly<Record<string, { readonly options: Run; readonly isKept: (figures: Figures) => boolean }>> = {
  // Hardly anything is dropped: the queue is half empty after each reduction, on average.
  newreno: {
    options: { queue: 1 },
    isKept: ({ utilisation, averageQueue }) => utilisation > 0.98 && averageQueue < 0.7,
  },
  cubic: { options: { queue: 1 }, isKept: ({ utilisation, averageQueue }) => utilisation > 0.98 && averageQueue < 0.9 },
  // The queue is no more than twice what marks begin at.
  dctcp: {
    options: { queue: 4, mark: 0.2 },
    isKept: ({ utilisation, largestQueue }) => utilisation > 0.99 && largestQueue <= 0.4,
  },
  bbr: { options: { queue: 4 }, isKept: ({ utilisation, largestQueue }) => utilisation > 0.9 && largestQueue < 1.5 },
};

describe.each(names)('%s on a packet model of a bottleneck', (name) => {
  const { options, isKept } = homes[name]!;

  it('uses the path and keeps its queue', () => {
    const figures = run([make[name]!()], options);
    expect(isKept(figures), JSON.stringify(figures)).toBe(true);
  });

  it('does not, if window and rate are ignored', () => {
    const figures = run([make[name]!()], { ...options, isDeaf: true });
    expect(isKept(figures), JSON.stringify(figures)).toBe(false);
  });

  it.each([2, 4])('%i equal flows get equal shares', (count) => {
    const controls = Array.from({ length: count }, (_, i) =>
      name === 'bbr' ? new Bbr({ seed: i + 1 }) : make[name]!(),
    );
    const queue = name === 'dctcp' ? options : { queue: 1 };
    const figures = run(controls, { ...queue, seconds: [20, 40] });
    expect(figures.fairness, JSON.stringify(figures)).toBeGreaterThan(0.95);
    expect(figures.utilisation).toBeGreaterThan(0.9);
  });
});

describe('BBR', () => {
  it('leaves a deep buffer empty that CUBIC fills', () => {
    const deep = { queue: 4 };
    expect(run([new Cubic()], deep).averageQueue).toBeGreaterThan(3);
    expect(run([new Bbr({ seed: 1 })], deep).averageQueue).toBeLessThan(0.2);
  });

  it('uses more than 80 % of a long path at 1 % random loss, of which CUBIC has next to nothing', () => {
    const lossy = { queue: 1, loss: 0.01, bytesPerSecond: 6_250_000, roundTrip: 100_000, seconds: [10, 20] } as const;
    const { utilisation } = run([new Bbr({ seed: 1 })], lossy);
    expect(utilisation).toBeGreaterThan(0.8);
    expect(run([new Cubic()], lossy).utilisation).toBeLessThan(0.05);
  });

  it('shares a shorter queue if it may count marks', () => {
    const marking = { queue: 4, mark: 0.2 };
    const [deaf, hearing] = [false, true].map((ecn) =>
      run(
        [1, 2, 3, 4].map((seed) => new Bbr({ seed, ecn })),
        marking,
      ),
    ) as [Figures, Figures];
    expect(hearing.utilisation).toBeGreaterThan(0.9);
    expect(hearing.averageQueue, JSON.stringify([deaf, hearing])).toBeLessThan(0.8 * deaf.averageQueue);
  });
});

/** Bounds on the share beside one flow of CUBIC; BBR's from shallow to deep buffers. */
describe('beside CUBIC, by queue in bandwidth-delay products,', () => {
  it.each([
    ['newreno', 1, 0.2, 0.55],
    ['bbr', 0.5, 0.4, 0.9],
    ['bbr', 1, 0.4, 0.9],
    ['bbr', 4, 0.4, 0.9],
  ] as const)('%s, %d: no more and no less than its bounds', (name, queue, least, most) => {
    const { shares } = run([make[name]!(), new Cubic()], { queue, seconds: [15, 25] });
    const share = shares[0]! / (shares[0]! + shares[1]!);
    expect(share).toBeGreaterThan(least);
    expect(share).toBeLessThan(most);
  });
});

describe('the response function over the packet model, one packet of n lost', () => {
  // RFC 9438 §5.1, figure 6 (C = 0.4), where that is more than Reno's §4.3, figure 3; and Reno's own.
  it.each([
    ['cubic', 100_000, 3000, 1.054 * (0.1 * 3000) ** 0.75],
    ['cubic', 200_000, 3000, 1.054 * (0.2 * 3000) ** 0.75],
    ['cubic', 10_000, 1000, Math.sqrt(1.5 * 1000)],
    ['cubic', 10_000, 3000, Math.sqrt(1.5 * 3000)],
    ['newreno', 40_000, 1000, Math.sqrt(1.5 * 1000)],
    ['newreno', 40_000, 3000, Math.sqrt(1.5 * 3000)],
  ])('%s, round trip %i µs, n = %i: %d packets, within a tenth', (name, roundTrip, loseEvery, expected) => {
    const control = name === 'cubic' ? new Cubic({ fastConvergence: false }) : make[name]!();
    const bytesPerSecond = 25_000_000;
    // W_max comes near what is to be by a few percent with each loss.
    const period = (loseEvery * roundTrip) / expected / 1e6;
    const seconds = [60 * period, 20 * period] as const;
    const { shares } = run([control], { queue: 4, roundTrip, loseEvery, bytesPerSecond, seconds });
    const packets = (shares[0]! * bytesPerSecond * (roundTrip / 1e6)) / 1000;
    expect(packets / expected, `${packets}`).toBeGreaterThan(0.9);
    expect(packets / expected, `${packets}`).toBeLessThan(1.1);
  });
});
