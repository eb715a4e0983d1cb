import { Errno } from '@prism-net/errors';
import { DropReason, icmpv4, ipv4, ipv4Options } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Bench,
  BROADCAST_MAC,
  checksum,
  datagram,
  finishAll,
  type HostOptions,
  icmp,
  ip,
  PEER,
  parseIcmp,
  pattern,
  repaired,
  SECOND,
  UDP,
  US,
} from './ipv4.testkit.js';

const { Type, Code } = icmpv4;
const { ICMP } = ipv4.Protocol;

afterEach(finishAll);

function echoRequest(data: Uint8Array, fields: Partial<ipv4.Ipv4Header> = {}): Uint8Array {
  return datagram(icmp(Type.ECHO_REQUEST, 0, 0x1234_0007, data), { protocol: ICMP, ...fields });
}

/** What we might have sent and a router complains about. */
function quoted(fields: Partial<ipv4.Ipv4Header> = {}, payload: Uint8Array = pattern(8)): Uint8Array {
  return datagram(payload, { source: US, destination: PEER, ...fields });
}

/** An ICMP error from some router. */
function error(type: number, code: number, rest: number, quote: Uint8Array): Uint8Array {
  return datagram(icmp(type, code, rest, quote), { protocol: ICMP, source: ip('10.0.0.254') });
}

