import { PacketFlag } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { DropReason, ethernet } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, ip, OTHER, OWN_IP, PEER, PEER_IP, parse, reply, request, SECOND } from './ethernet.testkit.js';
import { NeighbourState } from './neighbour.js';

const STRANGERS = ip('10.0.1.0');
let bench: Bench;

function start(neighbours: { capacity: number; pendingTotal?: number; provokedPerSecond?: number }): void {
  bench = new Bench({ neighbours }, false, { capacity: 4096 });
  bench.interface.addIpv4Address(OWN_IP, bench.now);
  bench.sent();
}

/** An answer to whoever claims to be `to`. */
function answer(mark: number, to: number): Errno {
  const packet = bench.packet(Uint8Array.of(mark));
  packet.flags |= PacketFlag.PROVOKED;
  return bench.interface.sendToNeighbour(packet, ethernet.EtherType.IPV4, to, bench.now) as Errno;
}

function flood(count: number, first = 0): void {
  for (let i = first; i < first + count; i++) answer(1, STRANGERS + i);
}

function state(address: number): NeighbourState | undefined {
  return bench.interface.neighbours.list().find((entry) => entry.address === address)?.state;
}

function count(wanted: NeighbourState): number {
  return bench.interface.neighbours.list().filter((entry) => entry.state === wanted).length;
}

/** Talks to a neighbour, which answers. */
function resolve(address: number): void {
  bench.send(1, address);
  bench.arrive(reply(address, OWN_IP));
  bench.sent();
}

describe('answers to strangers who claim to be neighbours', () => {
  afterEach(() => bench.finish());

  it('take a quarter of the table and give way to one another, the oldest first; what waited is dropped and counted', () => {
    start({ capacity: 64 });
    bench.pass(SECOND);
    flood(16);
    expect(count(NeighbourState.INCOMPLETE)).toBe(16);
    bench.pass(SECOND);
    flood(8, 100);
    expect(count(NeighbourState.INCOMPLETE)).toBe(16);
    expect(state(STRANGERS + 7)).toBeUndefined();
    expect(state(STRANGERS + 8)).toBe(NeighbourState.INCOMPLETE);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_QUEUE_FULL)).toBe(8);
    expect(bench.interface.neighbours.pendingPackets).toBe(16);
  });

  it('displace no neighbour that is known, in use or not, beyond the first when the table is full of them', () => {
    start({ capacity: 64 });
    for (let i = 0; i < 64; i++) resolve(PEER_IP + i);
    for (let round = 0; round < 20; round++) {
      flood(100, round * 100);
      bench.pass(100_000);
      bench.sent();
    }
    expect(count(NeighbourState.REACHABLE)).toBe(63);
    expect(count(NeighbourState.INCOMPLETE) + count(NeighbourState.FAILED)).toBe(1);
  });

  it('make no more requests than their rate, and two more for each that stays', () => {
    start({ capacity: 1024, provokedPerSecond: 100 });
    let requests = 0;
    for (let i = 0; i < 500; i++) {
      flood(40, i * 40);
      bench.pass(10_000);
      requests += bench.sent().length;
    }
    // 256 at once and 100 a second, of which none is displaced in less than a second.
    expect(requests).toBeGreaterThan(256 + 450);
    expect(requests).toBeLessThanOrEqual(3 * (256 + 500));
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_QUEUE_FULL)).toBeGreaterThan(19_000);
  });

  it('leave room for what this host sends of its own accord, in the table and in the queues', () => {
    start({ capacity: 16, pendingTotal: 4 });
    flood(16);
    expect(bench.interface.neighbours.pendingPackets).toBe(4);
    for (let i = 0; i < 4; i++) expect(bench.send(2, PEER_IP + i)).toBe(Errno.NONE);
    flood(1000, 100);
    for (let i = 0; i < 4; i++) expect(state(PEER_IP + i)).toBe(NeighbourState.INCOMPLETE);
    bench.sent();
    for (let i = 0; i < 4; i++) bench.arrive(reply(PEER_IP + i, OWN_IP));
    expect(bench.sent().map((each) => parse(each).payload)).toEqual(Array(4).fill(Uint8Array.of(2)));
  });

  it('stay when this host has something to say there itself', () => {
    start({ capacity: 8 });
    answer(1, PEER_IP);
    bench.send(2);
    for (let i = 0; i < 50; i++) {
      flood(100, i * 100);
      bench.pass(10_000);
    }
    bench.sent();
    bench.arrive(reply(PEER_IP, OWN_IP));
    expect(bench.sent().map((each) => parse(each).payload)).toEqual([Uint8Array.of(1), Uint8Array.of(2)]);
  });

  it('are no obstacle for neighbours that ask for us', () => {
    start({ capacity: 8 });
    for (let i = 0; i < 6; i++) resolve(PEER_IP + i);
    flood(100);
    expect(bench.interface.neighbours.size).toBe(8);
    bench.arrive(request(PEER_IP + 10, OWN_IP, { from: OTHER }));
    bench.arrive(request(PEER_IP + 11, OWN_IP, { from: PEER }));
    expect([state(PEER_IP + 10), state(PEER_IP + 11)]).toEqual([NeighbourState.STALE, NeighbourState.STALE]);
    expect(count(NeighbourState.REACHABLE)).toBe(6);
    bench.sent();
    expect(answer(3, PEER_IP + 11)).toBe(Errno.NONE);
    expect(bench.sent().map(parse)).toMatchObject([{ arp: { targetProtocol: PEER_IP + 11 } }, { destination: PEER }]);
  });
});

describe('a table full of neighbours that this host waits for', () => {
  afterEach(() => bench.finish());

  it('gives its oldest to neighbours that ask for us, but keeps half', () => {
    start({ capacity: 16 });
    for (let i = 0; i < 16; i++) bench.send(1, STRANGERS + i);
    for (let i = 0; i < 16; i++) {
      bench.arrive(request(PEER_IP + i, OWN_IP));
      bench.sent();
    }
    expect(count(NeighbourState.INCOMPLETE)).toBe(8);
    expect(count(NeighbourState.STALE)).toBe(8);
    expect(state(STRANGERS + 15)).toBe(NeighbourState.INCOMPLETE);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_QUEUE_FULL)).toBe(8);
  });
});
