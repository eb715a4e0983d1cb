import { ChecksumState, finishSum, PacketFlag } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { Ipv4Layer, Ipv4Route } from '@prism-net/ipv4';
import { PacketAccounts } from '@prism-net/link';
import { DropReason, IpAddress, ipv4, parseIpv4Address, tcp } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { Addresses } from '../segment.js';
import { createPool } from '../tcp.testkit.js';
import { Ipv4Network, type SegmentReceiver } from './ipv4-network.js';
import { Path } from './path.js';

const HERE = parseIpv4Address('10.0.0.1');
const PEER = parseIpv4Address('10.0.0.2');
const pool = createPool(16, true);

afterEach(() => pool.assertNoLeaks());

/** What IPv4 has to answer. */
class FakeIpv4 {
  handler: unknown = null;
  generation = 1;
  errno: Errno = Errno.NONE;
  resolved = 0;
  readonly sent: unknown[][] = [];
  readonly interface = { mtu: 1500, transmitRoom: 77, link: { capabilities: { transmitChecksum: true } } };

  registerProtocol(protocol: number, handler: unknown): void {
    expect(protocol).toBe(6);
    this.handler = handler;
  }
  isLocalAddress(address: number): boolean {
    return address === HERE;
  }
  isBroadcastAddress(address: number): boolean {
    return address === parseIpv4Address('10.0.0.255') || address === -1;
  }
  isCurrent(route: Ipv4Route): boolean {
    return route.generation === this.generation;
  }
  resolve(destination: number, source: number, route: Ipv4Route): Errno {
    this.resolved++;
    if (this.errno !== Errno.NONE) return this.errno;
    route.source = source === 0 ? HERE : source;
    route.destination = destination;
    route.mtu = 1400;
    route.generation = this.generation;
    route.interface = this.interface as unknown as Ipv4Route['interface'];
    return Errno.NONE;
  }
  send(...given: unknown[]): Errno {
    this.sent.push(given);
    (given[0] as { release(): void }).release();
    return Errno.NONE;
  }
}

function setUp() {
  const layer = new FakeIpv4();
  const accounts = new PacketAccounts();
  const seen: object[] = [];
  const receiver: SegmentReceiver = {
    accounts,
    segmentArrives(packet, _network, addresses, ecn, now) {
      const { localD, localC, localPort, remoteD, remoteC, remotePort } = addresses;
      seen.push({ localD, localC, localPort, remoteD, remoteC, remotePort, ecn, now, length: packet.length });
      packet.release();
    },
    errorArrives(_network, addresses, sequence, errno, mtu) {
      const { localD, localPort, remoteD, remotePort } = addresses;
      seen.push({ localD, localPort, remoteD, remotePort, sequence, errno, mtu });
      return sequence === 77;
    },
  };
  const network = new Ipv4Network(layer as unknown as Ipv4Layer, receiver);
  expect(layer.handler).toBe(network);
  return { layer, accounts, network, seen };
}

interface Datagram {
  readonly source?: number;
  readonly destination?: number;
  readonly trafficClass?: number;
  readonly length?: number;
  readonly checksum?: number;
}

/** A segment as IPv4 hands it up: its data at the TCP header, the IP header in front. */
function datagram({ source = PEER, destination = HERE, trafficClass = 0, length = 30, checksum }: Datagram = {}) {
  const packet = pool.take()!;
  packet.networkOffset = packet.offset;
  packet.view.setUint8(packet.offset, 0x45);
  packet.view.setUint8(packet.offset + 1, trafficClass);
  packet.view.setInt32(packet.offset + 12, source);
  packet.view.setInt32(packet.offset + 16, destination);
  packet.offset += 20;
  packet.length = length;
  for (let i = 0; i < length; i++) packet.view.setUint8(packet.offset + i, i);
  tcp.write(packet.view, packet.offset, 1234, 80, 77, 0, 20, tcp.Flag.ACK, 1000);
  const sum = packet.sum(tcp.pseudoHeaderSum(source, destination, length));
  tcp.setChecksum(packet.view, packet.offset, checksum ?? finishSum(sum));
  return packet;
}

