import { ChecksumState, type Packet } from '@prism-net/buffers';
import { createPipe, type Link } from '@prism-net/link';
import { DropReason, ipv4 } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import {
  BROADCAST_MAC,
  beforeFinish,
  checksum,
  type Datagram,
  datagram,
  finishAll,
  frame,
  Host,
  type HostOptions,
  ip,
  parse,
  parseIcmp,
  pattern,
  SECOND,
} from './ipv4.testkit.js';

afterEach(finishAll);

const LEFT = ip('10.1.0.2');
const RIGHT = ip('10.2.0.2');
const mac = (low: number) => ({ high: 0x0200, low });

/** A router between two cables, 10.1.0.1/24 with MTU 1,500 and 10.2.0.1/24; the test is the hosts at their ends. */
class Router extends Host {
  readonly ends: Link[] = [];

  constructor(options: HostOptions = {}, rightMtu = 1500) {
    super({ forwarding: true, ...options });
    for (const [side, mtu] of [
      [1, 1500],
      [2, rightMtu],
    ] as const) {
      const [near, far] = createPipe({ mtu, macAddresses: [mac(side * 16 + 1), mac(side * 16 + 2)] });
      this.ends.push(far);
      const added = this.plug(near, `10.${side}.0.1/24`);
      added.arp.addStaticNeighbour(ip(`10.${side}.0.2`), 0x0200, side * 16 + 2);
    }
    this.pass(3 * SECOND);
    this.leaving(0);
    this.leaving(1);
    beforeFinish(() => {
      for (const end of this.ends) end.close();
    });
  }

  /** A datagram arrives from the left (0) or right (1). */
  arriving(side: number, bytes: Uint8Array, to = mac(side === 0 ? 17 : 33)): void {
    this.ends[side]!.transmit([this.packet(frame(bytes, to))], 0, 1);
    this.poll();
  }

  /** What left to the left (0) or right (1). */
  leaving(side: number): Datagram[] {
    this.poll();
    const burst: Packet[] = [];
    const all: Datagram[] = [];
    for (let count = 1; count > 0; ) {
      count = this.ends[side]!.receive(burst, 32);
      for (const packet of burst.slice(0, count)) {
        const bytes = packet.toBytes();
        packet.release();
        if (bytes[13] === 0) all.push(parse(bytes.subarray(14)));
      }
    }
    return all;
  }
}

const across = (payload: Uint8Array, fields: Parameters<typeof datagram>[1] = {}) =>
  datagram(payload, { source: LEFT, destination: RIGHT, ...fields });

