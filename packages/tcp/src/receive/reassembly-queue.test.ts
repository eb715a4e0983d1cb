import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { seq } from '@prism-net/wire';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { ReassemblyQueue } from './reassembly-queue.js';

const FRAMES = 2048;
const memory = PacketMemory.create({ frames: FRAMES });
const pool = PacketPool.create(memory, FRAMES);

afterEach(() => {
  pool.assertNoLeaks();
  expect(pool.statistics.doubleReleases).toBe(0);
});

/** `bytes` in packets of at most `frameText` bytes. */
function chainOf(bytes: Uint8Array, frameText: number): Packet {
  const first = pool.take()!;
  let packet = first;
  for (let at = 0; ; at += frameText) {
    const length = Math.min(frameText, bytes.length - at);
    memory.write(packet.end, bytes, at, length);
    packet.length = length;
    if (at + length === bytes.length) return first;
    packet.nextSegment = pool.take()!;
    packet = packet.nextSegment;
  }
}

/** The queue beside a map of positions to the byte that came first. Positions count from `base`. */
class Model {
  readonly queue: ReassemblyQueue;
  readonly bytes = new Map<number, number>();
  readonly base: number;
  readonly ranges: number;
  frames = 0;
  #stamp = 0;

  constructor(base: number, ranges: number) {
    this.base = base;
    this.ranges = ranges;
    this.queue = new ReassemblyQueue();
  }

  /** Each segment has bytes of its own, so that one can see whose were kept. */
  insert(start: number, length: number, frameText = 1400): void {
    const bytes = new Uint8Array(length).fill(++this.#stamp & 0xff);
    const packet = chainOf(bytes, frameText);
    const fresh: number[] = [];
    for (let at = start; at < start + length; at++) if (!this.bytes.has(at)) fresh.push(at);
    const isNewRange = !this.bytes.has(start) && !this.bytes.has(start - 1);
    const isRefused = fresh.length === 0 || (isNewRange && this.queue.count >= this.ranges);
    const isTaken = this.queue.insert(
      packet,
      (this.base + start) | 0,
      (this.base + start + length) | 0,
      1,
      this.ranges,
    );
    expect(isTaken).toBe(!isRefused);
    if (!isTaken) {
      packet.release();
      return;
    }
    this.frames++;
    for (const at of fresh) this.bytes.set(at, this.#stamp & 0xff);
  }

  /** Text in order, from `start` on, over what came ahead of it. */
  overlay(start: number, length: number, frameText: number): number {
    const { queue, base, bytes } = this;
    const own = ++this.#stamp & 0xff;
    const packet = chainOf(new Uint8Array(length).fill(own), frameText);
    const end = seq.difference(queue.overlay(packet, (base + start) | 0, (base + start + length) | 0), base);
    this.frames -= queue.takenFrames;
    const text = packet.toBytes();
    expect(text.length).toBe(end - start);
    for (let at = start; at < end; at++) expect(text[at - start]).toBe(bytes.get(at) ?? own);
    // It was cut only in front of text that reaches beyond it.
    for (let at = end; at < start + length; at++) expect(bytes.has(at)).toBe(true);
    for (let at = start; at < end; at++) bytes.delete(at);
    packet.release();
    return end;
  }

  /** Everything up to `position` was received in order. */
  take(position: number): number {
    const { queue, bytes } = this;
    const packet = queue.take((this.base + position) | 0);
    this.frames -= queue.takenFrames;
    for (const at of [...bytes.keys()]) if (at < position) bytes.delete(at);
    if (packet === null) {
      expect(bytes.has(position)).toBe(false);
      return position;
    }
    const end = seq.difference(queue.takenEnd, this.base);
    const text = packet.toBytes();
    expect(text.length).toBe(end - position);
    for (let at = position; at < end; at++) {
      if (bytes.get(at) !== text[at - position]) expect(text[at - position], `byte ${at}`).toBe(bytes.get(at));
      bytes.delete(at);
    }
    expect(bytes.has(end)).toBe(false);
    packet.release();
    return end;
  }

  /** The ranges are those of the map, disjoint, in order, and the counts are right. */
  check(): void {
    const { queue, bytes, base } = this;
    const positions = [...bytes.keys()].sort((a, b) => a - b);
    const expected: [number, number][] = [];
    for (const at of positions) {
      const last = expected.at(-1);
      if (last !== undefined && last[1] === at) last[1] = at + 1;
      else expected.push([at, at + 1]);
    }
    const found: [number, number][] = [];
    for (let i = 0; i < queue.count; i++) {
      found.push([seq.difference(queue.starts[i]!, base), seq.difference(queue.ends[i]!, base)]);
    }
    expect(found).toEqual(expected);
    expect([queue.bytes, queue.frames]).toEqual([positions.length, this.frames]);
    if (queue.count > 0) expect(queue.latest).toBeGreaterThanOrEqual(0);
    expect(queue.latest).toBeLessThan(Math.max(queue.count, 1));
  }
}

type Step =
  | { readonly kind: 'insert'; readonly start: number; readonly length: number; readonly frameText: number }
  | { readonly kind: 'take'; readonly ahead: number }
  | { readonly kind: 'overlay'; readonly length: number; readonly frameText: number }
  | { readonly kind: 'prune' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        kind: fc.constant('insert' as const),
        start: fc.integer({ min: 1, max: 900 }),
        length: fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 700 })),
        frameText: fc.constantFrom(1400, 100, 7),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('take' as const), ahead: fc.integer({ min: 0, max: 120 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('overlay' as const),
        length: fc.integer({ min: 1, max: 300 }),
        frameText: fc.constantFrom(1400, 100, 7),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'prune' as const }) },
  ),
  { minLength: 1, maxLength: 60 },
);

