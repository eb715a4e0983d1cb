import type { Packet } from '@prism-net/buffers';
import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { HERE, ip, PEER, TwoHosts } from './two-hosts.testkit.js';

const ROUNDS = 5000;
const BURST = 16;

it.each([
  ['unicast to a bound endpoint', PEER, false, false],
  ['unicast to a connected endpoint, checksums by the link', PEER, true, true],
  ['multicast', ip('239.1.2.3'), false, false],
])('80,000 datagrams through two hosts allocate nothing: %s', (_name, destination, connected, checksumOffload) => {
  const bench = new TwoHosts({ debug: false, checksumOffload });
  const { here, peer } = bench;
  const sender = here.bound(7);
  const receiver = peer.bound(9);
  if (destination === PEER) {
    sender.sendTo(here.packet('resolve'), PEER, 9, here.now);
    bench.settle();
  } else receiver.joinGroup(destination);
  if (connected) {
    sender.connect(PEER, 9);
    receiver.connect(HERE, 7);
  }
  const burst: Packet[] = [];
  let received = 0;
  const bytes = steadyStateBytes(() => {
    const now = here.now;
    for (let round = 0; round < ROUNDS; round = (round + 1) | 0) {
      for (let i = 0; i < BURST; i = (i + 1) | 0) {
        const packet = sender.reserve()!;
        packet.length = 64;
        packet.view.setInt32(packet.offset, i);
        if (connected) sender.send(packet, now);
        else sender.sendTo(packet, destination, 9, now);
      }
      here.interfaces[1]!.flush();
      peer.interfaces[1]!.poll(32, now);
      const count = receiver.receiveBurst(burst, BURST);
      for (let i = 0; i < count; i = (i + 1) | 0) burst[i]!.release();
      received = (received + count) | 0;
    }
  });
  expect(received).toBeGreaterThanOrEqual(10 * ROUNDS * BURST);
  expect(bytes).toBeLessThan(16_384);
  bench.finish([sender, receiver]);
});
