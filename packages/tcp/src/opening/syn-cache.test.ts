import { SeededRandom } from '@prism-net/tables';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowKey } from './flow-key.js';
import { instant, int32, MINUTE, numberedKey, SECOND, TURN, words } from './opening.testkit.js';
import { SynCache, type SynCacheHandler, type SynCacheOptions } from './syn-cache.js';

/** Notes what it is called for; reads the row each time. */
class Recorder implements SynCacheHandler {
  readonly retransmitted: [slot: number, count: number, now: number][] = [];
  readonly gaveUpOn: [slot: number, irs: number, now: number][] = [];
  readonly #cache: SynCache;

  constructor(cache: SynCache) {
    this.#cache = cache;
  }

  retransmit(slot: number, now: number): void {
    this.retransmitted.push([slot, this.#cache.retransmissions(slot), now]);
  }

  gaveUp(slot: number, now: number): void {
    this.gaveUpOn.push([slot, this.#cache.irs(slot), now]);
  }
}

const silent: SynCacheHandler = { retransmit: () => undefined, gaveUp: () => undefined };

function create(options: SynCacheOptions = {}): SynCache {
  return new SynCache(new SeededRandom(1), options);
}

const key = numberedKey(1);

describe('retransmission of the SYN-ACK', () => {
  it.each([0, TURN - SECOND, TURN / 2 - SECOND])('comes after 1, 3, 7, 15 and 31 s, from %s µs on', (start) => {
    const cache = create();
    const recorder = new Recorder(cache);
    const slot = cache.insert(key, 0, instant(start));
    cache.setIrs(slot, 77);
    for (let at = 0; at <= 70 * SECOND; at += SECOND / 10) cache.serve(instant(start + at), 10, recorder);
    const expected = [1, 3, 7, 15, 31].map((seconds, index) => [slot, index + 1, instant(start + seconds * SECOND)]);
    expect(recorder.retransmitted).toEqual(expected);
    // RFC 9293 §3.8.3, R2: the last timeout is waited for too.
    expect(recorder.gaveUpOn).toEqual([[slot, 77, instant(start + 63 * SECOND)]]);
    expect(cache.size).toBe(0);
    expect(cache.find(key)).toBe(-1);
  });

  it('takes 60 s at most for each (RFC 6298 §2.5), and as many as the option says', () => {
    const cache = create({ retransmissions: 8, timeoutMilliseconds: 3000 });
    const recorder = new Recorder(cache);
    cache.insert(key, 0, 0);
    const times: number[] = [];
    let now = 0;
    for (let left = cache.nextDeadline(now); left >= 0; left = cache.nextDeadline(now)) {
      times.push(left / SECOND);
      now += left;
      expect(cache.serve(instant(now), 10, recorder)).toBe(1);
    }
    expect(times).toEqual([3, 6, 12, 24, 48, 60, 60, 60, 60]);
  });

  it('leaves a round-trip sample that says whether it is one', () => {
    const cache = create();
    const slot = cache.insert(key, 0, 5);
    expect([cache.sentAt(slot), cache.retransmissions(slot)]).toEqual([5, 0]);
    cache.serve(5 + SECOND, 1, silent);
    expect([cache.sentAt(slot), cache.retransmissions(slot)]).toEqual([5, 1]);
  });

  it('is late, not lost, when the process slept from 35 to 70 minutes', () => {
    for (let minutes = 1; minutes <= 70; minutes++) {
      const cache = create();
      const recorder = new Recorder(cache);
      cache.insert(key, 0, 0);
      const now = instant(minutes * MINUTE);
      expect(cache.nextDeadline(now), `${minutes} minutes`).toBe(0);
      cache.serve(now, 10, recorder);
      expect(recorder.retransmitted).toHaveLength(1);
      expect(cache.nextDeadline(now)).toBe(2 * SECOND);
    }
  });

  it('keeps to the budget and forgets nobody', () => {
    const cache = create({ capacity: 1000 });
    const recorder = new Recorder(cache);
    for (let index = 0; index < 1000; index++) cache.insert(numberedKey(index), 0, index);
    expect(cache.serve(2 * SECOND, 64, recorder)).toBe(64);
    expect(recorder.retransmitted).toHaveLength(64);
    expect(cache.nextDeadline(2 * SECOND)).toBe(0);
    let served = 64;
    while (cache.nextDeadline(2 * SECOND) === 0) served += cache.serve(2 * SECOND, 64, recorder);
    expect(served).toBe(1000);
    expect(new Set(recorder.retransmitted.map(([slot]) => slot)).size).toBe(1000);
  });

  it('survives a handler that removes entries and inserts others', () => {
    const cache = create({ capacity: 4, retransmissions: 0 });
    const other = create({ capacity: 4 });
    let calls = 0;
    for (let index = 0; index < 4; index++) {
      cache.insert(numberedKey(index), 0, 0);
      other.insert(numberedKey(index), 0, 0);
    }
    cache.serve(SECOND, 100, {
      retransmit: () => expect.unreachable(),
      gaveUp: (slot, now) => {
        calls++;
        cache.remove(slot);
        expect(cache.insert(numberedKey(100 + calls), 0, now)).not.toBe(slot);
      },
    });
    // The first insertion found no free slot: the one given up on is free only after the call.
    expect([calls, cache.size]).toEqual([4, 3]);
    other.serve(SECOND, 100, {
      retransmit: (slot) => {
        other.remove(slot);
        other.remove((slot + 1) % 4);
      },
      gaveUp: () => expect.unreachable(),
    });
    expect([other.size, other.nextDeadline(SECOND)]).toEqual([0, -1]);
  });
});

describe('rows', () => {
  it('start empty, and hold what is written, apart from each other', () => {
    const cache = create({ capacity: 3 });
    const slots = [1, 2, 3].map((index) => cache.insert(numberedKey(index), 5, 9));
    const write = (slot: number, base: number) => {
      cache.setAddresses(slot, words(base));
      cache.setIrs(slot, base + 10);
      cache.setIss(slot, base + 11);
      cache.setMaximumSegmentSize(slot, base + 12);
      cache.setWindowScale(slot, base + 13);
      cache.setReceiveWindowScale(slot, base + 14);
      cache.setTimestampRecent(slot, base + 15);
      cache.setTimestampOffset(slot, base + 16);
      cache.setNetworkIndex(slot, base + 17);
      cache.setTrafficClass(slot, base + 18);
      cache.setSackPermitted(slot, (base & 1) !== 0);
      cache.setHasTimestamps(slot, (base & 2) !== 0);
      cache.setEcn(slot, (base & 4) !== 0);
    };
    const read = (slot: number) => {
      const addresses = words(0);
      cache.copyAddresses(slot, addresses);
      return [
        addresses,
        cache.irs(slot),
        cache.iss(slot),
        cache.maximumSegmentSize(slot),
        cache.windowScale(slot),
        cache.receiveWindowScale(slot),
        cache.timestampRecent(slot),
        cache.timestampOffset(slot),
        cache.networkIndex(slot),
        cache.trafficClass(slot),
        cache.sackPermitted(slot),
        cache.hasTimestamps(slot),
        cache.ecn(slot),
      ];
    };
    const zeros = { localA: 0, localB: 0, localC: 0, localD: 0, remoteA: 0, remoteB: 0, remoteC: 0, remoteD: 0 };
    const empty = [zeros, 0, 0, -1, -1, 0, 0, 0, 0, 0, false, false, false];
    for (const slot of slots) expect(read(slot)).toEqual(empty);
    for (const base of [0, 5, 2, 7]) {
      for (const slot of slots) write(slot, base + 1000 * slot);
      for (const slot of slots) {
        const at = base + 1000 * slot;
        const numbers = [10, 11, 12, 13, 14, 15, 16, 17, 18].map((more) => at + more);
        expect(read(slot)).toEqual([words(at), ...numbers, (at & 1) !== 0, (at & 2) !== 0, (at & 4) !== 0]);
      }
    }
    // None of this touched the rest of the row.
    for (const [index, slot] of slots.entries()) {
      const copy = new FlowKey();
      cache.copyKey(slot, copy);
      expect(copy.equals(numberedKey(index + 1))).toBe(true);
      expect([cache.localPort(slot), cache.remotePort(slot)]).toEqual([80, index + 1]);
      expect([cache.listener(slot), cache.sentAt(slot), cache.retransmissions(slot)]).toEqual([5, 9, 0]);
      cache.remove(slot);
    }
    expect(read(cache.insert(key, 0, 0))).toEqual(empty);
  });
});

describe('bounds', () => {
  it('a flood of a million keys leaves the cache at its capacity, every refusal counted', () => {
    const cache = create({ capacity: 4096 });
    const flood = new FlowKey();
    let refused = 0;
    let deepest = 0;
    const started = performance.now();
    for (let index = 0; index < 1_000_000; index++) {
      const now = instant(index * 100); // 10,000 a second, for 100 s
      flood.setIpv4(1, index, 80, index & 0xffff);
      if (cache.insert(flood, 0, now) < 0) refused++;
      if ((index & 15) === 0) deepest = Math.max(deepest, cache.serve(now, 32, silent));
      if (cache.size > 4096) expect.unreachable();
    }
    const nanoseconds = performance.now() - started; // milliseconds for a million
    const { inserted, refused: counted, gaveUp } = cache.statistics;
    expect([inserted + refused, counted]).toEqual([1_000_000, refused]);
    expect(cache.size).toBe(inserted - gaveUp);
    expect(cache.listenerCount(0)).toBe(cache.size);
    expect(gaveUp).toBe(4096);
    expect(deepest).toBeLessThanOrEqual(32);
    // Well below 500 on an idle machine; a scan of the cache would take 10,000.
    expect(nanoseconds).toBeLessThan(4000);
  });

  it('an insertion into a full cache costs no more than into one a hundredth full', () => {
    const time = (fill: number) => {
      const cache = create({ capacity: 100_000 });
      for (let index = 0; index < fill; index++) cache.insert(numberedKey(index), 0, 0);
      const keys = Array.from({ length: 1000 }, (_, index) => numberedKey(200_000 + index));
      let least = Number.POSITIVE_INFINITY;
      for (let round = 0; round < 20; round++) {
        const started = performance.now();
        for (const each of keys) cache.insert(each, 0, 0);
        least = Math.min(least, performance.now() - started);
        for (const each of keys) cache.remove(cache.find(each));
      }
      return least;
    };
    expect(time(98_000)).toBeLessThan(20 * time(1000) + 1);
  });

  it('a key that is there already is not inserted twice', () => {
    const cache = create();
    const slot = cache.insert(key, 0, 0);
    expect(cache.insert(key, 0, 1)).toBe(-1);
    expect([cache.size, cache.find(key), cache.statistics.refused]).toEqual([1, slot, 0]);
  });

  it.each([
    { capacity: 0 },
    { retransmissions: 16 },
    { timeoutMilliseconds: 60_001 },
    { capacty: 7 } as SynCacheOptions,
  ])('refuses %j', (options) => {
    expect(() => create(options)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});

describe('listeners', () => {
  it('are counted apart, and forgotten at once', () => {
    const cache = create({ capacity: 100 });
    for (let index = 0; index < 90; index++) cache.insert(numberedKey(index), [0, 3, 1000][index % 3]!, 0);
    expect([0, 1, 3, 1000, 5000].map((listener) => cache.listenerCount(listener))).toEqual([30, 0, 30, 30, 0]);
    cache.removeListener(3);
    cache.removeListener(5000);
    expect([0, 3, 1000].map((listener) => cache.listenerCount(listener))).toEqual([30, 0, 30]);
    for (let index = 0; index < 90; index++) expect(cache.find(numberedKey(index)) >= 0).toBe(index % 3 !== 1);
    expect([cache.size, cache.statistics.orphaned]).toEqual([60, 30]);
  });

  it('that have gone are not told about, and their number starts afresh', () => {
    const cache = create({ capacity: 100 });
    for (let index = 0; index < 50; index++) cache.insert(numberedKey(index), 7, 0);
    cache.removeListener(7);
    cache.insert(numberedKey(0), 7, 0); // of the next listener, with a key of the last
    cache.insert(numberedKey(1000), 7, 0);
    expect(cache.listenerCount(7)).toBe(2);
    const recorder = new Recorder(cache);
    expect(cache.serve(SECOND, 1000, recorder)).toBe(51);
    expect(recorder.retransmitted).toHaveLength(2);
    expect([cache.size, cache.listenerCount(7), cache.statistics.orphaned]).toEqual([2, 2, 50]);
  });
});

describe('a listener with a large number', () => {
  it('neither revives connections of listeners that have gone nor loses counts', () => {
    const cache = create({ capacity: 100 });
    cache.insert(numberedKey(1), 3, 0);
    cache.removeListener(3);
    cache.insert(numberedKey(2), 4, 0);
    cache.insert(numberedKey(3), 1000, 0); // the arrays grow
    expect([cache.find(numberedKey(1)), cache.listenerCount(4), cache.listenerCount(1000)]).toEqual([-1, 1, 1]);
  });

  it('is refused before anything is changed when it is out of all bounds', () => {
    const cache = create({ capacity: 1 });
    expect(() => cache.insert(key, 1 << 21, 0)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect([cache.size, cache.insert(key, 0, 0)]).toEqual([0, 0]);
  });
});

interface Entry {
  readonly slot: number;
  readonly listener: number;
  readonly irs: number;
  count: number;
  due: number;
}

const step = fc.oneof(
  fc.record({ kind: fc.constant('insert' as const), key: fc.nat(30), listener: fc.nat(20), irs: int32 }),
  fc.record({ kind: fc.constant('insert' as const), key: fc.nat(30), listener: fc.nat(2), irs: int32 }),
  fc.record({ kind: fc.constant('remove' as const), key: fc.nat(30) }),
  fc.record({ kind: fc.constant('removeListener' as const), listener: fc.nat(20) }),
  fc.record({ kind: fc.constant('wait' as const), microseconds: fc.integer({ min: 0, max: 20 * SECOND }) }),
);

it('does what a map of entries with deadlines would, in any order of operations', () => {
  fc.assert(
    fc.property(
      int32,
      fc.integer({ min: 1, max: 12 }),
      fc.array(step, { maxLength: 150 }),
      (start, capacity, steps) => {
        const cache = create({ capacity, retransmissions: 2 });
        const model = new Map<number, Entry>();
        let time = start;
        for (const each of steps) {
          if (each.kind === 'insert') {
            const wasFull = cache.size === capacity;
            const slot = cache.insert(numberedKey(each.key), each.listener, instant(time));
            if (model.has(each.key)) expect(slot).toBe(-1);
            else if (slot < 0) expect(wasFull).toBe(true);
            else {
              cache.setIrs(slot, each.irs);
              expect([...model.values()].some((entry) => entry.slot === slot)).toBe(false);
              model.set(each.key, { slot, listener: each.listener, irs: each.irs, count: 0, due: time + SECOND });
            }
          } else if (each.kind === 'remove') {
            cache.remove(cache.find(numberedKey(each.key)));
            model.delete(each.key);
          } else if (each.kind === 'removeListener') {
            cache.removeListener(each.listener);
            for (const [name, entry] of model) if (entry.listener === each.listener) model.delete(name);
          } else {
            time += each.microseconds;
            const recorder = new Recorder(cache);
            cache.serve(instant(time), 1000, recorder);
            const due = [...model].filter(([, entry]) => entry.due <= time);
            const lost = due.filter(([, entry]) => entry.count === 2);
            const again = due.filter(([, entry]) => entry.count < 2);
            const bySlot = (a: { slot: number }, b: { slot: number }) => a.slot - b.slot;
            expect(recorder.gaveUpOn.map(([slot, irs]) => ({ slot, irs })).sort(bySlot)).toEqual(
              lost.map(([, { slot, irs }]) => ({ slot, irs })).sort(bySlot),
            );
            expect(recorder.retransmitted.map(([slot, count]) => ({ slot, count })).sort(bySlot)).toEqual(
              again.map(([, { slot, count }]) => ({ slot, count: count + 1 })).sort(bySlot),
            );
            for (const [name] of lost) model.delete(name);
            for (const [, entry] of again) {
              entry.count++;
              entry.due = time + SECOND * 2 ** entry.count;
            }
          }
          for (let index = 0; index <= 30; index++) {
            const entry = model.get(index);
            expect(cache.find(numberedKey(index))).toBe(entry?.slot ?? -1);
            if (entry !== undefined) expect(cache.irs(entry.slot)).toBe(entry.irs);
          }
          expect(cache.size).toBeGreaterThanOrEqual(model.size);
          for (let listener = 0; listener <= 20; listener++) {
            const count = [...model.values()].filter((entry) => entry.listener === listener).length;
            expect(cache.listenerCount(listener)).toBe(count);
          }
          if (cache.size === model.size) {
            const least = Math.min(...[...model.values()].map((entry) => Math.max(0, entry.due - time)));
            expect(cache.nextDeadline(instant(time))).toBe(model.size === 0 ? -1 : least);
          }
        }
      },
    ),
    { numRuns: 200 },
  );
});
