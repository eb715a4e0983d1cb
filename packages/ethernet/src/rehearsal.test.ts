import { ChecksumState, PacketFlag } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { ethernet } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { Bench, PEER, PEER_IP, US } from './ethernet.testkit.js';
import { NeighbourState } from './neighbour.js';

const { IPV4 } = ethernet.EtherType;

function rehearse(bench: Bench, payload = Uint8Array.of(1)): Errno {
  const packet = bench.packet(payload);
  packet.flags = PacketFlag.REHEARSAL;
  return bench.interface.sendToNeighbour(packet, IPV4, PEER_IP, bench.now);
}

it('a rehearsal writes the frame a send would, and releases it', () => {
  const bench = new Bench();
  const { neighbours } = bench.interface;
  neighbours.addPermanent(PEER_IP, PEER.high, PEER.low);
  const packet = bench.packet(Uint8Array.of(7));
  packet.retain();
  packet.flags = PacketFlag.REHEARSAL;
  expect(bench.interface.sendToNeighbour(packet, IPV4, PEER_IP, bench.now)).toBe(Errno.NONE);
  const rehearsed = packet.toBytes();
  packet.release();
  expect(bench.interface.transmitQueued).toBe(0);
  expect(bench.sent()).toEqual([]);
  bench.send(7);
  expect(bench.sent()).toEqual([rehearsed]);
  bench.finish();
});

it('a rehearsal asks for no neighbour and waits for none, whatever its state', () => {
  const bench = new Bench();
  const { neighbours } = bench.interface;
  expect(rehearse(bench)).toBe(Errno.NONE);
  expect(neighbours.size).toBe(0);
  bench.send(1);
  expect(bench.sent()).toHaveLength(1); // the request
  expect(rehearse(bench)).toBe(Errno.NONE);
  expect([neighbours.pendingPackets, bench.sent().length]).toEqual([1, 0]);
  neighbours.learn(PEER_IP, PEER.high, PEER.low, true, true, bench.now);
  expect(bench.sent()).toHaveLength(1); // what waited
  neighbours.learn(PEER_IP, US.high, 99, true, true, bench.now);
  expect(rehearse(bench)).toBe(Errno.NONE);
  expect(neighbours.state(neighbours.lookup(PEER_IP))).toBe(NeighbourState.STALE);
  expect(bench.sent()).toEqual([]);
  bench.finish();
});

it('a rehearsal hears of a neighbour that failed, uncounted', () => {
  const bench = new Bench();
  bench.send(1);
  bench.pass(3_500_000);
  bench.sent();
  const dropped = bench.accounts.transmitSnapshot();
  expect(rehearse(bench)).toBe(Errno.EHOSTUNREACH);
  expect(bench.accounts.transmitSnapshot()).toEqual(dropped);
  bench.finish();
});

it('a rehearsal hears that the queue is full, uncounted, and of room again', () => {
  const bench = new Bench({ transmitQueue: 50 });
  bench.interface.neighbours.addPermanent(PEER_IP, PEER.high, PEER.low);
  // The cable takes 256.
  for (let mark = 0; mark < 306; mark++) expect(bench.send(mark & 0xff)).toBe(Errno.NONE);
  const { outstanding } = bench.pool;
  const refused = { ...bench.link.statistics };
  expect(rehearse(bench)).toBe(Errno.ENOBUFS);
  expect(bench.interface.transmitQueued).toBe(50);
  expect(bench.pool.outstanding).toBe(outstanding);
  expect({ ...bench.link.statistics }).toEqual(refused);
  expect(bench.accounts.transmitSnapshot()).toEqual({});
  expect(bench.sent()).toHaveLength(256);
  expect(bench.sent()).toHaveLength(50);
  expect(rehearse(bench)).toBe(Errno.NONE);
  bench.finish();
});

it('what a rehearsal never was it does not overwrite: packets that wait leave as they were', () => {
  const bench = new Bench({ transmitQueue: 4, burst: 4 });
  bench.interface.neighbours.addPermanent(PEER_IP, PEER.high, PEER.low);
  const marks: number[] = [];
  for (let mark = 0; mark < 40; mark++) {
    bench.send(mark);
    rehearse(bench);
    if (mark % 3 === 0) for (const frame of bench.sent()) marks.push(frame[14]!);
  }
  for (const frame of bench.sent()) marks.push(frame[14]!);
  expect(marks).toEqual(Array.from({ length: 40 }, (_, mark) => mark));
  bench.finish();
});

it('a rehearsed virtual segment that would be cut is not, and a frame that is too long is refused', () => {
  const bench = new Bench();
  bench.interface.neighbours.addPermanent(PEER_IP, PEER.high, PEER.low);
  const packet = bench.packet(new Uint8Array(200));
  packet.flags = PacketFlag.REHEARSAL;
  packet.gsoSize = 100;
  packet.checksumState = ChecksumState.PARTIAL;
  expect(bench.interface.sendToNeighbour(packet, IPV4, PEER_IP, bench.now)).toBe(Errno.NONE);
  expect(rehearse(bench, new Uint8Array(1501))).toBe(Errno.EMSGSIZE);
  expect(bench.accounts.transmitSnapshot()).toEqual({});
  expect(bench.sent()).toEqual([]);
  bench.finish();
});

it('whole frames are sent as they are, behind what waits, and dropped once closed', () => {
  const bench = new Bench();
  bench.interface.neighbours.addPermanent(PEER_IP, PEER.high, PEER.low);
  bench.send(1);
  const frame = Uint8Array.from({ length: 60 }, (_, i) => i);
  expect(bench.interface.sendFrame(bench.packet(frame))).toBe(Errno.NONE);
  expect(bench.sent().at(-1)).toEqual(frame);
  bench.interface.close();
  expect(bench.interface.sendFrame(bench.packet(frame))).toBe(Errno.ENETDOWN);
  expect(bench.accounts.transmitSnapshot()).toEqual({ TRANSMIT_LINK_CLOSED: 1 });
  expect(rehearse(bench)).toBe(Errno.ENOBUFS);
  expect(bench.accounts.transmitSnapshot()).toEqual({ TRANSMIT_LINK_CLOSED: 1 });
  expect(bench.send(1)).toBe(Errno.ENOBUFS);
  bench.finish();
});
