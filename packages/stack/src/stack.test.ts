import { readFileSync } from 'node:fs';
import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import {
  createPipe,
  createSharedMemoryLink,
  type Link,
  openSharedMemoryLink,
  sharedMemoryLinkBytes,
} from '@prism-net/link';
import { formatIpv4Address } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { createStack } from './stack.js';
import { HERE, Network, PEER, text, twoHosts } from './two-hosts.testkit.js';

it('the example of the README works', async () => {
  const lines: string[] = [];
  const console = { log: (line: string) => lines.push(line) };
  // <README>
  const [left, right] = createPipe();
  const server = createStack({ link: left, address: '10.0.0.1/24' });
  const client = createStack({ link: right, address: '10.0.0.2/24' });

  const echo = server.udpSocket({ port: 7 });
  echo.onMessage((datagram) => datagram.reply(datagram.data));

  const socket = client.udpSocket().connect(7, '10.0.0.1');
  socket.send('hello, userspace');
  const answer = await socket.next();
  console.log(new TextDecoder().decode(answer!.data));
  server.close();
  client.close();
  // </README>
  expect(lines).toEqual(['hello, userspace']);

  const here = readFileSync(new URL('./stack.test.ts', import.meta.url), 'utf8');
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8');
  const code = here.slice(here.indexOf('// <README>\n') + 12, here.indexOf('  // </README>'));
  expect(readme).toContain(code.replaceAll(/^ {2}/gm, ''));
  expect(code.split('\n').filter((line) => line.trim() !== '').length).toBeLessThanOrEqual(11);
});

describe('one host', () => {
  it.each(['127.0.0.1', '127.1.2.3', HERE])('talks to itself at %s', async (address) => {
    const { network, here } = twoHosts();
    const server = here.udpSocket({ port: 7, address });
    const client = here.udpSocket().connect(7, address);
    client.send('to myself');
    network.settle();
    const received = (await server.next())!;
    expect(text(received.data)).toBe('to myself');
    server.send('and back', received.port, received.address);
    network.settle();
    expect(text((await client.next())?.data)).toBe('and back');
    network.finish();
  });

  it('has no loopback when told so', () => {
    const { network, here } = twoHosts({ loopback: false });
    const socket = here.udpSocket();
    expect(() => socket.send('x', 7, '127.0.0.1')).toThrow(expect.objectContaining({ code: 'ENETUNREACH' }));
    network.finish();
  });

  it('with two interfaces answers on each for its own addresses', async () => {
    const network = new Network();
    const [left, farLeft] = createPipe({ names: ['left', 'far-left'] });
    const [right, farRight] = createPipe({ names: ['right', 'far-right'] });
    const host = network.add({
      interfaces: [
        { link: left, address: '10.0.1.1/24' },
        { link: right, address: '10.0.2.1/24' },
      ],
    });
    const one = network.add({ link: farLeft, address: '10.0.1.2/24', gateway: '10.0.1.1' });
    const two = network.add({ link: farRight, address: '10.0.2.2/24' });
    const echo = host.udpSocket({ port: 7 });
    echo.onMessage((datagram) => datagram.reply(datagram.data));
    for (const [stack, address] of [
      [one, '10.0.1.1'],
      [two, '10.0.2.1'],
    ] as const) {
      const socket = stack.udpSocket().connect(7, address);
      socket.send('hello');
      network.settle();
      expect(text((await socket.next())?.data)).toBe('hello');
    }
    // The strong host model: the other interface's address is not reached over this one, and nothing is passed on.
    const socket = one.udpSocket();
    socket.send('x', 7, '10.0.2.1');
    socket.send('x', 7, '10.0.2.2');
    network.settle();
    expect(host.statistics().receive.dropped).toMatchObject({ IPV4_NOT_FOR_US: 2 });
    expect(host.statistics().interfaces.map(({ name }) => name)).toEqual(['lo', 'left', 'right']);
    network.finish();
  });
});

