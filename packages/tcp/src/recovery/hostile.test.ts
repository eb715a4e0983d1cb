import { TcpOptions } from '@prism-net/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LossRecovery } from './loss-recovery.js';
import { DeadlineKind, RecoveryAction, RecoveryPhase } from './recovery-constants.js';

const MSS = 1000;

function connect(records: number, sequence = 0): LossRecovery {
  const recovery = new LossRecovery(records, {});
  recovery.start(sequence, 0);
  recovery.sackEnabled = true;
  recovery.established(MSS, 0);
  return recovery;
}

function withBlocks(...blocks: [number, number][]): TcpOptions {
  const options = new TcpOptions();
  options.sackCount = blocks.length;
  blocks.forEach(([start, end], i) => {
    options.sackStart[i] = start;
    options.sackEnd[i] = end;
  });
  return options;
}

describe('SACK blocks that cannot be true', () => {
  const una = 0x7fff_f000;
  const at = (offset: number) => (una + offset) | 0;
  const cases: Record<string, [number, number]> = {
    empty: [at(2000), at(2000)],
    inverted: [at(3000), at(2000)],
    'beyond what was sent': [at(9000), at(11_000)],
    'wholly beyond what was sent': [at(20_000), at(21_000)],
    'at what is unacknowledged': [at(0), at(2000)],
    'around what is unacknowledged': [at(-1000), at(2000)],
    'of half the number space': [at(1000), at(0x7fff_ffff)],
    'of the other half': [at(1000), at(-0x7000_0000)],
    'within a segment': [at(2100), at(2900)],
    'of parts of two segments': [at(2100), at(3900)],
  };
  for (const [name, block] of Object.entries(cases)) {
    it(`mark nothing: ${name}`, () => {
      const recovery = connect(64, una);
      recovery.onSent(at(10_000), 0);
      recovery.onAcknowledgement(una, withBlocks(block, block), false, false, 0, 50_000);
      expect(recovery.records.sackedBytes).toBe(0);
      expect(recovery.records.lostBytes).toBe(0);
      expect(recovery.check()).toBe(null);
      expect(recovery.nextLost()).toBe(-1);
    });
  }

  it('a block that covers one segment and parts of two marks the one', () => {
    const recovery = connect(64, una);
    recovery.onSent(at(10_000), 0);
    recovery.onAcknowledgement(una, withBlocks([at(1500), at(3999)]), false, false, 0, 50_000);
    expect(recovery.records.sackedBytes).toBe(MSS);
    expect(recovery.records.flags(recovery.records.find(at(2000)))).toBe(1);
  });

  it('of D-SACK: only the first block, below the acknowledgement or within the second', () => {
    for (const [blocks, isDuplicate] of [
      [[[at(-2000), at(-1000)]], true],
      [[[at(-2000), at(500)]], false],
      [
        [
          [at(3000), at(4000)],
          [at(2000), at(6000)],
        ],
        true,
      ],
      [
        [
          [at(3000), at(7000)],
          [at(2000), at(6000)],
        ],
        false,
      ],
      [
        [
          [at(2000), at(6000)],
          [at(-2000), at(-1000)],
        ],
        false,
      ],
      [[[at(2000), at(3000)]], false],
    ] as [[number, number][], boolean][]) {
      const recovery = connect(64, una);
      recovery.onSent(at(10_000), 0);
      recovery.onAcknowledgement(una, withBlocks(...blocks), false, false, 0, 50_000);
      expect(recovery.blocks.hasDuplicate).toBe(isDuplicate);
      expect(recovery.rack.multiplier).toBe(isDuplicate ? 2 : 1);
    }
  });
});

describe('thousands of SACK blocks (CVE-2019-11478)', () => {
  const SEGMENTS = 16_384;

  /** Sends one-byte records, has every second one SACKed, and then repeats such blocks; returns ns per acknowledgement. */
  function attack(segments: number): number {
    const recovery = connect(segments);
    recovery.window.window = 0x3fff_ffff;
    for (let i = 0; i < segments; i++) recovery.onSent(recovery.next + 1, i);
    const blocks = (k: number): TcpOptions =>
      withBlocks(
        ...[0, 1, 2, 3].map((i): [number, number] => {
          const start = 1 + ((Math.imul(k * 4 + i, 7919) >>> 0) % ((segments >> 1) - 1)) * 2;
          return [start, start + 1];
        }),
      );
    const all = Array.from({ length: 4096 }, (_, k) => blocks(k));
    const wide = Array.from({ length: 4096 }, (_, k) =>
      withBlocks([1 + (k % 100), segments - 1 - (k % 100)], [1, segments - 1], [2, 9], [3, segments >> 1]),
    );
    let now = segments;
    const begin = process.hrtime.bigint();
    for (const list of [all, all, wide]) {
      for (const options of list) {
        now += 1;
        recovery.onAcknowledgement(0, options, false, false, 0, now);
        const lost = recovery.nextLost();
        if (lost >= 0 && recovery.allowance() > 0) recovery.onRetransmitted(lost, now);
      }
    }
    const time = Number(process.hrtime.bigint() - begin);
    expect(recovery.check()).toBe(null);
    return time / (3 * 4096);
  }

  it('cost about the same per acknowledgement, whether 1024 records are outstanding or 16 times as many', () => {
    attack(1024);
    attack(SEGMENTS);
    const few = Math.min(attack(1024), attack(1024), attack(1024));
    const many = Math.min(attack(SEGMENTS), attack(SEGMENTS), attack(SEGMENTS));
    // A walk over the records would be 16 times as much; caches and the logarithm may double it.
    expect(many).toBeLessThan(few * 6 + 2000);
  });
});

