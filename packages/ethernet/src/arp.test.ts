import { Errno } from '@prism-net/errors';
import { arp, DropReason, ethernet } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import {
  arpFrame,
  Bench,
  BROADCAST,
  frame,
  ip,
  OTHER,
  OWN_IP,
  PEER,
  PEER_IP,
  parse,
  reply,
  request,
  SECOND,
  US,
} from './ethernet.testkit.js';
import type { EthernetInterfaceOptions } from './ethernet-options.js';
import { NeighbourState } from './neighbour.js';

let bench: Bench;
function start(options: Partial<EthernetInterfaceOptions> = {}, debug = true): Bench {
  bench = new Bench(options, debug);
  bench.interface.addIpv4Address(OWN_IP, bench.now);
  bench.pass(3 * SECOND);
  bench.sent(); // the announcements
  return bench;
}
afterEach(() => bench.finish());

function state(address = PEER_IP): NeighbourState | undefined {
  return bench.interface.neighbours.list().find((entry) => entry.address === address)?.state;
}

function dropped(reason: DropReason, bytes: Uint8Array): void {
  const before = bench.accounts.dropped(reason);
  const { size } = bench.interface.neighbours;
  bench.arrive(bytes);
  expect(bench.accounts.dropped(reason)).toBe(before + 1);
  expect(bench.interface.neighbours.size).toBe(size);
  expect(bench.sent()).toEqual([]);
}

/** Makes the peer REACHABLE. */
function resolved(): void {
  bench.send(1);
  bench.arrive(reply(PEER_IP, OWN_IP));
  bench.sent();
  expect(state()).toBe(NeighbourState.REACHABLE);
}

describe('resolving a neighbour', () => {
  it('asks by broadcast, keeps the packets, and sends them in order when the answer comes', () => {
    start();
    for (const mark of [1, 2, 3]) expect(bench.send(mark)).toBe(Errno.NONE);
    const [ask, ...more] = bench.sent().map(parse);
    expect(more).toEqual([]);
    expect(ask).toMatchObject({ destination: BROADCAST, source: US });
    expect(ask?.arp).toEqual({
      operation: arp.Operation.REQUEST,
      senderHardware: US,
      senderProtocol: OWN_IP,
      targetHardware: { high: 0, low: 0 },
      targetProtocol: PEER_IP,
    });
    bench.arrive(reply(PEER_IP, OWN_IP));
    const sent = bench.sent().map(parse);
    expect(sent.map((each) => each.payload[0])).toEqual([1, 2, 3]);
    expect(sent.every((each) => each.destination.low === PEER.low)).toBe(true);
    expect(bench.send(4)).toBe(Errno.NONE);
    expect(bench.sent()).toEqual([frame(PEER, US, ethernet.EtherType.IPV4, [4])]);
  });

  it('lets the oldest of too many waiting packets give way', () => {
    start({ neighbours: { pendingPerNeighbour: 3 } });
    for (const mark of [1, 2, 3, 4, 5]) expect(bench.send(mark)).toBe(Errno.NONE);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_QUEUE_FULL)).toBe(2);
    bench.sent();
    bench.arrive(reply(PEER_IP, OWN_IP));
    expect(bench.sent().map((bytes) => bytes[14])).toEqual([3, 4, 5]);
  });

  it('bounds the packets that wait for all neighbours together', () => {
    start({ neighbours: { pendingTotal: 5 } });
    for (let host = 10; host < 18; host++) bench.send(host, ip(`10.0.0.${host}`));
    expect(bench.interface.neighbours.pendingPackets).toBe(5);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_QUEUE_FULL)).toBe(3);
    expect(bench.send(1, ip('10.0.0.10'))).toBe(Errno.NONE); // in place of its own older packet
    expect(bench.send(1, ip('10.0.0.99'))).toBe(Errno.ENOBUFS);
  });

  it('asks at most once a second, three times, and then gives the packets back', () => {
    start({ neighbours: { pendingPerNeighbour: 3 } });
    const asked: number[] = [];
    const from = bench.now;
    for (let step = 0; step < 500; step++) {
      if (step < 295) bench.send(step & 0xff);
      for (const each of bench.sent()) if (parse(each).arp !== null) asked.push((bench.now - from) | 0);
      bench.pass(10_000);
    }
    expect(asked).toHaveLength(3);
    for (let i = 1; i < asked.length; i++) expect(asked[i]! - asked[i - 1]!).toBeGreaterThanOrEqual(SECOND);
    expect(bench.unreachable).toEqual([[292], [293], [294]].map(([mark]) => Uint8Array.of(mark! & 0xff)));
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_UNREACHABLE)).toBe(3);
  });

  it('fails sends at once after that, for a while, and then asks again', () => {
    start();
    bench.send(1);
    bench.pass(3.1 * SECOND);
    bench.sent();
    expect(state()).toBe(NeighbourState.FAILED);
    expect(bench.interface.isUnreachable(PEER_IP)).toBe(true);
    expect(bench.send(2)).toBe(Errno.EHOSTUNREACH);
    expect(bench.sent()).toEqual([]);
    bench.pass(3 * SECOND);
    expect(state()).toBeUndefined();
    expect(bench.send(3)).toBe(Errno.NONE);
    expect(bench.sent()).toHaveLength(1);
  });

  it('learns from a request to us while it asks itself', () => {
    start();
    bench.send(1);
    bench.sent();
    bench.arrive(request(PEER_IP, OWN_IP));
    expect(bench.sent().map(parse)).toMatchObject([{ payload: Uint8Array.of(1) }, { arp: { operation: 2 } }]);
    expect(state()).toBe(NeighbourState.REACHABLE);
  });

  it('refuses the address 0, which is nobody', () => {
    start();
    expect(bench.send(1, 0)).toBe(Errno.EHOSTUNREACH);
    expect(bench.interface.neighbours.size).toBe(0);
  });

  it('works with packets of the pool all gone: the request is made up for later', () => {
    start();
    const held = Array.from({ length: bench.pool.available - 1 }, () => bench.pool.take()!);
    bench.send(1);
    expect(bench.sent()).toEqual([]);
    for (const packet of held) packet.release();
    bench.pass(1.1 * SECOND);
    expect(bench.sent()).toHaveLength(1);
  });
});

