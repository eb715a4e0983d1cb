import { foldSum, PacketMemory, PacketPool } from '@prism-net/buffers';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { patternByte } from '../segments.testkit.js';
import { SendBuffer } from './send-buffer.js';

const FRAMES = 256;
// Without debug mode, which would look up the caller of every take and release.
const memory = PacketMemory.create({ frames: FRAMES + 64, frameSize: 512 });
const pool = PacketPool.create(memory, FRAMES);
const otherPool = PacketPool.create(memory, 64);

afterEach(() => {
  for (const each of [pool, otherPool]) {
    each.assertNoLeaks();
    expect(each.statistics.doubleReleases).toBe(0);
  }
});

/** The stream as an array of bytes, beside the buffer that is tested. */
class Model {
  readonly buffer: SendBuffer;
  readonly bytes: number[] = [];
  written = 0;

  constructor(limit: number, start = 0) {
    this.buffer = new SendBuffer(pool, limit);
    this.buffer.begin(start);
  }

  fresh(length: number): Uint8Array {
    return Uint8Array.from({ length }, (_, i) => patternByte(this.written + i));
  }

  write(length: number): number {
    const bytes = this.fresh(length);
    const taken = this.buffer.write(bytes, 0, length);
    this.took(bytes.subarray(0, taken));
    return taken;
  }

  /** A packet of one segment or several, as `commit` takes it. */
  append(lengths: readonly number[], from = pool): boolean {
    const total = lengths.reduce((sum, each) => sum + each, 0);
    const bytes = this.fresh(total);
    const first = from.take();
    if (first === null) return false;
    let segment = first;
    let at = 0;
    for (const [i, length] of lengths.entries()) {
      if (i > 0) {
        const next = from.take();
        if (next === null) {
          first.release();
          return false;
        }
        segment.nextSegment = next;
        segment = next;
      }
      memory.write(segment.end, bytes, at, length);
      segment.length = length;
      at += length;
    }
    this.buffer.append(first);
    this.took(bytes);
    return true;
  }

  took(bytes: Uint8Array): void {
    this.bytes.push(...bytes);
    this.written += bytes.length;
  }

  release(length: number): void {
    this.buffer.release((this.buffer.start + length) | 0);
    this.bytes.splice(0, length);
  }

  /** `copyAndSum` and `copy` give the bytes of the model, and the sum is that of the bytes. */
  check(offset: number, length: number, initial: number): void {
    const target = otherPool.take()!;
    const at = target.base;
    const sequence = (this.buffer.start + offset) | 0;
    const expected = this.bytes.slice(offset, offset + length);
    const sum = this.buffer.copyAndSum(sequence, length, at, initial);
    expectBytes(at, expected);
    expect(sum).toBe(referenceSum(expected, initial));
    memory.bytes.fill(0, at, at + length);
    this.buffer.copy(sequence, length, at);
    expectBytes(at, expected);
    target.release();
  }

  checkSize(): void {
    const { buffer } = this;
    expect(buffer.length).toBe(this.bytes.length);
    expect((buffer.end - buffer.start) | 0).toBe(this.bytes.length);
    expect(buffer.room).toBe(Math.max(0, buffer.limit - this.bytes.length));
  }
}

function expectBytes(at: number, expected: readonly number[]): void {
  const bytes = Buffer.from(memory.bytes.slice(at, at + expected.length));
  if (!bytes.equals(Buffer.from(expected))) expect([...bytes]).toEqual(expected);
}

/** The Internet checksum's sum, by the book (RFC 1071 §1). */
function referenceSum(bytes: readonly number[], initial: number): number {
  let sum = initial;
  for (const [i, byte] of bytes.entries()) sum += (i & 1) === 0 ? byte << 8 : byte;
  return foldSum(sum);
}

type Step =
  | { readonly kind: 'write'; readonly length: number }
  | { readonly kind: 'append'; readonly lengths: readonly number[] }
  | { readonly kind: 'release'; readonly part: number }
  | { readonly kind: 'copy'; readonly from: number; readonly length: number; readonly initial: number };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('write' as const), length: fc.integer({ min: 0, max: 1200 }) }),
    fc.record({
      kind: fc.constant('append' as const),
      lengths: fc.array(fc.integer({ min: 0, max: 320 }), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant('release' as const), part: fc.double({ min: 0, max: 1, noNaN: true }) }),
    fc.record({
      kind: fc.constant('copy' as const),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      length: fc.integer({ min: 1, max: 500 }),
      initial: fc.integer({ min: 0, max: 0xffff }),
    }),
  ),
  { minLength: 1, maxLength: 40 },
);

