import { createHash } from 'node:crypto';
import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, impair, type Link } from '@prism-net/link';
import type { PosixError, StreamSocket } from '@prism-net/socket';
import { describe, expect, it } from 'vitest';
import { createStack } from './stack.js';
import { connected, drive, PORT, pattern, streamHosts, turn } from './stream.testkit.js';
import { HERE, Network, PEER, text } from './two-hosts.testkit.js';

const outcome = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: PosixError) => error.code,
  );

async function hashOf(socket: StreamSocket): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of socket) hash.update(chunk);
  return hash.digest('hex');
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

describe('over a pipe', () => {
  it.each([
    ['MTU 1500', 1500, {}],
    ['MTU 9000', 9000, {}],
    ['small send and receive buffers', 1500, { sendBuffer: 20_000, receiveBuffer: 10_000 }],
  ])('10 MB arrive unchanged in both directions at once: %s', async (_name, mtu, buffers) => {
    const hosts = streamHosts({ mtu });
    const { network, here, peer } = hosts;
    const { client, server } = await connected(hosts, buffers, buffers);
    const sent = [pattern(10_000_000, 1), pattern(10_000_000, 2)] as const;
    const writing = [client.write(sent[0]).then(() => client.end()), server.write(sent[1]).then(() => server.end())];
    const hashes = Promise.all([hashOf(server), hashOf(client)]);
    expect(await drive(network, hashes)).toEqual(sent.map(sha256));
    await Promise.all([...writing, client.closed, server.closed]);
    for (const { pool } of [here, peer]) expect(pool.statistics.exhausted).toBe(0);
    network.finish();
  });

  it('and through loss, reordering, duplication and corruption', async () => {
    const network = new Network();
    const { clock } = network;
    const [left, right] = createPipe();
    const memories = [1, 2].map(() => PacketMemory.create({ frames: 1024 }));
    const pools = memories.map((memory) => PacketPool.create(memory, memory.unreservedFrames));
    const bad = { loss: 0.02, duplicate: 0.02, reorder: 0.05, corrupt: 0.02, delayMicroseconds: 500 };
    const link = (end: Link, pool: PacketPool, seed: number) => impair(end, { seed, clock, pool, transmit: bad });
    const [first, second] = pools as [PacketPool, PacketPool];
    const { memory: _memory, ...common } = network.common;
    const here = createStack({ ...common, pool: first, link: link(left, first, 1), address: `${HERE}/24` });
    const peer = createStack({ ...common, pool: second, link: link(right, second, 2), address: `${PEER}/24` });
    network.stacks.push(here, peer);
    const { client, server } = await connected({ network, here, peer });
    const sent = pattern(1_000_000);
    const writing = client.write(sent).then(() => client.end());
    expect(await drive(network, hashOf(server))).toBe(sha256(sent));
    server.end();
    await drive(network, Promise.all([writing, client.closed, server.closed]));
    expect(client.tcpInfo().retransmitted).toBeGreaterThan(0);
    network.pass(2000);
    network.finish();
  });

  it('a slow reader holds the writer back: windows close, memory stays bounded, nothing is lost', async () => {
    const hosts = streamHosts({}, { frames: 2048, tcp: { maximumReceiveBuffer: 262_144 } });
    const { network, here, peer } = hosts;
    const { client, server } = await connected(hosts);
    const sent = pattern(8_000_000);
    let written = 0;
    const writing = (async () => {
      for (let at = 0; at < sent.length; at += 50_000) {
        await client.write(sent.subarray(at, at + 50_000));
        written = at + 50_000;
      }
      client.end();
    })();
    const hash = createHash('sha256');
    const target = new Uint8Array(100_000);
    let [read, furthest, closedWindows] = [0, 0, 0];
    while (!server.isEndOfStream) {
      network.pass(10, 10);
      await turn();
      furthest = Math.max(furthest, written - read);
      if (client.tcpInfo().sendWindow < 2000) closedWindows++;
      if (closedWindows % 2 === 1) continue;
      const count = server.readInto(target);
      hash.update(target.subarray(0, count));
      read += count;
    }
    await writing;
    expect(hash.digest('hex')).toBe(sha256(sent));
    expect(closedWindows).toBeGreaterThan(10);
    // The send buffer, the window, and one write that waits.
    expect(furthest).toBeLessThan((1 << 20) + 262_144 + 100_000);
    for (const { pool } of [here, peer]) expect(pool.statistics.exhausted).toBe(0);
    network.finish();
  });

  it('a thousand connections at once, each with an answer of its own', async () => {
    const hosts = streamHosts({}, { frames: 4096 });
    const { network, here, peer } = hosts;
    const listener = peer.listen({ port: PORT, backlog: 2000, allowHalfOpen: false });
    listener.onConnection((socket) => {
      socket.readable.pipeTo(socket.writable).catch(() => {});
    });
    const one = async (index: number) => {
      const socket = await here.connect({ address: PEER, port: PORT });
      await socket.write(`hello ${index}`);
      socket.end();
      let answer = '';
      for await (const chunk of socket) answer += text(chunk);
      await socket.closed;
      return answer;
    };
    const answers = Array.from({ length: 1000 }, (_, index) => one(index));
    expect(await drive(network, Promise.all(answers))).toEqual(answers.map((_, index) => `hello ${index}`));
    expect(here.statistics().tcp).toMatchObject({ connections: 0, timeWait: 1000, activeOpens: 1000 });
    expect(peer.statistics().tcp).toMatchObject({ connections: 0, passiveOpens: 1000 });
    network.finish();
  });
});

