import { PacketFlag } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { PacketAccounts } from '@prism-net/link';
import { DropReason, ipv4, ipv4Options, multicastMacLow } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Bench,
  BROADCAST_MAC,
  Collector,
  datagram,
  finishAll,
  frame,
  Host,
  icmp,
  ip,
  PEER,
  parseIcmp,
  pattern,
  repaired,
  SECOND,
  UDP,
  US,
  US_MAC,
} from './ipv4.testkit.js';
import { Ipv4Route } from './ipv4-route.js';

afterEach(finishAll);

/** Each datagram is dropped for that reason, and nothing is sent about it. */
function dropped(bench: Bench, reason: DropReason, ...datagrams: Uint8Array[]): void {
  for (const bytes of datagrams) {
    const before = bench.accounts.dropped(reason);
    bench.datagram(bytes);
    expect(bench.accounts.dropped(reason)).toBe(before + 1);
    expect(bench.sent()).toEqual([]);
  }
  expect(bench.udp.received).toEqual([]);
}

describe('receiving', () => {
  it('delivers a datagram from its transport header on, and says where the headers are', () => {
    const bench = new Bench();
    bench.datagram(datagram(pattern(64)));
    expect(bench.udp.received).toEqual([pattern(64)]);
    const { last } = bench.udp;
    expect(last).toMatchObject({ source: PEER, destination: US, flags: 0 });
    expect(last.transportOffset).toBe(last.networkOffset + 20);
    expect(last.offset).toBe(last.transportOffset);
    expect(bench.accounts.snapshot()).toMatchObject({ delivered: 1 });
  });

  it('trims the padding of short frames before the transport sees it', () => {
    const bench = new Bench();
    bench.datagram(Uint8Array.from([...datagram(pattern(5)), ...new Uint8Array(21).fill(0xee)]));
    expect(bench.udp.received).toEqual([pattern(5)]);
  });

  it('delivers a datagram in several segments, trimmed to its length', () => {
    const bench = new Bench();
    const bytes = frame(Uint8Array.from([...datagram(pattern(300)), 0xee, 0xee, 0xee]));
    const first = bench.packet(bytes.subarray(0, 60));
    first.append(bench.packet(bytes.subarray(60, 200)));
    first.append(bench.packet(bytes.subarray(200)));
    bench.wire.transmit([first], 0, 1);
    bench.poll();
    expect(bench.udp.received).toEqual([pattern(300)]);
  });

  it('drops a datagram whose IPv4 header is split over segments', () => {
    const bench = new Bench();
    const bytes = frame(datagram(pattern(30), { options: new Uint8Array(8) }));
    for (const cut of [20, 14 + 22]) {
      const first = bench.packet(bytes.subarray(0, cut));
      first.append(bench.packet(bytes.subarray(cut)));
      bench.wire.transmit([first], 0, 1);
      bench.poll();
    }
    expect(bench.accounts.dropped(DropReason.FRAME_FRAGMENTED_HEADERS)).toBe(2);
  });

  it('skips options it need not understand', () => {
    const bench = new Bench();
    bench.datagram(datagram(pattern(9), { options: ipv4Options.build([ipv4Options.recordRoute(3)]) }));
    expect(bench.udp.received).toEqual([pattern(9)]);
    expect(bench.udp.last.transportOffset - bench.udp.last.networkOffset).toBe(36);
  });

  it('drops wrong versions, header lengths, total lengths and checksums (row 5)', () => {
    const bench = new Bench();
    const good = datagram(pattern(30));
    const changed = (at: number, value: number) => {
      const bytes = good.slice();
      bytes[at] = value;
      return repaired(bytes);
    };
    dropped(bench, DropReason.IPV4_TRUNCATED, good.subarray(0, 19), new Uint8Array(0));
    const six = good.slice();
    six[0] = 0x65;
    dropped(bench, DropReason.IPV4_VERSION, six);
    const short = good.slice();
    short[0] = 0x44;
    dropped(bench, DropReason.IPV4_HEADER_LENGTH, short, good.slice(0, 30).fill(0x4f, 0, 1));
    dropped(bench, DropReason.IPV4_TOTAL_LENGTH, changed(3, 19), changed(3, 0), changed(3, 51), changed(2, 0xff));
    const flipped = good.slice();
    flipped[10]! ^= 1;
    dropped(bench, DropReason.IPV4_CHECKSUM, flipped);
  });

  it('drops options that lie about their length, and source routes (row 6)', () => {
    const bench = new Bench();
    const withOptions = (...bytes: number[]) => datagram(pattern(8), { options: Uint8Array.from(bytes) });
    dropped(
      bench,
      DropReason.IPV4_OPTIONS_MALFORMED,
      withOptions(7, 0, 4, 0),
      withOptions(7, 1, 4, 0),
      withOptions(7, 200, 4, 0),
      withOptions(1, 1, 1, 7),
      withOptions(7, 4, 250, 0),
    );
    dropped(bench, DropReason.IPV4_SOURCE_ROUTED, withOptions(131, 3, 4, 0), withOptions(137, 3, 4, 0));
  });

  // RFC 9293 §3.9.2.3, MUST-63.
  it('drops sources no host can have, our own among them, and answers none of them (row 7)', () => {
    const bench = new Bench({ prefixes: ['10.0.0.1/24', '192.168.7.1/16'] });
    const from = (source: string) => datagram(pattern(8), { source: ip(source), protocol: 200 });
    dropped(
      bench,
      DropReason.IPV4_SOURCE_INVALID,
      from('0.0.0.0'),
      from('0.1.2.3'),
      from('224.0.0.1'),
      from('239.255.255.255'),
      from('255.255.255.255'),
      from('240.0.0.1'),
      from('10.0.0.255'),
      from('192.168.255.255'),
      from('10.0.0.1'),
      from('192.168.7.1'),
      from('127.0.0.1'),
    );
  });

  it('does not take a bad source because a good one came before', () => {
    const bench = new Bench();
    bench.datagram(datagram(pattern(8)));
    bench.datagram(datagram(pattern(8)));
    bench.udp.received.length = 0;
    dropped(bench, DropReason.IPV4_SOURCE_INVALID, datagram(pattern(8), { source: 0 }));
    dropped(bench, DropReason.IPV4_NOT_FOR_US, datagram(pattern(8), { destination: ip('10.0.0.3') }));
  });

  it('drops what is for other hosts, or for nobody', () => {
    const bench = new Bench();
    const to = (destination: string) => datagram(pattern(8), { destination: ip(destination) });
    dropped(bench, DropReason.IPV4_NOT_FOR_US, to('10.0.0.3'), to('8.8.8.8'), to('10.0.0.0'));
    dropped(bench, DropReason.IPV4_DESTINATION_INVALID, to('0.0.0.0'), to('127.0.0.1'), to('240.0.0.1'));
  });

  it('drops a unicast datagram in a link broadcast', () => {
    const bench = new Bench();
    bench.datagram(datagram(pattern(8)), BROADCAST_MAC);
    expect(bench.accounts.dropped(DropReason.IPV4_DESTINATION_INVALID)).toBe(1);
  });

  it('takes limited and subnet broadcasts', () => {
    const bench = new Bench();
    for (const destination of ['255.255.255.255', '10.0.0.255']) {
      bench.datagram(datagram(pattern(8), { destination: ip(destination) }), BROADCAST_MAC);
      expect(bench.udp.last.flags).toBe(PacketFlag.LINK_BROADCAST);
    }
    expect(bench.udp.received).toHaveLength(2);
  });

  it('takes an address only on its own interface; with the weak model on any', () => {
    for (const strongHost of [true, false]) {
      const bench = new Bench({ strongHost });
      const other = new Bench();
      bench.plug(other.wire, '10.9.0.1/24');
      bench.datagram(datagram(pattern(8), { destination: ip('10.9.0.1') }));
      expect(bench.udp.received).toHaveLength(strongHost ? 0 : 1);
      expect(bench.accounts.dropped(DropReason.IPV4_NOT_FOR_US)).toBe(strongHost ? 1 : 0);
      finishAll();
    }
  });

  it('answers unknown protocols, IP in IP among them, by ICMP, within limits (row 8)', () => {
    const bench = new Bench();
    const inner = datagram(pattern(8));
    for (let i = 0; i < 20; i++) bench.datagram(datagram(inner, { protocol: ipv4.Protocol.IPIP }));
    const errors = bench.sent().map(parseIcmp);
    expect(errors).toHaveLength(6);
    expect(errors[0]).toMatchObject({ type: 3, code: 2 });
    expect(errors[0]!.data).toEqual(datagram(inner, { protocol: ipv4.Protocol.IPIP }));
    expect(bench.accounts.dropped(DropReason.IPV4_PROTOCOL_UNKNOWN)).toBe(20);
    expect(bench.udp.received).toEqual([]);
  });
});

