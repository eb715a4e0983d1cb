import { steadyStateBytes } from '@prism-net/measure';
import { Errno } from '@prism-net/socket';
import { SeededRandom } from '@prism-net/tables';
import { parseIpv4Address, tcp } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { RecordingLink } from './recording-link.testkit.js';
import { drive, pattern } from './stream.testkit.js';
import { finish, readAll, type World, world } from './templates.testkit.js';
import { PEER } from './two-hosts.testkit.js';

/** Everything a rehearsal must leave alone. */
function observed({ here, client, wire }: World) {
  const { pool, accounts, timers } = here;
  return {
    connection: client.tcpInfo(),
    error: client.connection.error,
    blocked: client.connection.isWriteBlocked,
    edge: client.connection.wake().receiveWindow.edge,
    owes: client.connection.wake().mustAcknowledge,
    pool: [pool.available, pool.outstanding, pool.peak, { ...pool.statistics }],
    copies: [...pool.memory.copies],
    account: accounts.snapshot(),
    drops: accounts.transmitSnapshot(),
    tcp: here.tcp.statistics,
    timers: [timers.armed, here.tcp.wheel.armed, here.tcp.hasPending, here.nextEvent()],
    neighbours: here.interfaces[1]!.neighbours.list(),
    sent: wire.take().length,
  };
}

describe('what a template of a stream may rely on', () => {
  it('with losses the peer gets every byte, in the order of the calls, whatever they were', async () => {
    const all = await world({ loss: 0.15 });
    const { network, here, client, server } = all;
    const template = client.template(new Uint8Array(100).fill(0x20));
    const random = new SeededRandom(3);
    const expected: number[] = [];
    const received: number[] = [];
    for (let number = 0; number < 400; number++) {
      if ((random.nextInt32() & 3) === 0) {
        const bytes = pattern(1 + (random.nextInt32() & 0x1ff), number);
        const taken = client.tryWrite(bytes);
        for (let i = 0; i < taken; i++) expected.push(bytes[i]!);
      } else {
        template.setUint32(96, number);
        const sent = template.send();
        expect([0, 100]).toContain(sent);
        if (sent > 0) {
          for (let i = 0; i < 96; i++) expected.push(0x20);
          expected.push(0, 0, number >> 8, number & 0xff);
        }
      }
      if ((random.nextInt32() & 1) === 0) network.pass(5, 5);
      for (const byte of readAll(server)) received.push(byte);
    }
    for (let i = 0; i < 600 && received.length < expected.length; i++) {
      network.pass(200);
      for (const byte of readAll(server)) received.push(byte);
    }
    expect(client.tcpInfo().retransmitted).toBeGreaterThan(10);
    expect(received.length).toBe(expected.length);
    expect(received).toEqual(expected);
    expect(here.accounts.snapshot().unexplained).toBe(0);
    finish(all);
  });

  it('what does not fit the send buffer is not sent in part: 0, and onWritable tells of room', async () => {
    const all = await world({ connect: { sendBuffer: 4096 } });
    const { network, client, server } = all;
    const template = client.template(pattern(1000));
    const results: number[] = [];
    for (let i = 0; i < 6; i++) results.push(template.send());
    expect(results).toEqual([1000, 1000, 1000, 1000, 0, 0]);
    let told = 0;
    client.onWritable(() => told++);
    network.pass(100, 10);
    expect(told).toBe(1);
    expect(template.send()).toBe(1000);
    network.pass(100, 10);
    expect(readAll(server)).toEqual(Uint8Array.from({ length: 5000 }, (_, i) => pattern(1000)[i % 1000]!));
    finish(all);
  });

  it('writes that wait come first', async () => {
    const all = await world({ connect: { sendBuffer: 4096 } });
    const { network, client, server } = all;
    const template = client.template('template');
    const writing = client.write(pattern(6000));
    expect([template.send(), template.warm()]).toEqual([0, 0]);
    const text: Uint8Array[] = [];
    const reading = (async () => {
      for await (const chunk of server) text.push(chunk.slice());
    })();
    await drive(network, writing);
    expect(template.send()).toBe(8);
    client.end();
    await drive(network, reading);
    expect(Buffer.concat(text)).toEqual(Buffer.concat([pattern(6000), Buffer.from('template')]));
    finish(all);
  });

  it('a neighbour with another address, a narrower path, other options: what leaves is as it must be', async () => {
    const all = await world();
    const { network, here, client, server, wire } = all;
    const template = client.template(pattern(1200));
    const peer = parseIpv4Address(PEER);
    const { neighbours } = here.interfaces[1]!;
    const sent = () => {
      wire.take();
      expect(template.send()).toBe(1200);
      const frames = wire.take();
      return frames.map((frame) => new DataView(frame.buffer));
    };
    neighbours.addPermanent(peer, 0x0200, 0x77);
    expect(sent().map((view) => view.getInt32(2))).toEqual([0x77]);
    neighbours.addPermanent(peer, 0x0200, 0x78);
    expect(sent().map((view) => view.getInt32(2))).toEqual([0x78]);
    const { high, low } = all.peer.interfaces[1]!.link.capabilities.macAddress;
    neighbours.addPermanent(peer, high, low);
    client.setOptions({ timeToLive: 3, trafficClass: 0x20 });
    expect(sent().map((view) => [view.getUint8(15), view.getUint8(22)])).toEqual([[0x20, 3]]);
    network.pass(2000);
    here.ipv4.pathMtu.update(peer, 700, here.now());
    const narrow = sent();
    expect(narrow.length).toBe(2);
    for (const view of narrow) expect(view.getUint16(16)).toBeLessThanOrEqual(700);
    network.pass(2000);
    expect(readAll(server)).toEqual(Uint8Array.from({ length: 4800 }, (_, i) => pattern(1200)[i % 1200]!));
    finish(all);
  });

  it('holes of the peer are reported: then it goes the ordinary way, with SACK', async () => {
    const all = await world();
    const { client, server, network, here, wire } = all;
    const template = client.template('template');
    // What the first write sends gets lost on the way.
    const link = all.peer.interfaces[1]!.link;
    server.tryWrite(pattern(100));
    const { transmit } = link;
    link.transmit = (burst, from, count) => {
      for (let i = from; i < from + count; i++) burst[i]!.release();
      return count;
    };
    all.peer.poll();
    link.transmit = transmit;
    server.tryWrite(pattern(100));
    all.peer.poll();
    here.poll();
    wire.take();
    expect(template.send()).toBe(8);
    const [frame] = wire.take();
    const view = new DataView(frame!.buffer);
    expect(tcp.headerLength(view, 34)).toBeGreaterThan(32);
    network.pass(1000);
    expect(new TextDecoder().decode(readAll(server))).toBe('template');
    expect(readAll(client)).toHaveLength(200);
    finish(all);
  });
});