describe('against a model of bytes', () => {
  it('keeps of overlapping segments what came first, in the right place, and counts frames and bytes', () => {
    fc.assert(
      fc.property(steps, fc.constantFrom(0, -500, 0x7fff_fe00), fc.constantFrom(3, 64), (all, base, ranges) => {
        const model = new Model(base, ranges);
        let next = 0;
        for (const step of all) {
          if (step.kind === 'insert') model.insert(next + step.start, step.length, step.frameText);
          else if (step.kind === 'take') next = model.take(next + step.ahead);
          else if (step.kind === 'overlay') next = model.take(model.overlay(next, step.length, step.frameText));
          else prune(model);
          model.check();
        }
        expect(model.queue.clear()).toBe(model.frames);
        expect([model.queue.count, model.queue.bytes, model.queue.frames, pool.outstanding]).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  it('is whole again after the gap is filled, however the segments came', () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...Array(40).keys()].slice(1), { minLength: 39 }), (order) => {
        const model = new Model(-1000, 64);
        for (const index of order) model.insert(index * 50, 50);
        expect(model.queue.count).toBe(1);
        expect(model.take(50)).toBe(2000);
        expect(model.queue.count).toBe(0);
      }),
      { numRuns: 50 },
    );
  });
});

function prune(model: Model): void {
  const { queue, base } = model;
  if (queue.count === 0) {
    expect(queue.prune()).toBe(0);
    return;
  }
  const start = seq.difference(queue.starts[queue.count - 1]!, base);
  for (const at of [...model.bytes.keys()]) if (at >= start) model.bytes.delete(at);
  model.frames -= queue.prune();
}

describe('the latest range, for the first SACK block (RFC 2018 §4)', () => {
  it('is that of the segment that came last, wherever it lies', () => {
    const queue = new ReassemblyQueue();
    const insert = (start: number, length: number) => {
      const packet = chainOf(new Uint8Array(length), 1400);
      if (!queue.insert(packet, start, start + length, 1, 16)) packet.release();
      return [queue.starts[queue.latest], queue.ends[queue.latest]];
    };
    expect(insert(100, 10)).toEqual([100, 110]);
    expect(insert(300, 10)).toEqual([300, 310]);
    expect(insert(50, 10)).toEqual([50, 60]);
    expect(insert(110, 10)).toEqual([100, 120]);
    expect(insert(310, 10)).toEqual([300, 320]);
    // A duplicate too (RFC 2883 §4 puts the block that it lies in second).
    expect(insert(105, 5)).toEqual([100, 120]);
    expect(insert(40, 20)).toEqual([40, 60]);
    queue.take(60)?.release();
    expect(queue.latest).toBeGreaterThanOrEqual(0);
    queue.clear();
    expect(queue.latest).toBe(-1);
  });
});

it('a packet that somebody else has a share in is not written to: it is cut in front of what came first', () => {
  const queue = new ReassemblyQueue();
  queue.insert(chainOf(new Uint8Array(10).fill(1), 1400), 120, 130, 1, 16);
  const packet = chainOf(new Uint8Array(100).fill(2), 30);
  packet.nextSegment!.retain();
  expect(queue.overlay(packet, 50, 150)).toBe(120);
  expect(packet.toBytes()).toEqual(new Uint8Array(70).fill(2));
  packet.nextSegment!.release();
  packet.release();
  expect(queue.clear()).toBe(1);
});

describe('hostile segments (CVE-2018-5390, row 30)', () => {
  const SEGMENTS = 20_000;

  it.each([
    ['every other byte', (i: number) => i * 2],
    ['every other byte, from behind', (i: number) => (SEGMENTS - i) * 2],
    ['every other byte, here and there', (i: number) => ((i * 7919) % SEGMENTS) * 2],
  ])('one-byte segments, %s: no more frames than ranges, in no more than 50 µs each', (_, at) => {
    const queue = new ReassemblyQueue();
    const started = performance.now();
    for (let i = 0; i < SEGMENTS; i++) {
      const packet = pool.take()!;
      packet.length = 1;
      if (!queue.insert(packet, at(i) + 1, at(i) + 2, 1, 1024)) packet.release();
    }
    expect(queue.count).toBe(1024);
    expect(pool.outstanding).toBe(1024);
    // 1 to 3 µs each on a quiet machine.
    expect(performance.now() - started).toBeLessThan(1000);
    queue.clear();
  });

  it.each([
    ['forwards', (i: number) => i],
    ['backwards', (i: number) => SEGMENTS - i],
    ['from both ends', (i: number) => (i % 2 === 0 ? SEGMENTS + i / 2 : SEGMENTS - (i + 1) / 2)],
  ])('one-byte segments that touch, %s, do not take a frame each', (_, at) => {
    const queue = new ReassemblyQueue();
    for (let i = 0; i < SEGMENTS; i++) {
      const packet = pool.take()!;
      packet.length = 1;
      if (!queue.insert(packet, at(i), at(i) + 1, 1, 1024)) packet.release();
    }
    expect(pool.outstanding).toBeLessThanOrEqual(3 + SEGMENTS / 512);
    queue.clear();
  });

  it('segments that each add one byte to what is there keep no frame each', () => {
    const model = new Model(0, 64);
    for (let i = 0; i < 300; i++) model.insert(100, 600 + i);
    for (let i = 0; i < 90; i++) model.insert(99 - i, 600);
    model.check();
    expect(pool.outstanding).toBeLessThanOrEqual(5);
    model.queue.clear();
  });
});
