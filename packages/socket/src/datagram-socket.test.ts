import type { Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { parseIpv4Address } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { Datagram } from './datagram.js';
import { LOOPBACK, LoopbackHost, pair, text, thrown, turn } from './loopback-host.testkit.js';
import { uncaught } from './uncaught.testkit.js';

describe('friendly style', () => {
  it('carries bytes and text, with the address of the sender', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    client.send('grüß dich', 7, LOOPBACK);
    client.send(Uint8Array.of(0, 255, 128), 7, LOOPBACK);
    client.send('', 7, LOOPBACK);
    host.settle();
    const first = (await server.next())!;
    expect([text(first.data), first.address, first.port]).toEqual(['grüß dich', LOOPBACK, 1000]);
    expect((await server.next())!.data).toEqual(Uint8Array.of(0, 255, 128));
    expect((await server.next())!.data).toHaveLength(0);
    host.finish();
  });

  it('sends up to 65,507 bytes, and fails with EMSGSIZE at 65,508', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const payload = Uint8Array.from({ length: 65_507 }, (_, i) => i >> 3);
    client.send(payload, 7, LOOPBACK);
    host.settle();
    expect((await server.next())!.data).toEqual(payload);
    const error = thrown(() => client.send(new Uint8Array(65_508), 7, LOOPBACK));
    expect(error).toMatchObject({ code: 'EMSGSIZE', errno: -90, syscall: 'send' });
    expect(error.message).toBe('send EMSGSIZE: 65508 bytes; a datagram holds at most 65507');
    host.finish();
  });

  it('send on a connected socket needs no address', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    client.connect(7, LOOPBACK);
    expect(client.remoteAddress).toEqual({ address: LOOPBACK, port: 7 });
    expect(client.localAddress).toEqual({ address: LOOPBACK, port: 1000 });
    client.send('hello');
    host.settle();
    expect(text((await server.next())!.data)).toBe('hello');
    client.disconnect();
    expect(client.remoteAddress).toBeUndefined();
    expect(client.localAddress).toEqual({ address: '0.0.0.0', port: 1000 });
    host.finish();
  });

  it('answers by reply, which an address that came from the network cannot make throw', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    client.send('question', 7, LOOPBACK);
    host.settle();
    const datagram = (await server.next())!;
    expect(datagram.reply('answer')).toBe(Errno.NONE);
    host.settle();
    expect(await client.next()).toMatchObject({ address: LOOPBACK, port: 7 });
    // RFC 768: port 0 says that no reply is wanted; no route leads to the other; nobody takes so much.
    const claims = (address: string, port: number) => {
      const packet = host.pool.take()!;
      packet.view.setInt32(packet.networkOffset + 12, parseIpv4Address(address));
      packet.view.setUint16(packet.transportOffset, port);
      return new Datagram(packet, server);
    };
    expect(claims('127.0.0.1', 0).reply('x')).toBe(Errno.EINVAL);
    expect(claims('192.0.2.1', 9).reply('x')).toBe(Errno.ENETUNREACH);
    expect(datagram.reply(new Uint8Array(65_508))).toBe(Errno.EMSGSIZE);
    server.close();
    expect(datagram.reply('late')).toBe(Errno.EBADF);
    host.finish();
  });

  it('an iterator waits, receives in order, and ends when the socket is closed', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const { data } of server) seen.push(text(data));
      return 'ended';
    })();
    for (const word of ['one', 'two', 'three']) {
      client.send(word, 7, LOOPBACK);
      host.settle();
      await turn();
    }
    expect(seen).toEqual(['one', 'two', 'three']);
    server.close();
    expect(await reading).toBe('ended');
    expect(await server.next()).toBeUndefined();
    host.finish();
  });

  it('leaving an iterator keeps the socket and what waits in it', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    client.send('one', 7, LOOPBACK);
    client.send('two', 7, LOOPBACK);
    host.settle();
    for await (const { data } of server) {
      expect(text(data)).toBe('one');
      break;
    }
    expect(server.isClosed).toBe(false);
    expect(text((await server.next())!.data)).toBe('two');
    host.finish();
  });

  it('an iterator that is left while it waits takes nothing with it', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const left = server[Symbol.asyncIterator]();
    const other = server.next();
    const waiting = [left.next(), left.next()];
    await left.return?.();
    expect(await Promise.all(waiting)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
    client.send('one', 7, LOOPBACK);
    client.send('two', 7, LOOPBACK);
    host.settle();
    expect(text((await other)!.data)).toBe('one');
    expect(text((await server.next())!.data)).toBe('two');
    host.finish();
  });

  it('onMessage gets every datagram of a burst in the tick it arrived', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const seen: string[] = [];
    server.onMessage(({ data, port }) => seen.push(`${text(data)} from ${port}`));
    for (let i = 0; i < 4; i++) client.send(`${i}`, 7, LOOPBACK);
    host.tick();
    expect(seen).toEqual([]);
    host.tick();
    expect(seen).toEqual(['0 from 1000', '1 from 1000', '2 from 1000', '3 from 1000']);
    server.onMessage(null);
    client.send('kept', 7, LOOPBACK);
    host.settle();
    expect(server.readable).toBe(1);
    host.finish();
  });

  it('a callback set late gets what waits already', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    client.send('early', 7, LOOPBACK);
    host.settle();
    const seen: string[] = [];
    server.onMessage(({ data }) => seen.push(text(data)));
    expect(host.pollRequests).toBeGreaterThan(0);
    host.settle();
    expect(seen).toEqual(['early']);
    host.finish();
  });
});

