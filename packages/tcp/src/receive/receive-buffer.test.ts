import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Holdings } from '../layer/holdings.js';
import { pattern } from '../segments.testkit.js';
import { ReceiveBuffer } from './receive-buffer.js';

const memory = PacketMemory.create({ frames: 512, frameSize: 2048 });
const pool = PacketPool.create(memory, 512);
const holdings = new Holdings(pool);

afterEach(() => {
  pool.assertNoLeaks();
  expect(pool.statistics.doubleReleases).toBe(0);
});

/** A chain of packets that holds the bytes of the pattern from `at` on. */
function chain(at: number, lengths: readonly number[]): Packet {
  let first: Packet | null = null;
  let last: Packet | null = null;
  let position = at;
  for (const length of lengths) {
    const packet = pool.take()!;
    memory.write(packet.end, pattern(position, length), 0, length);
    packet.length = length;
    position += length;
    if (last === null) first = packet;
    else last.nextSegment = packet;
    last = packet;
  }
  return first!;
}

function read(buffer: ReceiveBuffer, length: number): Uint8Array {
  const target = new Uint8Array(length + 2).fill(0xee);
  const bytes = buffer.read(target, 1, length);
  // Nothing outside of the range is touched.
  expect([target[0], target[bytes + 1]]).toEqual([0xee, 0xee]);
  return target.slice(1, bytes + 1);
}

type Step =
  | { readonly kind: 'push'; readonly lengths: readonly number[] }
  | { readonly kind: 'read'; readonly length: number }
  | { readonly kind: 'shift' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant('push' as const),
      lengths: fc.array(fc.oneof(fc.integer({ min: 0, max: 20 }), fc.integer({ min: 400, max: 1400 })), {
        minLength: 1,
        maxLength: 4,
      }),
    }),
    fc.record({ kind: fc.constant('read' as const), length: fc.integer({ min: 1, max: 3000 }) }),
    fc.record({ kind: fc.constant('shift' as const) }),
  ),
  { maxLength: 30 },
);

describe('the bytes', () => {
  it('come out in the order they went in, by copies or by packets, whatever the lengths', () => {
    fc.assert(
      fc.property(steps, (all) => {
        const buffer = new ReceiveBuffer(holdings);
        let written = 0;
        let taken = 0;
        const expectNext = (bytes: Uint8Array) => {
          expect(Buffer.from(bytes).equals(Buffer.from(pattern(taken, bytes.length)))).toBe(true);
          taken += bytes.length;
        };
        for (const step of all) {
          if (step.kind === 'push') {
            buffer.push(chain(written, step.lengths));
            for (const length of step.lengths) written += length;
          } else if (step.kind === 'read') {
            const expected = Math.min(step.length, written - taken);
            const bytes = read(buffer, step.length);
            expect(bytes.length).toBe(expected);
            expectNext(bytes);
          } else {
            const packet = buffer.shift();
            expect(packet === null).toBe(written === taken);
            if (packet !== null) {
              expect(packet.nextSegment).toBeNull();
              expectNext(packet.toBytes());
              packet.release();
            }
          }
          expect(buffer.length).toBe(written - taken);
          expect(buffer.packets === 0).toBe(buffer.length === 0);
        }
        buffer.clear();
        expect([buffer.length, buffer.packets, pool.outstanding]).toEqual([0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });
});

describe('memory (CVE-2018-5390)', () => {
  it('a peer that sends bytes one by one does not take a frame for each', () => {
    const buffer = new ReceiveBuffer(holdings);
    for (let at = 0; at < 10_000; at++) buffer.push(chain(at, [1]));
    expect(buffer.length).toBe(10_000);
    expect(pool.outstanding).toBeLessThanOrEqual(7);
    expect(read(buffer, 10_000)).toEqual(pattern(0, 10_000));
  });

  it('no frame is less than a quarter full but the last, whatever the sizes', () => {
    const buffer = new ReceiveBuffer(holdings);
    const lengths = [513, 512, 1, 513, 600, 300, 300, 300, 513, 513];
    let at = 0;
    for (let round = 0; round < 10; round++) {
      for (const length of lengths) {
        buffer.push(chain(at, [length]));
        at += length;
      }
    }
    expect(pool.outstanding).toBeLessThanOrEqual(Math.ceil(at / 512));
    buffer.clear();
  });

  it('does not write behind a packet that somebody else has a share in', () => {
    const buffer = new ReceiveBuffer(holdings);
    const packet = chain(0, [600]);
    packet.retain();
    buffer.push(packet);
    buffer.push(chain(600, [5]));
    expect(packet.length).toBe(600);
    expect(buffer.length).toBe(605);
    buffer.clear();
    packet.release();
  });

  it('takes packets of another memory as they are', () => {
    const elsewhere = PacketMemory.create({ frames: 4, frameSize: 2048 });
    const foreign = PacketPool.create(elsewhere, 4);
    const buffer = new ReceiveBuffer(holdings);
    buffer.push(chain(0, [10]));
    const packet = foreign.take()!;
    elsewhere.write(packet.end, pattern(10, 10), 0, 10);
    packet.length = 10;
    buffer.push(packet);
    buffer.push(chain(20, [10]));
    expect(foreign.outstanding).toBe(1);
    expect(read(buffer, 30)).toEqual(pattern(0, 30));
    foreign.assertNoLeaks();
  });
});
