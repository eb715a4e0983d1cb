import type { Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { sourcePort } from '@prism-net/udp';
import { describe, expect, it } from 'vitest';
import type { DatagramSocket } from './datagram-socket.js';
import { LOOPBACK, LoopbackHost, NOBODY, pair, text, thrown } from './loopback-host.testkit.js';
import type { SocketAddress } from './socket-address.js';

describe('errors', () => {
  it.each([
    ['broadcast', { broadcast: 'yes' }, 'broadcast must be true or false, not yes'],
    ['reuse', { reuse: 1 }, 'reuse must be true or false, not 1'],
    ['dontFragment', { dontFragment: null }, 'dontFragment must be true or false, not null'],
    ['signal', { signal: 'TERM' }, 'signal must be an AbortSignal, not TERM'],
    ['no options', null, 'options must be an object'],
  ])('of options when it is made: %s', (_name, options, message) => {
    const host = new LoopbackHost();
    expect(thrown(() => host.socket(options as never)).message).toContain(`socket EINVAL: ${message}`);
    host.finish();
  });

  it.each<[string, (socket: DatagramSocket) => unknown, string, string]>([
    [
      'bind to port -1',
      (s) => s.bind(-1),
      'EINVAL',
      'bind EINVAL: port must be a whole number from 0 to 65535, not -1',
    ],
    ['bind to port 65,536', (s) => s.bind(65_536), 'EINVAL', 'not 65536'],
    ['bind to port 1.5', (s) => s.bind(1.5), 'EINVAL', 'not 1.5'],
    ['bind to no address', (s) => s.bind(7, 'localhost'), 'EINVAL', '"localhost" is not an IPv4 address'],
    ['bind to a foreign address', (s) => s.bind(7, '10.0.0.2'), 'EADDRNOTAVAIL', 'bind EADDRNOTAVAIL: 10.0.0.2:7'],
    ['bind to a taken port', (s) => s.bind(1000), 'EADDRINUSE', 'bind EADDRINUSE: 0.0.0.0:1000'],
    ['bind twice', (s) => s.bind(8).bind(9), 'EINVAL', 'bind EINVAL: 0.0.0.0:9'],
    [
      'connect to port 0',
      (s) => s.connect(0, LOOPBACK),
      'EINVAL',
      'port must be a whole number from 1 to 65535, not 0',
    ],
    ['connect without a route', (s) => s.connect(7, '192.0.2.1'), 'ENETUNREACH', 'connect ENETUNREACH: 192.0.2.1:7'],
    ['connect to broadcast', (s) => s.connect(7, '10.0.0.255'), 'EACCES', 'connect EACCES: 10.0.0.255:7'],
    ['send without a peer', (s) => s.send('x'), 'EDESTADDRREQ', 'give port and address, or connect first'],
    [
      'send on a closed socket',
      (s) => {
        s.close();
        s.send('x', 7, LOOPBACK);
      },
      'EBADF',
      'the socket is closed',
    ],
    ['send a number', (s) => s.send(7 as never, 7, LOOPBACK), 'EINVAL', 'text or a Uint8Array'],
    ['send an ArrayBuffer', (s) => s.send(new ArrayBuffer(4) as never, 7, LOOPBACK), 'EINVAL', 'text or a Uint8Array'],
    ['send a DataView', (s) => s.send(new DataView(new ArrayBuffer(4)) as never, 7, LOOPBACK), 'EINVAL', 'Uint8Array'],
    ['send an array', (s) => s.send([1, 2] as never, 7, LOOPBACK), 'EINVAL', 'text or a Uint8Array'],
    ['send to port 0', (s) => s.send('x', 0, LOOPBACK), 'EINVAL', 'port must be a whole number from 1 to 65535'],
    ['send to a name', (s) => s.send('x', 7, 'example.org'), 'EINVAL', '"example.org" is not an IPv4 address'],
    ['send with a port only', (s) => s.send('x', 7), 'EINVAL', 'give both a port and an address'],
    ['send to broadcast', (s) => s.send('x', 7, '255.255.255.255'), 'EACCES', 'send EACCES: to 255.255.255.255:7'],
    ['send without a route', (s) => s.send('x', 7, '192.0.2.1'), 'ENETUNREACH', 'send ENETUNREACH: to 192.0.2.1:7'],
    ['join what is no group', (s) => s.join('10.0.0.1'), 'EINVAL', 'join EINVAL: 10.0.0.1'],
    ['join twice', (s) => s.join('239.1.2.3').join('239.1.2.3'), 'EADDRINUSE', 'joined already'],
    ['join on no interface', (s) => s.join('239.1.2.3', { interfaceIndex: 9 }), 'EADDRNOTAVAIL', 'join EADDRNOTAVAIL'],
    ['leave what was not joined', (s) => s.leave('239.1.2.3'), 'EADDRNOTAVAIL', 'leave EADDRNOTAVAIL: 239.1.2.3'],
  ])('%s', (_name, work, code, message) => {
    const host = new LoopbackHost();
    host.socket({ port: 1000 });
    const error = thrown(() => work(host.socket()));
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
    host.finish();
  });

  it.each([0, -1, 1.5, Number.NaN])('receiveQueue %d is EINVAL', (receiveQueue) => {
    const host = new LoopbackHost();
    const error = thrown(() => host.socket({ port: 7, receiveQueue }));
    expect(error).toMatchObject({ code: 'EINVAL', syscall: 'socket' });
    expect(error.message).toContain('receiveQueue');
    expect(host.udp.ports.size).toBe(0);
    host.finish();
  });

  it.each([
    [{ timeToLive: 0 }, 'timeToLive must be a whole number from 1 to 255, not 0'],
    [{ multicastTimeToLive: 256 }, 'multicastTimeToLive must be a whole number from 0 to 255, not 256'],
    [{ trafficClass: -1 }, 'trafficClass must be'],
    [{ recieveQueue: 7 } as never, "there is no option 'recieveQueue'; there are address, port"],
  ])('option %j is refused', (options, message) => {
    const host = new LoopbackHost();
    const error = thrown(() => host.socket(options));
    expect(error).toMatchObject({ code: 'EINVAL', syscall: 'socket' });
    expect(error.message).toContain(message);
    host.finish();
  });

  it('reply sends a received packet back where it came from, in its own frame', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    server.onReadable(() => {
      for (let packet = server.receivePacket(); packet !== null; packet = server.receivePacket()) {
        packet.view.setUint8(packet.offset, 0x41);
        expect(server.reply(packet)).toBe(Errno.NONE);
      }
    });
    client.send('hello', 7, LOOPBACK);
    const copies = host.pool.memory.copies[0];
    host.settle();
    expect(host.pool.memory.copies[0]).toBe(copies);
    const answer = client.receivePacket()!;
    expect(new TextDecoder().decode(answer.toBytes())).toBe('Aello');
    expect(sourcePort(answer)).toBe(7);
    answer.release();
    host.finish();
  });

  it('options reach the endpoint: receiveQueue, reuse, broadcast', () => {
    const host = new LoopbackHost();
    const [client] = pair(host);
    const server = host.socket({ port: 8, address: '0.0.0.0', receiveQueue: 2, reuse: true, broadcast: true });
    host.socket({ port: 8, reuse: true }).close();
    for (let i = 0; i < 3; i++) client.send('x', 8, LOOPBACK);
    server.send('x', 9, '10.0.0.255');
    host.settle();
    expect(server.readable).toBe(2);
    expect(host.accounts.snapshot().dropped).toMatchObject({ SOCKET_BUFFER_FULL: 1 });
    host.finish();
  });

  it('an empty pool is ENOBUFS, at the first frame or at a later one, and nothing leaks', () => {
    const host = new LoopbackHost(16);
    const socket = host.socket();
    const before = host.pool.outstanding;
    expect(thrown(() => socket.send(new Uint8Array(40_000), 7, LOOPBACK)).code).toBe('ENOBUFS');
    expect(host.pool.outstanding).toBe(before);
    const all: Packet[] = [];
    for (let packet = socket.reserve(); packet !== null; packet = socket.reserve()) all.push(packet);
    const error = thrown(() => socket.send('x', 7, LOOPBACK));
    expect(error.message).toBe('send ENOBUFS: no packet left in the pool; poll, or make the pool larger');
    for (const packet of all) packet.release();
    host.finish();
  });

  it('wrong arguments of send leak no packet', () => {
    const host = new LoopbackHost();
    const socket = host.socket();
    const before = host.pool.outstanding;
    thrown(() => socket.send('x', 7, '10.0.0'));
    thrown(() => socket.send('x', 70_000, LOOPBACK));
    thrown(() => socket.send('x', 7));
    expect(host.pool.outstanding).toBe(before);
    host.finish();
  });
});

