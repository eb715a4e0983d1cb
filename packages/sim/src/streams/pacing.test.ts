import { describe, expect, it } from 'vitest';
import type { CableOptions } from '../cable.js';
import { FrameEvent } from '../frame-event.js';
import { Simulation } from '../simulation.js';
import { checkConnections } from './connection-invariants.js';
import { SegmentReader } from './segment-reader.js';
import { runTransfers, Transfer, type TransferOptions } from './transfer.js';

const FAST: CableOptions = { rateBitsPerSecond: 100e9, delayMicroseconds: 500, queueLimit: 4000 };

/** When text left the client, and how much. */
function paced(options: Partial<TransferOptions>, cable: CableOptions = FAST) {
  const simulation = new Simulation({ seed: 1, networkFrames: 16_384 });
  const client = simulation.host('client', { address: '10.0.0.1/24', frames: 8192 });
  const server = simulation.host('server', { address: '10.0.0.2/24', frames: 8192, receiveQueue: 4096 });
  const line = simulation.connect(client, server, cable);
  simulation.introduceNeighbours();
  for (const host of [client, server]) checkConnections(simulation, host);
  const reader = new SegmentReader();
  const sent: { time: number; bytes: number; start: number }[] = [];
  simulation.watch((event, on, packet, time) => {
    if (event !== FrameEvent.SENT || on !== line.forward || !reader.read(packet)) return;
    if (reader.length > 0) sent.push({ time, bytes: reader.length, start: reader.sequence });
  });
  const transfer = new Transfer(simulation, { client, server, address: '10.0.0.2', ...options });
  runTransfers(simulation, [transfer]);
  transfer.close();
  simulation.assertClean();
  return { sent, transfer };
}

/** The most that left at one time. */
function largestBurst(sent: readonly { time: number; bytes: number }[]): number {
  const bursts = new Map<number, number>();
  for (const { time, bytes } of sent) bursts.set(time, (bursts.get(time) ?? 0) + bytes);
  return Math.max(...bursts.values());
}

describe('maximumPacingRate', () => {
  it.each([
    [10e3, 80_000],
    [1e6, 400_000],
    [20e6, 3_000_000],
    [500e6, 30_000_000],
    [2e9, 40_000_000],
  ])(
    'text leaves at %d bit/s, within a fiftieth, in bursts no longer than a millisecond and the tick',
    (bits, bytes) => {
      const rate = bits / 8;
      const { sent } = paced({
        fromClient: { bytes, zeroCopy: true },
        options: { maximumPacingRate: rate, noDelay: true, receiveBuffer: 4_000_000 },
      });
      expect(sent.reduce((sum, each) => sum + each.bytes, 0)).toBe(bytes);
      // From the first burst to the last: slow start, where it is slower than that, apart.
      const from = sent.findIndex((each) => each.time > sent[0]!.time + 30_000);
      const begin = sent[from]!.time;
      const end = sent.at(-1)!.time;
      const between = sent.filter((each) => each.time >= begin && each.time < end);
      const measured = (between.reduce((sum, each) => sum + each.bytes, 0) / (end - begin)) * 1e6;
      expect(measured / rate).toBeGreaterThan(0.98);
      expect(measured / rate).toBeLessThan(1.02);
      expect(largestBurst(sent)).toBeLessThanOrEqual(Math.max(2 * 1460, 65_536, rate * 0.001) + rate * 0.0006);
      if (bits <= 1e6) expect(largestBurst(sent)).toBeLessThanOrEqual(1460);
    },
  );

  it('also holds for what is lost and sent again', () => {
    const rate = 1_000_000;
    const { sent } = paced(
      { fromClient: { bytes: 3_000_000 }, options: { maximumPacingRate: rate } },
      { ...FAST, delayMicroseconds: 5000, forward: { loss: 0.02 } },
    );
    expect(sent.length).toBeGreaterThan(2100);
    for (let i = 0; i < sent.length; i++) {
      let bytes = 0;
      // A tick late, a quantum, a probe, and the first retransmission of a repair: over 20 ms that is all.
      for (let j = i; j < sent.length && sent[j]!.time <= sent[i]!.time + 20_000; j++) bytes += sent[j]!.bytes;
      expect(bytes).toBeLessThanOrEqual(rate * 0.021 + 5 * 1460);
    }
  });

  it('does not hold up what an application writes now and then', () => {
    const { sent } = paced({
      fromClient: { bytes: 20_000, writeBytes: 1000, writeEveryMicroseconds: 50_000 },
      options: { maximumPacingRate: 100_000, noDelay: true },
    });
    expect(sent.length).toBe(20);
    for (let i = 1; i < sent.length; i++) expect(sent[i]!.time - sent[i - 1]!.time).toBeLessThan(50_600);
  });
});

describe('pacing', () => {
  const slow: CableOptions = { rateBitsPerSecond: 50e6, delayMicroseconds: 10_000, queueLimit: 200 };

  it.each(['newreno', 'cubic', 'dctcp'])(
    'spreads the window of %s over the round trip, and the window still grows',
    (name) => {
      const plan = { fromClient: { bytes: 8_000_000, zeroCopy: true } };
      const receiveBuffer = 2_000_000;
      const free = paced({ ...plan, options: { congestionControl: name, receiveBuffer } }, slow);
      const even = paced({ ...plan, options: { congestionControl: name, pacing: true, receiveBuffer } }, slow);
      const duration = (run: typeof free) => run.sent.at(-1)!.time - run.sent[0]!.time;
      expect(duration(even)).toBeLessThan(1.1 * duration(free));
      // The line carries 6250 bytes per millisecond.
      expect(duration(even)).toBeLessThan(1.25 * (8_000_000 / 6.25));
      // The initial window: ten segments, or, twice per 20 ms, two at a time.
      const early = (run: typeof free) =>
        largestBurst(run.sent.filter((each) => each.time < run.sent[0]!.time + 19_000));
      expect(early(free)).toBe(10 * 1448);
      expect(early(even)).toBe(2 * 1448);
      expect(largestBurst(even.sent)).toBeLessThan(20_000);
    },
  );
});
