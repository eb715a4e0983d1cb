import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Agenda } from './agenda.js';
import { PacketArena } from './packet-arena.js';
import { Schedule } from './schedule.js';
import { TimedQueue } from './timed-queue.js';
import { HostClock, VirtualClock } from './virtual-clock.js';

describe('timed queue', () => {
  it('gives packets in the order of their times, and of their arrival where these are equal', () => {
    const pool = PacketArena.acquire(512, false).pool(64);
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(20), { nil: undefined }), { maxLength: 200 }), (steps) => {
        const queue = new TimedQueue();
        const model: { due: number; frame: number }[] = [];
        for (const due of steps) {
          const packet = due === undefined ? null : pool.take();
          if (packet !== null && due !== undefined) {
            queue.push(packet, due);
            model.push({ due, frame: packet.frame });
            model.sort((one, other) => one.due - other.due);
          } else if (model.length > 0) {
            const expected = model.shift()!;
            expect(queue.firstDue).toBe(expected.due);
            const first = queue.shift();
            expect(first.frame).toBe(expected.frame);
            first.release();
          }
          expect(queue.length).toBe(model.length);
        }
        queue.clear();
        expect(queue.firstDue).toBe(Number.POSITIVE_INFINITY);
        pool.assertNoLeaks();
      }),
    );
  });
});

describe('agenda', () => {
  it('gives actions by time, and in the order of asking where times are equal', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10), { maxLength: 50 }), (times) => {
        const agenda = new Agenda();
        const done: [number, number][] = [];
        for (const [i, time] of times.entries()) agenda.add(time, () => done.push([time, i]));
        while (agenda.due !== Number.POSITIVE_INFINITY) agenda.takeNext()();
        expect(done).toEqual(times.map((time, i) => [time, i]).sort((a, b) => a[0]! - b[0]! || a[1]! - b[1]!));
      }),
    );
  });
});

describe('schedule', () => {
  it('names the first of those that are due first, however many there are', () => {
    const schedule = new Schedule();
    expect(schedule.first()).toBe(-1);
    for (let i = 0; i < 100; i++) schedule.add();
    expect(schedule.first()).toBe(-1);
    schedule.due[70] = 5;
    schedule.due[40] = 5;
    schedule.due[99] = 6;
    expect(schedule.first()).toBe(40);
  });
});

describe('host clock', () => {
  it('shows multiples of its step, and says when it will show a later one', () => {
    fc.assert(
      fc.property(fc.nat(1e6), fc.constantFrom(1, 7, 1000, 10_000), fc.nat(1e6), (time, granularity, wait) => {
        const virtual = new VirtualClock(-5);
        virtual.time = time;
        const clock = new HostClock(virtual, granularity);
        const shown = clock.time;
        expect(clock.now()).toBe((shown - 5) | 0);
        expect(shown % granularity).toBe(0);
        expect(time - shown).toBeLessThan(granularity);
        virtual.time = clock.timeAfter(wait);
        expect(clock.time).toBeGreaterThanOrEqual(shown + wait);
        virtual.time -= 1;
        expect(wait === 0 || clock.time < shown + wait).toBe(true);
      }),
    );
  });
});

describe('packet arena', () => {
  it('lends the pools of a simulation that ended in order to the next, as if they were new', () => {
    const first = PacketArena.acquire(1024, false);
    const pool = first.pool(32);
    pool.take()!.release();
    first.release();
    const second = PacketArena.acquire(1024, false);
    expect(second).toBe(first);
    expect(second.pool(64)).not.toBe(pool);
    const again = second.pool(32);
    expect(again).toBe(pool);
    expect(again).toMatchObject({ peak: 0, outstanding: 0, available: 32, statistics: { exhausted: 0 } });
  });

  it('does not lend pools that have packets out', () => {
    const first = PacketArena.acquire(1024, false);
    const packet = first.pool(32).take()!;
    first.release();
    expect(PacketArena.acquire(1024, false)).not.toBe(first);
    packet.release();
  });

  it('has memory for any number of pools', () => {
    const arena = PacketArena.acquire(512, false);
    const memories = new Set(Array.from({ length: 3 }, () => arena.pool(10_000).memory));
    expect(memories.size).toBe(3);
  });
});
