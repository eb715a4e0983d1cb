import { ChecksumState, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { ManualClock } from '@prism-net/time';
import { describe, expect, it } from 'vitest';
import { type ImpairedLink, impair } from './impaired-link.js';
import type { Impairments } from './impairments.js';
import type { Link } from './link.js';
import { describeLinkContract, drain, makeFrame, readFrame } from './link-contract.testkit.js';
import { createPipe } from './pipe-link.js';

interface Setting {
  readonly pool: PacketPool;
  readonly clock: ManualClock;
  readonly left: ImpairedLink;
  readonly right: Link;
}

/** A pipe whose left end is impaired. */
function setUp(transmit: Impairments, receive: Impairments = {}, seed = 1, start = 0, debug = true): Setting {
  const memory = PacketMemory.create({ frames: 512, frameSize: 512, debug });
  const pool = PacketPool.create(memory, 512);
  const clock = new ManualClock(start);
  const [end, right] = createPipe();
  return { pool, clock, right, left: impair(end, { seed, clock, pool, transmit, receive }) };
}

describeLinkContract('impaired link without impairments', () => {
  const memory = PacketMemory.create({ frames: 128, debug: true });
  const pool = PacketPool.create(memory, 128);
  const [end, right] = createPipe({ capacity: 32 });
  const left = impair(end, { seed: 1, clock: new ManualClock(), pool });
  return {
    left,
    right,
    leftPool: pool,
    rightPool: pool,
    backPressure: true,
    pump: () => left.receive([], 0),
    assertNothingLost: () => pool.assertNoLeaks(),
  };
});

/** Sends frames with the numbers from `from` on, one by one, and returns what arrives at once. */
function send({ pool, left, right }: Setting, from: number, count: number, length = 60): number[] {
  const arrived: number[] = [];
  for (let number = from; number < from + count; number++) {
    expect(left.transmit([makeFrame(pool, left, right, number, length)], 0, 1)).toBe(1);
    arrived.push(...drain(right));
  }
  return arrived;
}

/** Moves the time on and returns what arrives. */
function wait({ clock, left, right }: Setting, microseconds: number): number[] {
  clock.advance(microseconds);
  left.receive([], 0);
  return drain(right);
}

describe('impaired link', () => {
  it('names the pool that the link below sends from, so that a stack on it uses that', () => {
    const pool = PacketPool.create(PacketMemory.create({ frames: 64 }), 64);
    const [end, other] = createPipe();
    const options = { seed: 1, clock: new ManualClock(), pool };
    expect(impair(Object.assign(end, { pool }), options).pool).toBe(pool);
    expect(impair(other, options).pool).toBeUndefined();
  });

  it('loses the given share of packets, and counts them', () => {
    const setting = setUp({ loss: 0.25 }, {}, 1, 0, false);
    const arrived = send(setting, 0, 10_000);
    const { lost } = setting.left.impairments.transmit.snapshot();
    expect(lost + arrived.length).toBe(10_000);
    expect(setting.left.statistics.dropped).toBe(lost);
    expect(lost).toBeGreaterThan(2300);
    expect(lost).toBeLessThan(2700);
    setting.pool.assertNoLeaks();
  });

  it('loses in bursts of the given mean length', () => {
    const setting = setUp({ lossBurst: { pGoodToBad: 0.01, pBadToGood: 0.2 } }, {}, 1, 0, false);
    const arrived = send(setting, 0, 20_000);
    let bursts = 0;
    for (let i = 1; i < arrived.length; i++) if (arrived[i]! !== arrived[i - 1]! + 1) bursts++;
    const { lostInBurst } = setting.left.impairments.transmit;
    expect(lostInBurst + arrived.length).toBe(20_000);
    expect(lostInBurst / bursts).toBeGreaterThan(4);
    expect(lostInBurst / bursts).toBeLessThan(6);
  });

  it('gives the same packets the same fate for the same seed, and another for another', () => {
    const bad: Impairments = { loss: 0.1, duplicate: 0.1, reorder: 0.1, jitterMicroseconds: 50, corrupt: 0.1 };
    const fate = (seed: number): string[] => {
      const setting = setUp(bad, bad, seed);
      const seen: string[] = [];
      const burst: Packet[] = [];
      for (let number = 0; number < 300; number++) {
        setting.left.transmit([makeFrame(setting.pool, setting.left, setting.right, number)], 0, 1);
        setting.right.transmit([makeFrame(setting.pool, setting.right, setting.left, number)], 0, 1);
        setting.clock.advance(20);
        for (const link of [setting.left, setting.right]) {
          const count = link.receive(burst, 64);
          for (const packet of burst.slice(0, count)) {
            seen.push(`${link.name}: ${packet.toBytes().join()}`);
            packet.release();
          }
        }
      }
      return seen;
    };
    const first = fate(7);
    expect(fate(7)).toEqual(first);
    expect(fate(8)).not.toEqual(first);
  });

  it('delivers after the delay, and says when', () => {
    const setting = setUp({ delayMicroseconds: 1000 });
    expect(setting.left.nextReceive()).toBe(-1);
    expect(send(setting, 0, 1)).toEqual([]);
    expect(setting.left.nextReceive()).toBe(1000);
    expect(wait(setting, 600)).toEqual([]);
    expect(send(setting, 1, 1)).toEqual([]);
    expect(setting.left.nextReceive()).toBe(400);
    expect(wait(setting, 400)).toEqual([0]);
    expect(wait(setting, 600)).toEqual([1]);
    expect(setting.left.nextReceive()).toBe(-1);
  });

  it('delays what it receives too, also while the clock wraps', () => {
    const setting = setUp({}, { delayMicroseconds: 500 }, 1, 0x7fff_ff00);
    const { left, right, pool, clock } = setting;
    right.transmit([makeFrame(pool, right, left, 9)], 0, 1);
    expect(left.nextReceive()).toBe(0);
    expect(drain(left)).toEqual([]);
    expect(left.nextReceive()).toBe(500);
    expect(left.arm(() => {})).toBe(true);
    clock.advance(499);
    expect(drain(left)).toEqual([]);
    clock.advance(1);
    expect(left.arm(() => expect.fail('arm said false'))).toBe(false);
    expect(drain(left)).toEqual([9]);
  });

  it('keeps the order under jitter alone, within the bounds given', () => {
    const setting = setUp({ delayMicroseconds: 100, jitterMicroseconds: 400 });
    const arrivals: [number, number][] = [];
    for (let time = 0; time < 4000; time += 10) {
      if (time < 3000) send(setting, time / 10, 1);
      for (const number of wait(setting, 10)) arrivals.push([number, time + 10]);
    }
    expect(arrivals.map(([number]) => number)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    const delays = arrivals.map(([number, time]) => time - number * 10);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...delays)).toBeLessThanOrEqual(510);
    expect(new Set(delays).size).toBeGreaterThan(5);
  });

  it('lets later packets overtake those it holds back', () => {
    const setting = setUp({ reorder: 0.1, reorderMicroseconds: 35 });
    const arrived: number[] = [];
    for (let number = 0; number < 1000; number++) arrived.push(...send(setting, number, 1), ...wait(setting, 10));
    arrived.push(...wait(setting, 100));
    const { reordered } = setting.left.impairments.transmit;
    const overtaken = arrived.filter((number, i) => i > 0 && number < arrived[i - 1]!).length;
    expect([...arrived].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    expect(reordered).toBeGreaterThan(60);
    expect(overtaken).toBeGreaterThan(reordered * 0.8);
  });

  it('duplicates', () => {
    const setting = setUp({ duplicate: 1 });
    expect(send(setting, 0, 3)).toEqual([0, 0, 1, 1, 2, 2]);
    expect(setting.left.impairments.transmit.duplicated).toBe(3);
    setting.pool.assertNoLeaks();
  });

  it('flips exactly one bit, in a copy when somebody else owns the packet too', () => {
    const { pool, left, right } = setUp({ corrupt: 1 });
    for (let number = 0; number < 50; number++) {
      const packet = makeFrame(pool, left, right, number, 80);
      packet.checksumState = ChecksumState.PARTIAL;
      packet.retain();
      const before = packet.toBytes();
      left.transmit([packet], 0, 1);
      const burst: Packet[] = [];
      expect(right.receive(burst, 2)).toBe(1);
      expect(burst[0]!.checksumState).toBe(ChecksumState.UNKNOWN);
      const after = burst[0]!.toBytes();
      let flipped = 0;
      for (const [i, byte] of after.entries()) flipped += (byte ^ before[i]!).toString(2).replaceAll('0', '').length;
      expect(flipped).toBe(1);
      expect(packet.toBytes()).toEqual(before);
      packet.release();
      burst[0]!.release();
    }
    pool.assertNoLeaks();
  });

  it('flips bits in every segment of a chain', () => {
    const { pool, left, right } = setUp({ corrupt: 1 });
    const changed = new Set<number>();
    for (let round = 0; round < 100; round++) {
      const packet = makeFrame(pool, left, right, 1, 20);
      const tail = makeFrame(pool, left, right, 1, 20);
      packet.append(tail);
      const before = packet.toBytes();
      left.transmit([packet], 0, 1);
      const burst: Packet[] = [];
      right.receive(burst, 1);
      changed.add(Math.floor(burst[0]!.toBytes().findIndex((byte, i) => byte !== before[i]) / 20));
      burst[0]!.release();
    }
    expect([...changed].sort()).toEqual([0, 1]);
  });

  it('sends at the given rate, to a fraction of a microsecond', () => {
    // 100 bytes at 300 Mbit/s take 2 2/3 µs.
    const setting = setUp({ rateBitsPerSecond: 300e6, queueLimit: 400 });
    for (let number = 0; number < 300; number++) send(setting, number, 1, 100);
    expect(setting.left.nextReceive()).toBe(2);
    expect(wait(setting, 799)).toHaveLength(299);
    expect(wait(setting, 1)).toEqual([299]);
  });

  it('loses what the queue has no room for', () => {
    const setting = setUp({ delayMicroseconds: 100, queueLimit: 4 });
    send(setting, 0, 6);
    expect(setting.left.impairments.transmit.queueFull).toBe(2);
    expect(wait(setting, 100)).toEqual([0, 1, 2, 3]);
    setting.pool.assertNoLeaks();
  });

  it('is not stopped by a small queue while nothing is delayed', () => {
    const { pool, left, right } = setUp({ queueLimit: 2 });
    const burst = Array.from({ length: 20 }, (_, number) => makeFrame(pool, left, right, number));
    expect(left.transmit(burst, 0, 20)).toBe(20);
    expect(drain(right)).toHaveLength(20);
  });

  it('releases what is on the way when closed', () => {
    const { pool, left, right } = setUp({ delayMicroseconds: 100 }, { delayMicroseconds: 100 });
    left.transmit([makeFrame(pool, left, right, 1)], 0, 1);
    right.transmit([makeFrame(pool, right, left, 1)], 0, 1);
    expect(drain(left)).toEqual([]);
    left.close();
    pool.assertNoLeaks();
    expect(left.nextReceive()).toBe(-1);
  });

  it('loses instead of duplicating or corrupting when there is no frame for a copy', () => {
    const { pool, left, right } = setUp({ duplicate: 1 });
    const rest: Packet[] = [];
    const packet = makeFrame(pool, left, right, 1);
    for (let other = pool.take(); other !== null; other = pool.take()) rest.push(other);
    left.transmit([packet], 0, 1);
    expect(left.impairments.transmit).toMatchObject({ noFrame: 1, duplicated: 0 });
    const burst: Packet[] = [];
    expect(right.receive(burst, 2)).toBe(1);
    expect(readFrame(burst[0]!)).toBe(1);
  });

  it('explains values out of range', () => {
    expect(() => setUp({ loss: 1.5 })).toThrow(/impair EINVAL: transmit\.loss must be a number from 0 to 1, not 1\.5/);
    expect(() => setUp({}, { queueLimit: 0 })).toThrow(/receive\.queueLimit/);
    expect(() => setUp({ rateBitsPerSecond: 1 })).toThrow(/rateBitsPerSecond/);
  });
});
