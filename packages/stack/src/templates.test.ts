import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, impair, type PipeOptions } from '@prism-net/link';
import { steadyStateBytes } from '@prism-net/measure';
import { Errno, type StreamConnectOptions, type StreamSocket, type StreamTemplate } from '@prism-net/socket';
import { SeededRandom } from '@prism-net/tables';
import { parseIpv4Address, tcp } from '@prism-net/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecordingLink } from './recording-link.testkit.js';
import type { Stack } from './stack.js';
import type { SingleInterfaceOptions } from './stack-options.js';
import { type Connected, connected, drive, pattern } from './stream.testkit.js';
import { HERE, Network, PEER } from './two-hosts.testkit.js';

interface World extends Connected {
  readonly network: Network;
  readonly here: Stack;
  readonly peer: Stack;
  readonly wire: RecordingLink;
}

interface WorldOptions {
  readonly pipe?: PipeOptions;
  readonly stack?: Partial<SingleInterfaceOptions>;
  readonly connect?: Partial<StreamConnectOptions>;
  readonly loss?: number;
  readonly frames?: number;
  readonly debug?: boolean;
}

/** Two hosts with a connection between them; `wire` shows what the first one sends. */
async function world(options: WorldOptions = {}): Promise<World> {
  const { pipe = {}, stack = {}, connect = {}, loss = 0, frames = 256, debug = true } = options;
  const network = new Network();
  const [left, right] = createPipe(pipe);
  const memory = () => PacketMemory.create({ frames, debug });
  const spare = PacketPool.create(memory(), 16);
  const impaired = { seed: 5, clock: network.clock, pool: spare, transmit: { loss }, receive: { loss } };
  const wire = new RecordingLink(loss === 0 ? left : impair(left, impaired));
  const here = network.add({ link: wire, address: `${HERE}/24`, memory: memory(), ...stack });
  const peer = network.add({ link: right, address: `${PEER}/24`, memory: memory(), ...stack });
  const sockets = await connected({ network, here, peer }, { noDelay: true, ...connect }, { noDelay: true });
  network.settle();
  wire.take();
  return { network, here, peer, wire, ...sockets };
}

function finish({ network, client, server, listener }: World): void {
  for (const socket of [client, server, listener]) socket.close();
  network.pass(1000);
  for (const stack of network.stacks) for (const each of stack.tcp.connections()) each.abort(stack.now());
  network.settle();
  network.finish();
}

function readAll(socket: StreamSocket): Uint8Array {
  const parts: number[] = [];
  const buffer = new Uint8Array(4096);
  for (let count = socket.readInto(buffer); count > 0; count = socket.readInto(buffer)) {
    parts.push(...buffer.subarray(0, count));
  }
  return Uint8Array.from(parts);
}

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

const step = fc.oneof(
  fc.record({ kind: fc.constant('send' as const), place: fc.nat(), value: fc.integer() }),
  fc.record({ kind: fc.constant('write' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 200 }) }),
  fc.record({ kind: fc.constant('answer' as const), bytes: fc.uint8Array({ minLength: 1, maxLength: 400 }) }),
  fc.record({ kind: fc.constant('pass' as const), milliseconds: fc.integer({ min: 1, max: 300 }) }),
  fc.record({ kind: fc.constant('read' as const) }),
  fc.record({ kind: fc.constant('settle' as const) }),
  fc.record({ kind: fc.constant('warm' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Sends that left at once, by the prepared frame. */
let fired = 0;

/** Plays the steps; a message is sent by `send`, which gets the bytes as patched. Returns the frames of each step. */
function play(all: World, message: Uint8Array, steps: readonly Step[], send: Sender): Uint8Array[][] {
  const { network, here, client, server, wire } = all;
  const view = new DataView(message.buffer);
  const frames: Uint8Array[][] = [];
  for (const each of steps) {
    if (each.kind === 'send') {
      const offset = each.place % (message.length - 3);
      view.setInt32(offset, each.value);
      const waited = here.tcp.hasPending || client.tcpInfo().unsentBytes > 0;
      expect(send.send(offset, each.value, message)).toBe(message.length);
      if (!waited && !here.tcp.hasPending) fired++;
      here.poll();
    } else if (each.kind === 'write') {
      client.tryWrite(each.bytes);
      here.poll();
    } else if (each.kind === 'answer') server.tryWrite(each.bytes);
    else if (each.kind === 'pass') network.pass(each.milliseconds, 50);
    else if (each.kind === 'read') readAll(client);
    else if (each.kind === 'settle') network.settle();
    else send.warm(message);
    frames.push(wire.take());
  }
  return frames;
}

interface Sender {
  send(offset: number, value: number, message: Uint8Array): number;
  warm(message: Uint8Array): void;
}

function byTemplate(client: StreamSocket, template: StreamTemplate): Sender {
  return {
    send: (offset, value) => {
      template.setUint32(offset, value);
      return template.send();
    },
    warm: (message) => {
      template.warm();
      client.warm(message);
    },
  };
}

function byWrites(client: StreamSocket): Sender {
  return { send: (_offset, _value, message) => client.tryWrite(message), warm: () => {} };
}

describe('a template of a stream sends what a write would, byte for byte', () => {
  const worlds: [string, WorldOptions][] = [
    ['as usual', {}],
    ['without timestamps', { stack: { tcp: { timestamps: false } } }],
    ['with checksums by the link', { pipe: { checksumOffload: true } }],
    ['with ECN and a traffic class', { connect: { ecn: 'active', trafficClass: 0xb8, timeToLive: 9 } }],
    ['with Nagle', { connect: { noDelay: false } }],
    ['on a VLAN', { stack: { vlan: 7 } }],
  ];
  it.each(worlds)('%s', async (_name, options) => {
    fired = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 4, max: 600 }),
        fc.array(step, { minLength: 1, maxLength: 25 }),
        async (size, steps) => {
          const [one, other] = [await world(options), await world(options)];
          const template = one.client.template(new Uint8Array(size));
          const frames = play(one, new Uint8Array(size), steps, byTemplate(one.client, template));
          expect(frames).toEqual(play(other, new Uint8Array(size), steps, byWrites(other.client)));
          expect(one.client.tcpInfo()).toEqual(other.client.tcpInfo());
          expect(readAll(one.server)).toEqual(readAll(other.server));
          finish(one);
          finish(other);
        },
      ),
      { numRuns: 12 },
    );
    expect(fired).toBeGreaterThan(0);
  });

  it('before a poll, without waiting for one', async () => {
    const all = await world();
    const { here } = all;
    const template = all.client.template('order');
    expect(template.send()).toBe(5);
    // Fired, not written: nothing is left for the next poll.
    expect(here.tcp.hasPending).toBe(false);
    const [frame, ...more] = all.wire.take();
    expect(more).toEqual([]);
    expect(new TextDecoder().decode(frame!.slice(-5))).toBe('order');
    const queued = all.client.template('queued', { immediate: false });
    expect(queued.send()).toBe(6);
    expect(all.wire.take()).toEqual([]);
    all.network.settle();
    expect(new TextDecoder().decode(readAll(all.server))).toBe('orderqueued');
    finish(all);
  });
});

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