describe('what comes in', () => {
  it('goes up with its addresses and its ECN codepoint', () => {
    const { network, seen } = setUp();
    network.receive(datagram({ trafficClass: 0xbb }), 5);
    expect(seen).toEqual([
      {
        localD: HERE,
        localC: 0xffff,
        localPort: 80,
        remoteD: PEER,
        remoteC: 0xffff,
        remotePort: 1234,
        ecn: 3,
        now: 5,
        length: 30,
      },
    ]);
  });

  it.each([
    ['a wrong checksum (RFC 9293 §3.1, MUST-3)', datagram.bind(null, { checksum: 1 }), 'TCP_CHECKSUM'],
    ['fewer than 20 bytes', datagram.bind(null, { length: 19 }), 'TCP_TRUNCATED'],
    ['nothing', datagram.bind(null, { length: 0 }), 'TCP_TRUNCATED'],
    [
      'to a multicast address (§3.9.2.3, MUST-57)',
      datagram.bind(null, { destination: parseIpv4Address('224.0.0.1') }),
      'TCP_NOT_UNICAST',
    ],
    ['to a broadcast address', datagram.bind(null, { destination: parseIpv4Address('10.0.0.255') }), 'TCP_NOT_UNICAST'],
  ] as const)('%s is dropped and counted, and not answered', (_, make, reason) => {
    const { network, accounts, seen } = setUp();
    // `tcp.write` needs 20 bytes: what is cut off lies behind the data.
    const packet = make();
    network.receive(packet, 0);
    expect(seen).toEqual([]);
    expect(accounts.dropped(DropReason[reason])).toBe(1);
  });

  it.each([PacketFlag.LINK_BROADCAST, PacketFlag.LINK_MULTICAST])(
    'to us, but in a frame to everybody (%i), too',
    (flag) => {
      const { network, accounts } = setUp();
      const packet = datagram();
      packet.flags = flag;
      network.receive(packet, 0);
      expect(accounts.dropped(DropReason.TCP_NOT_UNICAST)).toBe(1);
    },
  );

  it.each([ChecksumState.VERIFIED, ChecksumState.PARTIAL])(
    'a checksum that somebody vouches for (%i) is not computed',
    (state) => {
      const { network, seen } = setUp();
      const packet = datagram({ checksum: 1 });
      packet.checksumState = state;
      network.receive(packet, 0);
      expect(seen.length).toBe(1);
    },
  );

  it('the checksum covers all frames of a segment', () => {
    const { network, seen, accounts } = setUp();
    for (const isRight of [true, false]) {
      const packet = datagram({ length: 33 });
      const next = pool.take()!;
      next.length = 5;
      for (let i = 0; i < 5; i++) next.view.setUint8(next.offset + i, 9 + i);
      packet.nextSegment = next;
      tcp.setChecksum(packet.view, packet.offset, 0);
      const sum = finishSum(packet.sum(tcp.pseudoHeaderSum(PEER, HERE, 38)));
      tcp.setChecksum(packet.view, packet.offset, isRight ? sum : sum ^ 0x0100);
      network.receive(packet, 0);
    }
    expect([seen.length, accounts.dropped(DropReason.TCP_CHECKSUM)]).toEqual([1, 1]);
  });

  it('an error names the segment it quotes, from our side', () => {
    const { network, seen } = setUp();
    const packet = pool.take()!;
    const at = packet.offset;
    // A quoted header with options.
    packet.view.setUint8(at, 0x46);
    packet.view.setInt32(at + 12, HERE);
    packet.view.setInt32(at + 16, PEER);
    for (const [sequence, believed] of [
      [77, true],
      [78, false],
    ] as const) {
      tcp.write(packet.view, at + 24, 5000, 443, sequence, 0, 20, 0, 0);
      expect(network.receiveError(Errno.EHOSTUNREACH, 1300, packet, at, 0)).toBe(believed);
      expect(seen.pop()).toEqual({
        localD: HERE,
        localPort: 5000,
        remoteD: PEER,
        remotePort: 443,
        sequence,
        errno: Errno.EHOSTUNREACH,
        mtu: 1300,
      });
    }
    packet.release();
  });
});

describe('the way out', () => {
  function path(network: Ipv4Network, remote: number): Path {
    const made = new Path(network);
    made.setRemote(IpAddress.fromIpv4(remote));
    return made;
  }

  it('is filled in: source, MTU, checksum', () => {
    const { network } = setUp();
    const found = path(network, PEER);
    expect(network.resolve(found)).toBe(Errno.NONE);
    expect([found.localD, found.localC, found.mtu, found.interfaceMtu, found.completesChecksum]).toEqual([
      HERE,
      0xffff,
      1400,
      1500,
      true,
    ]);
    expect(network.room(found)).toBe(77);
  });

  it.each(['224.0.0.5', '10.0.0.255', '255.255.255.255'])('there is none to %s (§3.9.1.1, MUST-46)', (text) => {
    const { network } = setUp();
    expect(network.resolve(path(network, parseIpv4Address(text)))).toBe(Errno.EACCES);
  });

  it('errors of the routes are those of IPv4', () => {
    const { network, layer } = setUp();
    layer.errno = Errno.ENETUNREACH;
    expect(network.resolve(path(network, PEER))).toBe(Errno.ENETUNREACH);
    expect(network.room(path(network, PEER))).toBe(0);
  });

  it('is resolved again only when routes have changed', () => {
    const { network, layer } = setUp();
    const found = path(network, PEER);
    network.resolve(found);
    expect(network.refresh(found)).toBe(true);
    expect(layer.resolved).toBe(1);
    layer.generation++;
    expect(network.refresh(found)).toBe(true);
    expect(layer.resolved).toBe(2);
    layer.generation++;
    layer.errno = Errno.ENETUNREACH;
    expect(network.refresh(found)).toBe(false);
  });

  it('segments go without fragments, with the class and time to live given', () => {
    const { network, layer } = setUp();
    const found = path(network, PEER);
    network.resolve(found);
    const packet = datagram();
    network.send(packet, found, 0xb9, 33, 9);
    expect(layer.sent[0]!.slice(1)).toEqual([found.ipv4Route, ipv4.Protocol.TCP, 0xb9, 33, true, 9]);
  });

  it('own addresses are those of IPv4, of this family', () => {
    const { network } = setUp();
    expect(network.isLocalAddress(IpAddress.fromIpv4(HERE))).toBe(true);
    expect(network.isLocalAddress(IpAddress.fromIpv4(PEER))).toBe(false);
    expect(network.isLocalAddress(IpAddress.parse('::ffff:10.0.0.1'))).toBe(false);
  });

  it('addresses with and without ports are different keys', () => {
    const { network } = setUp();
    const key = { setIpv4: (...words: number[]) => expect(words).toEqual([HERE, PEER, 80, 1234]) };
    const addresses = new Addresses();
    Object.assign(addresses, { localD: HERE, remoteD: PEER, localPort: 80, remotePort: 1234 });
    network.keyOf(addresses, key as never);
  });
});
