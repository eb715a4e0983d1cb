import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpscRing } from './spsc-ring.js';

const STARTS = [0, 0x7fff_fffd, -3, -0x8000_0000];

function pair(capacity: number, wordsPerItem: number, start: number): [SpscRing, SpscRing] {
  const buffer = new SharedArrayBuffer(64 + SpscRing.byteLength(capacity, wordsPerItem));
  const options = { buffer, byteOffset: 64, capacity, wordsPerItem, start };
  return [new SpscRing(options), new SpscRing(options)];
}

type Step =
  | { kind: 'enqueue' | 'dequeue' | 'release' | 'peek' }
  | { kind: 'enqueueBurst' | 'dequeueBurst' | 'reserve' | 'consume'; count: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('enqueue' as const, 'dequeue' as const, 'release' as const, 'peek' as const) }),
  fc.record({
    kind: fc.constantFrom(
      'enqueueBurst' as const,
      'dequeueBurst' as const,
      'reserve' as const,
      'reserve' as const,
      'consume' as const,
    ),
    count: fc.nat(20),
  }),
);

describe('SpscRing against an array', () => {
  it('keeps order and content, refuses only what does not fit, across the wrap of its counters', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 4, 8, 16),
        fc.constantFrom(1, 3),
        fc.constantFrom(...STARTS),
        fc.boolean(),
        fc.array(steps, { maxLength: 300 }),
        (capacity, size, start, oneObject, sequence) => {
          const [producer, other] = pair(capacity, size, start);
          const consumer = oneObject ? producer : other;
          const model: number[] = [];
          let enqueued = 0;
          let dequeued = 0;
          let full = 0;
          let empty = 0;
          let next = 0;
          const late = Math.max(1, capacity >> 2) - 1; // slots the consumer may hold back
          const refusal = () => expect(model.length + late).toBeGreaterThanOrEqual(capacity);
          const took = (first: number) => {
            dequeued++;
            expect(first).toBe(model.shift());
          };
          for (const step of sequence) {
            switch (step.kind) {
              case 'enqueue':
                if (producer.enqueue(next)) {
                  model.push(next++);
                  enqueued++;
                } else {
                  full++;
                  refusal();
                }
                break;
              case 'dequeue': {
                const item = consumer.dequeue();
                if (model.length === 0) {
                  expect(item).toBe(-1);
                  empty++;
                  expect(producer.free).toBe(capacity); // found empty: everything was given back
                } else took(item);
                break;
              }
              case 'release':
                consumer.release();
                expect(producer.free).toBe(capacity - model.length);
                break;
              case 'peek': {
                const at = consumer.peek();
                if (model.length === 0) {
                  expect(at).toBe(-1);
                  empty++;
                } else expect(consumer.words[at]).toBe(model[0]);
                if (model.length > 1) expect(consumer.words[consumer.peek(model.length - 1)]).toBe(model.at(-1));
                if (model.length > 0) expect(consumer.peek(model.length)).toBe(-1);
                break;
              }
              case 'enqueueBurst': {
                const source = new Int32Array(2 + step.count * size);
                for (let i = 0; i < step.count * size; i++) source[2 + i] = i % size === 0 ? next + i / size : i;
                const done = producer.enqueueBurst(source, 2, step.count);
                for (let i = 0; i < done; i++) model.push(next++);
                enqueued += done;
                full += step.count - done;
                if (done < step.count) refusal();
                break;
              }
              case 'dequeueBurst': {
                const target = new Int32Array(2 + step.count * size);
                const done = consumer.dequeueBurst(target, 2, step.count);
                expect(done).toBe(Math.min(step.count, model.length));
                if (model.length === 0 && step.count > 0) empty++;
                for (let i = 0; i < done; i++) took(target[2 + i * size]!);
                break;
              }
              case 'reserve': {
                let done = 0;
                for (; done < step.count; done++) {
                  const at = producer.reserve();
                  if (at < 0) {
                    full++;
                    expect(model.length + done + late).toBeGreaterThanOrEqual(capacity);
                    break;
                  }
                  producer.words[at] = next + done;
                }
                expect(consumer.length).toBe(model.length); // not visible yet
                if (step.count % 5 === 4) producer.abandon();
                else {
                  producer.commit();
                  for (let i = 0; i < done; i++) model.push(next++);
                  enqueued += done;
                }
                break;
              }
              case 'consume': {
                let shown = 0;
                while (shown < Math.min(step.count, model.length)) {
                  expect(consumer.words[consumer.peek(shown)]).toBe(model[shown]);
                  shown++;
                }
                // What was shown but not consumed is not given back.
                expect(producer.free).toBeLessThanOrEqual(capacity - model.length);
                for (let i = 0; i < shown; i++) took(model[0]!);
                consumer.consume(shown);
                break;
              }
            }
            expect(consumer.length).toBe(model.length);
          }
          consumer.release();
          expect(producer.length).toBe(model.length);
          expect(producer.statistics()).toEqual({ enqueued, dequeued, full, empty });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('SpscRing', () => {
  it('counts reserved records as no longer free, on the producer’s object', () => {
    const options = { buffer: new SharedArrayBuffer(SpscRing.byteLength(8)), byteOffset: 0, capacity: 8 };
    const producer = new SpscRing(options);
    const consumer = new SpscRing(options);
    for (let reserved = 1; reserved <= 8; reserved++) {
      expect(producer.reserve()).toBeGreaterThanOrEqual(0);
      expect(producer.free).toBe(8 - reserved);
      expect(consumer.free).toBe(8);
    }
    producer.abandon();
    expect(producer.free).toBe(8);
  });

  it('gives slots back when a quarter of the capacity was read, not before', () => {
    const [producer, consumer] = pair(16, 1, 0);
    for (let i = 0; i < 16; i++) expect(producer.enqueue(i)).toBe(true);
    expect([consumer.dequeue(), consumer.dequeue(), consumer.dequeue()]).toEqual([0, 1, 2]);
    expect(producer.enqueue(16)).toBe(false);
    expect(consumer.dequeue()).toBe(3);
    expect(producer.enqueueBurst(new Int32Array([16, 17, 18, 19, 20]), 0, 5)).toBe(4);
  });

  it('never hands a record back before it was consumed, even when the ring is looked at as empty', () => {
    const [producer, consumer] = pair(1, 4, 0);
    producer.words[producer.reserve()] = 5;
    producer.commit();
    const at = consumer.peek();
    expect(consumer.words[at]).toBe(5);
    expect(consumer.peek(1)).toBe(-1);
    expect(producer.reserve()).toBe(-1);
    consumer.consume();
    expect(producer.reserve()).toBeGreaterThan(0);
  });

  it('lets a thread that comes later carry on where the ring stands', () => {
    const buffer = new SharedArrayBuffer(SpscRing.byteLength(8));
    const options = { buffer, byteOffset: 0, capacity: 8 };
    const first = new SpscRing(options);
    for (let i = 0; i < 6; i++) first.enqueue(i);
    for (let i = 0; i < 4; i++) first.dequeue();
    const second = new SpscRing(options);
    expect([second.dequeue(), second.dequeue(), second.dequeue()]).toEqual([4, 5, -1]);
  });

  it('keeps to its bytes', () => {
    const size = SpscRing.byteLength(4, 3);
    const bytes = new Uint8Array(new SharedArrayBuffer(size + 256)).fill(0xee);
    bytes.fill(0, 128, 128 + size);
    const ring = new SpscRing({ buffer: bytes.buffer, byteOffset: 128, capacity: 4, wordsPerItem: 3 });
    const items = new Int32Array(30).fill(-1);
    for (let i = 0; i < 10; i++) {
      ring.enqueueBurst(items, 0, 3);
      ring.dequeueBurst(items, 0, 4);
    }
    expect(bytes.subarray(0, 128).every((byte) => byte === 0xee)).toBe(true);
    expect(bytes.subarray(128 + size).every((byte) => byte === 0xee)).toBe(true);
    expect(size % 128).toBe(0);
  });

  it('refuses a shape that cannot be, memory that is too small, and two users who disagree', () => {
    const buffer = new SharedArrayBuffer(SpscRing.byteLength(8));
    const refused = expect.objectContaining({ code: 'EINVAL' });
    for (const capacity of [0, 3, -4, 1.5, 2 ** 25]) {
      expect(() => new SpscRing({ buffer, byteOffset: 0, capacity })).toThrow(refused);
    }
    expect(() => new SpscRing({ buffer, byteOffset: 4, capacity: 8 })).toThrow(refused);
    expect(() => new SpscRing({ buffer, byteOffset: 0, capacity: 1024 })).toThrow(refused);
    expect(() => new SpscRing({ buffer, byteOffset: 0, capacity: 8, wordsPerItem: 0 })).toThrow(refused);
    new SpscRing({ buffer, byteOffset: 0, capacity: 8 });
    expect(() => new SpscRing({ buffer, byteOffset: 0, capacity: 4 })).toThrow(refused);
  });
});
