import { Errno } from '@prism-net/errors';
import { parseIpv4Address } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { LOOPBACK, LoopbackHost, NOBODY, pair, text, thrown } from './loopback-host.testkit.js';

const TO_SERVER = { address: LOOPBACK, port: 7 };
const loopback = parseIpv4Address(LOOPBACK);

function received(socket: { receivePacket(): import('@prism-net/buffers').Packet | null }): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
    payloads.push(packet.toBytes());
    packet.release();
  }
  return payloads;
}

/** What a rehearsal must leave alone. */
function observed(host: LoopbackHost) {
  const { pool } = host;
  return {
    pool: [pool.available, pool.outstanding, pool.peak, { ...pool.statistics }],
    copies: [...pool.memory.copies],
    udp: host.udp.statistics,
    drops: host.accounts.transmitSnapshot(),
    account: host.accounts.snapshot(),
    ports: host.udp.ports.size,
    polls: host.pollRequests,
    timers: host.timers.armed,
  };
}

describe('a template', () => {
  it('is patched and sent, and what was patched stays', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const order = client.template(new Uint8Array(20), TO_SERVER);
    expect(order.length).toBe(20);
    order.setUint8(0, 1);
    order.setUint16(1, 0x0203);
    order.setUint32(3, 0x0405_0607);
    order.setUint64(7, 0x0809_0a0b, 0x0c0d_0e0f);
    order.setBytes(15, Uint8Array.of(0, 16, 17, 0), 1, 2);
    expect(order.send()).toBe(Errno.NONE);
    order.setUint16(17, 0x1213, true);
    order.setUint8(19, 0x14);
    expect(order.send()).toBe(Errno.NONE);
    host.settle();
    const expected = Uint8Array.from({ length: 20 }, (_, i) => (i < 17 ? i + 1 : 0));
    const second = expected.slice();
    second.set([0x13, 0x12, 0x14], 17);
    expect(received(server)).toEqual([expected, second]);
    expect(host.udp.statistics.sent).toBe(2);
    host.finish();
  });

  it('leaves at once, and asks for no poll; with immediate: false it waits for one', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const fired = client.template('fired', TO_SERVER);
    const queued = client.template('queued', TO_SERVER, { immediate: false });
    const before = host.pollRequests;
    expect(queued.send()).toBe(Errno.NONE);
    expect(host.pollRequests).toBe(before + 1);
    expect(fired.send()).toBe(Errno.NONE);
    expect(host.pollRequests).toBe(before + 1);
    host.settle();
    expect(received(server).map(text)).toEqual(['queued', 'fired']);
    host.finish();
  });

  it('goes to the connected peer when no address is given', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const error = thrown(() => client.template('x'));
    expect(error).toMatchObject({ code: 'EDESTADDRREQ', syscall: 'template' });
    expect(error.message).toMatch(/there is none; give \{ address, port \}, or connect first$/);
    client.connect(7, LOOPBACK);
    const template = client.template('hello');
    template.send();
    host.settle();
    expect(received(server).map(text)).toEqual(['hello']);
    client.disconnect();
    expect(template.send()).toBe(Errno.EDESTADDRREQ);
    host.finish();
  });

  it('is closed with its socket, gives its packets back, and then sends nothing and takes no patches', () => {
    const host = new LoopbackHost();
    const [client] = pair(host);
    const { outstanding } = host.pool;
    const one = client.template('one', TO_SERVER);
    const other = client.template('other', TO_SERVER);
    expect(host.pool.outstanding).toBe(outstanding + 4);
    one.close();
    one.close();
    one.setUint32(0, 1);
    expect([one.send(), one.warm(), one.isClosed, one.length]).toEqual([Errno.EBADF, Errno.EBADF, true, -1]);
    client.close();
    expect([other.send(), other.warm(), other.isClosed]).toEqual([Errno.EBADF, Errno.EBADF, true]);
    expect(host.pool.outstanding).toBe(outstanding);
    expect(thrown(() => client.template('x', TO_SERVER))).toMatchObject({ code: 'EBADF' });
    host.finish();
  });

  it('refuses misuse with POSIX errors', () => {
    const host = new LoopbackHost();
    const [client] = pair(host);
    const code = (work: () => unknown) => thrown(work).code;
    const { outstanding } = host.pool;
    expect(code(() => client.template(new Uint8Array(2000), { address: NOBODY, port: 7 }))).toBe('EMSGSIZE');
    expect(code(() => client.template('x', { address: LOOPBACK, port: 0 }))).toBe('EINVAL');
    expect(code(() => client.template('x', { address: '1.2.3.4', port: 7 }))).toBe('ENETUNREACH');
    expect(code(() => client.template('x', { address: '10.0.0.255', port: 7 }))).toBe('EACCES');
    expect(code(() => client.template(7 as never, TO_SERVER))).toBe('EINVAL');
    expect(code(() => client.template('x', TO_SERVER, { immediately: true } as never))).toBe('EINVAL');
    const template = client.template('1234', TO_SERVER);
    expect(code(() => template.setUint32(1, 0))).toBe('EINVAL');
    expect(code(() => template.setUint8(-1, 0))).toBe('EINVAL');
    expect(code(() => template.setBytes(3, new Uint8Array(2)))).toBe('EINVAL');
    const { length } = template;
    const wrong: [() => void, string][] = [
      [
        () => client.template('x', TO_SERVER, { immediate: 'no' as never }),
        'template EINVAL: immediate must be true or',
      ],
      [() => client.template('x', null as never), 'template EINVAL: to: { address, port }'],
      [
        () => template.setBytes(0, 'abc' as never),
        'setBytes EINVAL: the bytes must be in a Uint8Array (a Buffer is one)',
      ],
      [() => template.setBytes(0, undefined as never), 'setBytes EINVAL: the bytes must be in a Uint8Array'],
      [() => template.setBytes(0, [1, 2] as never), 'setBytes EINVAL: the bytes must be in a Uint8Array'],
      [() => template.setUint8(0, '1' as never), 'setUint8 EINVAL: the value must be a number, not a string'],
      [() => template.setUint16(0, 1n as never), 'setUint16 EINVAL: the value must be a number, not a bigint'],
      [() => template.setUint32(0, undefined as never), 'setUint32 EINVAL: the value must be a number, not undefined'],
      [() => template.setUint64(0, 1n as never, 0), 'setUint64 EINVAL: the value must be a number, not a bigint'],
      [() => template.setUint8('0' as never, 1), 'template EINVAL'],
    ];
    for (const [work, message] of wrong) {
      expect(thrown(work).message).toContain(message);
      expect(code(work)).toBe('EINVAL');
    }
    expect(template.length).toBe(length);
    template.close();
    // Nothing was kept of those that were not made.
    expect(host.pool.outstanding).toBe(outstanding);
    host.finish();
  });
});