describe('echo', () => {
  it('is answered in place, with the same data, whatever its length', () => {
    const bench = new Bench();
    for (const length of [0, 1, 7, 56, 57, 1472]) {
      bench.datagram(echoRequest(pattern(length), { trafficClass: 0xba }));
      const [answer, ...more] = bench.sent();
      expect(more).toEqual([]);
      expect(answer).toMatchObject({ source: US, destination: PEER, trafficClass: 0xb8, timeToLive: 64 });
      expect(parseIcmp(answer!)).toEqual({ type: 0, code: 0, rest: 0x1234_0007, data: pattern(length) });
    }
    expect(bench.accounts.snapshot().handled).toBe(6);
    expect(bench.pool.outstanding).toBe(0);
  });

  it('of 4,000 bytes comes in fragments and is answered in fragments', () => {
    const bench = new Bench();
    const message = icmp(Type.ECHO_REQUEST, 0, 1, pattern(4000));
    for (const [start, end] of [
      [1480, 2960],
      [2960, 4008],
      [0, 1480],
    ] as const) {
      bench.datagram(
        datagram(message.subarray(start, end), { protocol: ICMP, fragmentOffset: start, moreFragments: end < 4008 }),
      );
    }
    const answers = bench.sent();
    expect(answers).toHaveLength(3);
    const joined = Uint8Array.from(answers.flatMap((each) => [...each.payload]));
    expect(checksum(joined)).toBe(0);
    expect(joined.subarray(8)).toEqual(pattern(4000));
    expect(bench.accounts.snapshot()).toMatchObject({ handled: 3, held: 0 });
  });

  it('ignores options and answers without them', () => {
    const bench = new Bench();
    bench.datagram(echoRequest(pattern(10), { options: ipv4Options.build([ipv4Options.recordRoute(2)]) }));
    expect(bench.sent()).toMatchObject([{ totalLength: 38, options: new Uint8Array(0) }]);
  });

  it('to a broadcast or group, too long, too often, or with a wrong checksum is not answered (row 15)', () => {
    const bench = new Bench({ icmp: { echoMaximumLength: 508, echoesPerSecond: 1, echoesBurst: 2 } });
    bench.datagram(echoRequest(pattern(8), { destination: ip('10.0.0.255') }), BROADCAST_MAC);
    bench.datagram(echoRequest(pattern(8), { destination: ip('255.255.255.255') }), BROADCAST_MAC);
    bench.datagram(echoRequest(pattern(8), { destination: ip('224.0.0.1') }), { high: 0x0100, low: 0x5e000001 });
    bench.datagram(echoRequest(pattern(501)));
    const wrong = echoRequest(pattern(8));
    wrong[30]! ^= 1;
    bench.datagram(wrong);
    bench.datagram(datagram(Uint8Array.of(8, 0, 0xf7, 0xff), { protocol: ICMP }));
    expect(bench.sent()).toEqual([]);
    for (let i = 0; i < 5; i++) bench.datagram(echoRequest(pattern(500)));
    expect(bench.sent()).toHaveLength(2);
    expect(bench.accounts.snapshot().dropped).toEqual({
      ICMP_BROADCAST_ECHO: 3,
      ICMP_RATE_LIMITED: 4,
      ICMP_CHECKSUM: 1,
      ICMP_TRUNCATED: 1,
    });
  });

  it('can be turned off', () => {
    const bench = new Bench({ icmp: { echo: false } });
    bench.datagram(echoRequest(pattern(8)));
    expect(bench.accounts.dropped(DropReason.ICMP_TYPE_UNKNOWN)).toBe(1);
  });

  it('is sent, and answers and errors find who sent it', () => {
    const bench = new Bench();
    const log: unknown[] = [];
    bench.layer.icmp.echoHandler = {
      echoReply: (packet, source, identifier, sequence) => {
        log.push([source, identifier, sequence, packet.toBytes().length]);
        return identifier === 77;
      },
      echoError: (errno, destination, identifier, sequence) => {
        log.push([errno, destination, identifier, sequence]);
        return identifier === 77;
      },
    };
    expect(bench.layer.icmp.ping(PEER, 77, 3, 56, bench.now)).toBe(Errno.NONE);
    const [request] = bench.sent();
    expect(parseIcmp(request!)).toMatchObject({ type: 8, rest: (77 << 16) | 3 });
    bench.datagram(datagram(icmp(0, 0, (77 << 16) | 3, pattern(56)), { protocol: ICMP }));
    bench.datagram(datagram(icmp(0, 0, (78 << 16) | 3, pattern(56)), { protocol: ICMP }));
    bench.datagram(error(3, 1, 0, request!.bytes.slice(0, 28)));
    expect(log).toEqual([
      [PEER, 77, 3, 56],
      [PEER, 78, 3, 56],
      [Errno.EHOSTUNREACH, PEER, 77, 3],
    ]);
    expect(bench.accounts.snapshot()).toMatchObject({ handled: 2, dropped: { ICMP_ERROR_UNMATCHED: 1 } });
    expect(bench.layer.icmp.ping(PEER, 1, 1, 60_000, bench.now)).toBe(Errno.EMSGSIZE);
    expect(bench.layer.icmp.ping(ip('8.8.8.8'), 1, 1, 8, bench.now)).toBe(Errno.ENETUNREACH);
  });

  it('to a neighbour that does not answer fails as if a router had said so', () => {
    const bench = new Bench();
    const errors: unknown[] = [];
    bench.layer.icmp.echoHandler = {
      echoReply: () => false,
      echoError: (errno, destination, identifier, sequence) =>
        errors.push(errno, destination, identifier, sequence) > 0,
    };
    bench.layer.icmp.ping(ip('10.0.0.77'), 5, 6, 8, bench.now);
    bench.pass(4 * SECOND);
    expect(errors).toEqual([Errno.EHOSTUNREACH, ip('10.0.0.77'), 5, 6]);
    bench.sent();
  });

  it('reaches this host itself over the loopback interface', () => {
    const bench = new Bench();
    let answered = 0;
    bench.layer.icmp.echoHandler = { echoReply: () => ++answered > 0, echoError: () => true };
    bench.layer.icmp.ping(US, 1, 1, 2000 - 200, bench.now);
    bench.layer.icmp.ping(ip('127.0.0.1'), 1, 2, 8, bench.now);
    bench.poll();
    expect(answered).toBe(2);
  });
});

