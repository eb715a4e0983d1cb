import { PacketFlag } from '@prism-net/buffers';
import { DropReason, ipv4 } from '@prism-net/wire';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Bench,
  datagram,
  finishAll,
  type HostOptions,
  ip,
  PEER,
  parseIcmp,
  pattern,
  SECOND,
  UDP,
} from './ipv4.testkit.js';

afterEach(finishAll);

interface Piece {
  start: number;
  end: number;
}

/** One fragment of a datagram whose payload is `payload`. */
function fragment(payload: Uint8Array, { start, end }: Piece, fields: Parameters<typeof datagram>[1] = {}): Uint8Array {
  return datagram(payload.subarray(start, end), {
    fragmentOffset: start,
    moreFragments: end < payload.length,
    ...fields,
  });
}

/** Cuts `length` bytes at multiples of 8, and so that every piece fits a frame. */
function pieces(length: number, cuts: number[]): Piece[] {
  const forced = Array.from({ length: Math.floor(length / 1472) }, (_, i) => (i + 1) * 184);
  const at = [
    ...new Set([0, ...[...cuts, ...forced].map((cut) => cut * 8).filter((cut) => cut < length), length]),
  ].sort((a, b) => a - b);
  return at.slice(1).map((end, i) => ({ start: at[i]!, end }));
}

/** A split of a payload and an order of arrival. */
const splitAndOrder = fc
  .record({
    length: fc.integer({ min: 9, max: 3000 }),
    cuts: fc.array(fc.integer({ min: 1, max: 374 }), { minLength: 1, maxLength: 30 }),
    seed: fc.integer(),
  })
  .map(({ length, cuts, seed }) => ({ length, parts: pieces(length, cuts), seed }))
  .filter(({ parts }) => parts.length > 1)
  .chain(({ length, parts, seed }) =>
    fc.record({
      length: fc.constant(length),
      seed: fc.constant(seed),
      order: fc.shuffledSubarray(parts, { minLength: parts.length, maxLength: parts.length }),
    }),
  );

function held(bench: Bench): number {
  return bench.accounts.snapshot().held;
}

