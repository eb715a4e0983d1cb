import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import { requireConnectionOptions } from './connection-options.js';
import { State } from './state.js';
import { establish, pattern, readAll, TestHost, write } from './tcp.testkit.js';

describe('SEND (RFC 9293 §3.10.2)', () => {
  const bytes = new Uint8Array(10);
  const attempt = (connection: { write(bytes: Uint8Array, start: number, length: number): number }) =>
    connection.write(bytes, 0, 10);

  it('in CLOSED: ENOTCONN', () => {
    expect(attempt(new TestHost().open())).toBe(-Errno.ENOTCONN);
  });

  it('in SYN-SENT and SYN-RECEIVED: queued', () => {
    const { connection, peer } = new TestHost().startConnect();
    expect(attempt(connection)).toBe(10);
    peer.send({ flags: 'S', seq: 0 });
    expect(connection.state).toBe(State.SYN_RECEIVED);
    expect(attempt(connection)).toBe(10);
    peer.drain();
    peer.send({ seq: 1, ack: 1 });
    peer.expect({ flags: 'P.', length: 20 });
  });

  it('after a shutdown: EPIPE; after a reset: ECONNRESET once, then EPIPE', () => {
    const first = establish();
    first.connection.shutdownWrite();
    expect(attempt(first.connection)).toBe(-Errno.EPIPE);
    const second = establish();
    second.peer.send({ flags: 'R' });
    expect(attempt(second.connection)).toBe(-Errno.ECONNRESET);
    expect(attempt(second.connection)).toBe(-Errno.EPIPE);
  });

  it('takes what the buffer has room for', () => {
    const { connection } = establish({ connection: { sendBuffer: 25 } });
    expect([attempt(connection), attempt(connection), attempt(connection), attempt(connection)]).toEqual([
      10, 10, 5, 0,
    ]);
    expect(connection.writableBytes).toBe(0);
    expect(connection.unacknowledgedWrites).toBe(25);
  });
});

describe('reserve and commit', () => {
  it('a packet’s data becomes the next bytes without a copy into a buffer', () => {
    const { connection, host, peer } = establish();
    write(connection, 100);
    const packet = connection.reserve()!;
    packet.memory.write(packet.offset, pattern(101, 900), 0, 900);
    packet.length = 900;
    expect(connection.commit(packet)).toBe(Errno.NONE);
    host.settle();
    const [segment] = peer.drain();
    expect(segment!.data).toEqual(pattern(1, 1000));
  });

  it('no packet when the buffer is full or the pool low; writable tells when to try again', () => {
    const { connection, host, peer, events } = establish({ connection: { sendBuffer: 1000 }, frames: 64 });
    write(connection, 1000);
    expect(connection.reserve()).toBeNull();
    host.settle();
    peer.send();
    expect(events.take()).toContain('writable');
    host.exhaust(16);
    // A few frames are everybody's.
    connection.reserve()!.release();
    host.exhaust(8);
    expect(connection.reserve()).toBeNull();
  });

  it('a packet of another memory is copied, and given back there (all of it, or none)', () => {
    const elsewhere = PacketPool.create(PacketMemory.create({ frames: 4, debug: true }), 4);
    const { connection, host, peer } = establish({ frames: 64 });
    const foreign = () => {
      const packet = elsewhere.take()!;
      packet.memory.write(packet.offset, pattern(1, 300), 0, 300);
      packet.length = 300;
      return packet;
    };
    expect(connection.commit(foreign())).toBe(Errno.NONE);
    elsewhere.assertNoLeaks();
    host.settle();
    peer.expect({ length: 300, data: pattern(1, 300) });
    host.exhaust(0);
    expect(connection.commit(foreign())).toBe(Errno.ENOBUFS);
    elsewhere.assertNoLeaks();
  });

  it('refused, the packet is given back all the same', () => {
    const { connection, host } = establish();
    const packet = connection.reserve()!;
    packet.length = 10;
    connection.shutdownWrite();
    expect(connection.commit(packet)).toBe(Errno.EPIPE);
    host.settle();
    expect(host.pool.outstanding).toBe(0);
  });
});

describe('RECEIVE (§3.10.3)', () => {
  it('by packets: each is the caller’s, its data the text', () => {
    const { connection, host, peer } = establish();
    peer.send({ data: 1000 });
    peer.send({ data: 1000 });
    const first = connection.receive()!;
    expect(first.toBytes()).toEqual(pattern(1, 1000));
    expect(connection.readableBytes).toBe(1000);
    expect(host.pool.outstanding).toBe(2);
    first.release();
    connection.receive()!.release();
    expect(connection.receive()).toBeNull();
  });

  it('by copies, in any portion', () => {
    const { connection, peer } = establish();
    peer.burst({ data: 1000 }, { data: 1000 });
    const target = new Uint8Array(2000);
    let at = 0;
    for (const portion of [1, 998, 2, 500, 499]) at += connection.read(target, at, portion);
    expect(target).toEqual(pattern(1, 2000));
    expect(connection.read(target, 0, 10)).toBe(0);
  });

  it('what came before the end can be read after it', () => {
    const { connection, peer } = establish();
    peer.send({ data: 10 });
    peer.send({ flags: 'R' });
    expect(connection.isEndOfStream).toBe(false);
    expect(readAll(connection)).toEqual(pattern(1, 10));
    expect(connection.isEndOfStream).toBe(true);
  });
});