describe('multicast', () => {
  const GROUP = ip('233.1.2.3');
  const groupMac = { high: 0x0100, low: multicastMacLow(GROUP) };
  const toGroup = (source = PEER) => datagram(pattern(8), { destination: GROUP, source });

  it('reaches a group while it has members, on the interface where it was joined', () => {
    const bench = new Bench();
    bench.datagram(toGroup(), groupMac);
    expect(bench.accounts.dropped(DropReason.ETHERNET_NOT_FOR_US)).toBe(1);
    expect(bench.layer.joinGroup(GROUP, 1)).toBe(Errno.NONE);
    expect(bench.layer.joinGroup(GROUP, 1)).toBe(Errno.NONE);
    bench.datagram(toGroup(), groupMac);
    expect(bench.layer.leaveGroup(GROUP, 1)).toBe(Errno.NONE);
    bench.datagram(toGroup(), groupMac);
    expect(bench.udp.received).toHaveLength(2);
    expect(bench.udp.last.flags).toBe(PacketFlag.LINK_MULTICAST);
    expect(bench.layer.leaveGroup(GROUP, 1)).toBe(Errno.NONE);
    expect(bench.layer.leaveGroup(GROUP, 1)).toBe(Errno.EADDRNOTAVAIL);
    bench.datagram(toGroup(), groupMac);
    bench.datagram(toGroup());
    expect(bench.udp.received).toHaveLength(2);
    expect(bench.accounts.dropped(DropReason.IPV4_GROUP_NOT_JOINED)).toBe(1);
  });

  it('of a source passes that source only', () => {
    const bench = new Bench();
    bench.layer.joinGroup(GROUP, 1, PEER);
    bench.datagram(toGroup(), groupMac);
    bench.datagram(toGroup(ip('10.0.0.3')), groupMac);
    bench.datagram(toGroup(), groupMac);
    expect(bench.udp.received).toHaveLength(2);
    expect(bench.accounts.dropped(DropReason.IPV4_GROUP_NOT_JOINED)).toBe(1);
    bench.layer.leaveGroup(GROUP, 1, PEER);
  });

  it('picks the interface by routes, is bounded, and refuses what is no group', () => {
    const bench = new Bench({ groups: 4 }); // two of them for 224.0.0.1
    expect(bench.layer.joinGroup(US, -1)).toBe(Errno.EINVAL);
    expect(bench.layer.joinGroup(GROUP, 9)).toBe(Errno.EADDRNOTAVAIL);
    expect(bench.layer.joinGroup(GROUP, -1)).toBe(Errno.NONE);
    expect(bench.layer.joinGroup(GROUP + 1, -1)).toBe(Errno.NONE);
    expect(bench.layer.joinGroup(GROUP + 2, -1)).toBe(Errno.ENOBUFS);
    bench.datagram(toGroup(), groupMac);
    expect(bench.udp.received).toHaveLength(1);
    expect(bench.layer.leaveGroup(GROUP, -1)).toBe(Errno.NONE);
    expect(bench.layer.joinGroup(GROUP + 2, -1)).toBe(Errno.NONE);
  });

  it('is always a member of the group of all hosts', () => {
    const bench = new Bench();
    const allHosts = ip('224.0.0.1');
    bench.datagram(datagram(pattern(8), { destination: allHosts }), { high: 0x0100, low: multicastMacLow(allHosts) });
    expect(bench.udp.received).toHaveLength(1);
  });

  it('is sent to the group’s MAC address', () => {
    const bench = new Bench();
    const route = bench.route(GROUP);
    expect(route).toMatchObject({ isMulticast: true, source: US });
    bench.layer.send(bench.packet(pattern(8)), route, UDP, 0, 1, true, bench.now);
    const [sent] = bench.sentFrames();
    expect([...sent!.subarray(0, 6)]).toEqual([0x01, 0x00, 0x5e, 0x01, 0x02, 0x03]);
  });
});