describe('ageing', () => {
  it('turns a neighbour stale; the next packet goes out at once and verifies it by a unicast request', () => {
    start({ neighbours: { reachableMilliseconds: 10_000 } });
    resolved();
    bench.pass(4.9 * SECOND);
    expect(state()).toBe(NeighbourState.REACHABLE);
    bench.pass(10.2 * SECOND);
    expect(state()).toBe(NeighbourState.STALE);
    expect(bench.send(7)).toBe(Errno.NONE);
    const sent = bench.sent().map(parse);
    expect(sent).toMatchObject([{ destination: PEER, arp: { targetProtocol: PEER_IP } }, { destination: PEER }]);
    expect(sent[1]!.payload).toEqual(Uint8Array.of(7));
    bench.arrive(reply(PEER_IP, OWN_IP));
    expect(state()).toBe(NeighbourState.REACHABLE);
  });

  it('forgets a neighbour that does not answer unicast requests, and asks everybody', () => {
    start({ neighbours: { reachableMilliseconds: 1000 } });
    resolved();
    bench.pass(2 * SECOND);
    bench.send(1);
    bench.pass(3.1 * SECOND);
    const unicast = bench
      .sent()
      .map(parse)
      .filter((each) => each.arp !== null);
    expect(unicast).toHaveLength(3);
    expect(unicast.every((each) => each.destination.high === PEER.high)).toBe(true);
    expect(state()).toBeUndefined();
    bench.send(2);
    expect(bench.sent().map(parse)).toMatchObject([{ destination: BROADCAST }]);
  });

  it('leaves static neighbours alone', () => {
    start();
    expect(bench.interface.arp.addStaticNeighbour(PEER_IP, PEER.high, PEER.low)).toBe(true);
    bench.pass(300 * SECOND, SECOND);
    bench.arrive(reply(PEER_IP, PEER_IP, { from: OTHER, to: BROADCAST }));
    expect(bench.send(1)).toBe(Errno.NONE);
    expect(bench.sent()).toEqual([frame(PEER, US, ethernet.EtherType.IPV4, [1])]);
    expect(bench.interface.arp.removeNeighbour(PEER_IP, bench.now)).toBe(true);
    expect(bench.interface.arp.removeNeighbour(PEER_IP, bench.now)).toBe(false);
  });

  it('sends what waits when a static neighbour is added meanwhile', () => {
    start();
    bench.send(1);
    bench.sent();
    bench.interface.arp.addStaticNeighbour(PEER_IP, OTHER.high, OTHER.low);
    expect(bench.sent()).toEqual([frame(OTHER, US, ethernet.EtherType.IPV4, [1])]);
    bench.pass(10 * SECOND);
    expect(bench.sent()).toEqual([]);
  });
});

