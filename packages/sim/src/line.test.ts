import { type Packet, type PacketPool, sum20 } from '@prism-net/buffers';
import { ethernet, ipv4 } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { FrameEvent } from './frame-event.js';
import { Line } from './line.js';
import type { LineOptions } from './line-options.js';
import { PacketArena } from './packet-arena.js';
import { Schedule } from './schedule.js';
import { VirtualClock } from './virtual-clock.js';

/** A line, and what arrives at its end: the number in each frame, and when. */
class Bench {
  readonly clock = new VirtualClock(0);
  readonly schedule = new Schedule();
  readonly pool: PacketPool;
  readonly arrivals: [number: number, time: number][] = [];
  readonly marked: number[] = [];
  readonly line: Line;
  takes = true;

  constructor(options: LineOptions, debug = true) {
    const observer = { onFrame: () => {} };
    this.pool = PacketArena.acquire(512, debug).pool(1024);
    const { clock, schedule, pool } = this;
    this.line = new Line(
      'line',
      { clock, schedule, pool, observer },
      { arrive: (packet) => this.#arrive(packet) },
      1,
      options,
    );
  }

  get numbers(): number[] {
    return this.arrivals.map(([number]) => number);
  }

  get times(): number[] {
    return this.arrivals.map(([, time]) => time);
  }

  send(from: number, count = 1, length = 100, serviceBits = 0): this {
    for (let number = from; number < from + count; number++) {
      const packet = this.pool.take()!;
      packet.length = length;
      const at = packet.offset;
      ethernet.write(packet.view, at, 2, 1, 2, 2, ethernet.EtherType.IPV4);
      ipv4.write(packet.view, at + 14, serviceBits, length - 14, 0, 0, 64, ipv4.Protocol.UDP, 1, 2);
      packet.view.setInt32(at + 34, number);
      this.line.send(packet);
    }
    return this;
  }

  /** Lets time pass, event by event. */
  pass(microseconds: number): this {
    const end = this.clock.time + microseconds;
    for (let due = this.schedule.due[0]!; due <= end; due = this.schedule.due[0]!) {
      this.clock.time = due;
      this.line.advance();
    }
    this.clock.time = end;
    return this;
  }

  #arrive(packet: Packet): boolean {
    if (!this.takes) return false;
    const { view, offset } = packet;
    const number = view.getInt32(offset + 34);
    this.arrivals.push([number, this.clock.time]);
    if (ipv4.congestionNotification(view, offset + 14) === 3 && sum20(view, offset + 14) === 0xffff)
      this.marked.push(number);
    packet.release();
    return true;
  }
}

