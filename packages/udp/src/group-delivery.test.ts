import { Errno } from '@prism-net/errors';
import { DropReason, multicastMacLow } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { type DatagramFields, datagram, HERE, ip, OneHost, PEER, TwoHosts, texts } from './two-hosts.testkit.js';
import type { UdpEndpoint } from './udp-endpoint.js';

const GROUP = ip('239.1.2.3');
const OTHER_SOURCE = ip('10.0.0.3');

function toGroup(fields: Partial<DatagramFields> = {}): Uint8Array {
  const destination = fields.destination ?? GROUP;
  return datagram({
    destinationPort: 7,
    macHigh: 0x0100,
    macLow: multicastMacLow(destination),
    ...fields,
    destination,
  });
}

function toBroadcast(fields: Partial<DatagramFields> = {}): Uint8Array {
  return datagram({ destinationPort: 7, destination: ip('10.0.0.255'), macHigh: 0xffff, macLow: -1, ...fields });
}

/** Endpoints that share port 7. */
function sharing(bench: OneHost, addresses: readonly number[]): UdpEndpoint[] {
  return addresses.map((address) => {
    const endpoint = bench.host.open();
    endpoint.reuse = true;
    expect(endpoint.bind(address, 7)).toBe(Errno.NONE);
    return endpoint;
  });
}

describe('multicast', () => {
  it('goes to every member on the port, a copy each; counted once', () => {
    const bench = new OneHost();
    const [first, second, third, outsider] = sharing(bench, [0, GROUP, 0, 0]) as [
      UdpEndpoint,
      UdpEndpoint,
      UdpEndpoint,
      UdpEndpoint,
    ];
    for (const member of [first, second, third]) expect(member.joinGroup(GROUP)).toBe(Errno.NONE);
    bench.arrive(toGroup({ payload: 'to all' }));
    for (const member of [first, second, third]) expect(texts(member)).toEqual(['to all']);
    expect(outsider.queued).toBe(0);
    expect(bench.host.accounts.snapshot()).toMatchObject({ received: 1, delivered: 1, unexplained: 0 });
    expect(bench.host.udp.statistics.received).toBe(3);
    bench.finish([first, second, third, outsider]);
  });

  it('a flood to members that do not read leaves the host packets to send with', () => {
    const bench = new OneHost();
    const members = sharing(bench, new Array<number>(8).fill(0));
    for (const member of members) expect(member.joinGroup(GROUP)).toBe(Errno.NONE);
    for (let i = 0; i < 40; i++) bench.arrive(toGroup());
    expect(bench.pool.available).toBeGreaterThan(40);
    expect(members.at(-1)!.queued).toBe(40); // who gets the packet itself
    expect(members[0]!.queued + members[0]!.overflows).toBe(40);
    expect(members[0]!.overflows).toBeGreaterThan(0);
    bench.finish(members);
  });

  it('to a group nobody joined is dropped and never answered', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    // The frame passes the address filter: another group with the same Ethernet address is joined.
    endpoint.joinGroup(ip('238.1.2.3'));
    bench.arrive(toGroup());
    expect(bench.host.drops(DropReason.IPV4_GROUP_NOT_JOINED)).toBe(1);
    expect(endpoint.queued).toBe(0);
    expect(bench.sent()).toEqual([]);
    bench.finish([endpoint]);
  });

  it('to a joined group but another port is dropped and never answered', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(8);
    endpoint.joinGroup(GROUP);
    bench.arrive(toGroup());
    expect(bench.host.drops(DropReason.IPV4_GROUP_NOT_JOINED)).toBe(1);
    expect(bench.sent()).toEqual([]);
    bench.finish([endpoint]);
  });

  it('from one source only, for an endpoint that joined so', () => {
    const bench = new OneHost();
    const [picky, open] = sharing(bench, [0, 0]) as [UdpEndpoint, UdpEndpoint];
    picky.joinGroup(GROUP, 1, PEER);
    bench.arrive(toGroup({ source: OTHER_SOURCE, payload: 'stranger' }));
    open.joinGroup(GROUP, 1);
    bench.arrive(toGroup({ source: OTHER_SOURCE, payload: 'other' }));
    bench.arrive(toGroup({ payload: 'peer' }));
    expect(texts(picky)).toEqual(['peer']);
    expect(texts(open)).toEqual(['other', 'peer']);
    bench.finish([picky, open]);
  });

  it('a connected member hears its peer only', () => {
    const bench = new OneHost();
    const [member] = sharing(bench, [GROUP]) as [UdpEndpoint];
    member.joinGroup(GROUP);
    expect(member.connect(PEER, 4000)).toBe(Errno.NONE);
    bench.arrive(toGroup({ payload: 'peer' }));
    bench.arrive(toGroup({ sourcePort: 4001, payload: 'other port' }));
    bench.arrive(toGroup({ source: OTHER_SOURCE, payload: 'other host' }));
    expect(texts(member)).toEqual(['peer']);
    bench.finish([member]);
  });

  it('in a unicast frame is for members only, too', () => {
    const bench = new OneHost();
    const outsider = bench.host.bound(7);
    // 224.0.0.1 is joined by every host, but not by every endpoint.
    bench.arrive(datagram({ destinationPort: 7, destination: ip('224.0.0.1') }));
    expect(outsider.queued).toBe(0);
    expect(bench.host.drops(DropReason.IPV4_GROUP_NOT_JOINED)).toBe(1);
    bench.finish([outsider]);
  });

  it('ends with leaveGroup; what was not joined cannot be left', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    expect(endpoint.joinGroup(PEER)).toBe(Errno.EINVAL);
    expect(endpoint.joinGroup(GROUP, 5)).toBe(Errno.EADDRNOTAVAIL);
    expect(endpoint.joinGroup(GROUP)).toBe(Errno.NONE);
    expect(endpoint.leaveGroup(GROUP, -1, PEER)).toBe(Errno.EADDRNOTAVAIL);
    expect(endpoint.leaveGroup(GROUP)).toBe(Errno.NONE);
    expect(endpoint.leaveGroup(GROUP)).toBe(Errno.EADDRNOTAVAIL);
    bench.arrive(toGroup());
    expect(endpoint.queued).toBe(0);
    bench.finish([endpoint]);
  });

  it('a full queue costs its owner the datagram, not the others', () => {
    const bench = new OneHost();
    const [full, other] = sharing(bench, [0, 0]) as [UdpEndpoint, UdpEndpoint];
    full.joinGroup(GROUP);
    other.joinGroup(GROUP);
    full.receiveLimit = 1;
    bench.arrive(toGroup({ payload: '1' }));
    bench.arrive(toGroup({ payload: '2' }));
    expect(texts(full)).toEqual(['1']);
    expect(texts(other)).toEqual(['1', '2']);
    expect(full.overflows).toBe(1);
    bench.finish([full, other]);
  });

  it('without packets for copies reaches one member at least, and the others count it', () => {
    const bench = new OneHost();
    const members = sharing(bench, [0, 0]) as [UdpEndpoint, UdpEndpoint];
    for (const member of members) member.joinGroup(GROUP);
    const hoard = Array.from({ length: bench.pool.available - 1 }, () => bench.pool.take()!);
    bench.arrive(toGroup({ payload: 'scarce' }));
    expect(members.map((member) => member.queued + member.overflows)).toEqual([1, 1]);
    expect(members.map((member) => member.queued).sort()).toEqual([0, 1]);
    for (const packet of hoard) packet.release();
    bench.finish(members);
  });
});

