import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LevelBitmap } from './level-bitmap.js';

describe('level bitmap', () => {
  it('finds the same neighbours as a search level by level, at every level', () => {
    const levels = 4096;
    // Mostly far apart, so that whole words and whole summary words are empty in between.
    const change = fc.tuple(fc.integer({ min: 0, max: levels - 1 }), fc.boolean());
    fc.assert(
      fc.property(fc.array(change, { maxLength: 30 }), (changes) => {
        const bitmap = new LevelBitmap(levels);
        const occupied = new Set<number>();
        for (const [level, on] of changes) {
          if (on) {
            bitmap.set(level);
            occupied.add(level);
          } else {
            bitmap.clear(level);
            occupied.delete(level);
          }
        }
        let below = -1;
        for (let level = 0; level < levels; level++) {
          if (occupied.has(level)) below = level;
          if (bitmap.atOrBelow(level) !== below) throw new Error(`atOrBelow(${level})`);
        }
        let above = levels;
        for (let level = levels - 1; level >= 0; level--) {
          if (occupied.has(level)) above = level;
          if (bitmap.atOrAbove(level) !== above) throw new Error(`atOrAbove(${level})`);
        }
      }),
      { numRuns: 150 },
    );
  });

  it('answers with the ends when asked beyond them', () => {
    const bitmap = new LevelBitmap(1024);
    bitmap.set(0);
    bitmap.set(1023);
    expect(bitmap.atOrBelow(-1)).toBe(-1);
    expect(bitmap.atOrAbove(1024)).toBe(1024);
    expect(bitmap.atOrAbove(1)).toBe(1023);
    expect(bitmap.atOrBelow(1022)).toBe(0);
    bitmap.clear(0);
    bitmap.clear(1023);
    expect(bitmap.atOrAbove(0)).toBe(1024);
    expect(bitmap.atOrBelow(1023)).toBe(-1);
  });
});
