import { Errno, type PosixError } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import { LOOPBACK, LoopbackHost, text, thrown, turn } from './loopback-host.testkit.js';
import { connectStream } from './stream-connect.js';
import { connectedPair, drive, pattern, readAll } from './stream-pair.testkit.js';
import { uncaught } from './uncaught.testkit.js';

const settledAs = (promise: Promise<unknown>) =>
  promise.then(
    () => 'resolved',
    (error: PosixError) => error.code,
  );

describe('close', () => {
  it('sends what was written, then the end of the stream; both sides end in order', async () => {
    const { host, client, server } = await connectedPair();
    const sent = pattern(100_000);
    void client.write(sent);
    client.close();
    expect(client.isClosed).toBe(true);
    expect(await drive(host, readAll(server))).toEqual(sent);
    expect(host.sockets).toContain(client);
    server.close();
    await drive(host, Promise.all([client.closed, server.closed]));
    expect([client.state, server.state]).toEqual(['CLOSED', 'CLOSED']);
    expect(host.sockets.size).toBe(1);
    expect(host.tcp.statistics.timeWait).toBe(1);
    host.finish();
  });

  it('also what waits for room is sent', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { sendBuffer: 1000 });
    const sent = pattern(50_000);
    const writing = client.write(sent);
    client.close();
    expect(await drive(host, readAll(server))).toEqual(sent);
    await writing;
    server.close();
    await drive(host, client.closed);
    host.finish();
  });

  it('a peer that makes no room for the last writes of a closed socket is reset', async () => {
    const host = new LoopbackHost(256, { finWait2Milliseconds: 10_000 });
    const { client, server } = await connectedPair(host, { sendBuffer: 1000 }, { receiveBuffer: 1000 });
    const writing = settledAs(client.write(pattern(50_000)));
    host.pass(1000);
    client.close();
    host.pass(9000);
    expect(server.connection.read(new Uint8Array(1000), 0, 1000)).toBe(1000);
    host.pass(9000);
    expect(client.state).toBe('ESTABLISHED');
    host.pass(12_000);
    expect([client.state, server.state]).toEqual(['CLOSED', 'CLOSED']);
    expect(await writing).toBe('ECONNABORTED');
    expect(await settledAs(client.closed)).toBe('ECONNABORTED');
    host.finish();
  });

  it('with bytes unread the peer is reset, and nothing leaks', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('unread');
    host.settle();
    server.close();
    expect(server.state).toBe('CLOSED');
    await server.closed;
    host.settle();
    await expect(client.read()).rejects.toMatchObject({ code: 'ECONNRESET', syscall: 'read' });
    host.finish();
  });

  it('the same by the connection itself, also with linger 0', async () => {
    for (const lingerSeconds of [-1, 0]) {
      const { host, client, server } = await connectedPair(new LoopbackHost(), {}, { lingerSeconds });
      await client.write('unread');
      host.settle();
      server.connection.close(host.now());
      expect([server.state, server.readableBytes]).toEqual(['CLOSED', 0]);
      host.finish();
    }
  });

  it('bytes that come after it reset the peer, also while the last writes wait', async () => {
    for (const sendBuffer of [1000, 100_000]) {
      const { host, client, server } = await connectedPair(new LoopbackHost(), { sendBuffer });
      const writing = settledAs(client.write(pattern(10_000)));
      client.close();
      await server.write('too late');
      host.settle();
      expect(client.state).toBe('CLOSED');
      expect(await writing).toBe(sendBuffer === 1000 ? 'EPIPE' : 'resolved');
      await expect(server.write('x')).rejects.toMatchObject({ code: 'ECONNRESET' });
      host.finish();
    }
  });

  it('ends reads and loops that wait; later calls say so', async () => {
    const { host, client } = await connectedPair();
    const reading = client.read();
    const loop = readAll(client);
    client.close();
    client.close();
    expect(await reading).toBeUndefined();
    expect(await loop).toHaveLength(0);
    expect(await client.read()).toBeUndefined();
    await expect(client.write('x')).rejects.toThrow('write EBADF: 127.0.0.1:80: the socket is closed');
    expect(client.tryWrite(Uint8Array.of(1))).toBe(-Errno.EBADF);
    expect([client.reserve(), client.receivePacket(), client.writableBytes]).toEqual([null, null, 0]);
    const packet = host.pool.take()!;
    expect(client.commit(packet)).toBe(Errno.EBADF);
    expect(thrown(() => client.setOptions({ noDelay: true })).code).toBe('EBADF');
    client.end();
    client.shutdown('both');
    host.finish();
  });

  it('with linger 0 resets at once', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { lingerSeconds: 0 });
    await client.write('lost');
    client.close();
    host.settle();
    expect([client.state, server.state]).toEqual(['CLOSED', 'CLOSED']);
    host.finish();
  });

  it('await using closes', async () => {
    const { host, client, server } = await connectedPair();
    {
      await using socket = client;
      await socket.write('bye');
    }
    host.settle();
    expect(client.isClosed).toBe(true);
    expect(text((await server.read())!)).toBe('bye');
    expect(await server.read()).toBeUndefined();
    host.finish();
  });

  it('an aborted signal closes, and is forgotten when the connection is gone', async () => {
    const controller = new AbortController();
    const { host, client, server } = await connectedPair(new LoopbackHost(), { signal: controller.signal });
    controller.abort();
    expect(client.isClosed).toBe(true);
    host.settle();
    expect(await server.read()).toBeUndefined();
    host.finish();
  });
});

