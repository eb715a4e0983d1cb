import type { PosixError } from '@prism-net/errors';
import { State } from '@prism-net/tcp';
import { describe, expect, it } from 'vitest';
import { LOOPBACK, LoopbackHost, NOBODY, text } from './loopback-host.testkit.js';
import { connectStream } from './stream-connect.js';
import { StreamListener } from './stream-listener.js';
import type { StreamConnectOptions } from './stream-options.js';
import { connectedPair, drive, PORT } from './stream-pair.testkit.js';

async function rejection(promise: Promise<unknown>): Promise<PosixError> {
  try {
    await promise;
  } catch (error) {
    return error as PosixError;
  }
  throw new Error('did not reject');
}

describe('connect', () => {
  it('both sides know their addresses', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { localPort: 1234 });
    expect(client.localAddress).toEqual({ address: LOOPBACK, port: 1234 });
    expect(client.remoteAddress).toEqual({ address: LOOPBACK, port: PORT });
    expect([server.localAddress, server.remoteAddress]).toEqual([client.remoteAddress, client.localAddress]);
    expect(client.tcpInfo()).toMatchObject({ state: 'ESTABLISHED', congestionControl: 'cubic', readableBytes: 0 });
    host.finish();
    expect(client.localAddress).toEqual({ address: LOOPBACK, port: 1234 });
  });

  it('a local address is used, and an own address may be the peer', async () => {
    const options = { address: '10.0.0.1', localAddress: '10.0.0.1' };
    const { host, server } = await connectedPair(new LoopbackHost(), options, { address: '10.0.0.1' });
    expect(server.remoteAddress.address).toBe('10.0.0.1');
    host.finish();
  });

  it.each<[string, Partial<StreamConnectOptions>, string, string]>([
    ['nobody listens', { port: 9 }, 'ECONNREFUSED', 'connect ECONNREFUSED: 127.0.0.1:9: nothing listens there'],
    [
      'no address',
      { address: undefined as never },
      'EINVAL',
      'connect EINVAL: address: "undefined" is not an IP address',
    ],
    ['a name', { address: 'localhost' }, 'EINVAL', '"localhost" is not an IP address'],
    ['an IPv6 address', { address: '::1' }, 'EAFNOSUPPORT', 'connect EAFNOSUPPORT: ::1: IPv6 is not supported yet'],
    ['no port', { port: undefined as never }, 'EINVAL', 'port must be a whole number from 1 to 65535, not undefined'],
    ['port 0', { port: 0 }, 'EINVAL', 'port must be a whole number from 1 to 65535, not 0'],
    ['a wrong local port', { localPort: -1 }, 'EINVAL', 'port must be a whole number from 0 to 65535, not -1'],
    ['the unspecified address', { address: '0.0.0.0' }, 'EINVAL', 'the unspecified address names no host'],
    ['no route', { address: '192.0.2.1' }, 'ENETUNREACH', 'no route leads there; give the stack a gateway'],
    ['a broadcast address', { address: '10.0.0.255' }, 'EACCES', 'a connection is between two hosts'],
    ['a multicast address', { address: '224.0.0.1' }, 'EACCES', 'a connection is between two hosts'],
    [
      'a foreign local address',
      { localAddress: '10.9.9.9' },
      'EADDRNOTAVAIL',
      'bind EADDRNOTAVAIL: 10.9.9.9:0: not an address',
    ],
    ['a local port that is taken', { localPort: PORT }, 'EADDRINUSE', 'bind EADDRINUSE: 0.0.0.0:80: a listener'],
    ['an unknown option', { adress: '' } as never, 'EINVAL', "there is no option 'adress'; there are address, port"],
    ['an option out of range', { timeToLive: 0 }, 'EINVAL', 'timeToLive must be a whole number from 1 to 255, not 0'],
    ['timeout 0', { timeoutMilliseconds: 0 }, 'EINVAL', 'timeoutMilliseconds must be a whole number from 1'],
    [
      'an unknown algorithm',
      { congestionControl: 'magic' },
      'EINVAL',
      "connect EINVAL: congestionControl: there is no 'magic'; there are newreno, cubic",
    ],
    [
      'an algorithm that is no name',
      { congestionControl: 5 as never },
      'EINVAL',
      "connect EINVAL: congestionControl: there is no '5'",
    ],
    ['a switch', { noDelay: 'yes' as never }, 'EINVAL', 'connect EINVAL: noDelay must be true or false, not yes'],
    ['a half', { allowHalfOpen: 1 as never }, 'EINVAL', 'connect EINVAL: allowHalfOpen must be true or false, not 1'],
    ['a signal', { signal: {} as never }, 'EINVAL', 'connect EINVAL: signal must be an AbortSignal, not'],
  ])('%s', async (_name, options, code, message) => {
    const host = new LoopbackHost();
    const listener = new StreamListener(host, { port: PORT });
    const before = host.sockets.size;
    const error = await rejection(drive(host, connectStream(host, { address: LOOPBACK, port: PORT, ...options })));
    expect(error.message).toContain(message);
    expect(error.code).toBe(code);
    expect(host.sockets.size).toBe(before);
    expect(host.tcp.size).toBe(0);
    listener.close();
    host.finish();
  });

  it('no options at all', async () => {
    const error = await rejection(connectStream(new LoopbackHost(), undefined as never));
    expect(error.message).toBe('connect EINVAL: options: at least { address, port }');
  });

  it('nobody answers: ETIMEDOUT, or what ICMP or ARP said meanwhile', async () => {
    const host = new LoopbackHost();
    const outcome = rejection(connectStream(host, { address: NOBODY, port: PORT }));
    host.pass(250_000);
    expect(await outcome).toMatchObject({ code: 'EHOSTUNREACH', syscall: 'connect' });
    host.finish();
  });

  it('timeoutMilliseconds ends the attempt sooner', async () => {
    const host = new LoopbackHost();
    const start = host.clock.now();
    // A full backlog: SYNs are not answered.
    const listener = new StreamListener(host, { port: PORT, backlog: 1 });
    const first = await drive(host, connectStream(host, { address: LOOPBACK, port: PORT }));
    const outcome = rejection(connectStream(host, { address: LOOPBACK, port: PORT, timeoutMilliseconds: 1500 }));
    host.pass(1400);
    expect(host.sockets.size).toBe(3);
    host.pass(200);
    const error = await outcome;
    expect(error.code).toBe('ETIMEDOUT');
    expect(error.message).toContain('connect ETIMEDOUT: 127.0.0.1:80: no answer in time');
    expect((host.clock.now() - start) | 0).toBeLessThan(2_000_000);
    expect(host.sockets.size).toBe(2);
    expect(first.state).toBe('ESTABLISHED');
    listener.close();
    host.finish();
  });

  it('an aborted signal rejects with its reason, before and during the handshake', async () => {
    const host = new LoopbackHost();
    const before = AbortSignal.abort(new Error('changed my mind'));
    await expect(connectStream(host, { address: NOBODY, port: PORT, signal: before })).rejects.toThrow(
      'changed my mind',
    );
    const controller = new AbortController();
    const outcome = rejection(connectStream(host, { address: NOBODY, port: PORT, signal: controller.signal }));
    host.pass(100);
    controller.abort(new Error('too slow'));
    expect((await outcome).message).toBe('too slow');
    expect([host.tcp.size, host.sockets.size]).toEqual([0, 0]);
    host.finish();
  });

  it('a signal that is aborted between handshake and tick leaves nothing behind', async () => {
    const host = new LoopbackHost();
    const listener = new StreamListener(host, { port: PORT });
    const controller = new AbortController();
    listener.onConnection(() => controller.abort(new Error('now')));
    const outcome = connectStream(host, { address: LOOPBACK, port: PORT, signal: controller.signal });
    const socket = await drive(host, outcome).catch(() => null);
    expect(socket === null || socket.isClosed).toBe(true);
    host.settle();
    host.finish();
  });

  it('a connection that ends in the tick in which it was made is an error', async () => {
    const host = new LoopbackHost();
    const listener = new StreamListener(host, { port: PORT });
    host.tcp.probe = (connection) => {
      if (!connection.isPassive && connection.state === State.ESTABLISHED) connection.abort(host.now());
    };
    const error = await rejection(drive(host, connectStream(host, { address: LOOPBACK, port: PORT })));
    expect(error.code).toBe('ECONNABORTED');
    listener.close();
    host.finish();
  });

  it('a listener that closes before it has our acknowledgement resets the connection', async () => {
    const host = new LoopbackHost();
    const listener = new StreamListener(host, { port: PORT });
    const connecting = connectStream(host, { address: LOOPBACK, port: PORT });
    host.tick();
    host.tick();
    listener.close();
    const client = await drive(host, connecting);
    await expect(drive(host, client.read())).rejects.toMatchObject({ code: 'ECONNRESET' });
    host.finish();
  });

  it('a closing stack fails what is under way', async () => {
    const host = new LoopbackHost();
    const outcome = rejection(connectStream(host, { address: NOBODY, port: PORT }));
    host.finish();
    expect(await outcome).toMatchObject({ code: 'ENETDOWN' });
  });

  it('options reach the connection, on both sides', async () => {
    const connect = {
      noDelay: true,
      cork: true,
      keepAlive: true,
      lingerSeconds: 5,
      sendBuffer: 5000,
      congestionControl: 'newreno',
    };
    const { host, client, server } = await connectedPair(new LoopbackHost(), connect, { timeToLive: 9, cork: true });
    expect(client.connection.wake()).toMatchObject({ noDelay: true, cork: true, keepAlive: true, linger: 5 });
    expect(client.connection.wake().sendBuffer.limit).toBe(5000);
    expect(client.tcpInfo().congestionControl).toBe('newreno');
    expect(server.connection.wake()).toMatchObject({ timeToLive: 9, cork: true, noDelay: false });
    server.setOptions({ cork: false, noDelay: true, pacing: true, maximumPacingRate: 125_000 });
    expect(server.connection.wake()).toMatchObject({ cork: false, noDelay: true, pacing: true });
    expect(server.connection.information().pacingRate).toBe(125_000);
    expect(() => server.setOptions({ maximumPacingRate: -1 })).toThrow(/maximumPacingRate must be/);
    expect(() => server.setOptions({ ecn: 'off' })).toThrow(
      'setOptions EINVAL: ecn has to be given to connect or listen',
    );
    expect(() => server.setOptions({ trafficClass: 256 })).toThrow('trafficClass must be a whole number from 0 to 255');
    expect(() => server.setOptions({ nodelay: true } as never)).toThrow("there is no option 'nodelay'");
    expect(() => server.setOptions({ congestionControl: 'magic' })).toThrow(
      "setOptions EINVAL: congestionControl: there is no 'magic'",
    );
    // Nothing of what is refused was set.
    expect(() => server.setOptions({ timeToLive: 11, congestionControl: 'magic' })).toThrow('EINVAL');
    expect(server.connection.wake().timeToLive).not.toBe(11);
    client.setOptions({ lingerSeconds: -1 });
    host.finish();
  });

  it('text written behind a cork goes when it is pulled', async () => {
    const { host, client, server } = await connectedPair(new LoopbackHost(), { cork: true });
    await client.write('a');
    host.settle();
    await client.write('b');
    host.settle();
    expect(server.readableBytes).toBe(0);
    client.setOptions({ cork: false });
    host.settle();
    expect(text((await server.read())!)).toBe('ab');
    host.finish();
  });
});