describe('forwarding', () => {
  it('is off by default', () => {
    const router = new Router({ forwarding: false });
    router.arriving(0, across(pattern(40)));
    expect(router.leaving(1)).toEqual([]);
    expect(router.accounts.dropped(DropReason.IPV4_NOT_FOR_US)).toBe(1);
  });

  it('passes datagrams on both ways with one hop less and a right checksum', () => {
    const router = new Router();
    router.arriving(0, across(pattern(40), { timeToLive: 17, trafficClass: 0x2e, identification: 9 }));
    expect(router.leaving(1)).toMatchObject([
      { timeToLive: 16, trafficClass: 0x2e, identification: 9, source: LEFT, destination: RIGHT, payload: pattern(40) },
    ]);
    router.arriving(1, datagram(pattern(41), { source: RIGHT, destination: LEFT }));
    const [back] = router.leaving(0);
    expect(checksum(back!.bytes.subarray(0, 20))).toBe(0);
    expect(router.accounts.snapshot()).toMatchObject({ received: 2, forwarded: 2 });
  });

  it('still takes what is for the router itself', () => {
    const router = new Router();
    router.arriving(0, datagram(pattern(8), { source: LEFT, destination: ip('10.1.0.1') }));
    expect(router.udp.received).toEqual([pattern(8)]);
  });

  it('says when the time to live is used up', () => {
    const router = new Router();
    for (const timeToLive of [0, 1]) {
      router.arriving(0, across(pattern(40), { timeToLive }));
      const [error] = router.leaving(0);
      expect(error).toMatchObject({ source: ip('10.1.0.1'), destination: LEFT });
      expect(parseIcmp(error!)).toMatchObject({ type: 11, code: 0 });
    }
    expect(router.accounts.dropped(DropReason.IPV4_TIME_TO_LIVE_EXCEEDED)).toBe(2);
    expect(router.leaving(1)).toEqual([]);
  });

  it('says when there is no route, and when the neighbour does not answer', () => {
    const router = new Router();
    router.arriving(0, across(pattern(40), { destination: ip('99.0.0.1') }));
    expect(router.leaving(0).map(parseIcmp)).toMatchObject([{ type: 3, code: 0 }]);
    const silent = ip('10.2.0.77');
    router.arriving(0, across(pattern(40), { destination: silent }));
    router.pass(3.2 * SECOND);
    const [late] = router.leaving(0).map(parseIcmp);
    expect(late).toMatchObject({ type: 3, code: 1 });
    expect(ipv4.destination(new DataView(late!.data.slice().buffer), 0)).toBe(silent);
    router.arriving(0, across(pattern(40), { destination: silent }));
    expect(router.leaving(0).map(parseIcmp)).toMatchObject([{ type: 3, code: 1 }]);
    expect(router.accounts.snapshot()).toMatchObject({ forwarded: 1, dropped: { IPV4_NO_ROUTE: 2 } });
    expect(router.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_UNREACHABLE)).toBe(1);
  });

  it('fragments for a narrower link, or says that it would have to', () => {
    const router = new Router({}, 600);
    router.arriving(0, across(pattern(1400)));
    const sent = router.leaving(1);
    expect(sent.map((each) => [each.fragmentOffset, each.totalLength, each.timeToLive])).toEqual([
      [0, 596, 63],
      [576, 596, 63],
      [1152, 268, 63],
    ]);
    expect(sent.flatMap((each) => [...each.payload])).toEqual([...pattern(1400)]);
    router.arriving(0, across(pattern(1400), { dontFragment: true }));
    expect(router.leaving(1)).toEqual([]);
    const [error] = router.leaving(0).map(parseIcmp);
    expect(error).toMatchObject({ type: 3, code: 4, rest: 600 });
    expect(error!.data[8]).toBe(64); // the quote is as it came
    expect(router.accounts.snapshot()).toMatchObject({ forwarded: 1, dropped: { IPV4_FORWARD_NEEDS_FRAGMENTING: 1 } });
  });

  it('passes fragments on without putting them together', () => {
    const router = new Router();
    router.arriving(0, across(pattern(16), { fragmentOffset: 800, moreFragments: true }));
    expect(router.leaving(1)).toMatchObject([{ fragmentOffset: 800, moreFragments: true }]);
  });

  it('follows the longest prefix to a gateway', () => {
    const router = new Router();
    const [, , right] = router.interfaces;
    router.layer.routes.add({ destination: ip('99.0.0.0'), prefixLength: 8, gateway: RIGHT, interface: right! });
    router.arriving(0, across(pattern(4), { destination: ip('99.1.2.3') }));
    expect(router.leaving(1)).toMatchObject([{ destination: ip('99.1.2.3') }]);
  });

  it('does not pass on broadcasts, groups, link-local or loopback addresses', () => {
    const router = new Router();
    const refused = (bytes: Uint8Array, to?: { high: number; low: number }) => {
      router.arriving(0, bytes, to);
      expect([...router.leaving(1), ...router.leaving(0)]).toEqual([]);
    };
    refused(across(pattern(4), { destination: ip('10.2.0.255') }));
    refused(across(pattern(4), { destination: ip('169.254.1.1') }));
    refused(across(pattern(4), { source: ip('169.254.1.1') }));
    refused(across(pattern(4), { destination: ip('127.0.0.1') }));
    refused(across(pattern(4), { destination: ip('240.0.0.1') }));
    refused(across(pattern(4)), BROADCAST_MAC);
    refused(across(pattern(4), { destination: ip('239.1.1.1') }));
    refused(across(pattern(4), { source: ip('127.0.0.1') }));
    expect(router.accounts.snapshot()).toMatchObject({
      forwarded: 0,
      dropped: { IPV4_DESTINATION_INVALID: 6, IPV4_GROUP_NOT_JOINED: 1, IPV4_SOURCE_INVALID: 1 },
    });
  });

  it('completes a checksum that the sender left to its link', () => {
    const router = new Router();
    const udp = Uint8Array.from([0, 1, 0, 2, 0, 12, 0x12, 0x34, 1, 2, 3, 4]);
    const packet = router.packet(across(udp));
    packet.checksumState = ChecksumState.PARTIAL;
    packet.interfaceIndex = 1;
    packet.networkOffset = packet.offset;
    router.accounts.receive(1);
    router.layer.forwarder!.forward(packet, router.now);
    const [sent] = router.leaving(1);
    expect((sent!.payload[6]! << 8) | sent!.payload[7]!).toBe(checksum(udp));
  });

  it('copies a packet in front of which a tag would not fit', () => {
    const router = new Router();
    const packet = router.packet(across(pattern(30)));
    router.memory.copy(packet.base, packet.offset, 50);
    packet.offset = packet.base;
    packet.interfaceIndex = 1;
    packet.networkOffset = packet.offset;
    router.accounts.receive(1);
    router.layer.forwarder!.forward(packet, router.now);
    expect(router.leaving(1)).toMatchObject([{ payload: pattern(30), timeToLive: 63 }]);
  });
});