describe('resolving routes', () => {
  function errno(host: Host, destination: string, source = '0.0.0.0', interfaceIndex = -1): Errno {
    return host.layer.resolve(ip(destination), ip(source), new Ipv4Route(), interfaceIndex);
  }

  it('finds neighbours, gateways and the source address', () => {
    const bench = new Bench({ prefixes: ['10.0.0.1/24', '10.1.0.1/16'] });
    bench.layer.routes.add({ destination: 0, prefixLength: 0, gateway: ip('10.1.0.9'), interface: bench.eth });
    expect(bench.route(PEER)).toMatchObject({ nextHop: PEER, source: US, mtu: 1500, isBroadcast: false });
    expect(bench.route(ip('8.8.8.8'))).toMatchObject({ nextHop: ip('10.1.0.9'), source: ip('10.1.0.1') });
    expect(bench.route(PEER, ip('10.1.0.1')).source).toBe(ip('10.1.0.1'));
  });

  it('says why it cannot', () => {
    const bench = new Bench();
    expect(errno(bench, '8.8.8.8')).toBe(Errno.ENETUNREACH);
    expect(errno(bench, '0.0.0.0')).toBe(Errno.ENETUNREACH);
    expect(errno(bench, '10.0.0.2', '10.0.0.99')).toBe(Errno.EADDRNOTAVAIL);
    expect(errno(bench, '10.0.0.2', '127.0.0.1')).not.toBe(Errno.NONE);
    expect(errno(bench, '10.0.0.2', '0.0.0.0', 0)).toBe(Errno.ENETUNREACH);
    const bare = new Host({ loopback: false });
    expect(errno(bare, '127.0.0.1')).toBe(Errno.ENETUNREACH);
    expect(errno(bare, '255.255.255.255')).toBe(Errno.ENETUNREACH);
  });

  it('leads to broadcasts by the broadcast MAC address', () => {
    const bench = new Bench();
    for (const destination of ['10.0.0.255', '255.255.255.255']) {
      const route = bench.route(ip(destination));
      expect(route).toMatchObject({ isBroadcast: true, source: US });
      expect(route.interface?.index).toBe(1);
      bench.layer.send(bench.packet(pattern(4)), route, UDP, 0, 64, true, bench.now);
      expect([...bench.sentFrames()[0]!.subarray(0, 6)]).toEqual([255, 255, 255, 255, 255, 255]);
    }
  });

  it('leads to own addresses over the loopback interface, from the address itself', () => {
    const bench = new Bench();
    expect(bench.route(US).interface?.index).toBe(0);
    expect(bench.route(US).source).toBe(US);
    expect(bench.route(ip('127.0.0.1')).source).toBe(ip('127.0.0.1'));
    expect(bench.route(ip('127.9.9.9')).source).toBe(ip('127.0.0.1'));
    bench.send(US, pattern(10));
    bench.send(ip('127.9.9.9'), pattern(11));
    bench.poll();
    expect(bench.udp.received).toEqual([pattern(10), pattern(11)]);
    expect(bench.udp.last.flags).toBe(PacketFlag.LOOPED_BACK);
    expect(bench.sentFrames()).toEqual([]);
  });

  it('tells when a route is no longer current', () => {
    const bench = new Bench();
    const route = bench.route(PEER);
    expect(bench.layer.isCurrent(route)).toBe(true);
    const added = { destination: PEER, prefixLength: 32, gateway: ip('10.0.0.9'), interface: bench.eth };
    bench.layer.routes.add(added);
    expect(bench.layer.isCurrent(route)).toBe(false);
    expect(bench.route(PEER).nextHop).toBe(ip('10.0.0.9'));
    bench.layer.routes.remove(added);
    expect(bench.route(PEER).nextHop).toBe(PEER);
  });
});