describe('answering', () => {
  it('answers requests for its own address, to whoever asked, without padding', () => {
    start();
    bench.arrive(request(PEER_IP, OWN_IP));
    const [answer] = bench.sent();
    expect(answer).toHaveLength(42);
    expect(parse(answer!)).toMatchObject({ destination: PEER, source: US });
    expect(parse(answer!).arp).toEqual({
      operation: arp.Operation.REPLY,
      senderHardware: US,
      senderProtocol: OWN_IP,
      targetHardware: PEER,
      targetProtocol: PEER_IP,
    });
    expect(bench.accounts.snapshot()).toMatchObject({ received: 1, handled: 1 });
    expect(state()).toBe(NeighbourState.STALE);
  });

  it('answers probes (sender address 0) and learns nothing from them', () => {
    start();
    bench.arrive(request(0, OWN_IP));
    expect(bench.sent().map(parse)).toMatchObject([{ arp: { operation: 2, targetProtocol: 0 } }]);
    expect(bench.interface.neighbours.size).toBe(0);
  });

  it('ignores requests for others, and requests to an address removed', () => {
    start();
    dropped(DropReason.ARP_NOT_FOR_US, request(PEER_IP, ip('10.0.0.9')));
    bench.interface.removeIpv4Address(OWN_IP);
    dropped(DropReason.ARP_NOT_FOR_US, request(PEER_IP, OWN_IP));
  });
});