describe('ping', () => {
  it('measures the round trip', async () => {
    const { network, here } = twoHosts();
    const reply = here.ping(PEER, { payloadLength: 1000 });
    here.poll();
    network.clock.advance(700);
    network.settle();
    expect(await reply).toEqual({ address: PEER, roundTripMicroseconds: 700 });
    expect(await pingInTime(network, here.ping('127.0.0.1'))).toMatchObject({ address: '127.0.0.1' });
    network.finish();
  });

  it('is ETIMEDOUT when the answer does not come in time', async () => {
    const network = new Network();
    const [left, right] = createPipe();
    const here = network.add({ link: left, address: `${HERE}/24` });
    const deaf = network.add({ link: right, address: `${PEER}/24`, ipv4: { icmp: { echo: false } } });
    const reply = here.ping(PEER, { timeoutMilliseconds: 300 });
    const outcome = expect(reply).rejects.toMatchObject({ code: 'ETIMEDOUT', syscall: 'ping' });
    network.pass(299, 1);
    expect(deaf.statistics().receive.dropped).toMatchObject({ ICMP_TYPE_UNKNOWN: 1 });
    network.pass(2, 1);
    await outcome;
    network.finish();
  });

  it('counts its time from the call, however long ago the last poll was', async () => {
    const { network, here } = twoHosts();
    network.clock.advance(5_000_000);
    const reply = here.ping(PEER);
    expect((await pingInTime(network, reply)).roundTripMicroseconds).toBe(0);
    network.finish();
  });

  it('is EHOSTUNREACH for a neighbour that is not there, ENETUNREACH without a route', async () => {
    const { network, here } = twoHosts();
    const outcomes = Promise.all([
      expect(here.ping('10.0.0.77', { timeoutMilliseconds: 1000 })).rejects.toMatchObject({ code: 'ETIMEDOUT' }),
      expect(here.ping('192.0.2.1')).rejects.toMatchObject({ code: 'ENETUNREACH' }),
    ]);
    network.pass(5000);
    await outcomes;
    await expect(here.ping('10.0.0.77')).rejects.toMatchObject({ code: 'EHOSTUNREACH' });
    network.finish();
  });

  it.each([
    ['10.0.0', {}, 'EINVAL', '"10.0.0" is not an IPv4 address'],
    [PEER, { payloadLength: -1 }, 'EINVAL', 'payloadLength must be a whole number from 0 to 65507, not -1'],
    [PEER, { payloadLength: 1.5 }, 'EINVAL', 'payloadLength'],
    [PEER, { payloadLength: 5000 }, 'EMSGSIZE', PEER],
    [PEER, { timeoutMilliseconds: 0 }, 'EINVAL', 'timeoutMilliseconds must be a whole number from 1'],
  ])('%s with %o is %s', async (address, options, code, message) => {
    const { network, here } = twoHosts();
    const reply = here.ping(address, options);
    await expect(reply).rejects.toMatchObject({ code });
    await expect(reply).rejects.toThrow(message);
    network.finish();
  });

  it('is ENETDOWN when the stack closes first, ENOBUFS when all timers are taken', async () => {
    const { network, here } = twoHosts({ timers: 8 });
    const pings = Array.from({ length: 5 }, () => here.ping('10.0.0.77'));
    const outcomes = Promise.allSettled(pings);
    network.finish();
    const codes = (await outcomes).map((each) => (each.status === 'rejected' ? each.reason.code : 'answered'));
    expect(codes).toEqual(expect.arrayContaining(['ENETDOWN', 'ENOBUFS']));
    expect(new Set(codes)).toEqual(new Set(['ENETDOWN', 'ENOBUFS']));
  });
});

async function pingInTime<T>(network: Network, reply: Promise<T>): Promise<T> {
  // The request is sent at once; its resolution needs the other host to be polled.
  await Promise.resolve();
  network.settle();
  return reply;
}