describe('end and shutdown', () => {
  it('after end() writes are EPIPE, and what waits is sent before the end of the stream', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { sendBuffer: 1000 });
    const writing = client.write(pattern(5000));
    client.end();
    client.end();
    await expect(client.write('x')).rejects.toMatchObject({ code: 'EPIPE' });
    expect(client.tryWrite(Uint8Array.of(1))).toBe(-Errno.EPIPE);
    expect([client.reserve(), client.writableBytes]).toEqual([null, 0]);
    expect(client.commit(host.pool.take()!)).toBe(Errno.EPIPE);
    expect(await drive(host, readAll(server))).toEqual(pattern(5000));
    await writing;
    host.finish();
  });

  it("after shutdown('read') readers see the end, and the peer can go on writing", async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), {}, { receiveBuffer: 1000 });
    await client.write('thrown away');
    host.settle();
    server.shutdown('read');
    server.shutdown('read');
    expect(await readAll(server)).toHaveLength(0);
    expect([server.readableBytes, server.isEndOfStream]).toEqual([0, true]);
    await drive(host, client.write(pattern(100_000)));
    await server.write('still here');
    client.end();
    expect(text((await drive(host, client.read()))!)).toBe('still here');
    host.pass(60_000);
    expect(server.state).toBe('CLOSE-WAIT');
    host.finish();
  });

  it("shutdown('both') ends both directions", async () => {
    const { host, client, server } = await connectedPair();
    const reading = client.read();
    client.shutdown('both');
    expect(await reading).toBeUndefined();
    host.settle();
    expect(await server.read()).toBeUndefined();
    server.end();
    host.settle();
    await Promise.all([client.closed, server.closed]);
    host.finish();
  });

  it('shutdown of something else is EINVAL', async () => {
    const { host, client } = await connectedPair();
    const error = thrown(() => client.shutdown('rd' as never));
    expect(error.message).toBe('shutdown EINVAL: how must be read, write or both, not rd');
    host.finish();
  });

  it('allowHalfOpen: false answers the end of the stream with its own, as soon as a reader has seen it', async () => {
    for (const style of ['loop', 'read', 'packets', 'polling', 'callback']) {
      const { host, client, server } = await connectedPair(new LoopbackHost(), {}, { allowHalfOpen: false });
      await client.write('last');
      client.end();
      host.settle();
      if (style === 'callback') server.onReadable(() => server.readInto(new Uint8Array(10)));
      else if (style === 'loop') for await (const chunk of server) await server.write(chunk);
      else {
        if (style === 'read') await server.read();
        else if (style === 'packets') server.receivePacket()!.release();
        else expect(server.readInto(new Uint8Array(10))).toBe(4);
        host.settle();
        expect(server.state).toBe('CLOSE-WAIT');
        await server.write('answer');
        if (style === 'read') expect(await server.read()).toBeUndefined();
        else if (style === 'packets') expect(server.receivePacket()).toBeNull();
        else expect(server.readInto(new Uint8Array(10))).toBe(0);
      }
      host.settle();
      await Promise.all([client.closed, server.closed]);
      client.close();
      host.finish();
    }
  });

  it('allowHalfOpen: false, with a reader that waits', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), {}, { allowHalfOpen: false });
    const reading = server.read();
    client.end();
    host.settle();
    expect(await reading).toBeUndefined();
    host.settle();
    await Promise.all([client.closed, server.closed]);
    host.finish();
  });
});

