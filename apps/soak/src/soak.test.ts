import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { soakBulk } from './bulk.js';
import { faults, soakCycles } from './cycles.js';
import { soakFlood } from './flood/flood.js';
import { measureFloodPrice, printFloodPrice } from './flood/flood-price.js';
import { runHoard } from './flood/hoard.js';
import { runVirtualFlood } from './flood/virtual-flood.js';
import { soakSchedules } from './schedules.js';

describe('the long tests', () => {
  let lines: string[] = [];
  beforeEach(() => {
    lines = [];
    vi.spyOn(console, 'log').mockImplementation((line: string) => void lines.push(line));
  });
  afterEach(() => {
    vi.restoreAllMocks();
  });

  it('run schedules and say what was delivered', () => {
    expect(soakSchedules(7, 3)).toBe(0);
    expect(lines.join('\n')).toMatch(/fault schedules 7 to 9: 3 passed, 0 failed\n {2}\d+ bytes delivered, \d+ steps/);
  });

  it('hash a stream at both ends for every combination of faults, the last across the wrap', () => {
    expect(soakBulk(50_000)).toBe(0);
    expect(lines.filter((line) => line.includes('at both ends'))).toHaveLength(32);
    expect(lines.at(-1)).toMatch(/^loss 5 %, reorder 1 %, duplicate 1 %, corrupt 1 %: .* sequence numbers wrapped$/);
  });

  it('flood a host from every side, and its streams and visitors do not notice', () => {
    expect(soakFlood({ segments: 20_000, others: 2000, perSecond: 100_000, seed: 1 })).toBe(0);
    const text = lines.join('\n');
    expect(text).toMatch(/^syn, from anywhere +20000 /m);
    expect(text).toMatch(/^syn, from neighbours .* (\d+)\/\1 /m);
  });

  it('flood a host from addresses of its own network, and neighbours it never saw connect meanwhile', () => {
    const report = runVirtualFlood({ kind: 'syn', from: 'neighbours', segments: 20_000, perSecond: 20_000, seed: 1 });
    expect(report.neighbours).toBeGreaterThan(10);
    expect(report.neighboursAnswered).toBe(report.neighbours);
    expect(report.answered).toBe(report.visitors);
    expect(report.slowestMicroseconds).toBeLessThan(500_000);
    // A quarter of the table at once, 256 a second, three requests each at most.
    expect(report.arpRequests).toBeLessThan(3 * 2 * 256 + 100);
    expect(report.neighbourEntries).toBeLessThanOrEqual(1024);
  });

  it('measure what a SYN of a flood costs', () => {
    const price = measureFloodPrice(0.05, 10_000, 0.5);
    printFloodPrice(price);
    expect(price.nanosecondsPerSyn).toBeGreaterThan(100);
    expect(Math.min(...price.fullSpeed)).toBeGreaterThan(0);
  });

  it('let peers hoard the packets of a host, and others go on', () => {
    const { goodput, newcomers } = runHoard({ kind: 'unread', connections: 300, frames: 1024, seconds: 1, seed: 1 });
    const sum = ([to, from]: readonly [number, number]) => to + from;
    expect(sum(goodput.during)).toBeGreaterThan(0.8 * sum(goodput.before));
    expect(Math.min(...newcomers)).toBeGreaterThan(1);
  });

  it('open, ask and close thousands of times, and hold nothing more', () => {
    expect(soakCycles(5000)).toBe(0);
    expect(lines.at(-1)).toMatch(/^50\d\d cycles in \d+ s, \d+ cycles\/s$/);
    expect(lines).toHaveLength(13);
  });

  it('fail a run whose heap, buffers, packets, timers, connections or spare blocks grew', () => {
    const none = { heap: 0, arrayBuffers: 0, packets: 2, timers: 0, connections: 0, timeWait: 0, spareBlocks: 0 };
    const row = (cycles: number, more: object) => ({ ...none, cycles, ...more });
    const before = [row(0, {}), row(10, { packets: 1 }), row(20, {})];
    expect(faults([...before, row(30, {})])).toEqual([]);
    const grown = { heap: 5e6, arrayBuffers: 2e6, packets: 3, timers: 1, connections: 1, spareBlocks: 513 };
    expect(faults([...before, row(30, grown)])).toHaveLength(6);
  });
});