describe('line', () => {
  it('delivers in order after its delay', () => {
    const bench = new Bench({ delayMicroseconds: 100 }).send(0, 2).pass(50).send(2).pass(49);
    expect(bench.arrivals).toEqual([]);
    bench.pass(51);
    expect(bench.arrivals).toEqual([
      [0, 100],
      [1, 100],
      [2, 150],
    ]);
  });

  it('sends at its rate, to a fraction of a microsecond, from when it is free', () => {
    // 100 bytes at 300 Mbit/s take 2 2/3 µs.
    const bench = new Bench({ rateBitsPerSecond: 300e6, delayMicroseconds: 10 }).send(0, 300).pass(1000);
    expect(bench.times.slice(0, 3)).toEqual([13, 16, 18]);
    expect(bench.times.at(-1)).toBe(810);
    bench.send(300).pass(100);
    expect(bench.times.at(-1)).toBe(1013);
  });

  it('loses what its queue has no room for, besides the frame that is being sent', () => {
    const bench = new Bench({ rateBitsPerSecond: 1e6, queueLimit: 3 }).send(0, 6).pass(1600).send(6, 3).pass(1e6);
    expect(bench.numbers).toEqual([0, 1, 2, 3, 6, 7]);
    expect(bench.line.count(FrameEvent.QUEUE_FULL)).toBe(3);
    bench.pool.assertNoLeaks();
  });

  it('asks senders to wait instead, and tells them of room', () => {
    const bench = new Bench({ rateBitsPerSecond: 1e6, queueLimit: 2, whenFull: 'wait' }).send(0, 2);
    let told = 0;
    bench.line.onRoom = () => told++;
    expect(bench.line.pushesBack).toBe(false);
    bench.send(2);
    expect(bench.line.pushesBack).toBe(true);
    bench.pass(800);
    expect(told).toBe(1);
    expect(bench.line.pushesBack).toBe(false);
    expect(bench.line.queued).toBe(1);
  });

  it('marks packets that understand ECN once its queue is long, with a right checksum', () => {
    const bench = new Bench({ rateBitsPerSecond: 1e6, markAt: 2 });
    bench.send(0, 4, 100, 2).send(4, 1, 100, 0).send(5, 1, 100, 0xb9).pass(1e6);
    expect(bench.marked).toEqual([3, 5]);
    expect(bench.line.count(FrameEvent.MARKED)).toBe(2);
  });

  it('swallows what is longer than its MTU', () => {
    const bench = new Bench({ mtu: 200 }).send(0, 1, 218).send(1, 1, 219).pass(0);
    expect(bench.numbers).toEqual([0]);
    expect(bench.line.count(FrameEvent.TOO_LONG)).toBe(1);
  });

  it('jitter alone keeps the order, within its bounds', () => {
    const bench = new Bench({ delayMicroseconds: 100, jitterMicroseconds: 400 });
    for (let number = 0; number < 300; number++) bench.send(number).pass(10);
    bench.pass(1000);
    expect(bench.numbers).toEqual(Array.from({ length: 300 }, (_, i) => i));
    const delays = bench.arrivals.map(([number, time]) => time - number * 10);
    expect(Math.min(...delays)).toBeGreaterThanOrEqual(100);
    expect(Math.max(...delays)).toBeLessThanOrEqual(500);
    expect(new Set(delays).size).toBeGreaterThan(20);
  });

  it('reordered frames are overtaken by those of the time they are held back', () => {
    const bench = new Bench({ delayMicroseconds: 10, reorder: 0.1, reorderMicroseconds: 35 });
    for (let number = 0; number < 1000; number++) bench.send(number).pass(10);
    bench.pass(100);
    expect([...bench.numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 1000 }, (_, i) => i));
    const late = bench.arrivals.filter(([number, time]) => time !== number * 10 + 10);
    expect(late.length).toBe(bench.line.count(FrameEvent.REORDERED));
    expect(late.length).toBeGreaterThan(60);
    for (const [number, time] of late) expect(time).toBe(number * 10 + 45);
  });

  it('loses, duplicates and corrupts the given share, and counts them', () => {
    const bench = new Bench({ loss: 0.2, duplicate: 0.1, corrupt: 0.05 }, false);
    for (let number = 0; number < 5000; number++) bench.send(number).pass(1);
    const { line } = bench;
    const [sent, arrived, lost] = [FrameEvent.SENT, FrameEvent.ARRIVED, FrameEvent.LOST].map((event) =>
      line.count(event),
    );
    const duplicated = line.count(FrameEvent.DUPLICATED);
    expect(arrived).toBe(sent! - lost! + duplicated);
    expect(Math.abs(lost! - 1000)).toBeLessThan(150);
    expect(Math.abs(duplicated - 400)).toBeLessThan(100);
    expect(Math.abs(line.count(FrameEvent.CORRUPTED) - 200)).toBeLessThan(70);
    bench.pool.assertNoLeaks();
  });

  it('loses all while it is down, and delivers what is on the way', () => {
    const bench = new Bench({ delayMicroseconds: 100 }).send(0).pass(10);
    bench.line.change({ isUp: false });
    bench.send(1).pass(200);
    bench.line.change({ isUp: true });
    bench.send(2).pass(200);
    expect(bench.arrivals).toEqual([
      [0, 100],
      [2, 310],
    ]);
    expect(bench.line.options).toEqual({ delayMicroseconds: 100, isUp: true });
  });

  it('a changed rate holds for the next frame, a changed delay without reordering', () => {
    const bench = new Bench({ rateBitsPerSecond: 1e6, delayMicroseconds: 5000 }).send(0, 3).pass(100);
    bench.line.change({ rateBitsPerSecond: 8e6, delayMicroseconds: 1000 });
    bench.pass(10_000);
    // Sent until 800, 900 and 1000; the last two would overtake the first.
    expect(bench.arrivals).toEqual([
      [0, 5800],
      [1, 5800],
      [2, 5800],
    ]);
    bench.line.replace({});
    bench.send(3).pass(0);
    expect(bench.arrivals.at(-1)).toEqual([3, 10_100]);
  });

  it('tells of frames that its end had no room for', () => {
    const bench = new Bench({});
    bench.takes = false;
    bench.send(0).pass(0);
    expect(bench.line.count(FrameEvent.NOT_RECEIVED)).toBe(1);
    bench.pool.assertNoLeaks();
  });

  it('releases what is on the way when cleared', () => {
    const bench = new Bench({ rateBitsPerSecond: 1e6, delayMicroseconds: 10 }).send(0, 5);
    expect(bench.line.inFlight).toBe(5);
    bench.line.clear();
    expect(bench.line.inFlight).toBe(0);
    expect(bench.line.cleared).toBe(5);
    expect(bench.schedule.due[0]).toBe(Number.POSITIVE_INFINITY);
    bench.pool.assertNoLeaks();
  });

  it('explains values out of range', () => {
    expect(() => new Bench({ loss: 1.5 })).toThrow(/loss must be a number from 0 to 1, not 1\.5/);
    expect(() => new Bench({ reorder: -1 })).toThrow(/reorder must be from 0 to 1/);
    expect(() => new Bench({ rateBitsPerSecond: 10 })).toThrow(/rateBitsPerSecond/);
    expect(() => new Bench({ delay: 10 } as LineOptions)).toThrow(/no option 'delay'/);
    const { line } = new Bench({});
    expect(() => line.change({ queueLimit: 0 })).toThrow(/queueLimit/);
    expect(line.options).toEqual({});
  });
});