describe('abort and reset', () => {
  it('abort resets the peer and fails what waits on both sides', async () => {
    const { host, client, server } = await connectedPair(
      new LoopbackHost(),
      { sendBuffer: 1000 },
      { receiveBuffer: 1000 },
    );
    const outcomes = [client.read(), client.write(pattern(5000)), client.closed].map(settledAs);
    host.settle();
    client.abort();
    client.abort();
    expect(await Promise.all(outcomes)).toEqual(['ECONNABORTED', 'ECONNABORTED', 'ECONNABORTED']);
    await expect(client.read()).rejects.toThrow(
      'read ECONNABORTED: 127.0.0.1:80: the connection was aborted on this side',
    );
    host.settle();
    // What was received can still be read; then the error.
    expect(await server.read()).toEqual(pattern(1000));
    await expect(server.read()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(server.read()).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(server.write('x')).rejects.toMatchObject({ code: 'ECONNRESET', syscall: 'write' });
    await expect(server.closed).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(server.readInto(new Uint8Array(1))).toBe(-Errno.ECONNRESET);
    expect(server.tryWrite(Uint8Array.of(1))).toBe(-Errno.ECONNRESET);
    expect(server.isEndOfStream).toBe(false);
    host.finish();
  });

  it('abort after close resets, too', async () => {
    const { host, client, server } = await connectedPair(
      new LoopbackHost(),
      { sendBuffer: 1000 },
      { receiveBuffer: 500 },
    );
    for (const bytes of [600, 5000]) {
      const pair = bytes === 600 ? { client, server } : await connectedPair(new LoopbackHost(), { sendBuffer: 1000 });
      void pair.client.write(pattern(bytes)).catch(() => {});
      pair.client.close();
      pair.client.abort();
      expect(pair.client.state).toBe('CLOSED');
      expect(await settledAs(pair.client.closed)).toBe('ECONNABORTED');
    }
    host.settle();
    expect(server.state).toBe('CLOSED');
    host.finish();
  });

  it('a reset ends a loop by an exception, calls onError once, and wakes those who wait for room', async () => {
    const { host, client, server } = await connectedPair(
      new LoopbackHost(),
      { sendBuffer: 1000 },
      { receiveBuffer: 500 },
    );
    const errors: string[] = [];
    let woken = 0;
    client.onError((error) => errors.push(error.message)).onWritable(() => woken++);
    client.tryWrite(pattern(5000));
    const loop = settledAs(readAll(client));
    host.settle();
    server.abort();
    host.settle();
    expect(await loop).toBe('ECONNRESET');
    expect(errors).toEqual(['read ECONNRESET: 127.0.0.1:80: the peer reset the connection']);
    expect(woken).toBe(1);
    host.finish();
  });

  it('a reset behind the end of the stream does not spoil it for readers', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('all there is');
    client.end();
    host.settle();
    client.connection.abort(host.now());
    host.settle();
    expect(text(await drive(host, readAll(server)))).toBe('all there is');
    await expect(server.write('x')).rejects.toMatchObject({ code: 'ECONNRESET' });
    await expect(server.closed).rejects.toMatchObject({ code: 'ECONNRESET' });
    host.finish();
  });

  it('a connection that is gone keeps no process alive, but what it received until somebody reads it', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('inheritance');
    host.settle();
    client.abort();
    host.settle();
    expect([host.sockets.has(server), host.detachedSockets.has(server)]).toEqual([false, true]);
    server.receivePacket()!.release();
    expect(host.detachedSockets.has(server)).toBe(false);
    host.finish();
  });

  it('what nobody reads of a connection that is gone is given back by close', async () => {
    const { host, client, server } = await connectedPair();
    await client.write('inheritance');
    host.settle();
    client.abort();
    host.settle();
    server.close();
    expect(host.detachedSockets.size).toBe(0);
    host.finish();
  });

  it('a silent peer is ETIMEDOUT', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { userTimeoutMilliseconds: 5000 });
    // It forgets the connection without a word.
    const block = server.connection.wake();
    server.connection.handler = null;
    host.sockets.delete(server);
    (host.tcp as unknown as { release(connection: unknown): void }).release(block);
    host.tcp.control.reset = () => {};
    expect(server.connection.slot).toBe(-1);
    await client.write('anybody?');
    host.pass(30_000);
    await expect(client.read()).rejects.toMatchObject({ code: 'ETIMEDOUT' });
    host.finish();
  });

  it('nobody has to look at any promise: nothing is an unhandled rejection', async () => {
    const seen = await unhandled(async () => {
      const { host, client, server } = await connectedPair(new LoopbackHost(), { sendBuffer: 1000 });
      void client.closed;
      void server.closed;
      client.writable;
      client.readable;
      server.abort();
      host.settle();
      await turn();
      client.abort();
      const lonely = connectStream(host, { address: LOOPBACK, port: 9 });
      await settledAs(drive(host, lonely));
      host.finish();
    });
    expect(seen).toEqual([]);
  });

  it('exceptions of callbacks reach the application, and nothing else suffers', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { sendBuffer: 1000 });
    const errors = await uncaught(async () => {
      const boom = (what: string) => () => {
        throw new Error(what);
      };
      server.onError(boom('error')).onReadable(() => {
        server.readInto(new Uint8Array(1000));
        throw new Error('readable');
      });
      client.onWritable(boom('writable'));
      client.tryWrite(pattern(1000));
      host.tick();
      host.tick();
      host.tick();
      client.abort();
      host.settle();
      await turn();
    });
    const messages = new Set(errors.map((error) => (error as Error).message));
    expect(messages).toEqual(new Set(['readable', 'error', 'writable']));
    expect([client.state, server.state]).toEqual(['CLOSED', 'CLOSED']);
    host.finish();
  });
});

/** Reasons of promises that nobody handled during `work`. */
async function unhandled(work: () => Promise<void>): Promise<unknown[]> {
  const reasons: unknown[] = [];
  const before = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => reasons.push(reason));
  try {
    await work();
    for (let i = 0; i < 3; i++) await turn();
  } finally {
    process.removeAllListeners('unhandledRejection');
    for (const listener of before) process.on('unhandledRejection', listener);
  }
  return reasons;
}
