import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { DropReason, ipv4 } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { HERE, ip, OneHost, PEER, Recorder, TwoHosts, texts } from './two-hosts.testkit.js';
import { MAXIMUM_DATAGRAM } from './udp-endpoint.js';

const BROADCAST = ip('10.0.0.255');

describe('bind', () => {
  it('a second bind is EINVAL, a foreign address EADDRNOTAVAIL, a taken port EADDRINUSE', () => {
    const bench = new OneHost();
    const { host } = bench;
    const first = host.bound(7, HERE);
    expect(first.bind(HERE, 8)).toBe(Errno.EINVAL);
    expect(first.localPort).toBe(7);
    const second = host.open();
    expect(second.bind(PEER, 7)).toBe(Errno.EADDRNOTAVAIL);
    expect(second.bind(0, 7)).toBe(Errno.EADDRINUSE);
    expect(second.isBound).toBe(false);
    expect(second.bind(ip('127.0.0.1'), 7)).toBe(Errno.NONE);
    bench.finish([first, second]);
  });

  it('port 0 chooses a port from the configured range', () => {
    const bench = new OneHost({ udp: { ephemeralPorts: { first: 6000, last: 6003 } } });
    const endpoints = Array.from({ length: 4 }, () => bench.host.bound(0));
    expect(endpoints.map(({ localPort }) => localPort).sort()).toEqual([6000, 6001, 6002, 6003]);
    const late = bench.host.open();
    expect(late.sendTo(bench.host.packet('x'), PEER, 9, 0)).toBe(Errno.EADDRNOTAVAIL);
    bench.finish([...endpoints, late]);
  });
});

describe('connect', () => {
  it('binds first, picks the source address, and disconnect widens it again', () => {
    const bench = new OneHost();
    const endpoint = bench.host.open();
    expect(endpoint.connect(PEER, 9)).toBe(Errno.NONE);
    expect(endpoint).toMatchObject({ localAddress: HERE, remoteAddress: PEER, remotePort: 9, isConnected: true });
    expect(endpoint.localPort).toBeGreaterThanOrEqual(49_152);
    endpoint.disconnect();
    expect(endpoint).toMatchObject({ localAddress: 0, remoteAddress: 0, remotePort: 0, isConnected: false });
    expect(endpoint.isBound).toBe(true);
    bench.finish([endpoint]);
  });

  it('port 0 is EINVAL, no route ENETUNREACH, broadcast without the flag EACCES', () => {
    const bench = new OneHost();
    const endpoint = bench.host.open();
    expect(endpoint.connect(PEER, 0)).toBe(Errno.EINVAL);
    expect(endpoint.connect(ip('192.0.2.1'), 9)).toBe(Errno.ENETUNREACH);
    expect(endpoint.connect(BROADCAST, 9)).toBe(Errno.EACCES);
    expect(endpoint.isBound).toBe(false);
    endpoint.broadcast = true;
    expect(endpoint.connect(BROADCAST, 9)).toBe(Errno.NONE);
    bench.finish([endpoint]);
  });

  it('may be repeated with another peer, and only the new peer is heard', () => {
    const bench = new TwoHosts();
    const first = bench.peer.bound(1001);
    const second = bench.peer.bound(1002);
    const endpoint = bench.here.bound(7);
    expect(endpoint.connect(PEER, 1001)).toBe(Errno.NONE);
    expect(endpoint.connect(PEER, 1002)).toBe(Errno.NONE);
    first.sendTo(bench.peer.packet('old'), HERE, 7, bench.peer.now);
    second.sendTo(bench.peer.packet('new'), HERE, 7, bench.peer.now);
    bench.settle();
    expect(texts(endpoint)).toEqual(['new']);
    expect(bench.here.drops(DropReason.UDP_PORT_UNREACHABLE)).toBe(1);
    bench.finish([first, second, endpoint]);
  });

  it('a flow that exists is EADDRINUSE, and leaves the endpoint as it was bound', () => {
    const bench = new OneHost();
    const [first, second] = [bench.host.open(), bench.host.open()];
    first.reuse = true;
    second.reuse = true;
    first.bind(0, 7);
    second.bind(0, 7);
    expect(first.connect(PEER, 9)).toBe(Errno.NONE);
    expect(second.connect(PEER, 9)).toBe(Errno.EADDRINUSE);
    expect(second).toMatchObject({ localAddress: 0, remoteAddress: 0, remotePort: 0, isConnected: false });
    bench.finish([first, second]);
  });

  it('an endpoint without a peer receives from anybody, also after disconnect', () => {
    const bench = new TwoHosts();
    const [sender, endpoint] = [bench.peer.bound(1001), bench.here.bound(7)];
    endpoint.connect(PEER, 9);
    endpoint.disconnect();
    sender.sendTo(bench.peer.packet('hello'), HERE, 7, bench.peer.now);
    bench.settle();
    expect(texts(endpoint)).toEqual(['hello']);
    bench.finish([sender, endpoint]);
  });
});

