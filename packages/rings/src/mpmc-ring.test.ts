import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MpmcRing } from './mpmc-ring.js';
import { SpscRing } from './spsc-ring.js';

type Step =
  | { kind: 'enqueue' | 'dequeue'; by: number }
  | { kind: 'enqueueBurst' | 'dequeueBurst'; by: number; count: number };

const steps: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ kind: fc.constantFrom('enqueue' as const, 'dequeue' as const), by: fc.nat(2) }),
  fc.record({
    kind: fc.constantFrom('enqueueBurst' as const, 'dequeueBurst' as const),
    by: fc.nat(2),
    count: fc.nat(20),
  }),
);

describe('MpmcRing against an array', () => {
  it('keeps order and content for several users, exactly full and empty, across the wrap of its counters', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(2, 4, 8, 16),
        fc.constantFrom(0, 0x7fff_fffd, -3, -0x8000_0000),
        fc.array(steps, { maxLength: 300 }),
        (capacity, start, sequence) => {
          const buffer = new SharedArrayBuffer(MpmcRing.byteLength(capacity));
          const users = [0, 1, 2].map(() => new MpmcRing({ buffer, byteOffset: 0, capacity, start }));
          const model: number[] = [];
          let next = 0;
          let enqueued = 0;
          let dequeued = 0;
          let full = 0;
          let empty = 0;
          for (const step of sequence) {
            const ring = users[step.by]!;
            switch (step.kind) {
              case 'enqueue': {
                const room = model.length < capacity;
                expect(ring.enqueue(next)).toBe(room);
                if (room) {
                  model.push(next++);
                  enqueued++;
                } else full++;
                break;
              }
              case 'dequeue': {
                const item = model.shift();
                expect(ring.dequeue()).toBe(item ?? -1);
                if (item === undefined) empty++;
                else dequeued++;
                break;
              }
              case 'enqueueBurst': {
                const source = Int32Array.from({ length: 3 + step.count }, (_, i) => next + i - 3);
                const done = ring.enqueueBurst(source, 3, step.count);
                expect(done).toBe(Math.min(step.count, capacity - model.length));
                for (let i = 0; i < done; i++) model.push(next++);
                enqueued += done;
                full += step.count - done;
                break;
              }
              case 'dequeueBurst': {
                const target = new Int32Array(3 + step.count);
                const done = ring.dequeueBurst(target, 3, step.count);
                expect(done).toBe(Math.min(step.count, model.length));
                if (model.length === 0 && step.count > 0) empty++;
                expect(Array.from(target.subarray(3, 3 + done))).toEqual(model.splice(0, done));
                dequeued += done;
                break;
              }
            }
            expect(users[0]!.length).toBe(model.length);
            expect(users[1]!.free).toBe(capacity - model.length);
          }
          expect(users[2]!.statistics()).toEqual({ enqueued, dequeued, full, empty });
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('MpmcRing', () => {
  it('refuses a shape that cannot be and memory that holds another ring', () => {
    const buffer = new SharedArrayBuffer(1024);
    const refused = expect.objectContaining({ code: 'EINVAL' });
    for (const capacity of [0, 1, 3, 2 ** 25]) {
      expect(() => new MpmcRing({ buffer, byteOffset: 0, capacity })).toThrow(refused);
    }
    expect(() => new MpmcRing({ buffer, byteOffset: 0, capacity: 1024 })).toThrow(refused);
    new SpscRing({ buffer, byteOffset: 0, capacity: 8 });
    expect(() => new MpmcRing({ buffer, byteOffset: 0, capacity: 8 })).toThrow(refused);
  });

  it('keeps to its bytes', () => {
    const size = MpmcRing.byteLength(4);
    const bytes = new Uint8Array(new SharedArrayBuffer(size + 256)).fill(0xee);
    bytes.fill(0, 128, 128 + size);
    const ring = new MpmcRing({ buffer: bytes.buffer, byteOffset: 128, capacity: 4 });
    for (let i = 0; i < 20; i++) {
      ring.enqueue(i);
      ring.dequeue();
    }
    expect(bytes.subarray(0, 128).every((byte) => byte === 0xee)).toBe(true);
    expect(bytes.subarray(128 + size).every((byte) => byte === 0xee)).toBe(true);
  });
});