describe('a rehearsal', () => {
  it('of a template or a send changes nothing that can be seen, and arrives nowhere', () => {
    const host = new LoopbackHost();
    const [client, server] = pair(host);
    const template = client.template('order', TO_SERVER);
    host.settle();
    const before = observed(host);
    const payload = new Uint8Array(64);
    for (let i = 0; i < 50; i++) {
      expect(template.warm()).toBe(Errno.NONE);
      expect(client.warm(payload, loopback, 7)).toBe(Errno.NONE);
    }
    expect(observed(host)).toEqual(before);
    host.settle();
    expect(server.readable).toBe(0);
    expect(template.send()).toBe(Errno.NONE);
    host.settle();
    expect(received(server).map(text)).toEqual(['order']);
    host.finish();
  });

  it('binds nothing, and says what a send would: no peer, no route, too long, closed', () => {
    const host = new LoopbackHost();
    const socket = host.socket();
    const payload = new Uint8Array(8);
    const before = observed(host);
    expect(socket.warm(payload)).toBe(Errno.EDESTADDRREQ);
    expect(socket.warm(payload, loopback, 0)).toBe(Errno.EINVAL);
    expect(socket.warm(payload, parseIpv4Address('1.2.3.4'), 7)).toBe(Errno.ENETUNREACH);
    expect(socket.warm(payload, parseIpv4Address('10.0.0.255'), 7)).toBe(Errno.EACCES);
    expect(socket.warm(new Uint8Array(70_000), loopback, 7)).toBe(Errno.EMSGSIZE);
    expect(socket.warm(new Uint8Array(60_000), loopback, 7)).toBe(Errno.NONE);
    expect(socket.warm(payload, parseIpv4Address(NOBODY), 7)).toBe(Errno.NONE);
    expect(observed(host)).toEqual(before);
    expect(socket.localAddress.port).toBe(0);
    socket.close();
    expect(socket.warm(payload, loopback, 7)).toBe(Errno.EBADF);
    host.finish();
  });

  it('says ENOBUFS when the pool is empty, without a count of it', () => {
    const host = new LoopbackHost();
    const [client] = pair(host);
    const taken = [];
    while (host.pool.available > 0) taken.push(host.pool.take()!);
    const before = observed(host);
    expect(client.warm(new Uint8Array(8), loopback, 7)).toBe(Errno.ENOBUFS);
    expect(observed(host)).toEqual(before);
    for (const packet of taken) packet.release();
    host.finish();
  });
});