describe('ICMP errors', () => {
  it('reject a reader that waits, once, and then the socket goes on', async () => {
    const host = new LoopbackHost();
    const socket = host.socket().connect(9, LOOPBACK);
    const reading = socket.next();
    socket.send('anybody?');
    host.settle();
    await expect(reading).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'send' });
    await expect(reading).rejects.toThrow('send ECONNREFUSED: 127.0.0.1:9');
    const late = host.socket({ port: 9 });
    const next = socket.next();
    socket.send('now?');
    host.settle();
    late.send('yes', socket.localAddress.port, LOOPBACK);
    host.settle();
    expect(text((await next)!.data)).toBe('yes');
    host.finish();
  });

  it('without a reader fail the next send, or the next read, whichever comes first', async () => {
    const host = new LoopbackHost();
    const socket = host.socket().connect(9, LOOPBACK);
    socket.send('1');
    host.settle();
    expect(thrown(() => socket.send('2')).code).toBe('ECONNREFUSED');
    socket.send('3');
    host.settle();
    await expect(socket.next()).rejects.toMatchObject({ code: 'ECONNREFUSED', syscall: 'receive' });
    socket.send('4');
    host.finish();
  });

  it('end an iterator by an exception', async () => {
    const host = new LoopbackHost();
    const socket = host.socket().connect(9, LOOPBACK);
    const reading = (async () => {
      for await (const _datagram of socket);
    })();
    socket.send('anybody?');
    host.settle();
    await expect(reading).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    host.finish();
  });

  it('go to onError, also without a peer, and leave readers waiting', async () => {
    const host = new LoopbackHost();
    const errors: [string, SocketAddress][] = [];
    const socket = host.socket({ port: 7 }).onError((error, peer) => errors.push([error.code, peer]));
    const reading = socket.next();
    socket.send('x', 9, LOOPBACK);
    socket.send('x', 9, NOBODY);
    host.pass(5000);
    expect(errors).toEqual([
      ['ECONNREFUSED', { address: LOOPBACK, port: 9 }],
      ['EHOSTUNREACH', { address: NOBODY, port: 9 }],
    ]);
    host.socket().send('still here', 7, LOOPBACK);
    host.settle();
    expect(text((await reading)!.data)).toBe('still here');
    host.finish();
  });

  it('cannot pile up', () => {
    const host = new LoopbackHost();
    let errors = 0;
    const socket = host.socket({ port: 7 }).onError(() => errors++);
    for (let i = 0; i < 1000; i++) socket.failed(Errno.ECONNREFUSED, i, 9);
    host.settle();
    expect(errors).toBe(16);
    host.finish();
  });
});