describe('sending', () => {
  it('writes a right header: with DF and no identification, or with one that changes', () => {
    const bench = new Bench();
    bench.layer.send(bench.packet(pattern(20)), bench.route(PEER), UDP, 0xb8, 9, true, bench.now);
    for (let i = 0; i < 3; i++) bench.send(PEER, pattern(20), false);
    const [atomic, ...others] = bench.sent();
    expect(atomic).toMatchObject({
      trafficClass: 0xb8,
      timeToLive: 9,
      dontFragment: true,
      identification: 0,
      totalLength: 40,
      source: US,
      destination: PEER,
      protocol: UDP,
      payload: pattern(20),
    });
    const [first, second, third] = others.map((each) => each.identification);
    expect(others.some((each) => each.dontFragment)).toBe(false);
    expect((second! - first!) & 0xffff).toBe(1);
    expect((third! - second!) & 0xffff).toBe(1);
  });

  it('numbers datagrams to different destinations without a pattern (row 12)', () => {
    const bench = new Bench();
    const ids: number[] = [];
    for (let host = 2; host < 66; host++) {
      bench.eth.arp.addStaticNeighbour(ip(`10.0.0.${host}`), 0x0200, host);
      bench.send(ip(`10.0.0.${host}`), pattern(4), false);
    }
    for (const each of bench.sent()) ids.push(each.identification);
    const steps = ids.slice(1).map((id, i) => (id - ids[i]!) & 0xffff);
    expect(new Set(steps).size).toBeGreaterThan(50);
  });

  it('refuses what is too long when it may not be fragmented, or could never be', () => {
    const bench = new Bench();
    expect(bench.send(PEER, pattern(1481))).toBe(Errno.EMSGSIZE);
    expect(bench.send(PEER, pattern(1480))).toBe(Errno.NONE);
    const huge = bench.packet(pattern(1800));
    for (let i = 0; i < 36; i++) huge.append(bench.packet(pattern(1800)));
    expect(bench.layer.send(huge, bench.route(PEER), UDP, 0, 64, false, bench.now)).toBe(Errno.EMSGSIZE);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_TOO_LONG)).toBe(2);
  });

  it('drops what was never resolved', () => {
    const bench = new Bench();
    const send = bench.layer.send(bench.packet(pattern(4)), new Ipv4Route(), UDP, 0, 64, true, bench.now);
    expect(send).toBe(Errno.ENETUNREACH);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_NO_ROUTE)).toBe(1);
  });

  it('tells the transport when the neighbour does not answer', () => {
    const bench = new Bench();
    bench.send(ip('10.0.0.77'), pattern(8));
    bench.pass(4 * SECOND);
    expect(bench.udp.errors).toEqual([{ errno: Errno.EHOSTUNREACH, mtu: 0 }]);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_UNREACHABLE)).toBe(1);
    expect(bench.send(ip('10.0.0.77'), pattern(8))).toBe(Errno.EHOSTUNREACH);
  });
});

