import { steadyStateBytes } from '@prism-net/measure';
import { describe, expect, it } from 'vitest';
import { Pacer } from './pacer.js';

const SEGMENT = 1448;
const TICK = 256;

/** A sender that always has more, looked at when a timer wheel would: `late` µs after the tick, at most. */
function send(pacer: Pacer, rate: number, microseconds: number, late: () => number) {
  const begin = 0x7fff_f000;
  let time = 0;
  let bytes = 0;
  let largest = 0;
  while (time < microseconds) {
    const now = (begin + time) | 0;
    pacer.begin(rate, SEGMENT, now);
    let burst = 0;
    while (pacer.mayPass()) {
      pacer.onSent(pacer.quantum);
      burst += pacer.quantum;
    }
    pacer.isBacklogged = true;
    bytes += burst;
    largest = Math.max(largest, burst);
    const wait = (pacer.due - now) | 0;
    expect(wait).toBeGreaterThan(0);
    time = (Math.ceil((time + wait) / TICK) * TICK + late()) | 0;
  }
  return { bytes, time, largest };
}

function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

describe('a paced sender', () => {
  it.each([10e3, 64e3, 1e6, 1.2e6, 10e6, 100e6, 1e9, 10e9, 40e9])(
    'holds %d bit/s to a fiftieth within a second or two hundred segments, however late the timers are',
    (bitsPerSecond) => {
      const rate = bitsPerSecond / 8;
      for (const late of [0, 100, 2000]) {
        const random = generator(7);
        const pacer = new Pacer();
        // The first quantum leaves at once: it is no part of the rate.
        const span = Math.max(1e6, ((200 * SEGMENT) / rate) * 1e6);
        const { bytes, time, largest } = send(pacer, rate, span, () => Math.floor(random() * late));
        expect(Math.abs((bytes - pacer.quantum) / (time / 1e6) / rate - 1)).toBeLessThan(0.02);
        // What comes in during a tick and the lateness, and a quantum.
        expect(largest).toBeLessThanOrEqual(2 * pacer.quantum + ((TICK + late) * rate) / 1e6);
      }
    },
  );

  it('sends what a millisecond carries at a time: 2 segments at least, 1 at very low rates, 64 KB at most', () => {
    const quantum = (rate: number): number => {
      const pacer = new Pacer();
      pacer.begin(rate, SEGMENT, 0);
      return pacer.quantum;
    };
    expect(quantum(1250)).toBe(SEGMENT);
    expect(quantum(149_999)).toBe(SEGMENT);
    expect(quantum(150_000)).toBe(2 * SEGMENT);
    expect(quantum(12.5e6)).toBe(8 * SEGMENT);
    expect(quantum(5e9)).toBe(45 * SEGMENT);
  });

  it('saves up nothing while it has nothing to send', () => {
    const pacer = new Pacer();
    pacer.begin(12.5e6, SEGMENT, 0);
    pacer.onSent(SEGMENT);
    pacer.begin(12.5e6, SEGMENT, 60_000_000);
    let sent = 0;
    while (pacer.mayPass()) {
      pacer.onSent(pacer.quantum);
      sent += pacer.quantum;
    }
    expect(sent).toBe(pacer.quantum);
  });

  it('does not make good a stall of the process by a burst', () => {
    const pacer = new Pacer();
    pacer.begin(12.5e6, SEGMENT, 0);
    pacer.onSent(pacer.quantum);
    pacer.isBacklogged = true;
    pacer.begin(12.5e6, SEGMENT, 500_000);
    let sent = 0;
    while (pacer.mayPass()) {
      pacer.onSent(pacer.quantum);
      sent += pacer.quantum;
    }
    expect(sent).toBeLessThanOrEqual(4 * 12_500 + pacer.quantum);
  });

  it('keeps a debt when the rate changes, and pays it at the new one', () => {
    const pacer = new Pacer();
    pacer.begin(1e6, SEGMENT, 0);
    pacer.onSent(2000);
    expect(pacer.mayPass()).toBe(false);
    expect(pacer.due).toBe(2000);
    pacer.begin(2e6, SEGMENT, 1000);
    expect(pacer.mayPass()).toBe(false);
    expect(pacer.due).toBe(1500);
    pacer.begin(0, SEGMENT, 1001);
    expect(pacer.mayPass()).toBe(true);
    expect(pacer.isWaiting).toBe(false);
  });

  it('after half an hour without a look, and at the slowest of rates, waits no longer than can be told', () => {
    const pacer = new Pacer();
    pacer.begin(1, SEGMENT, 0);
    pacer.onSent(SEGMENT);
    expect(pacer.due).toBe(1 << 30);
    pacer.begin(1e6, SEGMENT, 0x8000_1000 | 0);
    expect(pacer.mayPass()).toBe(true);
  });

  it('allocates nothing', () => {
    const pacer = new Pacer();
    let now = 0;
    const bytes = steadyStateBytes(() => {
      for (let i = 0; i < 20_000; i++) {
        now = (now + 333) | 0;
        pacer.begin(1_234_567.89 + (i & 7), SEGMENT, now);
        while (pacer.mayPass()) pacer.onSent(pacer.quantum);
        now = pacer.due;
      }
    });
    expect(bytes).toBeLessThan(10_000);
  });
});