describe('send', () => {
  it('without a peer is EDESTADDRREQ, and the packet is released', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    expect(endpoint.send(bench.host.packet('x'), 0)).toBe(Errno.EDESTADDRREQ);
    bench.finish([endpoint]);
  });

  it('a connected endpoint may still send elsewhere', () => {
    const bench = new TwoHosts();
    const [one, other, endpoint] = [bench.peer.bound(1001), bench.peer.bound(1002), bench.here.open()];
    endpoint.connect(PEER, 1001);
    expect(endpoint.sendTo(bench.here.packet('other'), PEER, 1002, bench.here.now)).toBe(Errno.NONE);
    expect(endpoint.send(bench.here.packet('one'), bench.here.now)).toBe(Errno.NONE);
    bench.settle();
    expect(texts(one)).toEqual(['one']);
    expect(texts(other)).toEqual(['other']);
    bench.finish([one, other, endpoint]);
  });

  it('to broadcast addresses needs the flag', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    for (const address of [BROADCAST, ip('255.255.255.255')]) {
      endpoint.broadcast = false;
      expect(endpoint.sendTo(bench.host.packet('x'), address, 9, 0)).toBe(Errno.EACCES);
      endpoint.broadcast = true;
      expect(endpoint.sendTo(bench.host.packet('x'), address, 9, 0)).toBe(Errno.NONE);
      const [frame] = bench.sent();
      expect(frame!.subarray(0, 6)).toEqual(new Uint8Array(6).fill(0xff));
    }
    bench.finish([endpoint]);
  });

  it('port 0 is EINVAL, address 0 and unrouted ones ENETUNREACH', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    expect(endpoint.sendTo(bench.host.packet('x'), PEER, 0, 0)).toBe(Errno.EINVAL);
    expect(endpoint.sendTo(bench.host.packet('x'), 0, 9, 0)).toBe(Errno.ENETUNREACH);
    expect(endpoint.sendTo(bench.host.packet('x'), ip('192.0.2.1'), 9, 0)).toBe(Errno.ENETUNREACH);
    bench.finish([endpoint]);
  });

  it('fails with EMSGSIZE above 65,507 bytes, and above the MTU with dontFragment', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    const send = (length: number) => endpoint.sendTo(bench.host.packet(new Uint8Array(length)), PEER, 9, 0);
    expect(MAXIMUM_DATAGRAM).toBe(65_507);
    expect(send(65_508)).toBe(Errno.EMSGSIZE);
    endpoint.dontFragment = true;
    expect(send(1472)).toBe(Errno.NONE);
    expect(send(1473)).toBe(Errno.EMSGSIZE);
    expect(bench.host.accounts.transmitDropped(DropReason.TRANSMIT_TOO_LONG)).toBe(2);
    endpoint.dontFragment = false;
    bench.sent();
    expect(send(1473)).toBe(Errno.NONE);
    expect(bench.sent()).toHaveLength(2);
    bench.finish([endpoint]);
  });

  it('never writes before the frame of a packet that came with little headroom', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    for (const headroom of [0, 8, 41, 45, 46]) {
      const before = bench.host.pool.take()!;
      const packet = bench.host.packet('payload');
      const payload = packet.toBytes();
      packet.offset = packet.base + headroom;
      packet.memory.bytes.set(payload, packet.offset);
      const neighbours = before.memory.bytes.slice(packet.base - 64, packet.base);
      expect(endpoint.sendTo(packet, PEER, 9, 0), `headroom ${headroom}`).toBe(Errno.NONE);
      expect(before.memory.bytes.slice(packet.base - 64, packet.base)).toEqual(neighbours);
      expect(bench.sent().at(-1)?.subarray(42)).toEqual(payload);
      before.release();
    }
    bench.finish([endpoint]);
  });

  it('refuses a packet that was released already, and does not send its frame', () => {
    // Without the debug mode, which throws.
    const memory = PacketMemory.create({ frames: 8 });
    const pool = PacketPool.create(memory, 8);
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    const packet = pool.take()!;
    packet.release();
    expect(endpoint.sendTo(packet, PEER, 9, 0)).toBe(Errno.EINVAL);
    expect(bench.sent()).toEqual([]);
    expect(pool.available).toBe(8);
    bench.finish([endpoint]);
  });

  it('refuses a packet whose length reaches beyond its frame', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    const packet = bench.host.packet('x');
    packet.length = packet.length + packet.tailroom + 1;
    expect(endpoint.sendTo(packet, PEER, 9, 0)).toBe(Errno.EMSGSIZE);
    bench.finish([endpoint]);
  });

  it('marks what fits with DF, so that path MTU discovery works, and writes the header the options ask for', () => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7);
    endpoint.timeToLive = 9;
    endpoint.trafficClass = 0xb8;
    endpoint.sendTo(bench.host.packet('x'), PEER, 9, 0);
    endpoint.sendTo(bench.host.packet('x'), ip('239.1.2.3'), 9, 0);
    const headers = bench.sent().map((frame) => ipv4.parse(new DataView(frame.buffer), 14, frame.length - 14));
    expect(headers).toMatchObject([
      { timeToLive: 9, trafficClass: 0xb8, dontFragment: true, source: HERE, destination: PEER },
      { timeToLive: 1, source: HERE },
    ]);
    bench.finish([endpoint]);
  });

  it.each(['239.1.2.3', '10.0.0.255', '255.255.255.255'])('bound to %s it sends from an address of the host', (to) => {
    const bench = new OneHost();
    const endpoint = bench.host.bound(7, ip(to));
    expect(endpoint.sendTo(bench.host.packet('x'), PEER, 9, 0)).toBe(Errno.NONE);
    const [frame] = bench.sent();
    expect(ipv4.source(new DataView(frame!.buffer), 14)).toBe(HERE);
    bench.finish([endpoint]);
  });

  it('joining a group on an interface moves what is sent there, at once', () => {
    const bench = new OneHost();
    const group = ip('239.1.2.3');
    const endpoint = bench.host.bound(7);
    endpoint.sendTo(bench.host.packet('x'), group, 9, 0);
    expect(bench.sent()).toHaveLength(1);
    expect(endpoint.joinGroup(group, 0)).toBe(Errno.NONE);
    endpoint.sendTo(bench.host.packet('x'), group, 9, 0);
    expect(bench.sent()).toHaveLength(0);
    endpoint.leaveGroup(group, 0);
    endpoint.sendTo(bench.host.packet('x'), group, 9, 0);
    expect(bench.sent()).toHaveLength(1);
    bench.finish([endpoint]);
  });
});