describe('reassembly', () => {
  it('puts any split together, in any order of arrival, and counts each frame once', () => {
    const bench = new Bench();
    let identification = 0;
    fc.assert(
      fc.property(splitAndOrder, ({ length, order, seed }) => {
        const payload = pattern(length, seed);
        identification = (identification + 1) & 0xffff;
        const before = bench.accounts.snapshot();
        bench.udp.received.length = 0;
        for (const piece of order) bench.datagram(fragment(payload, piece, { identification }));
        expect(bench.udp.received).toEqual([payload]);
        expect(bench.udp.last.flags & PacketFlag.REASSEMBLED).toBe(PacketFlag.REASSEMBLED);
        const after = bench.accounts.snapshot();
        expect(after.delivered - before.delivered).toBe(1);
        expect(after.handled - before.handled).toBe(order.length - 1);
        expect(after.held).toBe(0);
        expect(bench.layer.reassembly.heldFrames).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('condemns a datagram in which any two fragments overlap, wherever and whenever', () => {
    const bench = new Bench();
    let identification = 0;
    fc.assert(
      fc.property(
        splitAndOrder,
        fc.integer({ min: 0, max: 400 }),
        fc.integer({ min: 1, max: 50 }),
        fc.nat(),
        ({ length, order, seed }, unit, units, when) => {
          const payload = pattern(length, seed);
          const start = ((unit * 8) % length) & ~7;
          const bad: Piece = { start, end: Math.min(start + units * 8, length) };
          // Between edges of others it could take their place: the datagram would be whole before anything overlaps.
          const edges = order.flatMap((piece) => [piece.start, piece.end]);
          fc.pre(!(edges.includes(bad.start) && edges.includes(bad.end)));
          identification = (identification + 1) & 0xffff;
          bench.udp.received.length = 0;
          // Not as the last one: by then the datagram would be complete.
          const arrival = [...order];
          arrival.splice(when % order.length, 0, bad);
          for (const piece of arrival) bench.datagram(fragment(payload, piece, { identification }));
          expect(bench.udp.received).toEqual([]);
          bench.pass(31 * SECOND, SECOND); // what came after the condemned ones
          expect(held(bench)).toBe(0);
          expect(bench.accounts.dropped(DropReason.FRAGMENT_OVERLAP)).toBeGreaterThan(0);
          bench.sent();
        },
      ),
      { numRuns: 100 },
    );
  });

  it('ignores exact duplicates', () => {
    const bench = new Bench();
    const payload = pattern(100);
    const [a, b, c] = pieces(100, [4, 8]).map((piece) => fragment(payload, piece)) as [
      Uint8Array,
      Uint8Array,
      Uint8Array,
    ];
    for (const bytes of [c, a, a, c, b]) bench.datagram(bytes);
    expect(bench.udp.received).toEqual([payload]);
    expect(bench.accounts.dropped(DropReason.FRAGMENT_DUPLICATE)).toBe(2);
  });

  it('keeps datagrams apart by source, destination, protocol and identification', () => {
    const bench = new Bench();
    const other = ip('10.0.0.3');
    const variants = [{}, { source: other }, { identification: 9 }, { source: other, identification: 9 }];
    const payloads = variants.map((_, i) => pattern(64, i));
    for (const [i, fields] of variants.entries())
      bench.datagram(fragment(payloads[i]!, { start: 32, end: 64 }, fields));
    for (const [i, fields] of variants.entries()) bench.datagram(fragment(payloads[i]!, { start: 0, end: 32 }, fields));
    expect(bench.udp.received).toEqual(payloads);
  });

  it('takes the largest datagram there is', () => {
    const bench = new Bench({ reassembly: { frames: 64 } });
    const payload = pattern(65_515);
    for (const piece of pieces(payload.length, [])) bench.datagram(fragment(payload, piece));
    expect(bench.udp.received).toEqual([payload]);
  });
});

describe('hostile fragments (row 10)', () => {
  it.each([
    ['no data', DropReason.FRAGMENT_MALFORMED, { payload: 0, offset: 8, more: true }],
    ['no data at the end', DropReason.FRAGMENT_MALFORMED, { payload: 0, offset: 800, more: false }],
    ['a length that is no multiple of 8', DropReason.FRAGMENT_MALFORMED, { payload: 12, offset: 0, more: true }],
    [
      'an end beyond 65,535 (ping of death)',
      DropReason.FRAGMENT_TOO_LARGE,
      { payload: 24, offset: 65_504, more: false },
    ],
    ['a TCP header in pieces', DropReason.FRAGMENT_TOO_SMALL, { payload: 16, offset: 0, more: true, protocol: 6 }],
    ['TCP data at offset 8', DropReason.FRAGMENT_TOO_SMALL, { payload: 16, offset: 8, more: true, protocol: 6 }],
  ])(
    'with %s are dropped and hold nothing',
    (_what, reason, {
      payload,
      offset,
      more,
      protocol = UDP,
    }: { payload: number; offset: number; more: boolean; protocol?: number }) => {
      const bench = new Bench();
      bench.datagram(datagram(pattern(payload), { fragmentOffset: offset, moreFragments: more, protocol }));
      expect(bench.accounts.dropped(reason)).toBe(1);
      expect(held(bench)).toBe(0);
    },
  );

  it.each([
    [
      'two different ends',
      [
        { offset: 64, more: false },
        { offset: 128, more: false },
      ],
    ],
    [
      'an end before data that is there',
      [
        { offset: 128, more: true },
        { offset: 64, more: false },
      ],
    ],
    [
      'data behind the end',
      [
        { offset: 64, more: false },
        { offset: 128, more: true },
      ],
    ],
  ])('%s condemn the datagram', (_what, fragments) => {
    const bench = new Bench();
    for (const { offset, more } of fragments) {
      bench.datagram(datagram(pattern(16), { fragmentOffset: offset, moreFragments: more }));
    }
    expect(bench.accounts.dropped(DropReason.FRAGMENT_MALFORMED)).toBe(2);
    expect(held(bench)).toBe(0);
  });
});

describe('limits of reassembly (row 11)', () => {
  const first = (fields: Parameters<typeof datagram>[1]) => datagram(pattern(16), { moreFragments: true, ...fields });

  it('the oldest of too many datagrams gives way', () => {
    const bench = new Bench({ debug: false, reassembly: { datagrams: 8, datagramsPerSource: 8 } });
    for (let i = 0; i < 10_000; i++) bench.datagram(first({ identification: i, source: ip('10.0.0.2') + (i % 100) }));
    expect(bench.layer.reassembly.pending).toBe(8);
    expect(bench.accounts.dropped(DropReason.FRAGMENT_LIMIT)).toBe(10_000 - 8);
    const last = 9999;
    const fields = { identification: last, source: ip('10.0.0.2') + (last % 100), fragmentOffset: 16 };
    bench.datagram(datagram(pattern(16), fields));
    expect(bench.udp.received).toHaveLength(1);
  });

  it('one source cannot displace the datagrams of others', () => {
    const bench = new Bench({ reassembly: { datagrams: 8, datagramsPerSource: 3 } });
    const honest = ip('10.0.0.50');
    bench.datagram(first({ identification: 7, source: honest }));
    for (let i = 0; i < 1000; i++) bench.datagram(first({ identification: i }));
    expect(bench.layer.reassembly.pending).toBe(4);
    bench.datagram(datagram(pattern(16), { identification: 7, source: honest, fragmentOffset: 16 }));
    expect(bench.udp.received).toHaveLength(1);
  });

  it('8,192 fragments of 8 bytes hold no more frames than allowed and condemn their datagram', () => {
    const bench = new Bench({ debug: false, reassembly: { fragmentsPerDatagram: 64 } });
    let most = 0;
    for (let i = 8191; i >= 0; i--) {
      bench.datagram(datagram(pattern(8), { fragmentOffset: ((i * 8 * 37) % 65_504) & ~7, moreFragments: true }));
      most = Math.max(most, bench.layer.reassembly.heldFrames);
    }
    expect(most).toBe(64);
    expect(bench.accounts.dropped(DropReason.FRAGMENT_LIMIT)).toBeGreaterThan(7000);
  });

  it('the memory held is bounded in frames', () => {
    const bench = new Bench({ reassembly: { frames: 20 } });
    for (let id = 0; id < 10; id++) {
      for (let i = 0; i < 5; i++) bench.datagram(first({ identification: id, fragmentOffset: i * 16 }));
    }
    expect(bench.layer.reassembly.heldFrames).toBe(20);
    expect(bench.layer.reassembly.pending).toBe(4);
  });

  it('a single datagram larger than the memory allowed is dropped whole', () => {
    const bench = new Bench({ reassembly: { frames: 4 } });
    for (let i = 0; i < 5; i++) bench.datagram(first({ fragmentOffset: i * 16 }));
    expect(bench.layer.reassembly.heldFrames).toBe(0);
    expect(bench.accounts.dropped(DropReason.FRAGMENT_LIMIT)).toBe(5);
  });

  it('time runs out after 30 s, and the sender is told only if the first fragment came', () => {
    const bench = new Bench();
    bench.datagram(first({ identification: 1 }));
    bench.datagram(first({ identification: 2, fragmentOffset: 16 }));
    bench.pass(29.9 * SECOND);
    expect(held(bench)).toBe(2);
    expect(bench.sent()).toEqual([]);
    bench.pass(0.2 * SECOND);
    expect(held(bench)).toBe(0);
    expect(bench.accounts.dropped(DropReason.FRAGMENT_TIMEOUT)).toBe(2);
    const errors = bench.sent();
    expect(errors).toHaveLength(1);
    expect(errors[0]!.destination).toBe(PEER);
    const error = parseIcmp(errors[0]!);
    expect(error).toMatchObject({ type: 11, code: 1 });
    expect(ipv4.identification(new DataView(error.data.slice().buffer), 0)).toBe(1);
  });

  it('options out of range are refused by name', () => {
    const wrong: [string, HostOptions['reassembly']][] = [
      ['frames', { frames: 0 }],
      ['fragmentsPerDatagram', { fragmentsPerDatagram: 1 }],
      ['timeoutMilliseconds', { timeoutMilliseconds: 1e9 }],
    ];
    for (const [name, reassembly] of wrong) expect(() => new Bench({ reassembly: reassembly! })).toThrow(name);
  });
});