describe('a rehearsal of a stream changes nothing that can be seen, whatever the state', () => {
  const payload = new Uint8Array(64);
  type Case = [name: string, arrange: (all: World) => void, result: number];
  const cases: Case[] = [
    ['established', () => {}, 64],
    ['text is on its way', ({ client }) => client.tryWrite(payload), 64],
    [
      'an acknowledgement is owed',
      ({ server, peer, here }) => {
        for (let i = 0; i < 40; i++) {
          server.tryWrite(payload);
          peer.poll();
          here.poll();
        }
      },
      64,
    ],
    ['text waits', ({ client }) => client.setOptions({ cork: true }).tryWrite(payload), 64],
    [
      'the window of the peer is closed',
      ({ client, network }) => {
        for (let i = 0; i < 8; i++) {
          client.tryWrite(new Uint8Array(8192));
          network.pass(50, 10);
        }
        expect(client.tcpInfo().unsentBytes).toBeGreaterThan(0);
      },
      64,
    ],
    [
      'the send buffer is full',
      ({ client }) => {
        while (client.tryWrite(new Uint8Array(65_536)) > 0);
      },
      0,
    ],
    [
      'the peer has ended',
      ({ server, network }) => {
        server.end();
        network.settle();
      },
      64,
    ],
    [
      'this side has ended',
      ({ client, network }) => {
        client.end();
        network.settle();
      },
      -Errno.EPIPE,
    ],
    [
      'the peer has reset',
      ({ server, network }) => {
        server.abort();
        network.settle();
      },
      -Errno.ECONNRESET,
    ],
    [
      'closed',
      ({ client, network }) => {
        client.close();
        network.settle();
      },
      -Errno.EBADF,
    ],
    [
      'both have ended',
      ({ client, server, network }) => {
        client.end();
        server.end();
        network.settle();
      },
      -Errno.EPIPE,
    ],
  ];
  it.each(cases)('%s', async (_name, arrange, result) => {
    const all = await world({
      connect: { sendBuffer: 65_536 },
      stack: { tcp: { receiveBuffer: 16_384, maximumReceiveBuffer: 16_384 } },
    });
    const { client, here } = all;
    const template = client.template(payload);
    arrange(all);
    here.poll();
    // It makes its frame anew, in packets of its own, when something has changed.
    template.warm();
    const before = observed(all);
    const errors = [client.connection.error, client.connection.softError];
    let seen = 0;
    here.tcp.probe = () => seen++;
    for (let i = 0; i < 20; i++) {
      expect(client.warm(payload)).toBe(result);
      expect(template.warm()).toBe(result);
    }
    expect(observed(all)).toEqual({ ...before, sent: 0 });
    expect(seen).toBe(0);
    expect([client.connection.error, client.connection.softError]).toEqual(errors);
    finish(all);
  });

  it('not even where the peer cannot be reached any more', async () => {
    const all = await world();
    const { client, here } = all;
    const template = client.template(payload);
    const route = here.ipv4.routes.list().find(({ prefixLength }) => prefixLength === 24)!;
    here.ipv4.routes.remove(route);
    expect(template.warm()).toBe(64);
    const before = observed(all);
    expect([client.warm(payload), template.warm()]).toEqual([64, 64]);
    expect(observed(all)).toEqual({ ...before, sent: 0 });
    here.ipv4.routes.add(route);
    expect(template.send()).toBe(64);
    expect(all.wire.take()).toHaveLength(1);
    finish(all);
  });
});