describe('sending errors (RFC 1122 §3.2.2)', () => {
  /** Provokes "protocol unreachable" and returns how many errors were sent. */
  function provoked(bench: Bench, bytes: Uint8Array, mac?: { high: number; low: number }): number {
    bench.datagram(bytes, mac);
    return bench.sent().length;
  }
  const unknown = (fields: Partial<ipv4.Ipv4Header> = {}) => datagram(pattern(8), { protocol: 200, ...fields });

  it('quotes the header and as much data as fits 576 bytes', () => {
    const bench = new Bench();
    const bytes = datagram(pattern(1000), { protocol: 200, options: new Uint8Array(8).fill(1) });
    bench.datagram(bytes);
    const [sent] = bench.sent();
    expect(sent).toMatchObject({ totalLength: 576, source: US, destination: PEER, trafficClass: 0xc0 });
    expect(parseIcmp(sent!)).toEqual({ type: 3, code: 2, rest: 0, data: bytes.subarray(0, 548) });
  });

  it('answers neither broadcasts, groups, later fragments nor errors', () => {
    const bench = new Bench();
    expect(provoked(bench, unknown({ destination: ip('10.0.0.255') }), BROADCAST_MAC)).toBe(0);
    expect(provoked(bench, unknown({ destination: ip('10.0.0.255') }))).toBe(0);
    expect(provoked(bench, unknown({ destination: ip('224.0.0.1') }))).toBe(0);
    expect(provoked(bench, unknown())).toBe(1);
    const packet = bench.packet(datagram(pattern(64), { fragmentOffset: 64 }));
    packet.networkOffset = packet.offset;
    packet.interfaceIndex = 1;
    const send = () => bench.layer.icmp.sendError(packet, 3, 3, 0, bench.now);
    expect(send()).toBe(false);
    for (const type of [3, 4, 5, 11, 12]) {
      packet.release();
      const next = bench.packet(datagram(icmp(type, 0, 0, quoted()), { protocol: ICMP }));
      expect(next).toBe(packet);
      packet.networkOffset = packet.offset;
      packet.interfaceIndex = 1;
      expect(send()).toBe(false);
    }
    packet.release();
    bench.packet(echoRequest(pattern(8)));
    packet.networkOffset = packet.offset;
    packet.interfaceIndex = 1;
    expect(send()).toBe(true);
    packet.release();
    bench.sent();
  });

  it('is limited per destination, so that errors to one say nothing about another', () => {
    const bench = new Bench();
    const from = (host: number) => provoked(bench, unknown({ source: ip('10.0.0.0') + host }));
    for (const host of [2, 3]) bench.eth.arp.addStaticNeighbour(ip('10.0.0.0') + host, 0x0200, host);
    const counts = (host: number) => Array.from({ length: 10 }, () => from(host)).reduce((a, b) => a + b);
    expect(counts(2)).toBe(6);
    expect(counts(3)).toBe(6);
    bench.pass(2.1 * SECOND);
    expect(counts(2)).toBe(2);
  });

  it('has a common limit that cannot be counted exactly (row 16)', () => {
    const totals = new Set<number>();
    for (let seed = 0; seed < 8; seed++) {
      const bench = new Bench();
      for (let skip = 0; skip < seed * 97; skip++) bench.random.nextInt32();
      let sent = 0;
      for (let host = 2; host < 250; host++) {
        bench.eth.arp.addStaticNeighbour(ip('10.0.0.0') + host, 0x0200, host);
        sent += provoked(bench, unknown({ source: ip('10.0.0.0') + host }));
      }
      expect(sent).toBeGreaterThan(30);
      expect(sent).toBeLessThan(80);
      totals.add(sent);
      finishAll();
    }
    expect(totals.size).toBeGreaterThan(2);
  });

  it('remembers a bounded number of destinations', () => {
    const bench = new Bench({ icmp: { errorDestinations: 4, errorsPerSecond: 1e6, errorsBurst: 1e6 } });
    for (let host = 2; host < 202; host++) {
      bench.eth.arp.addStaticNeighbour(ip('10.0.0.0') + host, 0x0200, host);
      expect(provoked(bench, unknown({ source: ip('10.0.0.0') + host }))).toBe(1);
    }
    expect(bench.layer.icmp.errors.statistics.sent).toBe(200);
  });

  it('refuses limits that make no sense', () => {
    const make = (limits: HostOptions['icmp']) => () => new Bench({ icmp: limits! });
    expect(make({ errorsPerSecond: 0 })).toThrow('errorsPerSecond');
    expect(make({ errorsPerDestinationPerSecond: 0.01, errorsPerDestinationBurst: 1000 })).toThrow('refill');
  });
});

