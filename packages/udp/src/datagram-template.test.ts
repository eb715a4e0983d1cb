import type { Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { steadyStateBytes } from '@prism-net/measure';
import { DropReason, ethernet, ipv4, udp } from '@prism-net/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DatagramTemplate } from './datagram-template.js';
import { type BenchOptions, datagram, HERE, icmpError, ip, OneHost, PEER, TwoHosts } from './two-hosts.testkit.js';
import type { UdpEndpoint } from './udp-endpoint.js';

const PORT = 9;
const FAR = ip('192.0.2.1');
const bytesOf = (text: string) => new TextEncoder().encode(text);

function templateOf(endpoint: UdpEndpoint, payload: Uint8Array, address = PEER, port = PORT): DatagramTemplate {
  const made = endpoint.template(payload, address, port);
  if (typeof made === 'number') throw new Error(`errno ${made}`);
  return made;
}

/** Frames of a send of the template, and of an ordinary send of what is in it. */
function both(bench: OneHost, endpoint: UdpEndpoint, template: DatagramTemplate, address = PEER) {
  const { host } = bench;
  const { at, length } = template.payload;
  const payload = host.pool.memory.bytes.slice(at, at + length);
  const results = [template.send(true, host.now), 0];
  const fired = bench.sent();
  results[1] = endpoint.sendTo(host.packet(payload), address, PORT, host.now);
  return { fired, ordinary: bench.sent(), results };
}

/** Everything a rehearsal must leave alone. */
function observed(bench: OneHost, endpoint: UdpEndpoint) {
  const { host } = bench;
  const { pool } = host;
  return {
    pool: [pool.available, pool.outstanding, pool.peak, { ...pool.statistics }],
    copies: [...pool.memory.copies],
    udp: host.udp.statistics,
    drops: host.accounts.transmitSnapshot(),
    account: host.accounts.snapshot(),
    link: { ...host.interfaces[1]!.link.statistics },
    neighbours: host.interfaces[1]!.neighbours.list(),
    waiting: host.interfaces[1]!.neighbours.pendingPackets,
    timers: host.timers.armed,
    error: endpoint.hasError,
    bound: endpoint.localPort,
  };
}

describe('a template sends what an ordinary send would, byte for byte', () => {
  const benches: [string, BenchOptions][] = [
    ['checksums by the stack', {}],
    ['checksums by the link', { checksumOffload: true }],
  ];
  it.each(benches)('whatever is patched: %s', (_name, options) => {
    const change = fc.record({ place: fc.nat(), width: fc.constantFrom(1, 2, 4, 8), value: fc.integer() });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 1472 }),
        fc.array(fc.array(change, { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        (payload, rounds) => {
          const bench = new OneHost(options);
          const endpoint = bench.host.bound(1000);
          const template = templateOf(endpoint, payload);
          for (const changes of rounds) {
            for (const { place, width, value } of changes) {
              if (width > payload.length) continue;
              const offset = place % (payload.length - width + 1);
              if (width === 1) template.payload.setUint8(offset, value);
              else if (width === 2) template.payload.setUint16(offset, value);
              else if (width === 4) template.payload.setUint32(offset, value);
              else template.payload.setUint64(offset, value, ~value);
            }
            const { fired, ordinary, results } = both(bench, endpoint, template);
            expect(results).toEqual([Errno.NONE, Errno.NONE]);
            expect(fired).toHaveLength(1);
            expect(fired).toEqual(ordinary);
          }
          expect(bench.host.udp.statistics.sent).toBe(2 * rounds.length);
          bench.finish([endpoint]);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('a checksum that comes out as zero is sent as 0xffff (RFC 768), by patches too', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(1000);
    const template = templateOf(endpoint, new Uint8Array(4));
    const zero = bench.host.now;
    template.send(true, zero);
    const [first] = bench.sent();
    const checksum = udp.checksum(new DataView(first!.buffer), 34);
    template.payload.setUint16(2, checksum);
    const { fired, ordinary } = both(bench, endpoint, template);
    expect(udp.checksum(new DataView(fired[0]!.buffer), 34)).toBe(0xffff);
    expect(fired).toEqual(ordinary);
    bench.finish([endpoint]);
  });

  it.each([
    ['a group', ip('239.1.2.3')],
    ['a broadcast address', ip('10.0.0.255')],
    ['the host itself', HERE],
  ])('to %s', (_name, address) => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(1000);
    endpoint.broadcast = true;
    const receiver = bench.host.bound(PORT);
    const template = templateOf(endpoint, bytesOf('payload'), address);
    const { fired, ordinary, results } = both(bench, endpoint, template, address);
    expect(results).toEqual([Errno.NONE, Errno.NONE]);
    expect(fired).toEqual(ordinary);
    expect(receiver.queued).toBe(address === HERE ? 2 : 0);
    bench.finish([endpoint, receiver]);
  });

  it('after a change of time to live, traffic class, own address and peer', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    const template = templateOf(endpoint, bytesOf('payload'));
    const changes = [
      () => (endpoint.timeToLive = 9),
      () => (endpoint.trafficClass = 0xb8),
      () => host.ipv4.addAddress(1, { address: ip('10.0.0.3'), prefixLength: 24 }, host.now),
      () => expect(endpoint.connect(PEER, PORT)).toBe(Errno.NONE),
      () => endpoint.disconnect(),
    ];
    for (const change of changes) {
      change();
      bench.sent();
      const { fired, ordinary, results } = both(bench, endpoint, template);
      expect(results).toEqual([Errno.NONE, Errno.NONE]);
      expect(fired).toHaveLength(1);
      expect(fired).toEqual(ordinary);
    }
    bench.finish([endpoint]);
  });

  it('to the connected peer, whoever that is', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    expect(endpoint.template(bytesOf('x'), 0, 0)).toBe(Errno.EDESTADDRREQ);
    endpoint.connect(PEER, PORT);
    const template = templateOf(endpoint, bytesOf('payload'), 0, 0);
    expect(template.send(true, host.now)).toBe(Errno.NONE);
    endpoint.connect(PEER, 77);
    expect(template.send(true, host.now)).toBe(Errno.NONE);
    const ports = bench.sent().map((frame) => udp.destinationPort(new DataView(frame.buffer), 34));
    expect(ports).toEqual([PORT, 77]);
    endpoint.disconnect();
    expect(template.warm(host.now)).toBe(Errno.EDESTADDRREQ);
    expect(template.send(true, host.now)).toBe(Errno.EDESTADDRREQ);
    bench.finish([endpoint]);
  });
});

describe('what a template notices', () => {
  it('a neighbour that is not known yet: the datagram waits for it as any other, and later ones are fired', () => {
    const bench = new TwoHosts();
    const { here, peer } = bench;
    const endpoint = here.bound(1000);
    const receiver = peer.bound(PORT);
    const template = templateOf(endpoint, bytesOf('one'));
    expect(template.warm(here.now)).toBe(Errno.NONE);
    expect(here.interfaces[1]!.neighbours.size).toBe(0);
    expect(template.send(true, here.now)).toBe(Errno.NONE);
    expect(here.interfaces[1]!.neighbours.pendingPackets).toBe(1);
    bench.settle();
    template.payload.setUint8(0, 0x54);
    expect(template.send(true, here.now)).toBe(Errno.NONE);
    expect(template.needsPoll).toBe(false);
    bench.settle();
    expect(receiver.queued).toBe(2);
    bench.finish([endpoint, receiver]);
  });

  it('a neighbour that does not answer: EHOSTUNREACH, counted as that of an ordinary send', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    const template = templateOf(endpoint, bytesOf('payload'), ip('10.0.0.77'));
    expect(template.send(true, host.now)).toBe(Errno.NONE);
    for (let tenth = 0; tenth < 40; tenth++) {
      bench.clock.advance(100_000);
      bench.sent();
    }
    const before = observed(bench, endpoint);
    expect(template.warm(host.now)).toBe(Errno.EHOSTUNREACH);
    expect(observed(bench, endpoint)).toEqual(before);
    expect(template.send(true, host.now)).toBe(Errno.EHOSTUNREACH);
    expect(host.accounts.transmitDropped(DropReason.TRANSMIT_NEIGHBOUR_UNREACHABLE)).toBe(2);
    bench.finish([endpoint]);
  });

  it('a neighbour with a new address, and one that is to be verified', () => {
    const bench = new TwoHosts();
    const { here } = bench;
    const endpoint = here.bound(1000);
    const { neighbours } = here.interfaces[1]!;
    const template = templateOf(endpoint, bytesOf('payload'));
    template.send(true, here.now);
    bench.settle();
    template.send(true, here.now);
    neighbours.learn(PEER, 0x0200, 99, false, true, here.now);
    // STALE: the frame goes there as an ordinary one, and the address is verified.
    const slot = neighbours.lookup(PEER);
    expect(neighbours.isUsable(slot)).toBe(false);
    expect(template.warm(here.now)).toBe(Errno.NONE);
    expect(neighbours.isUsable(slot)).toBe(false);
    expect(template.send(true, here.now)).toBe(Errno.NONE);
    expect(neighbours.isUsable(slot)).toBe(true);
    const link = bench.peer.interfaces[1]!.link;
    const burst: Packet[] = [];
    const count = link.receive(burst, 32);
    const frames = burst.slice(0, count).map((packet) => ethernet.destinationLow(packet.view, packet.offset));
    for (const packet of burst.slice(0, count)) packet.release();
    expect(frames).toEqual([2, 99, 99]);
    bench.finish([endpoint]);
  });

  it('routes that come and go', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    expect(endpoint.template(bytesOf('payload'), FAR, PORT)).toBe(Errno.ENETUNREACH);
    const route = { destination: FAR, prefixLength: 24, gateway: PEER, interface: host.interfaces[1]! };
    host.ipv4.routes.add(route);
    const template = templateOf(endpoint, bytesOf('payload'), FAR);
    expect(template.send(true, host.now)).toBe(Errno.NONE);
    expect(bench.sent()).toHaveLength(1);
    host.ipv4.routes.remove(route);
    const before = observed(bench, endpoint);
    expect(template.warm(host.now)).toBe(Errno.ENETUNREACH);
    expect({ ...observed(bench, endpoint), pool: 0 }).toEqual({ ...before, pool: 0 });
    expect(template.send(true, host.now)).toBe(Errno.ENETUNREACH);
    expect(host.accounts.transmitDropped(DropReason.TRANSMIT_NO_ROUTE)).toBe(1);
    host.ipv4.routes.add(route);
    expect(both(bench, endpoint, template, FAR).results).toEqual([Errno.NONE, Errno.NONE]);
    bench.finish([endpoint]);
  });

  it('a path that has become too narrow: the datagram is cut up like any other', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    const template = templateOf(endpoint, new Uint8Array(1400).fill(1));
    template.send(true, host.now);
    const [sent] = bench.sent();
    bench.arrive(icmpError(3, 4, 600, sent!));
    const before = observed(bench, endpoint);
    expect(template.warm(host.now)).toBe(Errno.NONE);
    expect({ ...observed(bench, endpoint), pool: 0 }).toEqual({ ...before, pool: 0 });
    template.payload.setUint8(1399, 2);
    const { fired, ordinary } = both(bench, endpoint, template);
    expect(fired).toHaveLength(3);
    const bodies = (frames: Uint8Array[]) => frames.map((frame) => frame.slice(34));
    expect(bodies(fired)).toEqual(bodies(ordinary));
    const identification = (frame: Uint8Array) => ipv4.identification(new DataView(frame.buffer), 14);
    // Identifications go on as they do from send to send: the rehearsal used none up.
    expect((identification(ordinary[0]!) - identification(fired[0]!)) & 0xffff).toBe(1);
    bench.finish([endpoint]);
  });

  it('an ICMP error that waits, to be reported by a send and not by a rehearsal', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    endpoint.connect(PEER, PORT);
    const template = templateOf(endpoint, bytesOf('payload'), 0, 0);
    template.send(true, host.now);
    const [sent] = bench.sent();
    bench.arrive(icmpError(3, 3, 0, sent!));
    const before = observed(bench, endpoint);
    expect(template.warm(host.now)).toBe(Errno.ECONNREFUSED);
    expect({ ...observed(bench, endpoint), pool: 0 }).toEqual({ ...before, pool: 0 });
    expect(template.send(true, host.now)).toBe(Errno.ECONNREFUSED);
    expect(template.send(true, host.now)).toBe(Errno.NONE);
    bench.finish([endpoint]);
  });

  it('that the pool is empty, and that it is not any more', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    const template = templateOf(endpoint, bytesOf('payload'));
    const taken: Packet[] = [];
    while (host.pool.available > 0) taken.push(host.pool.take()!);
    expect(template.send(true, host.now)).toBe(Errno.NONE);
    expect(template.send(true, host.now)).toBe(Errno.ENOBUFS);
    expect(template.warm(host.now)).toBe(Errno.ENOBUFS);
    template.payload.setUint16(1, 0x2020);
    for (const packet of taken) packet.release();
    const { fired, ordinary } = both(bench, endpoint, template);
    expect(fired.at(-1)).toEqual(ordinary[0]);
    bench.finish([endpoint]);
  });

  it('that it is closed, or its endpoint: EBADF, and its packets are back', () => {
    const bench = new OneHost();
    const { host } = bench;
    const [one, other] = [host.bound(1000), host.bound(1001)];
    const before = host.pool.outstanding;
    const template = templateOf(one, bytesOf('payload'));
    expect(host.pool.outstanding).toBe(before + 2);
    template.close();
    template.close();
    expect(host.pool.outstanding).toBe(before);
    expect([template.send(true, host.now), template.warm(host.now)]).toEqual([Errno.EBADF, Errno.EBADF]);
    expect(bench.sent()).toEqual([]);
    const second = templateOf(other, bytesOf('payload'));
    other.close();
    expect(second.isClosed).toBe(true);
    second.payload.setUint32(0, 1);
    expect([second.send(true, host.now), second.warm(host.now)]).toEqual([Errno.EBADF, Errno.EBADF]);
    expect(other.template(bytesOf('x'), PEER, PORT)).toBe(Errno.EBADF);
    expect(host.pool.outstanding).toBe(before);
    bench.finish([one]);
  });
});

