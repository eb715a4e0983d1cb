import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkRecords } from './record-check.js';
import { splitRecords } from './record-splitting.js';
import { NONE, RecordFlag, TransmissionRecords } from './transmission-records.js';

const { SACKED, LOST, RETRANSMISSION_IN_FLIGHT, RETRANSMITTED } = RecordFlag;

interface Plain {
  start: number;
  end: number;
  sentAt: number;
  state: 'original' | 'sacked' | 'lost' | 'again' | 'probed';
  wasRetransmitted: boolean;
}

/** Flags as the ring must have them. */
function flagsOf(record: Plain): number {
  const state = {
    original: 0,
    sacked: SACKED,
    lost: LOST,
    again: LOST | RETRANSMISSION_IN_FLIGHT,
    probed: RETRANSMISSION_IN_FLIGHT,
  };
  return state[record.state] | (record.wasRetransmitted ? RETRANSMITTED : 0);
}

const command = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('append' as const), length: fc.integer({ min: 1, max: 1500 }) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constantFrom('sack' as const, 'lose' as const, 'retransmit' as const),
      at: fc.double({ min: 0, max: 0.999, noNaN: true }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('remove' as const), count: fc.integer({ min: 1, max: 9 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('trim' as const), at: fc.double({ min: 0, max: 0.99, noNaN: true }) }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('forgetSacked' as const, 'forgetLost' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('split' as const), length: fc.integer({ min: 200, max: 1500 }) }),
  },
);

class Pair {
  readonly records = new TransmissionRecords(1000);
  plain: Plain[] = [];
  next: number;
  now = 0;
  originals: number[] = [];

  constructor(sequence: number) {
    this.records.reset(sequence);
    this.next = sequence;
  }

  run(c: typeof command extends fc.Arbitrary<infer T> ? T : never): void {
    const { records, plain } = this;
    this.now += 10;
    const index = 'at' in c ? Math.floor(c.at * plain.length) : 0;
    const record = plain[index];
    const absolute = records.first + index;
    switch (c.do) {
      case 'append': {
        const start = this.next;
        this.next = (this.next + c.length) | 0;
        records.append(this.next, this.now);
        plain.push({ start, end: this.next, sentAt: this.now, state: 'original', wasRetransmitted: false });
        break;
      }
      case 'sack':
        if (record === undefined || record.state === 'sacked') break;
        records.markSacked(absolute);
        record.state = 'sacked';
        break;
      case 'lose':
        if (record === undefined || record.state === 'sacked' || record.state === 'lost') break;
        records.markLost(absolute);
        record.state = 'lost';
        break;
      case 'retransmit':
        if (record === undefined || record.state === 'sacked') break;
        records.markRetransmitted(absolute, this.now);
        record.state = record.state === 'lost' || record.state === 'again' ? 'again' : 'probed';
        record.wasRetransmitted = true;
        record.sentAt = this.now;
        break;
      case 'remove':
        for (let i = 0; i < c.count && plain.length > 0; i++) {
          records.removeFirst();
          plain.shift();
        }
        break;
      case 'trim': {
        const first = plain[0];
        if (first === undefined) break;
        first.start = (first.start + Math.floor(((first.end - first.start) | 0) * c.at)) | 0;
        records.trimFirst(first.start);
        break;
      }
      case 'forgetSacked':
        records.forgetSacked();
        for (const r of plain.filter((p) => p.state === 'sacked'))
          Object.assign(r, { state: 'lost', wasRetransmitted: true });
        break;
      case 'forgetLost':
        records.forgetLost();
        for (const r of plain) if (r.state === 'lost' && !r.wasRetransmitted) r.state = 'original';
        break;
      case 'split':
        splitRecords(records, c.length);
        this.plain = plain.flatMap((r) => this.#cut(r, c.length));
        break;
    }
  }

  #cut(record: Plain, maximum: number): Plain[] {
    const length = (record.end - record.start) | 0;
    if (length <= maximum) return [record];
    const state = record.state === 'sacked' ? 'sacked' : 'lost';
    return Array.from({ length: Math.ceil(length / maximum) }, (_, i) => ({
      ...record,
      state,
      start: (record.start + i * maximum) | 0,
      end: (record.start + Math.min((i + 1) * maximum, length)) | 0,
    }));
  }

