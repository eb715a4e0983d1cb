import { SeededRandom } from '@prism-net/tables';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EphemeralPorts, EXHAUSTED_MICROSECONDS } from './ephemeral-ports.js';
import { constantRandom, ipv4Key, unevenness } from './opening.testkit.js';

const HERE = 0x0a000001;
const peer = (address: number) => ipv4Key(HERE, address, 0, 0);
const always = () => true;

describe('EphemeralPorts over one range', () => {
  it('asks for every port of the range, finds the only free one, and gives up with 0', () => {
    const range = fc
      .tuple(fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 0, max: 300 }))
      .map(([first, more]) => [first, Math.min(first + more, 65_535)] as const);
    fc.assert(
      fc.property(range, fc.nat(), fc.nat(1000), ([first, last], pick, choices) => {
        const ports = new EphemeralPorts(new SeededRandom(pick), first, last);
        for (let choice = 0; choice < choices; choice++) ports.choose(peer(1), 80, 0, always);
        const asked: number[] = [];
        const free = first + (pick % (last - first + 1));
        expect(ports.choose(peer(1), 80, 0, (port) => asked.push(port) > 0 && false)).toBe(0);
        expect(asked.sort((a, b) => a - b)).toEqual(Array.from({ length: last - first + 1 }, (_, i) => first + i));
        expect(ports.choose(peer(1), 80, EXHAUSTED_MICROSECONDS, (port) => port === free)).toBe(free);
        expect(ports.choose(peer(2), 80, 0, (port) => port === free)).toBe(free);
      }),
    );
  });

  it('takes 16,384 questions, and no more, to find that all ports are taken', () => {
    const ports = new EphemeralPorts(new SeededRandom(1), 49_152, 65_535);
    let questions = 0;
    expect(ports.choose(peer(1), 80, 0, () => ++questions < 0)).toBe(0);
    expect(questions).toBe(16_384);
  });

  it('asks for none again for 50 ms when all were taken, but for those that were given back; other destinations are asked for', () => {
    const ports = new EphemeralPorts(new SeededRandom(1), 49_152, 65_535);
    const free = new Set<number>();
    let questions = 0;
    const isFree = (port: number): boolean => {
      questions++;
      return free.delete(port);
    };
    /** Questions of a choice, and what was chosen. */
    const choose = (now: number, to = 1): [number, number] => {
      questions = 0;
      const port = ports.choose(peer(to), 80, now, isFree);
      return [questions, port];
    };
    const giveBack = (port: number) => {
      free.add(port);
      ports.giveBack(port);
    };
    expect(choose(-100)).toEqual([16_384, 0]);
    for (let i = 0; i < 1000; i++) expect(choose(i)).toEqual([0, 0]);
    expect(choose(1000, 2)).toEqual([16_384, 0]);
    for (let port = 50_000; port < 50_100; port++) {
      giveBack(port);
      const [asked, chosen] = choose(1000);
      expect(chosen).toBe(port);
      expect(asked).toBeLessThanOrEqual(32 + 64);
    }
    // More were given back meanwhile than are remembered.
    expect(choose(1000, 2)).toEqual([16_384 + 64, 0]);
    // Ports of listeners, which strangers connect to and leave, are none of these.
    for (let i = 0; i < 1000; i++) ports.giveBack(80);
    expect(choose(1000, 2)).toEqual([0, 0]);
    // More than are remembered: all of them are found all the same.
    for (let port = 60_000; port < 60_200; port++) giveBack(port);
    const found = Array.from({ length: 200 }, () => choose(1000)[1]);
    expect(new Set(found)).toEqual(new Set(Array.from({ length: 200 }, (_, i) => 60_000 + i)));
    expect(choose(1000)[1]).toBe(0);
    // What is free without having been given back is found with the next search.
    free.add(49_999);
    expect(choose(50_000)).toEqual([0, 0]);
    expect(choose(51_000)[1]).toBe(49_999);
  });

  it.each([
    [0, 10],
    [10, 9],
    [1, 65_536],
    [1.5, 9],
  ])('refuses the range %s to %s', (first, last) => {
    expect(() => new EphemeralPorts(new SeededRandom(1), first, last)).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  });
});

describe('EphemeralPorts to one destination (RFC 6056 §3.3.4)', () => {
  it('repeats a port only after it went through the range', () => {
    const ports = new EphemeralPorts(constantRandom(0), 49_152, 65_535);
    const chosen = Array.from({ length: 16_384 }, () => ports.choose(peer(1), 80, 0, always));
    expect(new Set(chosen).size).toBe(16_384);
  });

  it('goes on by 1 to 8, never by an amount that tells how many connections there were', () => {
    const ports = new EphemeralPorts(new SeededRandom(1), 49_152, 65_535);
    const steps = new Set<number>();
    let last = ports.choose(peer(1), 80, 0, always);
    for (let choice = 0; choice < 100_000; choice++) {
      const port = ports.choose(peer(1), 80, 0, always);
      steps.add((port - last + 16_384) % 16_384);
      last = port;
    }
    expect([...steps].sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('passes over ports in use without losing its place', () => {
    const ports = new EphemeralPorts(constantRandom(0), 1000, 1999);
    const first = ports.choose(peer(1), 80, 0, always);
    let asked = 0;
    const later = ports.choose(peer(1), 80, 0, () => ++asked > 10);
    expect((later - first + 1000) % 1000).toBe(11);
    expect((ports.choose(peer(1), 80, 0, always) - later + 1000) % 1000).toBe(1);
  });
});

describe('EphemeralPorts to different destinations', () => {
  it('starts at a place of its own for each address and each port, evenly spread', () => {
    const ports = new EphemeralPorts(new SeededRandom(5), 1, 65_535);
    const byAddress = Array.from({ length: 65_536 }, (_, address) => ports.choose(peer(address), 80, 0, always) - 1);
    const byPort = Array.from({ length: 65_536 }, (_, port) => ports.choose(peer(1), port, 0, always) - 1);
    // All 16 bits: the low byte in place, the high byte moved to the top.
    for (const starts of [byAddress, byPort]) {
      expect(unevenness(starts.map((start) => (start << 16) | start))).toBeLessThan(5);
      const steps = starts.slice(1).map((start, index) => (start - starts[index]!) & 0xffff);
      expect(unevenness(steps.map((step) => (step << 16) | step))).toBeLessThan(5);
    }
  });

  it('does not show to one destination that there were connections to another', () => {
    const quiet = new EphemeralPorts(constantRandom(0), 1, 65_535);
    const busy = new EphemeralPorts(constantRandom(0), 1, 65_535);
    let different = 0;
    for (let address = 1; address <= 1000; address++) {
      for (let choice = 0; choice < 10; choice++) busy.choose(peer(-address), 80, 0, always);
      if (quiet.choose(peer(address), 80, 0, always) !== busy.choose(peer(address), 80, 0, always)) different++;
    }
    // 1000 others over 65,536 counters: one destination in 131 shares its counter, on average over the loop.
    expect(different).toBeLessThan(30);
  });
});