describe('hostile ARP', () => {
  it('wrong lengths, types and operations are malformed', () => {
    start();
    const good = request(PEER_IP, OWN_IP);
    dropped(DropReason.ARP_MALFORMED, good.subarray(0, 14 + 27));
    for (const [at, value] of [
      [15, 6], // hardware type
      [16, 0x86], // protocol type
      [18, 8], // hardware address length
      [19, 16], // protocol address length
      [21, 3], // operation
      [21, 0],
    ] as const) {
      const bad = good.slice();
      bad[at] = value;
      dropped(DropReason.ARP_MALFORMED, bad);
    }
  });

  it('senders that are not who sent the frame, or nobody, are refused', () => {
    start();
    for (const bad of [
      request(PEER_IP, OWN_IP, { senderMac: OTHER }),
      request(PEER_IP, OWN_IP, { senderMac: BROADCAST }),
      request(PEER_IP, OWN_IP, { from: { high: 0, low: 0 } }),
      request(PEER_IP, OWN_IP, { from: US }), // our own frame, come back
      request(ip('224.0.0.1'), OWN_IP),
      request(ip('255.255.255.255'), OWN_IP),
      request(ip('127.0.0.1'), OWN_IP),
      reply(0, OWN_IP),
    ]) {
      dropped(DropReason.ARP_SENDER_INVALID, bad);
    }
  });

  it('unsolicited replies create nothing and change nothing', () => {
    start();
    dropped(DropReason.ARP_UNSOLICITED, reply(PEER_IP, OWN_IP));
    resolved();
    dropped(DropReason.ARP_UNSOLICITED, reply(PEER_IP, OWN_IP, { from: OTHER }));
    expect(state()).toBe(NeighbourState.REACHABLE);
    bench.send(1);
    expect(bench.sent().map(parse)).toMatchObject([{ destination: PEER }]);
  });

  it('a second answer, by somebody else, comes too late', () => {
    start();
    bench.send(1);
    bench.sent();
    bench.arrive(reply(PEER_IP, OWN_IP));
    bench.arrive(reply(PEER_IP, OWN_IP, { from: OTHER }));
    expect(bench.accounts.dropped(DropReason.ARP_UNSOLICITED)).toBe(1);
    expect(bench.sent().map(parse)).toMatchObject([{ destination: PEER }]);
  });

  it('announcements move a known neighbour, which is then verified; unknown ones stay unknown', () => {
    start();
    dropped(DropReason.ARP_NOT_FOR_US, request(PEER_IP, PEER_IP));
    dropped(DropReason.ARP_UNSOLICITED, reply(PEER_IP, PEER_IP, { to: BROADCAST }));
    resolved();
    bench.arrive(request(PEER_IP, PEER_IP, { from: OTHER }));
    expect(state()).toBe(NeighbourState.STALE);
    bench.send(1);
    expect(bench.sent().map(parse)).toMatchObject([
      { destination: OTHER, arp: { operation: 1 } },
      { destination: OTHER },
    ]);
  });

  it('where announcements are not accepted the neighbour is asked at its old address', () => {
    start({ arp: { acceptAnnouncements: false } });
    resolved();
    bench.arrive(request(PEER_IP, PEER_IP, { from: OTHER }));
    bench.send(1);
    expect(bench.sent().map(parse)).toMatchObject([
      { destination: PEER, arp: { operation: 1 } },
      { destination: PEER },
    ]);
    bench.arrive(reply(PEER_IP, OWN_IP));
    expect(state()).toBe(NeighbourState.REACHABLE);
  });

  it('100,000 different senders neither grow the cache nor displace a neighbour in use or one that is waited for', () => {
    start({ neighbours: { capacity: 128 } }, false);
    resolved();
    const waiting = ip('10.0.0.77');
    bench.send(9, waiting);
    bench.sent();
    const bytes = request(PEER_IP, OWN_IP, { from: OTHER });
    const view = new DataView(bytes.buffer);
    for (let i = 0; i < 100_000; i++) {
      view.setInt32(14 + 14, 0x0b000000 + i);
      bench.arrive(bytes);
      if (i % 64 === 0) bench.sent();
    }
    expect(bench.interface.neighbours.size).toBeLessThanOrEqual(128);
    expect(state()).toBe(NeighbourState.REACHABLE);
    expect(state(waiting)).toBe(NeighbourState.INCOMPLETE);
    bench.arrive(reply(waiting, OWN_IP));
    expect(bench.sent().some((sent) => sent[14] === 9)).toBe(true);
  });

  it('a host that talks to very many others keeps a bounded cache, and packets that wait', () => {
    start({ neighbours: { capacity: 16, pendingTotal: 100 } });
    let refused = 0;
    for (let i = 0; i < 200; i++) if (bench.send(1, 0x0b000001 + i) !== Errno.NONE) refused++;
    expect(bench.interface.neighbours.size).toBe(16);
    expect(refused).toBe(184);
    bench.pass(7 * SECOND);
    expect(bench.interface.neighbours.size).toBe(0);
    expect(bench.unreachable).toHaveLength(16);
  });
});