describe('within one stack', () => {
  it('a socket connects to a listener of its own host, by 127.0.0.1 and by its address', async () => {
    const { network, here } = streamHosts();
    const listener = here.listen({ port: PORT });
    for (const address of ['127.0.0.1', HERE]) {
      const client = await drive(network, here.connect({ address, port: PORT }));
      const server = (await drive(network, listener.accept()))!;
      expect(server.remoteAddress).toEqual({ address, port: client.localAddress.port });
      const sent = pattern(1_000_000);
      const writing = client.write(sent).then(() => client.close());
      expect(await drive(network, hashOf(server))).toBe(sha256(sent));
      await writing;
      server.close();
      await drive(network, client.closed);
    }
    network.finish();
  });

  it('stack.close with open connections between its own sockets leaks nothing', async () => {
    const { network, here } = streamHosts({}, { debug: true, frames: 256 });
    const listener = here.listen({ port: PORT });
    const client = await drive(network, here.connect({ address: '127.0.0.1', port: PORT }));
    await client.write(pattern(100_000));
    network.settle();
    const server = (await listener.accept())!;
    const outcomes = [server.closed, client.closed].map(outcome);
    network.finish();
    expect(await Promise.all(outcomes)).toEqual(['resolved', 'ECONNABORTED']);
  });
});

describe('refusals', () => {
  it('connect rejects with the error of the network', async () => {
    const { network, here, peer } = streamHosts();
    const codes = async (address: string, port: number) =>
      outcome(drive(network, here.connect({ address, port }), 1000));
    expect(await codes(PEER, 9)).toBe('ECONNREFUSED');
    expect(await codes('10.0.0.77', PORT)).toBe('EHOSTUNREACH');
    expect(await codes('192.0.2.1', PORT)).toBe('ENETUNREACH');
    peer.close();
    expect(await codes(PEER, PORT)).toMatch(/^(ETIMEDOUT|EHOSTUNREACH)$/);
    expect(here.statistics().tcp.connections).toBe(0);
    network.finish();
  });

  it('a closed stack says so', async () => {
    const { network, here } = streamHosts();
    network.finish();
    await expect(here.connect({ address: PEER, port: PORT })).rejects.toMatchObject({ code: 'ENETDOWN' });
    expect(() => here.listen({ port: PORT })).toThrow('listen ENETDOWN: the stack is closed');
  });
});

it('what a congestion control threw is thrown by the poll, once, when everything else of it is done', async () => {
  const hosts = streamHosts({});
  const { network, here } = hosts;
  const { client, server } = await connected(hosts);
  await client.write('meanwhile');
  here.tcp.controls.note(new Error('out of ideas'));
  expect(() => here.poll()).toThrow('out of ideas');
  network.settle();
  expect(text(await server.read())).toBe('meanwhile');
  network.finish();
});

describe('stack.close', () => {
  it('resets open connections, so that peers learn; those who have the end of the stream read it all the same', async () => {
    const hosts = streamHosts({}, { debug: true, frames: 256 });
    const { network, here, peer } = hosts;
    const { client, server, listener } = await connected(hosts);
    const second = await drive(network, here.connect({ address: PEER, port: PORT }));
    const ending = (await listener.accept())!;
    await second.write('last words');
    second.end();
    const waiting = [client.read(), client.closed, second.closed].map(outcome);
    const unsent = outcome(client.write(pattern(3_000_000)));
    here.close();
    expect(await Promise.all(waiting)).toEqual(['resolved', 'ECONNABORTED', 'ECONNABORTED']);
    expect(await unsent).toBe('ECONNABORTED');
    network.settle();
    expect(text(await ending.read())).toBe('last words');
    expect(await ending.read()).toBeUndefined();
    while (server.readableBytes > 0) server.receivePacket()!.release();
    expect(await outcome(server.read())).toBe('ECONNRESET');
    expect([await outcome(server.closed), await outcome(ending.closed)]).toEqual(['ECONNRESET', 'ECONNRESET']);
    expect(peer.statistics().tcp.connections).toBe(0);
    network.finish();
  });

  it('ends listeners and attempts to connect, and gives back what a dead connection has left', async () => {
    const hosts = streamHosts({}, { debug: true, frames: 256 });
    const { network, here, peer } = hosts;
    const { client, server, listener } = await connected(hosts);
    await client.write('nobody reads this');
    network.settle();
    client.abort();
    network.settle();
    expect([server.state, server.readableBytes]).toEqual(['CLOSED', 17]);
    const waiting = [listener.accept(), peer.connect({ address: '10.0.0.77', port: 1 })].map(outcome);
    network.settle();
    peer.close();
    peer.close();
    expect(await Promise.all(waiting)).toEqual(['resolved', 'ENETDOWN']);
    expect(here.pool.outstanding).toBe(0);
    network.finish();
  });

  it('from within a callback', async () => {
    const hosts = streamHosts({}, { debug: true, frames: 256 });
    const { network, peer } = hosts;
    const { client, server } = await connected(hosts);
    server.onReadable(() => peer.close());
    await client.write('close!');
    network.settle();
    expect(await outcome(client.read())).toBe('ECONNRESET');
    network.finish();
  });

  it('await using of stack and socket: the peer has what was written, and the end', async () => {
    const network = new Network();
    const [left, right] = createPipe();
    const peer = network.add({ link: right, address: `${PEER}/24` });
    const listener = peer.listen({ port: PORT });
    {
      await using here = createStack({ link: left, address: `${HERE}/24`, ...network.common });
      network.stacks.push(here);
      await using socket = await drive(network, here.connect({ address: PEER, port: PORT }));
      await socket.write('all of it');
    }
    network.settle();
    const server = (await listener.accept())!;
    expect(text(await server.read())).toBe('all of it');
    expect(await server.read()).toBeUndefined();
    network.finish();
  });
});
