import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Model } from './recovery.testkit.js';

/** Numbers from 0 to 1, the same for the same seed. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let x = Math.imul(state ^ (state >>> 15), 1 | state);
    x = (x + Math.imul(x ^ (x >>> 7), 61 | x)) ^ x;
    return ((x ^ (x >>> 14)) >>> 0) / 2 ** 32;
  };
}

const network = fc.record({
  seed: fc.integer(),
  firstSequence: fc.oneof(fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }), fc.constantFrom(0x7fff_ff00, -0x100)),
  segments: fc.integer({ min: 1, max: 200 }),
  ragged: fc.integer({ min: 0, max: 999 }),
  loss: fc.constantFrom(0, 0.01, 0.05, 0.2),
  acknowledgementLoss: fc.constantFrom(0, 0.01, 0.2),
  duplicate: fc.constantFrom(0, 0.02, 0.2),
  jitter: fc.constantFrom(0, 1000, 200_000),
  delay: fc.constantFrom(20, 5000, 100_000),
  sack: fc.boolean(),
  duplicateSack: fc.boolean(),
  timestamps: fc.boolean(),
  acknowledgeEvery: fc.constantFrom(1, 2),
  maximumRecords: fc.constantFrom(8, 20, 1024),
  peerWindow: fc.constantFrom(1000, 4321, 1 << 20),
  write: fc.constantFrom<[number, number] | undefined>(undefined, [700, 3000], [2500, 700_000]),
});

function run(n: typeof network extends fc.Arbitrary<infer T> ? T : never): Model {
  const random = generator(n.seed);
  const fate = (loss: number) => () => {
    const copies: number[] = [];
    if (random() >= loss) copies.push(n.delay + random() * n.jitter);
    if (random() < n.duplicate) copies.push(n.delay + random() * n.jitter);
    return copies.map(Math.floor);
  };
  const { write, ...rest } = n;
  return new Model({
    ...rest,
    ...(write === undefined ? {} : { write }),
    bytes: n.segments * 1000 + n.ragged,
    fate: fate(n.loss),
    acknowledgementFate: fate(n.acknowledgementLoss),
    timerDelay: () => Math.floor(random() * 256),
  }).run();
}

it('delivers everything through any network, with every invariant kept at every step', () => {
  fc.assert(
    fc.property(network, (n) => {
      const model = run(n);
      expect(model.isDone).toBe(true);
      expect(model.received).toBe(model.options.bytes);
      expect(model.recovery.deadlineKind).toBe(0);
      expect(model.recovery.inFlight).toBe(0);
    }),
    { numRuns: Number(process.env['RUNS'] ?? 300) },
  );
});

it('with SACK, loss alone costs no needless retransmission; up to one segment in a hundred, no timeout either', () => {
  for (const jitter of [0, 2000, 20_000]) {
    for (const loss of [0.001, 0.01, 0.1]) {
      const random = generator(jitter + loss * 1000);
      let lost = 0;
      let needless = 0;
      const seen = new Set<number>();
      const model = new Model({
        bytes: 3_000_000,
        check: false,
        fate: (segment) => {
          if (random() < loss) {
            lost++;
            return [];
          }
          if (seen.has(segment.start)) needless++;
          seen.add(segment.start);
          return [50_000 + Math.floor(random() * jitter)];
        },
      }).run();
      expect(model.isDone).toBe(true);
      expect(lost).toBeGreaterThan(0);
      expect(model.retransmissions).toBe(lost);
      expect(needless).toBe(0);
      if (loss <= 0.01) expect(model.timeouts).toBe(0);
    }
  }
});