describe('misuse', () => {
  it('is refused with POSIX errors when a template is made', async () => {
    const all = await world();
    const { client, network } = all;
    expect(() => client.template(new Uint8Array(1449))).toThrow(expect.objectContaining({ code: 'EMSGSIZE' }));
    expect(() => client.template(new Uint8Array(0))).toThrow(/EINVAL: .*: the message is empty$/);
    expect(() => client.template('')).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => client.template('x', { now: true } as never)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    const template = client.template(new Uint8Array(1448));
    expect(() => template.setUint32(1445, 0)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => client.warm(new Uint8Array(4), 2, 3)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    client.end();
    expect(() => client.template('x')).toThrow(expect.objectContaining({ code: 'EPIPE' }));
    network.settle();
    client.close();
    expect(() => client.template('x')).toThrow(expect.objectContaining({ code: 'EBADF' }));
    finish(all);
  });

  it('a closed template sends nothing, takes no patches, and has given its packets back; so does one whose socket is gone', async () => {
    const all = await world();
    const { client, server, network, here, wire } = all;
    const { outstanding } = here.pool;
    const one = client.template('one');
    const other = client.template('other');
    expect(here.pool.outstanding).toBe(outstanding + 4);
    one.close();
    one.close();
    one.setUint8(0, 1);
    expect([one.send(), one.warm(), one.length, one.isClosed]).toEqual([-Errno.EBADF, -Errno.EBADF, -1, true]);
    server.abort();
    network.settle();
    expect(here.pool.outstanding).toBe(outstanding);
    expect([other.send(), other.warm()]).toEqual([-Errno.ECONNRESET, -Errno.ECONNRESET]);
    client.close();
    expect([other.send(), other.warm()]).toEqual([-Errno.EBADF, -Errno.EBADF]);
    expect(wire.take()).toEqual([]);
    finish(all);
  });
});

it('patches, sends and rehearsals of a stream allocate nothing', async () => {
  const all = await world({ frames: 1024, debug: false });
  const { network, here, peer, client, server, wire } = all;
  wire.transmit = RecordingLink.prototype.forward;
  const template = client.template(new Uint8Array(64));
  const message = new Uint8Array(64);
  const target = new Uint8Array(4096);
  let read = 0;
  const bytes = steadyStateBytes(() => {
    for (let i = 0; i < 40_000; i = (i + 1) | 0) {
      template.warm();
      client.warm(message);
      template.setUint32(8, i);
      template.setUint64(17, i, ~i);
      template.send();
      const now = network.clock.advance(10);
      peer.poll(now);
      read = (read + server.readInto(target)) | 0;
      peer.poll(now);
      here.poll(now);
    }
  });
  expect(read).toBe(10 * 40_000 * 64);
  expect(bytes / 40_000).toBeLessThan(1);
  finish(all);
});