describe('receiving errors', () => {
  it.each([
    [Type.DESTINATION_UNREACHABLE, Code.NETWORK_UNREACHABLE, Errno.ENETUNREACH],
    [Type.DESTINATION_UNREACHABLE, Code.HOST_UNREACHABLE, Errno.EHOSTUNREACH],
    [Type.DESTINATION_UNREACHABLE, Code.PROTOCOL_UNREACHABLE, Errno.EPROTONOSUPPORT],
    [Type.DESTINATION_UNREACHABLE, Code.PORT_UNREACHABLE, Errno.ECONNREFUSED],
    [Type.DESTINATION_UNREACHABLE, Code.SOURCE_ROUTE_FAILED, Errno.EOPNOTSUPP],
    [Type.DESTINATION_UNREACHABLE, Code.COMMUNICATION_PROHIBITED, Errno.EHOSTUNREACH],
    [Type.DESTINATION_UNREACHABLE, 200, Errno.EHOSTUNREACH],
    [Type.TIME_EXCEEDED, 0, Errno.EHOSTUNREACH],
    [Type.PARAMETER_PROBLEM, 0, Errno.EIO],
  ])('type %i code %i reaches the transport as errno %i', (type, code, errno) => {
    const bench = new Bench();
    bench.datagram(error(type, code, 0, quoted()));
    expect(bench.udp.errors).toEqual([{ errno, mtu: 0 }]);
    expect(bench.accounts.snapshot().handled).toBe(1);
  });

  it('an error nobody sent anything for is counted as unmatched', () => {
    const bench = new Bench();
    bench.udp.matches = false;
    bench.datagram(error(3, 3, 0, quoted()));
    bench.datagram(error(3, 3, 0, quoted({ protocol: 200 })));
    bench.datagram(error(3, 3, 0, quoted({ source: ip('10.0.0.9') })));
    bench.datagram(error(3, 3, 0, quoted({ fragmentOffset: 64 })));
    bench.datagram(error(3, 3, 0, quoted({ protocol: ICMP }, icmp(0, 0, 1))));
    expect(bench.accounts.dropped(DropReason.ICMP_ERROR_UNMATCHED)).toBe(5);
    expect(bench.udp.errors).toHaveLength(1);
  });

  it('a quote that is too short or no datagram is malformed (row 15)', () => {
    const bench = new Bench();
    bench.datagram(error(3, 3, 0, quoted().subarray(0, 27)));
    bench.datagram(error(3, 3, 0, new Uint8Array(0)));
    bench.datagram(error(3, 3, 0, quoted().fill(0x65, 0, 1)));
    bench.datagram(error(3, 3, 0, quoted().fill(0x4f, 0, 1)));
    bench.datagram(error(3, 3, 0, quoted({ protocol: ICMP }, icmp(3, 3, 0))));
    expect(bench.accounts.dropped(DropReason.ICMP_ERROR_MALFORMED)).toBe(5);
    expect(bench.udp.errors).toEqual([]);
  });

  // RFC 9293 §3.9.2.2, MUST-55.
  it('redirects, source quenches and timestamps are ignored, and never answered', () => {
    const bench = new Bench();
    bench.datagram(error(Type.REDIRECT, 1, ip('10.0.0.66'), quoted()));
    bench.datagram(error(Type.SOURCE_QUENCH, 0, 0, quoted()));
    bench.datagram(datagram(icmp(Type.TIMESTAMP_REQUEST, 0, 0, new Uint8Array(12)), { protocol: ICMP }));
    bench.datagram(datagram(icmp(200, 0, 0), { protocol: ICMP }));
    expect(bench.accounts.snapshot().dropped).toEqual({ ICMP_REDIRECT_IGNORED: 1, ICMP_TYPE_UNKNOWN: 3 });
    expect(bench.sent()).toEqual([]);
    expect(bench.route(PEER).nextHop).toBe(PEER);
  });
});