describe('routing', () => {
  function threeNetworks(farMtu = 1500) {
    const network = new Network();
    const [near, routerNear] = createPipe();
    const [routerFar, far] = createPipe({ mtu: farMtu });
    const router = network.add({
      interfaces: [
        { link: routerNear, address: '10.0.1.1/24', name: 'near' },
        { link: routerFar, address: '10.0.2.1/24', name: 'far' },
      ],
      ipv4: { forwarding: true },
    });
    const client = network.add({ link: near, address: '10.0.1.2/24', gateway: '10.0.1.1' });
    const server = network.add({ link: far, address: '10.0.2.2/24', gateway: '10.0.2.1' });
    return { network, router, client, server };
  }

  it('a third stack passes datagrams and pings on, and says so', async () => {
    const { network, router, client, server } = threeNetworks();
    const echo = server.udpSocket({ port: 7 });
    echo.onMessage((datagram) => datagram.reply(datagram.data));
    const socket = client.udpSocket().connect(7, '10.0.2.2');
    socket.send('across');
    network.settle();
    expect(text((await socket.next())?.data)).toBe('across');
    expect(await pingInTime(network, client.ping('10.0.2.2'))).toMatchObject({ address: '10.0.2.2' });
    expect(router.statistics().receive).toMatchObject({ forwarded: 4, unexplained: 0, dropped: {} });
    network.finish();
  });

  it('a narrower network behind it is learnt from its ICMP error', async () => {
    const { network, client, server } = threeNetworks(1000);
    const sink = server.udpSocket({ port: 7 });
    const socket = client.udpSocket().connect(7, '10.0.2.2');
    const payload = new Uint8Array(1400).fill(7);
    socket.send(payload);
    network.settle();
    expect(sink.readable).toBe(0);
    socket.send(payload);
    network.settle();
    expect((await sink.next())?.data).toEqual(payload);
    network.finish();
  });

  it('to nowhere is answered with EHOSTUNREACH or ENETUNREACH', async () => {
    const { network, client } = threeNetworks();
    const errors: string[] = [];
    const socket = client.udpSocket({ port: 1 }).onError((error) => errors.push(error.code));
    socket.send('x', 7, '192.0.2.1');
    network.settle();
    socket.send('x', 7, '10.0.2.77');
    network.pass(5000);
    expect(errors).toEqual(['ENETUNREACH', 'EHOSTUNREACH']);
    network.finish();
  });

  it('addRoute leads by gateway or interface, and prefers the longest prefix', async () => {
    const network = new Network();
    const [left, right] = createPipe();
    const here = network.add({ link: left, address: `${HERE}/24` });
    const peer = network.add({ link: right, address: [`${PEER}/24`, '192.0.2.1/32'] });
    expect(() => here.udpSocket().send('x', 7, '192.0.2.1')).toThrow(expect.objectContaining({ code: 'ENETUNREACH' }));
    here.addRoute('0.0.0.0/0', { gateway: '10.0.0.99', metric: 7 });
    here.addRoute('192.0.2.0/24', { interfaceIndex: 1 });
    const sink = peer.udpSocket({ port: 7 });
    here.udpSocket().send('hello', 7, '192.0.2.1');
    network.settle();
    expect(text((await sink.next())?.data)).toBe('hello');
    expect(here.ipv4.routes.list().map(({ destination, metric }) => [formatIpv4Address(destination), metric])).toEqual(
      expect.arrayContaining([
        ['0.0.0.0', 7],
        ['192.0.2.0', 0],
      ]),
    );
    network.finish();
  });

  it.each([
    ['300.0.0.0/8', { gateway: PEER }, 'EINVAL', 'is not an IPv4 address'],
    ['192.0.2.0', { gateway: PEER }, 'EINVAL', 'is not an IPv4 prefix'],
    ['192.0.2.0/24', { gateway: 'router' }, 'EINVAL', 'is not an IPv4 address'],
    ['192.0.2.0/24', {}, 'ENETUNREACH', 'no interface leads to nowhere'],
    ['192.0.2.0/24', { gateway: '198.51.100.1' }, 'ENETUNREACH', 'no interface leads to 198.51.100.1'],
    ['192.0.2.0/24', { gateway: '127.0.0.2' }, 'ENETUNREACH', 'no interface leads to 127.0.0.2'],
    ['192.0.2.0/24', { interfaceIndex: 9 }, 'EINVAL', 'no interface leads to interface 9'],
    ['192.0.2.0/24', { gateway: PEER, metric: -1 }, 'EINVAL', 'metric -1'],
    ['10.0.0.0/24', { interfaceIndex: 1 }, 'EADDRINUSE', 'there is such a route'],
  ])('addRoute(%s, %o) is %s', (prefix, via, code, message) => {
    const { network, here } = twoHosts();
    expect(() => here.addRoute(prefix, via)).toThrow(expect.objectContaining({ code }));
    expect(() => here.addRoute(prefix, via)).toThrow(message);
    network.finish();
  });
});