it('memory is bounded by the records allowed, whatever is sent', () => {
  const recovery = connect(1000);
  while (recovery.canRecord()) recovery.onSent(recovery.next + 1, 0);
  expect(recovery.records.count).toBe(1000);
  expect(recovery.recordsFree).toBe(0);
  expect(recovery.records.words.length).toBe(1024 * 8);
});

it('duplicates without end, and without SACK, let no more leave than is outstanding', () => {
  const recovery = connect(64);
  recovery.sackEnabled = false;
  recovery.onSent(10 * MSS, 0);
  const options = new TcpOptions();
  for (let i = 0; i < 1000; i++) recovery.onAcknowledgement(0, options, false, false, 0, 50_000 + i);
  expect(recovery.duplicates.presumedBytes).toBe(9 * MSS);
  expect(recovery.allowance()).toBeLessThanOrEqual(10 * MSS);
  expect(recovery.check()).toBe(null);
});

it('any acknowledgements whatever break no invariant, and the connection still repairs itself', () => {
  const step = fc.record({
    advance: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5000 })),
    blocks: fc.array(fc.tuple(fc.integer({ min: -3000, max: 30_000 }), fc.integer({ min: -100, max: 9000 })), {
      maxLength: 4,
    }),
    wild: fc.boolean(),
    ecnEcho: fc.boolean(),
    carriesData: fc.boolean(),
    echo: fc.integer(),
    passed: fc.integer({ min: 0, max: 300_000 }),
    send: fc.integer({ min: 0, max: 4000 }),
    expire: fc.boolean(),
    segment: fc.constantFrom(1000, 1000, 1000, 536),
  });
  fc.assert(
    fc.property(fc.integer(), fc.boolean(), fc.array(step, { maxLength: 80, size: 'max' }), (start, sack, steps) => {
      const recovery = connect(64, start | 0);
      recovery.sackEnabled = sack;
      recovery.timestampsEnabled = true;
      let now = start | 0;
      const verify = () => expect(recovery.check()).toBe(null);
      const output = (bytes: number) => {
        recovery.resume(now);
        for (let index = recovery.nextLost(); index >= 0; index = recovery.nextLost()) {
          if (recovery.allowance() < ((recovery.recordEnd(index) - recovery.recordStart(index)) | 0)) break;
          recovery.onRetransmitted(index, now);
        }
        const length = Math.min(bytes, recovery.allowance());
        if (length > 0 && recovery.recordsFree > 8) recovery.onSent((recovery.next + length) | 0, now);
      };
      const expire = () => {
        if (((recovery.deadline - now) | 0) > 0) now = recovery.deadline;
        if (recovery.onDeadline(now) === RecoveryAction.PROBE_SEND_NEW_OR_LAST) {
          recovery.onRetransmitted(recovery.lastRecord(), now);
        }
      };
      for (const s of steps) {
        now = (now + s.passed) | 0;
        if (s.segment < recovery.window.maximumSegmentSize) recovery.onSegmentSizeReduced(s.segment, now);
        output(s.send);
        verify();
        if (s.expire && recovery.deadlineKind !== DeadlineKind.NONE) expire();
        verify();
        const ack = Math.min(s.advance, recovery.outstanding);
        const scale = s.wild ? 100_003 : 1;
        const options = withBlocks(
          ...s.blocks.map(([from, length]): [number, number] => {
            const base = (recovery.unacknowledged + Math.imul(from, scale)) | 0;
            return [base, (base + length) | 0];
          }),
        );
        options.hasTimestamps = true;
        options.timestampEcho = s.wild ? s.echo : 1;
        recovery.onAcknowledgement((recovery.unacknowledged + ack) | 0, options, s.ecnEcho, s.carriesData, 50, now);
        verify();
      }
      // The attack is over: an honest receiver that has nothing of what is outstanding.
      const honest = new TcpOptions();
      for (let i = 0; i < 500 && recovery.outstanding > 0; i++) {
        if (recovery.nextLost() < 0 || recovery.allowance() < 1000) expire();
        output(0);
        now = (now + 1000) | 0;
        const first = recovery.records.first;
        if ((recovery.records.flags(first) & 8) !== 0) {
          recovery.onAcknowledgement(recovery.recordEnd(first), honest, false, false, 50, now);
        }
        verify();
      }
      expect(recovery.outstanding).toBe(0);
      expect(recovery.phase).toBeLessThanOrEqual(RecoveryPhase.DISORDER);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  );
});
