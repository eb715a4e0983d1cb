import { createPipe, type Impairments, impair } from '@prism-net/link';
import { expect, it } from 'vitest';
import { HERE, Network, PEER } from './two-hosts.testkit.js';

const DATAGRAMS = 2000;

/** Sends numbered datagrams over a bad network; the receiver's books must balance whatever happens. */
function run(seed: number, transmit: Impairments) {
  const network = new Network();
  const [left, right] = createPipe();
  const { memory: _memory, ...common } = network.common;
  const here = network.add({ ...common, link: right, address: `${HERE}/24` });
  const link = impair(left, { seed, clock: network.clock, pool: here.pool, transmit });
  const peer = network.add({ link, address: `${PEER}/24` });
  // The impaired end sends.
  const sender = peer.udpSocket({ port: 1 }).connect(7, HERE);
  const receiver = here.udpSocket({ port: 7 });
  const seen: number[] = [];
  receiver.onMessage(({ data }) => seen.push(new DataView(data.buffer).getInt32(0)));
  here.interfaces[1]!.arp.addStaticNeighbour(0x0a000002, 0x0200, 1);
  peer.interfaces[1]!.arp.addStaticNeighbour(0x0a000001, 0x0200, 2);
  const payload = new Uint8Array(2100);
  for (let i = 0; i < DATAGRAMS; i++) {
    new DataView(payload.buffer).setInt32(0, i);
    // Every fourth is sent in two fragments.
    sender.send(i % 4 === 0 ? payload : payload.subarray(0, 100));
    network.pass(1, 1);
  }
  network.pass(61_000, 1000);
  const { receive, interfaces } = here.statistics();
  const impairments = link.impairments.transmit;
  const sent = peer.statistics().interfaces[1]!.link.transmittedPackets;
  expect(receive.unexplained).toBe(0);
  expect(receive.held).toBe(0);
  const { lost, duplicated } = impairments;
  expect(interfaces[1]!.link.receivedPackets).toBe(sent - lost + duplicated);
  const dropped = Object.values(receive.dropped).reduce((sum, count) => sum + count, 0);
  expect(receive.received).toBe(receive.delivered + receive.handled + dropped);
  expect(receive.delivered).toBe(seen.length);
  network.finish();
  return { seen, dropped: receive.dropped, lost, duplicated, corrupted: impairments.corrupted };
}

it('over a perfect link everything arrives once and in order', () => {
  const { seen, dropped } = run(1, {});
  expect(seen).toEqual(Array.from({ length: DATAGRAMS }, (_, i) => i));
  expect(dropped).toEqual({});
});

it('loss, duplication, reordering and corruption: every frame is accounted for, nothing wrong is delivered', () => {
  const bad: Impairments = { loss: 0.05, duplicate: 0.05, corrupt: 0.05, reorder: 0.05, reorderMicroseconds: 5000 };
  const first = run(7, bad);
  expect(first.lost).toBeGreaterThan(50);
  expect(first.duplicated).toBeGreaterThan(50);
  expect(first.corrupted).toBeGreaterThan(50);
  expect(first.dropped).toHaveProperty('UDP_CHECKSUM');
  expect(first.dropped).toHaveProperty('IPV4_CHECKSUM');
  expect(first.dropped).toHaveProperty('FRAGMENT_TIMEOUT');
  expect(first.dropped).toHaveProperty('FRAGMENT_DUPLICATE');
  expect(first.seen.every((number) => number >= 0 && number < DATAGRAMS)).toBe(true);
  expect(first.seen).not.toEqual([...first.seen].sort((a, b) => a - b));
  // Datagrams that arrived at least once: lost or corrupted in about a tenth of the cases, fragments twice as often.
  expect(new Set(first.seen).size).toBeGreaterThan(DATAGRAMS * 0.82);
  expect(run(7, bad)).toEqual(first);
  expect(run(8, bad).seen).not.toEqual(first.seen);
});