describe('close', () => {
  it('releases the queue, frees the port and the groups, and everything after it is EBADF', () => {
    const bench = new TwoHosts();
    const [sender, endpoint] = [bench.peer.bound(1), bench.here.bound(7)];
    endpoint.joinGroup(ip('239.1.2.3'), 1);
    for (let i = 0; i < 3; i++) sender.sendTo(bench.peer.packet('x'), HERE, 7, bench.peer.now);
    bench.settle();
    expect(endpoint.queued).toBe(3);
    endpoint.close();
    endpoint.close();
    expect(endpoint.receive()).toBeNull();
    expect(endpoint.bind(0, 8)).toBe(Errno.EBADF);
    expect(endpoint.connect(PEER, 8)).toBe(Errno.EBADF);
    expect(endpoint.joinGroup(ip('239.1.2.3'), 1)).toBe(Errno.EBADF);
    expect(endpoint.send(bench.here.packet('x'), 0)).toBe(Errno.EBADF);
    expect(endpoint.sendTo(bench.here.packet('x'), PEER, 8, 0)).toBe(Errno.EBADF);
    expect(bench.here.ipv4.groups.has(ip('239.1.2.3'), 1, 0)).toBe(false);
    const next = bench.here.bound(7);
    bench.finish([sender, endpoint, next]);
  });
});

