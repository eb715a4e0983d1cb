import { describe, expect, it } from 'vitest';
import { LOOPBACK, LoopbackHost, text, thrown } from './loopback-host.testkit.js';
import { connectStream } from './stream-connect.js';
import { StreamListener } from './stream-listener.js';
import type { StreamListenOptions } from './stream-options.js';
import { drive, PORT } from './stream-pair.testkit.js';
import type { StreamSocket } from './stream-socket.js';
import { uncaught } from './uncaught.testkit.js';

function prepare(options: Partial<StreamListenOptions> = {}) {
  const host = new LoopbackHost();
  const listener = new StreamListener(host, { port: PORT, ...options });
  const connect = (port = PORT) => drive(host, connectStream(host, { address: LOOPBACK, port }));
  return { host, listener, connect };
}

describe('StreamListener', () => {
  it('accept waits for a connection, or takes one that waits; in their order', async () => {
    const { host, listener, connect } = prepare();
    const accepting = [listener.accept(), listener.accept()];
    const clients = [await connect(), await connect(), await connect()];
    host.settle();
    expect(listener.pending).toBe(1);
    const servers = [...(await Promise.all(accepting)), await listener.accept()];
    const ports = (sockets: (StreamSocket | undefined)[]) => sockets.map((socket) => socket?.connection.remotePort);
    expect(ports(servers)).toEqual(clients.map((client) => client.localAddress.port));
    expect(listener.tryAccept()).toBeNull();
    host.finish();
  });

  it('a loop sees every connection, and ends when the listener is closed; connections go on', async () => {
    const { host, listener, connect } = prepare();
    const seen: StreamSocket[] = [];
    const loop = (async () => {
      for await (const socket of listener) seen.push(socket);
      return 'ended';
    })();
    const client = await connect();
    await connect();
    host.settle();
    await Promise.resolve();
    expect(seen).toHaveLength(2);
    listener.close();
    listener.close();
    expect(await loop).toBe('ended');
    expect(await listener.accept()).toBeUndefined();
    await client.write('still open');
    host.settle();
    expect(text((await seen[0]!.read())!)).toBe('still open');
    await expect(connect()).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    host.finish();
  });

  it('leaving a loop takes no connection with it', async () => {
    const { host, listener, connect } = prepare();
    const iterator = listener[Symbol.asyncIterator]();
    const left = iterator.next();
    await iterator.return?.();
    expect(await left).toEqual({ done: true, value: undefined });
    await connect();
    expect(listener.pending).toBe(1);
    expect(listener.isClosed).toBe(false);
    host.finish();
  });

  it('onConnection gets every connection, also those that waited; an exception disturbs nobody', async () => {
    const { host, listener, connect } = prepare();
    await connect();
    await connect();
    let calls = 0;
    const errors = await uncaught(() => {
      listener.onConnection(() => {
        calls++;
        throw new Error('not this one');
      });
      host.settle();
    });
    expect([calls, errors.length, listener.pending]).toEqual([2, 2, 0]);
    listener.onConnection(null);
    await connect();
    expect(listener.pending).toBe(1);
    host.finish();
  });

  it('closing it resets connections nobody accepted', async () => {
    const { host, listener, connect } = prepare();
    const client = await connect();
    listener.close();
    host.settle();
    await expect(client.read()).rejects.toMatchObject({ code: 'ECONNRESET' });
    host.finish();
  });

  it('a connection that was reset while it waited is passed over, unless it left something to read', async () => {
    const { host, listener, connect } = prepare();
    const useless = await connect();
    const useful = await connect();
    await useful.write('testament');
    host.settle();
    useless.abort();
    useful.abort();
    host.settle();
    const server = (await listener.accept())!;
    expect(server.isClosed).toBe(true);
    expect(text((await server.read())!)).toBe('testament');
    await expect(server.read()).rejects.toMatchObject({ code: 'ECONNRESET' });
    expect(listener.tryAccept()).toBeNull();
    host.finish();
  });

  it('a signal closes it', async () => {
    const controller = new AbortController();
    const { host, listener } = prepare({ signal: controller.signal });
    const accepting = listener.accept();
    controller.abort();
    expect(await accepting).toBeUndefined();
    expect(host.sockets.size).toBe(0);
    expect(() => new StreamListener(host, { port: PORT, signal: controller.signal })).toThrow('aborted');
    await using other = new StreamListener(host, { port: PORT });
    expect(other.localAddress).toEqual({ address: '0.0.0.0', port: PORT });
  });

  it('port 0 is a free port', async () => {
    const { host, listener, connect } = prepare({ port: 0, address: LOOPBACK });
    const { address, port } = listener.localAddress;
    expect(address).toBe(LOOPBACK);
    expect(port).toBeGreaterThan(1023);
    await connect(port);
    expect(listener.pending).toBe(1);
    host.finish();
  });

  it('listeners that say so share a port; each gets its share', async () => {
    const { host, listener, connect } = prepare({ reusePort: true });
    const other = new StreamListener(host, { port: PORT, reusePort: true });
    for (let i = 0; i < 20; i++) await connect();
    expect(listener.pending + other.pending).toBe(20);
    expect(Math.min(listener.pending, other.pending)).toBeGreaterThan(0);
    host.finish();
  });

  it.each<[string, Partial<StreamListenOptions>, string, string]>([
    ['a taken port', {}, 'EADDRINUSE', 'listen EADDRINUSE: 0.0.0.0:80: another listener has it'],
    [
      'a foreign address',
      { address: '10.9.9.9', port: 81 },
      'EADDRNOTAVAIL',
      'listen EADDRNOTAVAIL: 10.9.9.9:81: not an address',
    ],
    ['an IPv6 address', { address: '::', port: 81 }, 'EAFNOSUPPORT', 'IPv6 is not supported yet'],
    ['a name', { address: 'localhost' }, 'EINVAL', 'listen EINVAL: address: "localhost" is not an IP address'],
    ['port 65,536', { port: 65_536 }, 'EINVAL', 'port must be a whole number from 0 to 65535, not 65536'],
    ['no port', { port: undefined as never }, 'EINVAL', 'port must be a whole number'],
    ['backlog 0', { port: 81, backlog: 0 }, 'EINVAL', 'backlog must be a whole number from 1 to 65535, not 0'],
    [
      'an unknown option',
      { bakclog: 1 } as never,
      'EINVAL',
      "there is no option 'bakclog'; there are port, address, backlog",
    ],
    [
      'an unknown algorithm',
      { port: 81, congestionControl: 'magic' },
      'EINVAL',
      "listen EINVAL: congestionControl: there is no 'magic'",
    ],
  ])('%s is refused', (_name, options, code, message) => {
    const { host } = prepare();
    const error = thrown(() => new StreamListener(host, { port: PORT, ...options }));
    expect(error.message).toContain(message);
    expect(error.code).toBe(code);
    expect(host.sockets.size).toBe(1);
    host.finish();
  });

  it('no options at all', () => {
    expect(thrown(() => new StreamListener(new LoopbackHost(), undefined as never)).message).toBe(
      'listen EINVAL: options: at least { port }',
    );
  });
});