describe('path MTU (row 13)', () => {
  /** "Fragmentation needed" for a datagram of `length` bytes. */
  function needed(bench: Bench, mtu: number, length = 1500, destination = PEER): void {
    const quote = repaired(quoted({ destination, totalLength: length, dontFragment: true }));
    bench.datagram(error(Type.DESTINATION_UNREACHABLE, Code.FRAGMENTATION_NEEDED, mtu, quote));
  }

  it('is believed once the transport recognised its datagram, and old routes are no longer current', () => {
    const bench = new Bench();
    const route = bench.route(PEER);
    needed(bench, 1200);
    expect(bench.udp.errors).toEqual([{ errno: Errno.EMSGSIZE, mtu: 1200 }]);
    expect(bench.layer.isCurrent(route)).toBe(false);
    expect(bench.route(PEER).mtu).toBe(1200);
    expect(bench.route(ip('10.0.0.3')).mtu).toBe(1500);
    expect(bench.send(PEER, pattern(1181))).toBe(Errno.EMSGSIZE);
    expect(bench.send(PEER, pattern(1181), false)).toBe(Errno.NONE);
    expect(bench.sent().map((each) => each.totalLength)).toEqual([1196, 25]);
  });

  it('is not believed for an unknown flow', () => {
    const bench = new Bench();
    bench.udp.matches = false;
    needed(bench, 1200);
    expect(bench.route(PEER).mtu).toBe(1500);
    expect(bench.layer.pathMtu.size).toBe(0);
  });

  it.each([
    [68, 552],
    [551, 552],
    [1, 552],
    [553, 553],
    [0, 1492], // an old router: the next plateau below 1,500
    [1500, 1492], // no less than what was too long: not what it says it is
    [9000, 1492],
  ])('a next hop of %i is taken as %i', (mtu, taken) => {
    const bench = new Bench();
    needed(bench, mtu);
    expect(bench.route(PEER).mtu).toBe(taken);
  });

  it('only falls, until it is forgotten after ten minutes', () => {
    const bench = new Bench();
    needed(bench, 1000);
    needed(bench, 1400);
    expect(bench.route(PEER).mtu).toBe(1000);
    needed(bench, 800, 1000);
    expect(bench.route(PEER).mtu).toBe(800);
    bench.pass(599 * SECOND, SECOND);
    expect(bench.route(PEER).mtu).toBe(800);
    const route = bench.route(PEER);
    bench.pass(2 * SECOND, SECOND);
    expect(bench.layer.isCurrent(route)).toBe(false);
    expect(bench.route(PEER).mtu).toBe(1500);
  });

  it('is remembered for a bounded number of destinations', () => {
    const bench = new Bench({ pathMtuDestinations: 8 });
    for (let host = 0; host < 100; host++) needed(bench, 1000, 1500, ip('10.0.0.100') + host);
    expect(bench.layer.pathMtu.size).toBe(8);
    expect(bench.route(ip('10.0.0.199')).mtu).toBe(1000);
    expect(bench.route(ip('10.0.0.100')).mtu).toBe(1500);
  });

  it('is of use to fragments too: their first shows whose they were', () => {
    const bench = new Bench();
    const quote = quoted({ protocol: UDP, moreFragments: true, totalLength: 1500 });
    bench.datagram(error(Type.DESTINATION_UNREACHABLE, Code.FRAGMENTATION_NEEDED, 900, quote));
    expect(bench.route(PEER).mtu).toBe(900);
  });
});
