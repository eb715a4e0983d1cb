import type { Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { DropReason } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { destinationAddress, MAXIMUM_DATAGRAM, sourceAddress, sourcePort } from './index.js';
import { HERE, ip, PEER, TwoHosts } from './two-hosts.testkit.js';

function pattern(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7919) >>> 5);
}

it.each([
  ['over Ethernet, in fragments', {}, [1472, 1473, 2952, 2953, 20_000, MAXIMUM_DATAGRAM]],
  ['over jumbo frames, with the checksum left to the link', { mtu: 9000, checksumOffload: true }, [8972, 8973, 40_001]],
  ['over the narrowest link', { mtu: 68 }, [40, 41, 1000]],
])('datagrams of all sizes arrive as they were sent: %s', (_name, options, lengths) => {
  const bench = new TwoHosts(options);
  const [sender, receiver] = [bench.here.bound(7), bench.peer.bound(9)];
  sender.sendTo(bench.here.packet('resolve'), PEER, 9, bench.here.now);
  bench.settle();
  receiver.receive()!.release();
  for (const length of lengths) {
    const payload = pattern(length);
    expect(sender.sendTo(bench.here.packet(payload), PEER, 9, bench.here.now)).toBe(Errno.NONE);
    bench.settle();
    const packet = receiver.receive()!;
    expect(packet.toBytes()).toEqual(payload);
    expect([sourceAddress(packet), sourcePort(packet), destinationAddress(packet)]).toEqual([HERE, 7, PEER]);
    packet.release();
  }
  expect(bench.peer.accounts.snapshot()).toMatchObject({ delivered: lengths.length + 1, held: 0, dropped: {} });
  bench.finish([sender, receiver]);
});

it('over the loopback the largest datagram is one packet', () => {
  const bench = new TwoHosts();
  const [sender, receiver] = [bench.here.bound(7), bench.here.bound(9)];
  const payload = pattern(MAXIMUM_DATAGRAM);
  expect(sender.sendTo(bench.here.packet(payload), ip('127.0.0.1'), 9, bench.here.now)).toBe(Errno.NONE);
  bench.settle();
  expect(bench.here.interfaces[0]!.link.statistics.receivedPackets).toBe(1);
  const packet = receiver.receive()!;
  expect(packet.toBytes()).toEqual(payload);
  packet.release();
  bench.finish([sender, receiver]);
});

it('a large datagram to a closed port is answered once, and one with a wrong byte is dropped whole', () => {
  const bench = new TwoHosts();
  const sender = bench.here.bound(7);
  const receiver = bench.peer.bound(9);
  sender.sendTo(bench.here.packet('resolve'), PEER, 9, bench.here.now);
  bench.settle();
  receiver.receive()!.release();
  sender.sendTo(bench.here.packet(pattern(5000)), PEER, 10, bench.here.now);
  bench.settle();
  expect(bench.peer.drops(DropReason.UDP_PORT_UNREACHABLE)).toBe(1);
  expect(bench.here.udp.statistics.errorsReported).toBe(1);

  sender.sendTo(bench.here.packet(pattern(5000)), PEER, 9, bench.here.now);
  bench.here.poll();
  // The fragments lie in the cable: flip a bit in the last.
  const burst: Packet[] = [];
  const count = bench.peer.interfaces[1]!.link.receive(burst, 32);
  expect(count).toBe(4);
  const last = burst[3]!;
  last.view.setUint8(last.end - 1, last.view.getUint8(last.end - 1) ^ 1);
  expect(bench.here.interfaces[1]!.link.transmit(burst, 0, count)).toBe(count);
  bench.settle();
  expect(receiver.queued).toBe(0);
  expect(bench.peer.drops(DropReason.UDP_CHECKSUM)).toBe(1);
  bench.finish([sender, receiver]);
});
