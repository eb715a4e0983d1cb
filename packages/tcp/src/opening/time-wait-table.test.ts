import { SeededRandom } from '@prism-net/tables';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FlowKey } from './flow-key.js';
import { instant, int32, MINUTE, numberedKey, SECOND, TURN, words } from './opening.testkit.js';
import { TimeWaitTable, type TimeWaitTableOptions } from './time-wait-table.js';

function create(options: TimeWaitTableOptions = {}): TimeWaitTable {
  return new TimeWaitTable(new SeededRandom(1), options);
}

const key = numberedKey(1);

describe('the wait', () => {
  it.each([0, TURN - SECOND, TURN / 2 - SECOND])('ends after 60 s and not before, from %s µs on', (start) => {
    const table = create();
    table.add(key, instant(start));
    expect(table.nextDeadline(instant(start))).toBe(60 * SECOND);
    expect(table.expire(instant(start + 60 * SECOND - 1), 10)).toBe(0);
    expect(table.nextDeadline(instant(start + 60 * SECOND - 1))).toBe(1);
    expect(table.find(key)).toBeGreaterThanOrEqual(0);
    expect(table.expire(instant(start + 60 * SECOND), 10)).toBe(1);
    expect([table.find(key), table.size, table.nextDeadline(instant(start))]).toEqual([-1, 0, -1]);
    expect(table.statistics).toEqual({ added: 1, expired: 1, evicted: 0, restarted: 0 });
  });

  it('begins again with a repeated FIN (RFC 9293 §3.10.7.4), behind those that began meanwhile', () => {
    const table = create({ timeoutMilliseconds: 10_000 });
    const first = table.add(numberedKey(1), 0);
    table.add(numberedKey(2), SECOND);
    table.restart(first, 5 * SECOND);
    expect(table.expire(11 * SECOND, 10)).toBe(1);
    expect([table.find(numberedKey(1)), table.find(numberedKey(2))]).toEqual([first, -1]);
    expect(table.nextDeadline(11 * SECOND)).toBe(4 * SECOND);
    expect(table.expire(15 * SECOND, 10)).toBe(1);
    expect(table.statistics).toEqual({ added: 2, expired: 2, evicted: 0, restarted: 1 });
  });

  it('has ended after the process slept for 1 to 70 minutes', () => {
    for (let minutes = 1; minutes <= 70; minutes++) {
      const table = create();
      table.add(key, 0);
      const now = instant(minutes * MINUTE);
      expect(table.nextDeadline(now), `${minutes} minutes`).toBe(0);
      expect(table.expire(now, 10)).toBe(1);
    }
  });

  it('lasts at most once more when the pause was a whole turn of the clock', () => {
    const table = create();
    table.add(key, 0);
    expect(table.expire(instant(TURN), 10)).toBe(0);
    expect(table.expire(instant(TURN + 60 * SECOND), 10)).toBe(1);
  });

  it('is not cut short by a reading of the clock that is a little older than the last', () => {
    const table = create();
    table.add(key, 1000);
    expect(table.nextDeadline(990)).toBe(60 * SECOND + 10);
    expect(table.expire(990, 10)).toBe(0);
  });

  it('of many ends in the order they began, within the budget', () => {
    const table = create({ capacity: 100 });
    for (let index = 0; index < 100; index++) table.add(numberedKey(index), index);
    const now = 60 * SECOND + 59;
    expect(table.expire(now, 7)).toBe(7);
    for (let index = 0; index < 100; index++) expect(table.find(numberedKey(index)) >= 0).toBe(index >= 7);
    expect(table.expire(now, 1000)).toBe(53);
    expect(table.nextDeadline(now)).toBe(1);
    expect(table.size).toBe(40);
  });
});

