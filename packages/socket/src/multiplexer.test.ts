import { describe, expect, it } from 'vitest';
import type { DatagramSocket } from './datagram-socket.js';
import { LOOPBACK, LoopbackHost, turn } from './loopback-host.testkit.js';
import { Multiplexer } from './multiplexer.js';
import { connectStream } from './stream-connect.js';
import { StreamListener } from './stream-listener.js';
import { drive, PORT } from './stream-pair.testkit.js';
import type { StreamSocket } from './stream-socket.js';

function prepare(count: number) {
  const host = new LoopbackHost();
  const multiplexer = new Multiplexer();
  const sockets = Array.from({ length: count }, (_, i) => host.socket({ port: 1000 + i }));
  for (const socket of sockets) multiplexer.add(socket);
  const sender = host.socket();
  const send = (...numbers: number[]) => {
    for (const number of numbers) sender.send(`${number}`, 1000 + number, '127.0.0.1');
    host.settle();
  };
  return { host, multiplexer, sockets, send };
}

/** What has come out of promises so far. */
async function settled(promise: Promise<DatagramSocket[]>): Promise<DatagramSocket[] | 'pending'> {
  await turn();
  return Promise.race([promise, Promise.resolve('pending' as const)]);
}

describe('Multiplexer', () => {
  it('wakes once per tick, with all sockets that became ready in it', async () => {
    const { host, multiplexer, sockets, send } = prepare(5);
    const waiting = multiplexer.wait();
    expect(await settled(waiting)).toBe('pending');
    send(0, 3, 3, 4);
    expect(await waiting).toEqual([sockets[0], sockets[3], sockets[4]]);
    host.finish();
  });

  it('is level-triggered: a socket is reported as long as something waits in it', async () => {
    const { host, multiplexer, sockets, send } = prepare(2);
    send(1, 1);
    expect(multiplexer.poll()).toEqual([sockets[1]]);
    expect(await multiplexer.wait()).toEqual([sockets[1]]);
    await sockets[1]!.next();
    expect(await multiplexer.wait()).toEqual([sockets[1]]);
    await sockets[1]!.next();
    expect(multiplexer.poll()).toEqual([]);
    const waiting = multiplexer.wait();
    expect(await settled(waiting)).toBe('pending');
    send(0);
    expect(await waiting).toEqual([sockets[0]]);
    host.finish();
  });

  it('reports a socket with a pending error, until the error is taken', async () => {
    const { host, multiplexer } = prepare(1);
    const socket = host.socket().connect(9, '127.0.0.1');
    multiplexer.add(socket);
    const waiting = multiplexer.wait();
    socket.send('nobody listens there');
    host.settle();
    expect(await waiting).toEqual([socket]);
    await expect(socket.next()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    expect(multiplexer.poll()).toEqual([]);
    host.finish();
  });

  it('looks at the sockets that became ready only', () => {
    const { host, multiplexer, sockets, send } = prepare(3);
    multiplexer.poll();
    Object.defineProperty(sockets[1]!, 'isReady', {
      configurable: true,
      get() {
        throw new Error('looked at an idle socket');
      },
    });
    send(0, 2);
    expect(multiplexer.poll()).toEqual([sockets[0], sockets[2]]);
    Reflect.deleteProperty(sockets[1]!, 'isReady');
    host.finish();
  });

  it('tells everybody who waits', async () => {
    const { host, multiplexer, sockets, send } = prepare(1);
    const both = Promise.all([multiplexer.wait(), multiplexer.wait()]);
    send(0);
    expect(await both).toEqual([[sockets[0]], [sockets[0]]]);
    host.finish();
  });

  it('reports a closed socket, until it is deleted', async () => {
    const { host, multiplexer, sockets } = prepare(2);
    const waiting = multiplexer.wait();
    sockets[0]!.close();
    host.settle();
    expect(await waiting).toEqual([sockets[0]]);
    expect(multiplexer.poll()).toEqual([sockets[0]]);
    multiplexer.delete(sockets[0]!);
    expect(multiplexer.poll()).toEqual([]);
    host.finish();
  });

  it('a socket that was deleted wakes nobody; one that is added with datagrams waiting does', async () => {
    const { host, multiplexer, sockets, send } = prepare(2);
    multiplexer.delete(sockets[0]!).delete(sockets[0]!);
    const waiting = multiplexer.wait();
    send(0);
    expect(await settled(waiting)).toBe('pending');
    multiplexer.add(sockets[0]!).add(sockets[0]!);
    host.settle();
    expect(await waiting).toEqual([sockets[0]]);
    host.finish();
  });

  it('a callback on the socket that takes everything leaves nothing to report', async () => {
    const { host, multiplexer, sockets, send } = prepare(1);
    const seen: number[] = [];
    sockets[0]!.onMessage(({ data }) => seen.push(data.length));
    const waiting = multiplexer.wait();
    send(0, 0);
    expect(seen).toEqual([1, 1]);
    expect(await settled(waiting)).toBe('pending');
    host.finish();
  });

  it('takes stream sockets and listeners beside datagram sockets', async () => {
    const host = new LoopbackHost();
    const multiplexer = new Multiplexer<DatagramSocket | StreamSocket | StreamListener>();
    const listener = new StreamListener(host, { port: PORT });
    const datagrams = host.socket({ port: PORT });
    multiplexer.add(listener).add(datagrams);
    const connecting = connectStream(host, { address: LOOPBACK, port: PORT, sendBuffer: 1000 });
    const client = await drive(host, connecting);
    expect(await multiplexer.wait()).toEqual([listener]);
    const server = listener.tryAccept()!;
    multiplexer.add(client).add(server);
    expect(multiplexer.poll()).toEqual([]);

    expect(client.tryWrite(new Uint8Array(2000))).toBe(1000);
    host.socket().send('x', PORT, LOOPBACK);
    host.settle();
    // Room that was refused, a datagram, bytes.
    expect(new Set(await multiplexer.wait())).toEqual(new Set([datagrams, client, server]));
    datagrams.receivePacket()!.release();
    expect(client.tryWrite(new Uint8Array(1))).toBe(1);
    server.readInto(new Uint8Array(5000));
    expect(multiplexer.poll()).toEqual([]);
    host.settle();
    server.readInto(new Uint8Array(5000));
    expect(multiplexer.poll()).toEqual([]);

    client.end();
    host.settle();
    expect(await multiplexer.wait()).toEqual([server]);
    multiplexer.delete(server);
    const waiting = multiplexer.wait();
    server.abort();
    host.settle();
    expect(await waiting).toEqual([client]);
    multiplexer.delete(client);
    listener.close();
    expect(await multiplexer.wait()).toEqual([listener]);
    host.finish();
  });
});
