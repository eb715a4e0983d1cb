import type { RandomSource } from '@prism-net/tables';
import fc from 'fast-check';
import { FlowKey, type FlowWords } from './flow-key.js';

/** One turn of the clock: Instants repeat after this many microseconds. */
export const TURN = 2 ** 32;
export const SECOND = 1_000_000;
export const MINUTE = 60 * SECOND;

export const int32 = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });

export function ipv4Key(local: number, remote: number, localPort: number, remotePort: number): FlowKey {
  const key = new FlowKey();
  key.setIpv4(local, remote, localPort, remotePort);
  return key;
}

/** The `index`th of many different keys, all with IPv4 addresses. */
export function numberedKey(index: number): FlowKey {
  return ipv4Key(0x0a000001, (0x0b000000 + (index >>> 16)) | 0, 80, index & 0xffff);
}

/** Addresses whose eight words are first, first + 1, … */
export function words(first: number): FlowWords {
  return {
    localA: first,
    localB: first + 1,
    localC: first + 2,
    localD: first + 3,
    remoteA: first + 4,
    remoteB: first + 5,
    remoteC: first + 6,
    remoteD: first + 7,
  };
}

/** An Instant from microseconds since the origin, however many. */
export function instant(microseconds: number): number {
  return microseconds | 0;
}

/** A source that gives the same number for ever. */
export function constantRandom(value: number): RandomSource {
  return { nextInt32: () => value };
}

/**
 * How far the low eight bits and the high eight bits of int32 values are from evenly spread, in standard deviations: the
 * greater of the two chi-square statistics with 255 degrees of freedom, normalised. Random values stay below 5.
 */
export function unevenness(values: readonly number[]): number {
  return Math.max(
    chiSquare(values.map((value) => value & 255)),
    chiSquare(values.map((value) => (value >>> 24) & 255)),
  );
}

function chiSquare(bytes: readonly number[]): number {
  const counts = new Array<number>(256).fill(0);
  for (const byte of bytes) counts[byte]! += 1;
  const expected = bytes.length / 256;
  let sum = 0;
  for (const count of counts) sum += (count - expected) ** 2 / expected;
  return Math.abs(sum - 255) / Math.sqrt(2 * 255);
}
