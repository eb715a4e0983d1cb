import { describe, expect, it } from 'vitest';
import { Pacer } from './pacer.js';

const MILLISECOND = 1_000_000;

/** Sends all that is allowed, looking every `step` nanoseconds from `start` on. */
function sentIn(pacer: Pacer, milliseconds: number, step: number, start = 0, intensity = 1000): number {
  let sent = 0;
  for (let at = step; at <= milliseconds * MILLISECOND; at += step) {
    const allowed = pacer.allowed((start + at) | 0, intensity);
    pacer.used(allowed);
    sent += allowed;
  }
  return sent;
}

describe('pacer', () => {
  it('sets no limit at rate 0', () => {
    const pacer = new Pacer(0, 0);
    expect(pacer.allowed(0, 1000)).toBe(0x7fff_ffff);
    pacer.used(1_000_000);
    expect(pacer.allowed(0, 1)).toBe(0x7fff_ffff);
  });

  it('keeps the rate whatever the rhythm it is asked in', () => {
    for (const step of [1000, 7777, 50_000, MILLISECOND]) {
      const sent = sentIn(new Pacer(20_000, 0), 1000, step);
      expect(Math.abs(sent - 20_000), `every ${step} ns`).toBeLessThanOrEqual(21);
    }
  });

  it('keeps rates of less than one order per look, down to one a second', () => {
    expect(Math.abs(sentIn(new Pacer(1, 0), 10_000, MILLISECOND) - 10)).toBeLessThanOrEqual(1);
  });

  it('follows the intensity of the day', () => {
    expect(Math.abs(sentIn(new Pacer(10_000, 0), 1000, 50_000, 0, 3500) - 35_000)).toBeLessThanOrEqual(36);
    expect(Math.abs(sentIn(new Pacer(10_000, 0), 1000, 50_000, 0, 450) - 4500)).toBeLessThanOrEqual(5);
  });

  it('keeps the rate across the wrap of its int32 clock', () => {
    const start = 0x7fff_ffff - 100 * MILLISECOND;
    expect(Math.abs(sentIn(new Pacer(20_000, start), 1000, 50_000, start) - 20_000)).toBeLessThanOrEqual(21);
  });

  it('after a pause sends at most 10 ms worth of orders in one lump', () => {
    const pacer = new Pacer(100_000, 0);
    expect(pacer.allowed(2000 * MILLISECOND, 1000)).toBe(1000);
  });

  it('does not forget orders that were due and could not be sent', () => {
    const pacer = new Pacer(10_000, 0);
    expect(pacer.allowed(MILLISECOND, 1000)).toBe(10);
    pacer.used(4);
    expect(pacer.allowed(MILLISECOND, 1000)).toBe(6);
  });
});