describe('receive', () => {
  it('tells once that an empty queue has something, and hands out bursts in order', () => {
    const bench = new TwoHosts();
    const recorder = new Recorder();
    const [sender, endpoint] = [bench.peer.bound(1), bench.here.bound(7, 0, recorder)];
    for (let i = 0; i < 10; i++) sender.sendTo(bench.peer.packet(`${i}`), HERE, 7, bench.peer.now);
    bench.settle();
    // Three waited for the neighbour's address; the others found its queue full.
    expect(endpoint.queued).toBe(3);
    for (let i = 10; i < 17; i++) sender.sendTo(bench.peer.packet(`${i}`), HERE, 7, bench.peer.now);
    bench.settle();
    expect(recorder.readable).toBe(1);
    const burst: Packet[] = [];
    expect(endpoint.receiveBurst(burst, 4)).toBe(4);
    expect(endpoint.receiveBurst(burst, 0)).toBe(0);
    const first = burst.slice(0, 4).map((packet) => new TextDecoder().decode(packet.toBytes()));
    for (const packet of burst.slice(0, 4)) packet.release();
    expect([...first, ...texts(endpoint)]).toEqual(['7', '8', '9', '10', '11', '12', '13', '14', '15', '16']);
    expect(endpoint.receiveBurst(burst, 4)).toBe(0);
    bench.finish([sender, endpoint]);
  });

  it('what does not fit the queue is dropped and counted, there and in the account', () => {
    const bench = new TwoHosts({ udp: { receiveQueue: 4 } });
    const [sender, endpoint] = [bench.peer.bound(1), bench.here.bound(7)];
    expect(endpoint.receiveLimit).toBe(4);
    sender.sendTo(bench.peer.packet('first'), HERE, 7, bench.peer.now);
    bench.settle();
    for (let i = 0; i < 5; i++) sender.sendTo(bench.peer.packet(`${i}`), HERE, 7, bench.peer.now);
    bench.settle();
    expect(endpoint.overflows).toBe(2);
    expect(bench.here.drops(DropReason.SOCKET_BUFFER_FULL)).toBe(2);
    expect(texts(endpoint)).toEqual(['first', '0', '1', '2']);
    bench.finish([sender, endpoint]);
  });

  it('a received packet can be sent back as it is', () => {
    const bench = new TwoHosts();
    const [client, server] = [bench.peer.bound(1), bench.here.bound(7)];
    client.sendTo(bench.peer.packet('echo me'), HERE, 7, bench.peer.now);
    bench.settle();
    const { copies } = bench.pool.memory;
    const before = copies[0]!;
    const request = server.receive()!;
    expect(server.sendTo(request, PEER, 1, bench.here.now)).toBe(Errno.NONE);
    bench.settle();
    expect(copies[0]).toBe(before);
    expect(texts(client)).toEqual(['echo me']);
    bench.finish([client, server]);
  });
});

describe('options of the layer', () => {
  it.each([
    [{ maximumEndpoints: 0 }, 'maximumEndpoints'],
    [{ receiveQueue: 1.5 }, 'receiveQueue'],
    [{ ephemeralPorts: { first: 0, last: 10 } }, 'ephemeralPorts.first'],
    [{ ephemeralPorts: { first: 20, last: 10 } }, 'ephemeralPorts.last'],
  ])('%o is EINVAL and names the option', (options, name) => {
    expect(() => new OneHost({ udp: options })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => new OneHost({ udp: options })).toThrow(name);
  });
});