describe('broadcast', () => {
  it('goes to all that are bound to any address or to the broadcast address', () => {
    const bench = new OneHost();
    const endpoints = sharing(bench, [0, 0, HERE, ip('10.0.0.255')]);
    bench.arrive(toBroadcast({ payload: 'hello all' }));
    bench.arrive(toBroadcast({ destination: -1, payload: 'hello link' }));
    expect(endpoints.map(texts)).toEqual([['hello all', 'hello link'], ['hello all', 'hello link'], [], ['hello all']]);
    bench.finish(endpoints);
  });

  it('that nobody wants is dropped without an answer', () => {
    const bench = new OneHost();
    bench.arrive(toBroadcast());
    expect(bench.host.drops(DropReason.UDP_PORT_UNREACHABLE)).toBe(1);
    expect(bench.sent()).toEqual([]);
    bench.finish([]);
  });

  it('from one host is heard by the other', () => {
    const bench = new TwoHosts();
    const [sender, receiver] = [bench.here.bound(7), bench.peer.bound(7)];
    sender.broadcast = true;
    sender.sendTo(bench.here.packet('anybody?'), -1, 7, bench.here.now);
    bench.settle();
    expect(texts(receiver)).toEqual(['anybody?']);
    expect(sender.queued).toBe(0);
    bench.finish([sender, receiver]);
  });
});
