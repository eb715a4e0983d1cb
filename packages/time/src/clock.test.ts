import { steadyStateBytes } from '@prism-net/measure';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { createMonotonicClock, createNanosecondClock, elapsed, isBefore, ManualClock } from './clock.js';

describe('instants', () => {
  it('compare correctly across 2^31 and 2^32', () => {
    const late = 0x7fff_ff00;
    expect(elapsed((late + 0x200) | 0, late)).toBe(0x200);
    expect(isBefore(late, (late + 0x200) | 0)).toBe(true);
    expect(isBefore((late + 0x200) | 0, late)).toBe(false);
    expect(elapsed(5, -5)).toBe(10);
    expect(isBefore(7, 7)).toBe(false);
  });
});

describe('ManualClock', () => {
  it('moves by what it is told, modulo 2^32', () => {
    const clock = new ManualClock(0x7fff_ffff);
    expect(clock.advance(1)).toBe(-0x8000_0000);
    expect(clock.advance(0x1_0000_0000)).toBe(-0x8000_0000);
    expect(clock.advance(-1)).toBe(0x7fff_ffff);
    expect(clock.now()).toBe(0x7fff_ffff);
  });
});

describe('createNanosecondClock', () => {
  it('agrees with the process clock, modulo 2^32', () => {
    const clock = createNanosecondClock();
    const before = BigInt.asIntN(32, process.hrtime.bigint());
    const now = clock.now();
    expect(now | 0).toBe(now);
    const passed = elapsed(now, Number(before));
    expect(passed).toBeGreaterThanOrEqual(0);
    expect(passed).toBeLessThan(1_000_000_000);
  });
});

describe('createMonotonicClock', () => {
  afterEach(() => vi.unstubAllGlobals());

  it('agrees with the process clock and yields int32', () => {
    const clock = createMonotonicClock();
    const before = process.hrtime.bigint() / 1000n;
    const now = clock.now();
    const after = process.hrtime.bigint() / 1000n;
    expect(now | 0).toBe(now);
    expect(elapsed(now, Number(BigInt.asIntN(32, before)))).toBeGreaterThanOrEqual(0);
    expect(elapsed(Number(BigInt.asIntN(32, after)), now)).toBeGreaterThanOrEqual(0);
  });

  it('never goes backward', () => {
    const clock = createMonotonicClock();
    let last = clock.now();
    for (let i = 0; i < 100_000; i++) {
      const now = clock.now();
      if (isBefore(now, last)) expect.fail(`${now} after ${last}`);
      last = now;
    }
  });

  it('falls back to performance.now() where there is no process', () => {
    vi.stubGlobal('process', undefined);
    const clock = createMonotonicClock();
    const expected = (performance.now() * 1000) | 0;
    expect(Math.abs(elapsed(clock.now(), expected))).toBeLessThan(100_000);
  });

  it('allocates nothing once optimised', () => {
    const clock = createMonotonicClock();
    let last = 0;
    const read = (times: number) => {
      for (let i = 0; i < times; i++) last = clock.now();
    };
    const bytes = steadyStateBytes(() => read(100_000));
    expect(last | 0).toBe(last);
    // The measurement's own objects take a few hundred bytes; one number per reading would be 1.6 million.
    expect(bytes).toBeLessThan(20_000);
  });
});