describe('zero-copy style', () => {
  it('packets are written and read in place, without a copy', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const { copies } = host.pool.memory;
    const before = copies[0];
    const packet = client.reserve()!;
    packet.view.setInt32(packet.offset, 42);
    packet.length = 4;
    expect(client.commitTo(packet, parseIpv4Address(LOOPBACK), 7)).toBe(Errno.NONE);
    host.settle();
    const received = server.receivePacket()!;
    expect(received.view.getInt32(received.offset)).toBe(42);
    received.release();
    expect(server.receivePacket()).toBeNull();
    expect(copies[0]).toBe(before);
    host.finish();
  });

  it('onReadable is called once for a burst, and again in the next tick while something is left', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const burst: Packet[] = [];
    const counts: number[] = [];
    server.onReadable((socket) => {
      expect(socket).toBe(server);
      const count = socket.receiveBurst(burst, 3);
      counts.push(count);
      for (let i = 0; i < count; i++) burst[i]!.release();
    });
    client.connect(7, LOOPBACK);
    for (let i = 0; i < 7; i++) {
      const packet = client.reserve()!;
      packet.length = 1;
      expect(client.commit(packet)).toBe(Errno.NONE);
    }
    host.tick();
    host.tick();
    expect(counts).toEqual([3]);
    host.settle();
    expect(counts).toEqual([3, 3, 1]);
    host.finish();
  });

  it('results are numbers: no peer, closed', () => {
    const host = new LoopbackHost();
    const socket = host.socket();
    expect(socket.commit(socket.reserve()!)).toBe(Errno.EDESTADDRREQ);
    const packet = socket.reserve()!;
    socket.close();
    expect(socket.commit(packet)).toBe(Errno.EBADF);
    host.finish();
  });

  it('both styles work on one socket', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    client.send('friendly', 7, LOOPBACK);
    client.send('in place', 7, LOOPBACK);
    host.settle();
    const packet = server.receivePacket()!;
    expect(text(packet.toBytes())).toBe('friendly');
    packet.release();
    expect(text((await server.next())!.data)).toBe('in place');
    host.finish();
  });
});

describe('closing', () => {
  it('await using closes the socket at the end of the block', async () => {
    const host = new LoopbackHost();
    const socket = host.socket({ port: 7 });
    // `await using socket = …`, spelled out.
    await socket[Symbol.asyncDispose]();
    expect(socket.isClosed).toBe(true);
    expect(host.sockets.size).toBe(0);
    host.socket({ port: 7 });
    host.finish();
  });

  it('an abort closes; a close forgets the signal', async () => {
    const host = new LoopbackHost();
    const controller = new AbortController();
    const socket = host.socket({ port: 7, signal: controller.signal });
    const reading = socket.next();
    controller.abort();
    expect(socket.isClosed).toBe(true);
    expect(await reading).toBeUndefined();
    host.finish();
  });

  it('a signal that is aborted already throws its reason, and binds nothing', () => {
    const host = new LoopbackHost();
    const reason = new Error('too late');
    expect(() => host.socket({ port: 7, signal: AbortSignal.abort(reason) })).toThrow(reason);
    expect(host.udp.ports.size).toBe(0);
    host.finish();
  });

  it('releases what is queued, may be repeated, and later calls fail with EBADF', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    client.send('x', 7, LOOPBACK);
    host.settle();
    server.close();
    server.close();
    expect(thrown(() => server.send('x', 1000, LOOPBACK)).code).toBe('EBADF');
    expect(thrown(() => server.bind(8)).code).toBe('EBADF');
    expect(thrown(() => server.join('239.1.2.3')).code).toBe('EBADF');
    host.finish();
  });

  it('closing within a callback stops the callbacks', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    let calls = 0;
    server.onMessage(() => {
      calls++;
      server.close();
    });
    for (let i = 0; i < 3; i++) client.send('x', 7, LOOPBACK);
    host.settle();
    expect(calls).toBe(1);
    host.finish();
  });
});

describe('exceptions in callbacks', () => {
  it('of onMessage are uncaught errors, and the datagrams behind are still delivered', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const seen: string[] = [];
    server.onMessage(({ data }) => {
      seen.push(text(data));
      if (text(data) === '1') throw new Error('application bug');
    });
    for (let i = 0; i < 4; i++) client.send(`${i}`, 7, LOOPBACK);
    const errors = await uncaught(() => host.settle());
    expect(errors.map(String)).toEqual(['Error: application bug']);
    expect(seen).toEqual(['0', '1', '2', '3']);
    host.finish();
  });

  it('of onReadable do not lose the wake-up', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    let calls = 0;
    server.onReadable((socket) => {
      calls++;
      if (calls === 1) throw new Error('application bug');
      socket.receivePacket()!.release();
    });
    client.send('x', 7, LOOPBACK);
    expect(await uncaught(() => host.settle())).toHaveLength(1);
    expect(calls).toBe(2);
    host.finish();
  });

  it('of onError do not keep datagrams back', async () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const seen: string[] = [];
    server.onMessage(({ data }) => seen.push(text(data)));
    server.onError(() => {
      throw new Error('application bug');
    });
    server.send('x', 9, LOOPBACK);
    client.send('fine', 7, LOOPBACK);
    expect(await uncaught(() => host.settle())).toHaveLength(1);
    expect(seen).toEqual(['fine']);
    host.finish();
  });
});
