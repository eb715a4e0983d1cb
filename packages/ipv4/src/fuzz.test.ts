import { ipv4, ipv4Options } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Bench,
  datagram,
  finishAll,
  frame,
  type HostOptions,
  icmp,
  ip,
  PEER,
  pattern,
  repaired,
  US,
  US_MAC,
} from './ipv4.testkit.js';

afterEach(finishAll);

const { ICMP } = ipv4.Protocol;
const quote = datagram(pattern(8), { source: US, destination: PEER });
const seeds = [
  datagram(pattern(64)),
  datagram(pattern(16), { moreFragments: true }),
  datagram(pattern(24), { fragmentOffset: 16 }),
  datagram(icmp(8, 0, 1, pattern(30)), { protocol: ICMP }),
  datagram(icmp(3, 3, 0, quote), { protocol: ICMP }),
  datagram(icmp(3, 4, 1000, quote), { protocol: ICMP }),
  datagram(icmp(11, 0, 0, quote), { protocol: ICMP }),
  datagram(pattern(20), { protocol: 6, moreFragments: true }),
  datagram(pattern(9), { protocol: 99 }),
  datagram(pattern(9), { destination: ip('10.0.0.255') }),
  datagram(pattern(9), { destination: ip('224.0.0.1') }),
  datagram(pattern(9), { destination: ip('99.9.9.9'), options: ipv4Options.build([ipv4Options.routerAlert()]) }),
  datagram(pattern(12), { options: ipv4Options.build([ipv4Options.recordRoute(3)]) }),
];

/** Mutated datagrams, most of them with a header checksum made right again so that they get further. */
function run(count: number, options: HostOptions): void {
  const bench = new Bench({ ...options, icmp: { errorsPerSecond: 1e6, errorsBurst: 1e6 } });
  bench.layer.routes.add({ destination: 0, prefixLength: 0, gateway: PEER, interface: bench.eth });
  const { random } = bench;
  const before = bench.accounts.snapshot().received;
  let replies = 0;
  for (let i = 0; i < count; i++) {
    let bytes: Uint8Array = seeds[random.nextBelow(seeds.length)]!.slice();
    for (let flips = random.nextBelow(4); flips > 0; flips--) {
      // The header more often than the rest.
      bytes[random.nextBelow(random.nextBelow(2) === 0 ? 20 : bytes.length)] = random.nextBelow(256);
    }
    if (random.nextBelow(4) !== 0) {
      const header = (bytes[0]! & 0xf) * 4;
      if (header >= 20 && header <= bytes.length) bytes = repaired(bytes);
    }
    if (random.nextBelow(8) === 0) bytes = bytes.slice(0, random.nextBelow(bytes.length + 1));
    bench.arrive(frame(bytes, US_MAC));
    if (i % 32 === 31) {
      replies += bench.sent().length;
      bench.pass(100_000, 100_000);
    }
  }
  bench.sent();
  const books = bench.accounts.snapshot();
  expect(books.received - before).toBe(count);
  expect(books.unexplained).toBe(0);
  expect(replies).toBeLessThanOrEqual(count);
  // The mutations reach everything: else this test shows little.
  expect(Object.keys(books.dropped).length).toBeGreaterThan(15);
  expect(bench.layer.reassembly.pending).toBeLessThanOrEqual(64);
}

describe('mutated frames', () => {
  it('100,000 into a host: no throw, no leak, every one counted', () => run(100_000, { debug: false }));
  it('20,000 into a router', () => run(20_000, { debug: false, forwarding: true }));
  it('5,000 with the memory in debug mode: nothing is used after its release', () => run(5000, { forwarding: true }));
});