describe('address conflicts (RFC 5227)', () => {
  it('are counted, reported, and defended at most once in 10 s', () => {
    start();
    const conflicts: number[] = [];
    bench.interface.arp.onConflict = { conflict: (address, _high, low) => conflicts.push(address, low) };
    const claim = request(OWN_IP, OWN_IP, { from: OTHER });
    bench.arrive(claim);
    expect(bench.sent().map(parse)).toMatchObject([
      { destination: BROADCAST, arp: { senderProtocol: OWN_IP, targetProtocol: OWN_IP } },
    ]);
    for (let i = 0; i < 9; i++) {
      bench.pass(SECOND);
      bench.arrive(claim);
    }
    expect(bench.sent()).toEqual([]);
    bench.pass(1.1 * SECOND);
    bench.arrive(reply(OWN_IP, PEER_IP, { from: OTHER }));
    expect(bench.sent()).toHaveLength(1);
    expect(bench.accounts.dropped(DropReason.ARP_CONFLICT)).toBe(11);
    expect(conflicts.slice(0, 2)).toEqual([OWN_IP, OTHER.low]);
  });

  it('a new address is announced twice, 2 s apart', () => {
    bench = new Bench();
    bench.interface.addIpv4Address(OWN_IP, bench.now);
    expect(bench.sent().map(parse)).toMatchObject([{ destination: BROADCAST, arp: { senderProtocol: OWN_IP } }]);
    bench.pass(1.9 * SECOND);
    expect(bench.sent()).toEqual([]);
    bench.pass(10 * SECOND);
    expect(bench.sent()).toHaveLength(1);
  });

  it('with probing an address is probed three times before it is announced and answered for', () => {
    bench = new Bench({ arp: { probe: true } });
    bench.interface.addIpv4Address(OWN_IP, bench.now);
    expect(bench.interface.arp.isReady(OWN_IP)).toBe(false);
    bench.arrive(request(PEER_IP, OWN_IP));
    expect(bench.sent()).toEqual([]);
    bench.pass(15 * SECOND);
    const senders = bench.sent().map((each) => parse(each).arp?.senderProtocol);
    expect(senders).toEqual([0, 0, 0, OWN_IP, OWN_IP]);
    expect(bench.interface.arp.isReady(OWN_IP)).toBe(true);
  });

  it.each([
    ['answers', reply(OWN_IP, 0, { from: OTHER })],
    ['probes for it too', request(0, OWN_IP, { from: OTHER })],
  ])('a probed address that another host %s is not used', (_what, bytes) => {
    bench = new Bench({ arp: { probe: true } });
    const conflicts: number[] = [];
    bench.interface.arp.onConflict = { conflict: (address) => conflicts.push(address) };
    bench.interface.addIpv4Address(OWN_IP, bench.now);
    bench.pass(1.5 * SECOND);
    bench.sent();
    bench.arrive(bytes);
    bench.pass(20 * SECOND);
    expect(bench.sent()).toEqual([]);
    expect(conflicts).toEqual([OWN_IP]);
    expect(bench.interface.arp.isReady(OWN_IP)).toBe(false);
  });
});

describe('random ARP', () => {
  it('100,000 mutated frames: no throw, no leak, everything counted, bounded work', () => {
    start({ neighbours: { capacity: 32 } }, false);
    const { random } = bench;
    const seeds = [
      request(PEER_IP, OWN_IP),
      reply(PEER_IP, OWN_IP),
      arpFrame({ operation: 2, sender: PEER_IP, target: PEER_IP, to: BROADCAST }),
      request(0, OWN_IP),
      frame(US, PEER, ethernet.EtherType.VLAN, [0, 0, 8, 6, ...request(PEER_IP, OWN_IP).subarray(14)]),
    ];
    for (let i = 0; i < 100_000; i++) {
      const bytes = seeds[random.nextBelow(seeds.length)]!.slice(
        0,
        random.nextBelow(4) === 0 ? random.nextBelow(61) : 60,
      );
      for (let flips = random.nextBelow(4); flips > 0 && bytes.length > 0; flips--) {
        bytes[random.nextBelow(bytes.length)] = random.nextBelow(256);
      }
      bench.arrive(bytes);
      if (i % 16 === 0) bench.send(i & 0xff, ip('10.0.0.0') + random.nextBelow(64));
      if (i % 32 === 0) {
        bench.pass(50_000, 50_000);
        bench.sent();
      }
    }
    const books = bench.accounts.snapshot();
    expect(books.received).toBe(100_000);
    expect(books.unexplained).toBe(0);
    expect(bench.interface.neighbours.size).toBeLessThanOrEqual(32);
  });
});