  compare(): void {
    const { records, plain } = this;
    expect(checkRecords(records, this.next)).toBe(null);
    expect(records.count).toBe(plain.length);
    plain.forEach((record, i) => {
      const index = records.first + i;
      expect([records.recordStart(index), records.recordEnd(index)]).toEqual([record.start, record.end]);
      expect(records.flags(index)).toBe(flagsOf(record));
      expect(records.sentAt(index)).toBe(record.sentAt);
      expect(records.find(record.start)).toBe(index);
      expect(records.find((record.end - 1) | 0)).toBe(index);
      const free = plain.findIndex((other, j) => j >= i && other.state !== 'sacked');
      expect(records.skipSacked(index)).toBe(free < 0 ? records.end : records.first + free);
    });
    expect(records.find(this.next)).toBe(records.end);
  }
}

describe('TransmissionRecords', () => {
  it('agree with a plain list after any sequence of operations', () => {
    fc.assert(
      fc.property(fc.integer(), fc.array(command, { maxLength: 150, size: 'max' }), (sequence, commands) => {
        const pair = new Pair(sequence | 0);
        commands.forEach((c, i) => {
          pair.run(c);
          if (i % 10 === 0) pair.compare();
        });
        pair.compare();
      }),
      { numRuns: 300 },
    );
  });

  it('name losses the lowest first, also when they are found out of order', () => {
    const records = new TransmissionRecords(1000);
    records.reset(0);
    for (let i = 1; i <= 100; i++) records.append(i * 10, 0);
    for (const index of [5, 9, 7, 3, 50, 6, 1]) records.markLost(index);
    const order: number[] = [];
    while (records.firstLost !== NONE) {
      order.push(records.firstLost);
      records.markRetransmitted(records.firstLost, 1);
    }
    expect(order).toEqual([1, 3, 5, 6, 7, 9, 50]);
  });

  it('keep their places when indices begin anew after half a billion segments', () => {
    const records = new TransmissionRecords(1000);
    records.reset(0);
    const start = (1 << 29) - 20;
    records.first = start;
    records.end = start;
    records.firstOriginal = start;
    let next = 0;
    const append = (count: number) => {
      for (let i = 0; i < count; i++) records.append((next += 10), i);
    };
    append(12);
    records.markSacked(start + 3);
    records.markSacked(start + 4);
    records.markLost(start + 1);
    records.markLost(start + 6);
    records.markLost(start + 7);
    records.markRetransmitted(start + 6, 99);
    records.markRetransmitted(start + 9, 100);
    const before = Array.from({ length: 12 }, (_, i) => [records.flags(start + i), records.recordEnd(start + i)]);
    append(40);
    expect(records.end).toBeLessThan(1000);
    expect(checkRecords(records, next)).toBe(null);
    const { first } = records;
    expect(Array.from({ length: 12 }, (_, i) => [records.flags(first + i), records.recordEnd(first + i)])).toEqual(
      before,
    );
    expect([records.firstLost, records.lastLost]).toEqual([first + 1, first + 7]);
    expect([records.firstRetransmission, records.lastRetransmission]).toEqual([first + 6, first + 9]);
    expect(records.skipSacked(first + 3)).toBe(first + 5);
  });

  it('grow by doubling and keep what they know', () => {
    const records = new TransmissionRecords(1000);
    records.reset(-500);
    for (let i = 0; i < 1000; i++) {
      records.append(-500 + (i + 1) * 7, i);
      if (i % 3 === 0) records.markSacked(i);
      if (i % 3 === 1) records.markLost(i);
    }
    expect(records.mask).toBe(1023);
    expect(checkRecords(records, -500 + 7000)).toBe(null);
    expect(records.sackedCount).toBe(334);
  });
});