describe('options', () => {
  it('set before the connection opens hold when it is open', () => {
    const { connection } = establish({
      connection: { cork: true, noDelay: true, keepAlive: true, congestionControl: 'newreno', receiveBuffer: 5000 },
    });
    expect(connection.block).toMatchObject({ cork: true, noDelay: true, keepAlive: true });
    expect(connection.information().congestionControl).toBe('newreno');
    expect(connection.block!.receiveWindow.limit).toBe(5000);
  });

  it('another congestion control takes over in the middle', () => {
    const { connection, host, peer } = establish();
    write(connection, 5000);
    host.settle();
    connection.apply({ congestionControl: 'newreno' });
    peer.send();
    expect(connection.information().congestionControl).toBe('newreno');
    expect(() => connection.apply({ congestionControl: 'no such' })).toThrow('no such');
  });

  it('a smaller send buffer takes nothing more until it has room', () => {
    const { connection, host, peer } = establish();
    write(connection, 3000);
    connection.apply({ sendBuffer: 1000 });
    expect(connection.writableBytes).toBe(0);
    expect(write(connection, 10)).toBe(0);
    host.settle();
    peer.send();
    expect(connection.writableBytes).toBe(1000);
  });

  it.each([
    [{ keepAliveProbes: 0 }, 'keepAliveProbes'],
    [{ userTimeoutMilliseconds: -1 }, 'userTimeoutMilliseconds'],
    [{ lingerSeconds: 1.5 }, 'lingerSeconds'],
    [{ receiveBuffer: 2 ** 31 }, 'receiveBuffer'],
    [{ maximumSegmentSize: 87 }, 'maximumSegmentSize'],
    [{ trafficClass: 256 }, 'trafficClass'],
    [{ timeToLive: 0 }, 'timeToLive'],
    [{ ecn: 'sometimes' as 'active' }, 'ecn'],
    [{ noDelaj: true } as object, 'noDelaj'],
  ])('%j is refused by name', (options, name) => {
    expect(() => requireConnectionOptions('connect', options)).toThrow(name);
  });
});

describe('STATUS (§3.10.6)', () => {
  it('says what there is', () => {
    const { connection, host, peer } = establish({
      peer: { sack: true, timestamps: true, scale: 4, mss: 1200 },
      roundTrip: 25,
    });
    peer.send({ window: 1000, data: 70 });
    write(connection, 3000);
    host.settle();
    expect(connection.information()).toMatchObject({
      state: 'ESTABLISHED',
      congestionControl: 'cubic',
      segmentSize: 1188,
      pathMtu: 1500,
      sendWindow: 16_000,
      sendWindowScale: 4,
      receiveWindowScale: 7,
      bytesInFlight: 3000,
      unsentBytes: 0,
      unacknowledgedBytes: 3000,
      readableBytes: 70,
      smoothedRoundTrip: 25_000,
      minimumRoundTrip: 25_000,
      consecutiveTimeouts: 0,
      recovery: 'open',
      hasTimestamps: true,
      hasSelectiveAcknowledgements: true,
      hasEcn: false,
    });
    connection.abort(host.now);
    expect(connection.information().state).toBe('CLOSED');
  });

  it('of a connection never opened too', () => {
    expect(new TestHost().open().information()).toMatchObject({ state: 'CLOSED', unacknowledgedBytes: 0 });
  });

  it('addresses and ports', () => {
    const connection = new TestHost().open();
    expect([connection.localAddress, connection.localPort, connection.remoteAddress, connection.remotePort]).toEqual([
      null,
      0,
      null,
      0,
    ]);
    const { connection: open } = establish();
    expect(`${open.remoteAddress}:${open.remotePort}`).toBe('10.0.0.2:7');
  });
});

describe('the error of a connection (SO_ERROR)', () => {
  it('is what ended it, once', () => {
    const { connection, peer } = establish();
    peer.send({ flags: 'R' });
    expect(connection.pendingError()).toBe(Errno.ECONNRESET);
    expect(connection.pendingError()).toBe(Errno.NONE);
  });

  it('is none after an orderly end', () => {
    const { connection, host, peer } = establish();
    peer.send({ flags: 'F.' });
    connection.shutdownWrite();
    host.settle();
    peer.send();
    expect(connection.state).toBe(State.CLOSED);
    expect(connection.pendingError()).toBe(Errno.NONE);
  });
});