describe('bounds', () => {
  it('a million connections leave the table at its capacity: the oldest give way, counted', () => {
    const table = create({ capacity: 65_536 });
    const flood = new FlowKey();
    const started = performance.now();
    for (let index = 0; index < 1_000_000; index++) {
      flood.setIpv4(1, index, 80, index & 0xffff);
      table.add(flood, index);
    }
    const nanoseconds = performance.now() - started; // milliseconds for a million
    expect(table.size).toBe(65_536);
    expect(table.statistics).toEqual({ added: 1_000_000, expired: 0, evicted: 1_000_000 - 65_536, restarted: 0 });
    for (const [index, isThere] of [
      [1_000_000 - 65_537, false],
      [1_000_000 - 65_536, true],
      [999_999, true],
    ] as const) {
      flood.setIpv4(1, index, 80, index & 0xffff);
      expect(table.find(flood) >= 0).toBe(isThere);
    }
    // Well below 1000 on an idle machine; a scan would take 50,000.
    expect(nanoseconds).toBeLessThan(10_000);
  });

  it('a name that is there already begins anew', () => {
    const table = create();
    table.setSendNext(table.add(key, 0), 7);
    const slot = table.add(key, SECOND);
    expect([table.size, table.sendNext(slot), table.find(key)]).toEqual([1, 0, slot]);
    expect(table.nextDeadline(SECOND)).toBe(60 * SECOND);
  });

  it('a free slot is removed without effect', () => {
    const table = create({ capacity: 2 });
    const slot = table.add(key, 0);
    table.remove(slot);
    table.remove(slot);
    table.remove(-1);
    expect([table.size, table.add(key, 0), table.size]).toEqual([0, slot, 1]);
  });

  it.each([
    { capacity: 0 },
    { timeoutMilliseconds: 0 },
    { timeoutMilliseconds: 600_001 },
    { timeout: 7 } as TimeWaitTableOptions,
  ])('refuses %j', (options) => {
    expect(() => create(options)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});

it('rows start at zero and hold what is written, apart from each other', () => {
  const table = create({ capacity: 3 });
  const slots = [1, 2, 3].map((index) => table.add(numberedKey(index), 9));
  const setters = [
    table.setSendNext,
    table.setReceiveNext,
    table.setReceiveWindow,
    table.setReceiveWindowScale,
    table.setTimestampRecent,
    table.setTimestampOffset,
    table.setNetworkIndex,
    table.setTrafficClass,
    table.setTimeToLive,
  ];
  const getters = [
    table.sendNext,
    table.receiveNext,
    table.receiveWindow,
    table.receiveWindowScale,
    table.timestampRecent,
    table.timestampOffset,
    table.networkIndex,
    table.trafficClass,
    table.timeToLive,
  ];
  const read = (slot: number) => getters.map((get) => get.call(table, slot));
  for (const slot of slots) {
    expect(read(slot)).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0]);
    expect(table.hasTimestamps(slot)).toBe(false);
  }
  for (const slot of slots) {
    for (const [index, set] of setters.entries()) set.call(table, slot, 1000 * slot + index);
    table.setAddresses(slot, words(100 * slot));
    table.setHasTimestamps(slot, slot !== slots[1]);
  }
  for (const [index, slot] of slots.entries()) {
    expect(read(slot)).toEqual(setters.map((_, number) => 1000 * slot + number));
    expect(table.hasTimestamps(slot)).toBe(index !== 1);
    const addresses = words(0);
    table.copyAddresses(slot, addresses);
    expect(addresses).toEqual(words(100 * slot));
    const copy = new FlowKey();
    table.copyKey(slot, copy);
    expect(copy.equals(numberedKey(index + 1))).toBe(true);
    expect([table.localPort(slot), table.remotePort(slot), table.startedAt(slot)]).toEqual([80, index + 1, 9]);
  }
});

// RFC 9293 §3.6.1, MAY-2, SHLD-4.
describe('reuse by a SYN', () => {
  const NEXT = 0x7fff_fff0; // RCV.NXT, near where the sign turns
  const RECENT = 0x7fff_fffe;

  function reuses(hadTimestamps: boolean, sequence: number, timestamp: number | null): boolean {
    const table = create();
    const slot = table.add(key, 0);
    table.setReceiveNext(slot, NEXT);
    table.setHasTimestamps(slot, hadTimestamps);
    table.setTimestampRecent(slot, hadTimestamps ? RECENT : 0);
    return table.isReusableBySyn(slot, sequence | 0, timestamp !== null, (timestamp ?? 0) | 0);
  }

  it.each<[boolean, number, number | null, boolean, string]>([
    // RFC 6191 §2, the old connection used timestamps
    [true, NEXT - 1000, RECENT + 1, true, 'later timestamp, whatever the sequence number'],
    [true, NEXT - 1000, RECENT + 100, true, 'later timestamp past the sign'],
    [true, NEXT + 1000, RECENT - 1, false, 'earlier timestamp, though the sequence number is higher'],
    [true, NEXT, RECENT, true, 'equal timestamp, higher sequence number'],
    [true, NEXT + 1000, RECENT, true, 'equal timestamp, higher sequence number past the sign'],
    [true, NEXT - 1, RECENT, false, 'equal timestamp, the sequence number of the FIN'],
    [true, NEXT, null, true, 'no timestamp, higher sequence number'],
    [true, NEXT - 1, null, false, 'no timestamp, the sequence number of the FIN'],
    // RFC 6191 §2, it did not
    [false, NEXT - 1000, 0, true, 'a timestamp where there was none'],
    [false, NEXT - 1000, -5, true, 'any timestamp where there was none'],
    // RFC 1122 §4.2.2.13, RFC 9293 §3.6.1
    [false, NEXT, null, true, 'no timestamps at all, higher sequence number'],
    [false, NEXT + 2 ** 30, null, true, 'no timestamps at all, much higher sequence number'],
    [false, NEXT - 1, null, false, 'no timestamps at all, the sequence number of the FIN'],
    [false, NEXT - 2 ** 30, null, false, 'no timestamps at all, an old sequence number'],
  ])('timestamps before: %s, SEQ %s, timestamp %s: %s (%s)', (had, sequence, timestamp, expected) => {
    expect(reuses(had, sequence, timestamp)).toBe(expected);
  });

  it('leaves the record, to which the connection returns if the SYN was an old duplicate (RFC 9293 MAY-2)', () => {
    const table = create();
    const slot = table.add(key, 0);
    table.isReusableBySyn(slot, 1, true, 1);
    expect(table.find(key)).toBe(slot);
  });
});

describe('reuse by an own SYN', () => {
  it('needs timestamps and a second, also as the clock wraps', () => {
    for (const start of [0, TURN - SECOND / 2, TURN / 2 - SECOND / 2]) {
      const table = create();
      const slot = table.add(key, instant(start));
      expect(table.isReusableForConnect(slot, instant(start + 10 * SECOND))).toBe(false);
      table.setHasTimestamps(slot, true);
      expect(table.isReusableForConnect(slot, instant(start))).toBe(false);
      expect(table.isReusableForConnect(slot, instant(start + SECOND - 1))).toBe(false);
      expect(table.isReusableForConnect(slot, instant(start + SECOND))).toBe(true);
      table.restart(slot, instant(start + SECOND));
      expect(table.isReusableForConnect(slot, instant(start + SECOND + 1))).toBe(false);
    }
  });

  it('starts above every sequence number of the old connection, unless the clock is above already', () => {
    fc.assert(
      fc.property(int32, int32, (sendNext, proposed) => {
        const table = create();
        const slot = table.add(key, 0);
        table.setSendNext(slot, sendNext);
        const least = instant(sendNext + 65_537);
        expect(table.minimumNextSequence(slot)).toBe(least);
        const chosen = table.successorSequence(slot, proposed);
        expect([least, proposed]).toContain(chosen);
        expect((chosen - least) | 0).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

it('limits challenge ACKs for each record apart', () => {
  const table = create();
  const one = table.add(numberedKey(1), 0);
  const other = table.add(numberedKey(2), 0);
  const ask = (slot: number, now: number) => [1, 2, 3, 4].map(() => table.allowChallenge(slot, now, 0));
  expect(ask(one, 0)).toEqual([true, true, true, false]);
  expect(ask(other, 0)).toEqual([true, true, true, false]);
  expect(table.allowChallenge(one, 2 * SECOND, 0)).toBe(true);
});

const step = fc.oneof(
  fc.record({ kind: fc.constant('add' as const), key: fc.nat(15) }),
  fc.record({ kind: fc.constant('add' as const), key: fc.nat(15) }),
  fc.record({ kind: fc.constant('remove' as const), key: fc.nat(15) }),
  fc.record({ kind: fc.constant('restart' as const), key: fc.nat(15) }),
  fc.record({
    kind: fc.constant('expire' as const),
    pause: fc.integer({ min: 0, max: 5 * SECOND }),
    budget: fc.nat(5),
  }),
  fc.record({ kind: fc.constant('wait' as const), pause: fc.integer({ min: 0, max: 5 * SECOND }) }),
);

it('does what a list in order of deadlines would, in any order of operations', () => {
  fc.assert(
    fc.property(
      int32,
      fc.integer({ min: 1, max: 10 }),
      fc.array(step, { maxLength: 150 }),
      (start, capacity, steps) => {
        const table = create({ capacity, timeoutMilliseconds: 10_000 });
        let model: { key: number; at: number }[] = [];
        let time = start;
        for (const each of steps) {
          if (each.kind === 'add') {
            model = model.filter((record) => record.key !== each.key);
            if (model.length === capacity) model.shift();
            model.push({ key: each.key, at: time });
            table.add(numberedKey(each.key), instant(time));
          } else if (each.kind === 'remove') {
            model = model.filter((record) => record.key !== each.key);
            table.remove(table.find(numberedKey(each.key)));
          } else if (each.kind === 'restart') {
            const slot = table.find(numberedKey(each.key));
            if (slot < 0) continue;
            model = [...model.filter((record) => record.key !== each.key), { key: each.key, at: time }];
            table.restart(slot, instant(time));
          } else {
            time += each.pause;
            const due = model.filter((record) => record.at + 10 * SECOND <= time);
            const budget = each.kind === 'expire' ? each.budget : 100;
            expect(table.expire(instant(time), budget)).toBe(Math.min(due.length, budget));
            model = model.slice(Math.min(due.length, budget));
          }
          expect(table.size).toBe(model.length);
          for (let index = 0; index <= 15; index++) {
            const isThere = model.some((record) => record.key === index);
            expect(table.find(numberedKey(index)) >= 0).toBe(isThere);
          }
          const least = model.length === 0 ? -1 : Math.max(0, model[0]!.at + 10 * SECOND - time);
          expect(table.nextDeadline(instant(time))).toBe(least);
        }
      },
    ),
    { numRuns: 300 },
  );
});
