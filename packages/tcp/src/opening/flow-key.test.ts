import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type FlowAddresses, FlowKey } from './flow-key.js';
import { int32, ipv4Key } from './opening.testkit.js';

const port = fc.integer({ min: 0, max: 65_535 });
const tuple: fc.Arbitrary<[number, number, number, number]> = fc.tuple(int32, int32, port, port);
/** Values from a small set, so that tuples are often equal or differ in one place. */
const similarTuple: fc.Arbitrary<[number, number, number, number]> = fc.tuple(
  fc.constantFrom(1, 2),
  fc.constantFrom(1, 2),
  fc.constantFrom(80, 65_535),
  fc.constantFrom(80, 65_535),
);

function ipv6Key(flow: FlowAddresses, secret: Int32Array): FlowKey {
  const key = new FlowKey();
  key.setIpv6(flow, secret);
  return key;
}

const flow: FlowAddresses = {
  localA: 0x20010db8,
  localB: 0,
  localC: 0,
  localD: 1,
  remoteA: 0x20010db8,
  remoteB: 0,
  remoteC: 0,
  remoteD: 2,
  localPort: 443,
  remotePort: 65_535,
};
const secret = new Int32Array([1, 2, 3, 4]);

describe('FlowKey of IPv4', () => {
  it('is equal for equal 4-tuples and for no others', () => {
    fc.assert(
      fc.property(fc.oneof(tuple, similarTuple), fc.oneof(tuple, similarTuple), (one, other) => {
        const areEqual = one.every((part, index) => part === other[index]);
        expect(ipv4Key(...one).equals(ipv4Key(...other))).toBe(areEqual);
        expect(ipv4Key(...one).equals(ipv4Key(...one))).toBe(true);
      }),
    );
  });

  it('holds int32 words only, with ports above 32,767 too', () => {
    const key = ipv4Key(0x0a000001, 0xc0000201 | 0, 65_535, 65_534);
    expect(key).toMatchObject({ a: 0xc0000201 | 0, b: 0x0a000001, c: 0xfffffffe | 0, d: 4 });
  });
});

describe('FlowKey of IPv6', () => {
  it('depends on every word of the addresses, on their places, on both ports and on the secret', () => {
    const key = ipv6Key(flow, secret);
    expect(key.equals(ipv6Key({ ...flow }, secret))).toBe(true);
    for (const name of Object.keys(flow) as (keyof FlowAddresses)[]) {
      expect(key.equals(ipv6Key({ ...flow, [name]: flow[name] ^ 1 }, secret)), name).toBe(false);
    }
    const swapped = { ...flow, localD: flow.remoteD, remoteD: flow.localD };
    expect(key.equals(ipv6Key(swapped, secret))).toBe(false);
    const elsewhere = ipv6Key(flow, new Int32Array([1, 2, 3, 5]));
    expect([key.a, key.b]).not.toEqual([elsewhere.a, elsewhere.b]);
  });

  it('keeps the pair of hosts apart from the ports', () => {
    const one = ipv6Key(flow, secret);
    const other = ipv6Key({ ...flow, localPort: 1, remotePort: 2 }, secret);
    expect([one.a, one.b, one.d]).toEqual([other.a, other.b, other.d]);
    expect(other.c).toBe(0x0001_0002);
    expect(one.d).toBe(6);
  });
});

it('a key is copied word by word', () => {
  const copy = new FlowKey();
  copy.copy(ipv6Key(flow, secret));
  expect(copy.equals(ipv6Key(flow, secret))).toBe(true);
});