it('a VLAN interface talks to its own VLAN only', async () => {
  const results = [];
  for (const vlan of [5, 6, undefined]) {
    const network = new Network();
    const [left, right] = createPipe();
    const here = network.add({ link: left, address: `${HERE}/24`, vlan: 5 });
    const peer = network.add({ link: right, address: `${PEER}/24`, ...(vlan === undefined ? {} : { vlan }) });
    here.udpSocket().send(new Uint8Array(1472), 7, PEER);
    const sink = peer.udpSocket({ port: 7 });
    network.settle();
    results.push([sink.readable, Object.keys(peer.statistics().receive.dropped)]);
    network.finish();
  }
  // What is not for anybody: the announcement of the other's address.
  expect(results).toEqual([
    [1, ['ARP_NOT_FOR_US']],
    [0, ['VLAN_NOT_OURS']],
    [0, ['VLAN_NOT_OURS']],
  ]);
});

describe('statistics()', () => {
  it('what was received is what was delivered, handled or dropped, and rates are per second of the clock', async () => {
    const { network, here, peer } = twoHosts();
    const server = peer.udpSocket({ port: 7, receiveQueue: 2 });
    const client = here.udpSocket();
    await pingInTime(network, here.ping(PEER));
    peer.statistics();
    network.clock.advance(500_000);
    for (let i = 0; i < 3; i++) client.send('x', 7, PEER);
    client.send('x', 8, PEER);
    network.settle();
    const { receive, interfaces, udp, pool, polls, rates } = peer.statistics();
    // Handled: an announcement is none of our business, the request for our address, the echo request.
    expect(receive).toMatchObject({ delivered: 2, forwarded: 0, held: 0, unexplained: 0 });
    expect(receive.dropped).toMatchObject({ SOCKET_BUFFER_FULL: 1, UDP_PORT_UNREACHABLE: 1 });
    const dropped = Object.values(receive.dropped).reduce((sum, count) => sum + count, 0);
    expect(receive.received).toBe(receive.delivered + receive.handled + dropped);
    expect(interfaces.map(({ name }) => name)).toEqual(['lo', 'pipe1']);
    expect(interfaces[1]!.link.receivedPackets).toBe(receive.received);
    expect(udp).toEqual({ received: 2, sent: 0, errorsReported: 0 });
    expect(pool).toMatchObject({ frames: 256, exhausted: 0 });
    expect(polls.polls).toBeGreaterThan(polls.workingPolls);
    expect(rates).toEqual({ received: 8, transmitted: 2 });
    expect(here.statistics().transmitDrops).toEqual({});
    expect(server.readable).toBe(2);
    network.finish();
  });

  it('a packet that could not leave is counted by its reason', () => {
    const { network, here } = twoHosts({ ethernet: { neighbours: { pendingPerNeighbour: 3 } } });
    const socket = here.udpSocket();
    for (let i = 0; i < 5; i++) socket.send('x', 7, '10.0.0.77');
    network.pass(5000);
    expect(here.statistics().transmitDrops).toEqual({
      TRANSMIT_NEIGHBOUR_QUEUE_FULL: 2,
      TRANSMIT_NEIGHBOUR_UNREACHABLE: 3,
    });
    network.finish();
  });

  it('gaps between polls are a histogram by powers of two', () => {
    const { network, here } = twoHosts();
    here.statistics();
    network.clock.advance(5);
    here.poll();
    network.clock.advance(1000);
    here.poll();
    const { gaps, longestGapMicroseconds } = here.statistics().polls;
    expect(longestGapMicroseconds).toBe(1000);
    expect([gaps[3], gaps[10]]).toEqual([1, 1]);
    expect(here.statistics().polls.longestGapMicroseconds).toBe(0);
    network.finish();
  });
});