describe('configuration', () => {
  it('is judged', () => {
    const bench = new Bench({ addresses: 4 });
    const add =
      (address: string, prefixLength = 24) =>
      () =>
        bench.layer.addAddress(1, { address: ip(address), prefixLength }, bench.now);
    for (const wrong of ['0.0.0.0', '224.0.0.1', '255.255.255.255', '127.0.0.1', '10.5.0.0', '10.5.0.255']) {
      expect(add(wrong)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
    expect(add('10.0.0.1')).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(() => bench.layer.addAddress(7, { address: PEER, prefixLength: 24 }, 0)).toThrow('no interface 7');
    add('10.7.0.0', 31)();
    add('10.7.0.5', 32)();
    expect(add('10.8.0.1')).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
    expect(bench.layer.addresses()).toHaveLength(4);
    expect(bench.layer.primaryAddress(1)).toBe(US);
    expect(bench.layer.primaryAddress(9)).toBe(0);
    expect(bench.layer.isLocalAddress(ip('127.1.1.1'))).toBe(true);
    expect(bench.layer.isLocalAddress(PEER)).toBe(false);
    expect(bench.layer.interfaces().map((each) => each.index)).toEqual([0, 1]);
    expect(bench.layer.isBroadcastAddress(ip('10.0.0.255'), 1)).toBe(true);
    expect(bench.layer.isBroadcastAddress(ip('10.0.0.255'), 0)).toBe(false);
    expect(bench.layer.isBroadcastAddress(ip('10.0.0.255'), -1)).toBe(true);
  });

  it('gives each protocol number one handler', () => {
    const bench = new Bench();
    const collector = new Collector(bench.accounts);
    expect(() => bench.layer.registerProtocol(UDP, collector)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(() => bench.layer.registerProtocol(1, collector)).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
    expect(() => bench.layer.registerProtocol(256, collector)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    bench.layer.registerProtocol(253, collector);
    bench.datagram(datagram(pattern(3), { protocol: 253 }));
    expect(collector.received).toEqual([pattern(3)]);
  });

  it('closing drops incomplete datagrams, counted', () => {
    const bench = new Bench();
    bench.datagram(datagram(pattern(8), { moreFragments: true }));
    expect(bench.accounts.snapshot().held).toBe(1);
    bench.layer.close();
    expect(bench.accounts.snapshot()).toMatchObject({ held: 0, dropped: { STACK_CLOSED: 1 } });
  });
});

it('the books of an idle layer are empty', () => {
  expect(new PacketAccounts().snapshot().unexplained).toBe(0);
  const bench = new Bench();
  bench.arrive(frame(datagram(icmp(8, 0, 0)), US_MAC));
  expect(bench.accounts.snapshot().received).toBe(1);
});