describe('making a template', () => {
  it('refuses what does not fit one frame, and addresses that are none', () => {
    const bench = new OneHost();
    const endpoint = bench.host.open();
    expect(endpoint.template(new Uint8Array(1473), PEER, PORT)).toBe(Errno.EMSGSIZE);
    expect(endpoint.template(new Uint8Array(3000), PEER, PORT)).toBe(Errno.EMSGSIZE);
    expect(endpoint.template(bytesOf('x'), PEER, 0)).toBe(Errno.EINVAL);
    expect(endpoint.template(bytesOf('x'), 0, PORT)).toBe(Errno.EINVAL);
    expect(endpoint.template(bytesOf('x'), ip('10.0.0.255'), PORT)).toBe(Errno.EACCES);
    const template = templateOf(endpoint, new Uint8Array(1472));
    expect(endpoint.isBound).toBe(true);
    expect(template.send(true, bench.host.now)).toBe(Errno.NONE);
    const empty = templateOf(endpoint, new Uint8Array(0));
    expect(both(bench, endpoint, empty).fired).toHaveLength(2);
    bench.finish([endpoint]);
  });
});

describe('a rehearsal', () => {
  it('of a template and of an ordinary send emits nothing and changes nothing', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    const template = templateOf(endpoint, bytesOf('payload'));
    host.interfaces[1]!.flush();
    const before = observed(bench, endpoint);
    for (let i = 0; i < 100; i++) expect(template.warm(host.now)).toBe(Errno.NONE);
    expect(observed(bench, endpoint)).toEqual(before);
    expect(bench.sent()).toEqual([]);
    const { fired, ordinary } = both(bench, endpoint, template);
    expect(fired).toEqual(ordinary);
    bench.finish([endpoint]);
  });

  it('keeps the order of what waits: a template that is fired leaves behind it', () => {
    const bench = new OneHost();
    const { host } = bench;
    const endpoint = host.bound(1000);
    const template = templateOf(endpoint, bytesOf('second'));
    endpoint.sendTo(host.packet('first '), PEER, PORT, host.now);
    template.warm(host.now);
    template.send(true, host.now);
    const payloads = bench.sent().map((frame) => new TextDecoder().decode(frame.slice(42)));
    expect(payloads).toEqual(['first ', 'second']);
    bench.finish([endpoint]);
  });
});

