import { SeededRandom } from '@prism-net/tables';
import { describe, expect, it } from 'vitest';
import { InitialSequence } from './initial-sequence.js';
import { instant, ipv4Key, MINUTE, numberedKey, SECOND, TURN, unevenness } from './opening.testkit.js';

const key = ipv4Key(0x0a000001, 0x0a000002, 40_000, 443);

describe('InitialSequence over time (RFC 6528 §3)', () => {
  // RFC 9293 §3.4.1, MUST-8.
  it('rises by one every 4 µs for one name, through five turns of the clock and of the sequence space', () => {
    const generator = new InitialSequence(new SeededRandom(1));
    const first = generator.next(key, 0);
    for (let at = 0; at <= 5 * TURN * 4; at += 50 * MINUTE) {
      const passed = generator.next(key, instant(at)) - first;
      expect(passed | 0, `${at} µs`).toBe((at / 4) | 0);
    }
  });

  it('gives a connection opened later by up to 2 hours a higher number, wherever the clock wraps between', () => {
    for (let start = 0; start < TURN; start += TURN / 16) {
      const generator = new InitialSequence(new SeededRandom(2));
      const first = generator.next(key, instant(start));
      let last = first;
      for (let minutes = 1; minutes <= 120; minutes++) {
        const next = generator.next(key, instant(start + minutes * MINUTE));
        expect((next - last) | 0).toBe((60 * SECOND) / 4);
        last = next;
      }
    }
  });
});

describe('InitialSequence over names', () => {
  it('spreads the numbers of neighbouring names, and the steps between them, evenly', () => {
    const generator = new InitialSequence(new SeededRandom(3));
    const numbers = Array.from({ length: 65_536 }, (_, index) => generator.next(numberedKey(index), 0));
    const steps = numbers.slice(1).map((number, index) => (number - numbers[index]!) | 0);
    expect(unevenness(numbers)).toBeLessThan(5);
    expect(unevenness(steps)).toBeLessThan(5);
    // 2^16 random draws of 2^32 share 0.5 values on average.
    expect(new Set(numbers).size).toBeGreaterThan(65_536 - 8);
  });

  // RFC 9293 §3.4.1, SHLD-1, MUST-9.
  it('changes about half of the bits for any one bit of the name, and for another secret', () => {
    const generator = new InitialSequence(new SeededRandom(4));
    const reference = generator.next(key, 0);
    let changed = 0;
    let trials = 0;
    for (const word of ['a', 'b', 'c', 'd'] as const) {
      for (let bit = 0; bit < 32; bit++) {
        key[word] ^= 1 << bit;
        changed += bitCount(generator.next(key, 0) ^ reference);
        key[word] ^= 1 << bit;
        trials++;
      }
    }
    for (let seed = 100; seed < 200; seed++) {
      changed += bitCount(new InitialSequence(new SeededRandom(seed)).next(key, 0) ^ reference);
      trials++;
    }
    expect(changed / trials).toBeGreaterThan(15);
    expect(changed / trials).toBeLessThan(17);
  });
});

function bitCount(value: number): number {
  let count = 0;
  for (let bit = 0; bit < 32; bit++) count += (value >>> bit) & 1;
  return count;
}
