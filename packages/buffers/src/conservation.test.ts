import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Packet } from './packet.js';
import { PacketMemory } from './packet-memory.js';
import { PacketPool } from './packet-pool.js';

const FRAMES = 6;
const memories = [false, true].map((debug) => PacketMemory.create({ frames: FRAMES + 4, frameSize: 512, debug }));

type Operation =
  | { readonly kind: 'take' | 'send home' }
  | { readonly kind: 'release' | 'retain' | 'lend'; readonly which: number }
  | { readonly kind: 'reclaim' | 'adopt'; readonly frame: number; readonly offset: number };

const which = fc.nat(FRAMES * 2);
const frame = fc.oneof({ arbitrary: fc.integer({ min: 0, max: FRAMES + 4 }), weight: 4 }, fc.integer());
const offset = fc.oneof({ arbitrary: fc.nat(500), weight: 4 }, fc.integer());
const operation: fc.Arbitrary<Operation> = fc.oneof(
  fc.record({ kind: fc.constantFrom('take' as const, 'take' as const, 'send home' as const) }),
  fc.record({ kind: fc.constantFrom('release' as const, 'retain' as const, 'lend' as const), which }),
  fc.record({ kind: fc.constantFrom('reclaim' as const, 'adopt' as const), frame, offset }),
);

/** What a pool promises, the slow way: every frame is in exactly one place. */
class Model {
  /** One entry per owner. */
  readonly owned: Packet[] = [];
  readonly away: Set<number>;
  readonly first: number;

  constructor(first: number, startsEmpty: boolean) {
    this.first = first;
    this.away = new Set(startsEmpty ? Array.from({ length: FRAMES }, (_, i) => first + i) : []);
  }

  get out(): number {
    return new Set(this.owned).size;
  }

  get free(): number {
    return FRAMES - this.out - this.away.size;
  }

  /** One owner's packet, or undefined; that owner is gone afterwards. */
  disown(index: number): Packet | undefined {
    return this.owned.splice(index % Math.max(1, this.owned.length), 1)[0];
  }
}

function perform(pool: PacketPool, model: Model, step: Operation): void {
  switch (step.kind) {
    case 'take': {
      const { free } = model;
      const packet = pool.take();
      expect(packet !== null).toBe(free > 0);
      if (packet === null) return;
      expect(model.owned).not.toContain(packet);
      expect(model.away).not.toContain(packet.frame);
      model.owned.push(packet);
      return;
    }
    case 'send home': {
      const { free } = model;
      const sent = pool.takeReleasedFrame();
      expect(sent >= 0).toBe(free > 0);
      if (sent >= 0) model.away.add(sent);
      return;
    }
    case 'release':
      model.disown(step.which)?.release();
      return;
    case 'retain': {
      const packet = model.owned[step.which % Math.max(1, model.owned.length)];
      if (packet === undefined) return;
      packet.retain();
      model.owned.push(packet);
      return;
    }
    case 'lend': {
      const packet = model.owned[step.which % Math.max(1, model.owned.length)];
      if (packet === undefined || packet.references !== 1) return;
      model.disown(model.owned.indexOf(packet));
      pool.lend(packet);
      model.away.add(packet.frame);
      return;
    }
    case 'reclaim':
      expect(pool.reclaim(step.frame)).toBe(model.away.delete(step.frame));
      return;
    case 'adopt': {
      const base = pool.memory.layout.packetOffset + step.frame * 512;
      const isPossible = model.away.has(step.frame) && step.offset >= 0 && step.offset <= 500;
      const packet = pool.adopt(step.frame, base + step.offset, 12);
      expect(packet !== null).toBe(isPossible);
      if (packet === null) return;
      expect(packet.frame).toBe(step.frame);
      model.away.delete(step.frame);
      model.owned.push(packet);
    }
  }
}

it.each([
  ['', false, false],
  [' in debug mode', true, false],
  [' that starts empty', false, true],
  [' that starts empty in debug mode', true, true],
])('a pool%s: no sequence of operations, sensible or hostile, loses or doubles a frame', (_, debug, startsEmpty) => {
  const memory = memories[debug ? 1 : 0]!;
  const first = 2;
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 120 }), (steps) => {
      const pool = new PacketPool(memory, { firstFrame: first, frames: FRAMES }, { startsEmpty });
      const model = new Model(first, startsEmpty);
      let peak = 0;
      for (const step of steps) {
        perform(pool, model, step);
        peak = Math.max(peak, model.out);
        expect([pool.available, pool.outstanding, pool.lent]).toEqual([model.free, model.out, model.away.size]);
        expect(pool.available + pool.outstanding + pool.lent).toBe(FRAMES);
      }
      expect(pool.peak).toBe(peak);
      expect(pool.statistics.doubleReleases).toBe(0);
      for (const packet of model.owned) packet.release();
      for (const frameAway of model.away) expect(pool.reclaim(frameAway)).toBe(true);
      pool.assertNoLeaks();
      const frames = new Set(Array.from({ length: FRAMES }, () => pool.take()?.frame));
      expect([...frames].sort()).toEqual(Array.from({ length: FRAMES }, (__, i) => first + i));
    }),
    { numRuns: debug ? 60 : 300 },
  );
});