it('patches, sends and rehearsals allocate nothing', () => {
  const bench = new TwoHosts({ debug: false });
  const { here, peer } = bench;
  const endpoint = here.bound(1000);
  const receiver = peer.bound(PORT);
  const template = templateOf(endpoint, new Uint8Array(64));
  template.send(true, here.now);
  bench.settle();
  const burst: Packet[] = [];
  let received = 0;
  const bytes = steadyStateBytes(() => {
    for (let i = 0; i < 20_000; i = (i + 1) | 0) {
      template.warm(here.now);
      template.payload.setUint32(8, i);
      template.payload.setUint64(17, i, ~i);
      template.send(true, here.now);
      peer.interfaces[1]!.poll(32, here.now);
      const count = receiver.receiveBurst(burst, 32);
      for (let at = 0; at < count; at = (at + 1) | 0) burst[at]!.release();
      received = (received + count) | 0;
    }
  });
  expect(received).toBe(200_000 + 1);
  expect(bytes).toBeLessThan(16_384);
  bench.finish([endpoint, receiver]);
});

it('a datagram that comes in cannot pass for a rehearsal', () => {
  const bench = new OneHost();
  const { host } = bench;
  const endpoint = host.bound(1000);
  bench.arrive(datagram({ destinationPort: 1000, payload: 'question' }));
  const packet = endpoint.receive()!;
  expect(endpoint.sendTo(packet, PEER, PORT, host.now)).toBe(Errno.NONE);
  expect(bench.sent()).toHaveLength(1);
  bench.finish([endpoint]);
});