describe('against a model of bytes', () => {
  it('copies and sums any part, whatever was written, appended and acknowledged, across sequence wrap', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, -700, 0x7fff_ff00), (all, start) => {
        const model = new Model(6000, start);
        for (const step of all) {
          if (step.kind === 'write') model.write(step.length);
          else if (step.kind === 'append') model.append(step.lengths);
          else if (step.kind === 'release') model.release(Math.floor(step.part * model.bytes.length));
          else if (model.bytes.length > 0) {
            const from = Math.floor(step.from * (model.bytes.length - 1));
            model.check(from, Math.min(step.length, model.bytes.length - from), step.initial);
          }
          model.checkSize();
        }
        model.buffer.clear();
        expect(pool.outstanding).toBe(0);
      }),
      { numRuns: 150 },
    );
  });

  it('follows segments one after another over hundreds of chunks, and jumps back for retransmissions', () => {
    const model = new Model(1 << 20);
    while (model.write(337) > 0);
    for (let at = 0; at + 451 <= model.bytes.length; at += 451) {
      model.check(at, 451, 0);
      if (at % 4 === 0) model.check(at >> 1, 333, 7);
    }
    model.buffer.clear();
  });
});

describe('write', () => {
  it('takes no more than the limit, and says how much', () => {
    const model = new Model(1000);
    expect(model.write(700)).toBe(700);
    expect(model.write(700)).toBe(300);
    expect(model.write(1)).toBe(0);
    model.release(250);
    expect(model.write(999)).toBe(250);
    model.check(0, 500, 0);
    model.buffer.clear();
  });

  it('leaves half of the pool to others while nothing of it has moved', () => {
    const model = new Model(1 << 20);
    expect(model.write(1 << 20)).toBe((FRAMES * 512) / 2);
    expect(pool.available).toBe(FRAMES / 2);
    model.buffer.clear();
  });

  it('copies from the middle of what it is given', () => {
    const buffer = new SendBuffer(pool, 1000);
    buffer.begin(5);
    expect(buffer.write(Uint8Array.of(1, 2, 3, 4, 5), 1, 3)).toBe(3);
    const target = otherPool.take()!;
    buffer.copy(5, 3, target.base);
    expect([...memory.bytes.slice(target.base, target.base + 3)]).toEqual([2, 3, 4]);
    target.release();
    buffer.clear();
  });

  it('holds no frame once everything is acknowledged', () => {
    const model = new Model(10_000);
    model.write(5000);
    model.release(4999);
    expect(pool.outstanding).toBe(1);
    model.release(1);
    expect(pool.outstanding).toBe(0);
  });
});

describe('append', () => {
  it('moves short packets behind the text before, so that many of them do not take a frame each', () => {
    const model = new Model(100_000);
    for (let i = 0; i < 200; i++) model.append([10]);
    // 2,000 bytes in frames that have room for 320 behind their headroom.
    expect(pool.outstanding).toBe(7);
    model.check(0, 400, 0);
    model.check(1500, 500, 0);
    model.buffer.clear();
  });

  it('keeps longer packets where they are, without a copy', () => {
    const model = new Model(100_000);
    const before = memory.copies[0]!;
    model.append([300, 300]);
    expect(memory.copies[0]! - before).toBe(2); // the test's own writes
    expect(pool.outstanding).toBe(2);
    model.check(250, 100, 0);
    model.buffer.clear();
  });

  it('takes packets of another pool of the same memory, and gives them back to it', () => {
    const model = new Model(100_000);
    model.write(100);
    model.append([300], otherPool);
    model.append([5], otherPool);
    expect(otherPool.outstanding).toBe(1);
    model.check(50, 355, 0);
    model.release(400);
    expect(otherPool.outstanding).toBe(1);
    model.release(5);
    expect(otherPool.outstanding).toBe(0);
  });

  it('swallows empty packets', () => {
    const model = new Model(1000);
    model.append([0]);
    model.append([0, 3, 0]);
    expect(model.buffer.length).toBe(3);
    model.check(0, 3, 0);
    model.buffer.clear();
  });
});

it('goes round its list of chunks many times without growing', () => {
  const model = new Model(10_000, -5000);
  for (let i = 0; i < 500; i++) {
    model.append([300]);
    if (i > 5) {
      model.check(0, 300, 0);
      model.release(300);
    }
  }
  model.buffer.clear();
});
