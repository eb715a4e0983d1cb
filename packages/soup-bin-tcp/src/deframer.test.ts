import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Deframer } from './deframer.js';
import { Ending } from './ending.js';
import { packet, viewOf } from './pair.testkit.js';

interface Found {
  readonly packets: string[];
  readonly fault: number;
}

/** Feeds the stream in pieces; `stops`: packets after which the receiver says stop. */
function deframe(
  stream: Uint8Array,
  cuts: readonly number[],
  maximum = 64,
  stops: ReadonlySet<number> = new Set(),
): Found {
  const packets: string[] = [];
  const deframer = new Deframer(
    {
      receivePacket(type, view, at, length) {
        const bytes = new Uint8Array(view.buffer, view.byteOffset + at, length);
        packets.push(`${String.fromCharCode(type)}${Buffer.from(bytes).toString('latin1')}`);
        return !stops.has(packets.length);
      },
    },
    maximum,
  );
  const view = viewOf(stream);
  let from = 0;
  for (const cut of [...cuts, stream.length]) {
    while (from < cut) {
      const used = deframer.push(view, from, cut - from);
      expect(used).toBeGreaterThan(0);
      expect(used).toBeLessThanOrEqual(cut - from);
      from += used;
    }
  }
  return { packets, fault: deframer.fault };
}

const packets = fc.array(
  fc.tuple(fc.constantFrom('U', 'S', 'R', '+'), fc.string({ maxLength: 62, unit: 'binary-ascii' })),
  { maxLength: 30 },
);
const pieces = fc.array(fc.nat(2000), { maxLength: 60 });

function join(list: readonly (readonly [string, string])[]): Uint8Array {
  return Uint8Array.from(list.flatMap(([type, payload]) => [...packet(type, payload)]));
}

describe('the deframer', () => {
  it('finds the same packets however the stream is cut, and whenever the receiver stops', () => {
    fc.assert(
      fc.property(packets, pieces, fc.uniqueArray(fc.integer({ min: 1, max: 30 })), (list, cuts, stops) => {
        const stream = join(list);
        const sorted = cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b);
        const found = deframe(stream, sorted, 64, new Set(stops));
        expect(found).toEqual({ packets: list.map(([type, payload]) => type + payload), fault: Ending.none });
      }),
    );
  });

  it('finds the same packets in a stream that comes byte by byte', () => {
    const stream = join([
      ['U', 'first'],
      ['R', ''],
      ['U', 'second'],
    ]);
    const cuts = Array.from({ length: stream.length }, (_, n) => n);
    expect(deframe(stream, cuts).packets).toEqual(['Ufirst', 'R', 'Usecond']);
  });

  it('ends at a length of 0 and at one beyond the limit, with all before it delivered, wherever the stream is cut', () => {
    for (const [length, fault] of [
      [0, Ending.zeroLength],
      [65, Ending.oversized],
      [65_535, Ending.oversized],
    ] as const) {
      const bad = Uint8Array.from([...packet('U', 'good'), length >> 8, length & 0xff, ...packet('U', 'never')]);
      for (let cut = 0; cut <= bad.length; cut++) {
        expect(deframe(bad, [cut]), `${length} cut at ${cut}`).toEqual({ packets: ['Ugood'], fault });
      }
    }
    expect(deframe(packet('U', 'x'.repeat(63)), []).packets).toHaveLength(1);
  });

  it('survives any bytes at all, and hands out nothing longer than its limit', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), pieces, (stream, cuts) => {
        const sorted = cuts.map((cut) => cut % (stream.length + 1)).sort((a, b) => a - b);
        const found = deframe(stream, sorted);
        expect(found).toEqual(deframe(stream, []));
        for (const each of found.packets) expect(each.length).toBeLessThanOrEqual(64);
      }),
    );
  });
});