describe('close()', () => {
  it('releases everything: queues, fragments, packets that wait for a neighbour; and may be repeated', async () => {
    const { network, here, peer } = twoHosts();
    const server = peer.udpSocket({ port: 7 });
    const client = here.udpSocket();
    client.send('x', 7, PEER);
    network.settle();
    client.send('waits for ever', 7, '10.0.0.77');
    client.send(new Uint8Array(5000), 7, PEER);
    here.poll();
    // One of the four fragments gets lost in the cable.
    const burst: Packet[] = [];
    const link = peer.links[1] as Link;
    for (let count = link.receive(burst, 1); burst[0]!.length !== 1514; count = link.receive(burst, count)) {
      burst[0]!.release();
    }
    burst[0]!.release();
    network.settle();
    expect(peer.statistics().receive.held).toBeGreaterThan(0);
    const reading = server.next().then(() => server.next());
    client.send('queued, never flushed', 7, PEER);
    for (const stack of [here, peer]) {
      stack.close();
      stack.close();
      expect(stack.poll()).toBe(0);
    }
    expect(await reading).toBeUndefined();
    expect([client.isClosed, server.isClosed]).toEqual([true, true]);
    expect(here.statistics().transmitDrops).toMatchObject({ TRANSMIT_LINK_CLOSED: 2 });
    expect(peer.statistics().receive.dropped).toMatchObject({ STACK_CLOSED: 3 });
    expect(() => here.udpSocket()).toThrow(expect.objectContaining({ code: 'ENETDOWN' }));
    network.finish();
  });

  it('works from within a callback, and still tells whom it closes', async () => {
    const { network, here, peer } = twoHosts();
    const server = peer.udpSocket({ port: 7 });
    const other = peer.udpSocket({ port: 8 });
    const waiting = other.next();
    server.onMessage(() => peer.close());
    for (let i = 0; i < 3; i++) here.udpSocket().send('stop', 7, PEER);
    network.settle();
    expect(await waiting).toBeUndefined();
    expect(peer.poll()).toBe(0);
    network.finish();
  });

  it('is what asyncDispose does', async () => {
    const { network, here } = twoHosts();
    await here[Symbol.asyncDispose]();
    expect(() => here.udpSocket()).toThrow('closed');
    network.finish();
  });
});

describe('the pool of a stack', () => {
  it('is that of its shared-memory link, so that nothing is copied', () => {
    const memory = PacketMemory.create({ frames: 128, controlBytes: sharedMemoryLinkBytes() });
    const ends = createSharedMemoryLink(memory);
    const [here, peer] = (['left', 'right'] as const).map((side, i) => {
      const link = openSharedMemoryLink(memory, ends[side], PacketPool.create(memory, 64));
      const stack = createStack({ link, address: `10.0.0.${i + 1}/24`, mode: 'manual' });
      expect(stack.pool).toBe(link.pool);
      return stack;
    });
    const server = peer!.udpSocket({ port: 7 });
    const client = here!.udpSocket().connect(7, '10.0.0.2');
    const packet = client.reserve()!;
    packet.length = 4;
    client.commit(packet);
    for (let round = 0; round < 4; round++) for (const stack of [here!, peer!]) stack.poll();
    const received = server.receivePacket()!;
    expect(received.frame).toBe(packet.frame);
    expect(memory.copies[0]).toBe(0);
    received.release();
    for (const stack of [here!, peer!]) stack.close();
  });
});
