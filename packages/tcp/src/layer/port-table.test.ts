import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import type { ConnectionOptions } from '../connection-options.js';
import { address, TestHost } from '../tcp.testkit.js';
import { Listener } from './listener.js';

const OTHER = '10.0.0.9';
const REUSE: ConnectionOptions = { reuseAddress: true };
const SHARE: ConnectionOptions = { reusePort: true };

function twoAddresses(): TestHost {
  const host = new TestHost();
  host.network.local.push(address(OTHER));
  return host;
}

type Who = readonly [kind: 'bind' | 'listen', where: string | null, options: ConnectionOptions];

/** NONE, or why not. */
function take(host: TestHost, [kind, where, options]: Who, port = 5000): Errno {
  const at = where === null ? null : address(where);
  if (kind === 'bind') return host.open(null, options).bind(at, port);
  const listener = host.layer.listen(at, port, { reuseAddress: false, ...options }, null);
  return listener instanceof Listener ? Errno.NONE : listener;
}

describe('EADDRINUSE', () => {
  it.each<[Who, Who, boolean]>([
    [['bind', null, {}], ['bind', null, {}], false],
    [['bind', '10.0.0.1', {}], ['bind', '10.0.0.1', {}], false],
    [['bind', '10.0.0.1', {}], ['bind', OTHER, {}], true],
    [['bind', null, {}], ['bind', '10.0.0.1', {}], false],
    [['bind', '10.0.0.1', {}], ['bind', '0.0.0.0', {}], false],
    [['listen', null, {}], ['listen', null, {}], false],
    [['listen', '10.0.0.1', {}], ['listen', OTHER, {}], true],
    [['listen', null, {}], ['bind', null, {}], false],
    // SO_REUSEADDR: both must say so, and two must not listen.
    [['bind', null, REUSE], ['bind', null, REUSE], true],
    [['bind', null, REUSE], ['bind', null, {}], false],
    [['bind', null, {}], ['bind', null, REUSE], false],
    [['listen', null, REUSE], ['bind', null, REUSE], true],
    [['listen', null, REUSE], ['listen', null, REUSE], false],
    // SO_REUSEPORT: both must say so.
    [['listen', null, SHARE], ['listen', null, SHARE], true],
    [['listen', null, SHARE], ['listen', null, {}], false],
    [['listen', '10.0.0.1', SHARE], ['listen', null, SHARE], true],
    [['bind', null, SHARE], ['listen', null, SHARE], true],
    [['bind', null, SHARE], ['bind', null, REUSE], false],
  ])('%j and then %j: %s', (first, second, fits) => {
    const host = twoAddresses();
    expect(take(host, first)).toBe(Errno.NONE);
    expect(take(host, second)).toBe(fits ? Errno.NONE : Errno.EADDRINUSE);
    expect(take(host, second, 5001)).toBe(Errno.NONE);
  });

  it('is over when the holder has gone', () => {
    const host = new TestHost();
    const connection = host.open();
    connection.bind(null, 5000);
    const listener = host.listen(6000);
    expect(host.open().bind(null, 5000)).toBe(Errno.EADDRINUSE);
    connection.close(host.now);
    listener.close(host.now);
    expect(host.open().bind(null, 5000)).toBe(Errno.NONE);
    expect(host.open().bind(null, 6000)).toBe(Errno.NONE);
  });

  it('also when a bound connection ended by itself', () => {
    const host = new TestHost();
    const connection = host.open();
    connection.bind(null, 5000);
    expect(connection.connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.NONE);
    expect(host.open().bind(null, 5000)).toBe(Errno.EADDRINUSE);
    host.wait(600_000);
    expect(host.open().bind(null, 5000)).toBe(Errno.NONE);
    // Closing the old one does not take the port from the new one.
    connection.close(host.now);
    expect(host.open().bind(null, 5000)).toBe(Errno.EADDRINUSE);
  });
});

describe('bind', () => {
  it('to an address that is not ours: EADDRNOTAVAIL', () => {
    const host = new TestHost();
    expect(host.open().bind(address('10.0.0.77'), 5000)).toBe(Errno.EADDRNOTAVAIL);
    expect(host.layer.listen(address('10.0.0.77'), 5000, {}, null)).toBe(Errno.EADDRNOTAVAIL);
  });

  it('twice, or when connected: EINVAL', () => {
    const host = new TestHost();
    const connection = host.open();
    expect(connection.bind(null, 5000)).toBe(Errno.NONE);
    expect(connection.bind(null, 5001)).toBe(Errno.EINVAL);
    expect(host.connect().connection.bind(null, 5002)).toBe(Errno.EINVAL);
  });

  it('fixes address and port of what connects (RFC 9293 §3.9.1.1, MUST-43, MUST-45)', () => {
    const host = twoAddresses();
    const connection = host.open();
    connection.bind(address(OTHER), 5000);
    expect(connection.connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.NONE);
    expect([connection.localAddress?.toString(), connection.localPort]).toEqual([OTHER, 5000]);
  });

  it('to port 0 leaves the choice to connect', () => {
    const host = twoAddresses();
    const connection = host.open();
    expect(connection.bind(address(OTHER), 0)).toBe(Errno.NONE);
    expect(connection.connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.NONE);
    expect(connection.localAddress?.toString()).toBe(OTHER);
    expect(connection.localPort).toBeGreaterThanOrEqual(49_152);
  });
});

describe('which listener a SYN is for', () => {
  it('one bound to just the address comes before one bound to any', () => {
    const host = twoAddresses();
    const any = host.listen(80);
    const exact = host.layer.listen(address(OTHER), 80, { reusePort: true, reuseAddress: true }, null);
    // The one for any address does not share.
    expect(exact).toBe(Errno.EADDRINUSE);
    any.close(host.now);
    const first = host.layer.listen(null, 80, SHARE, null) as Listener;
    const second = host.layer.listen(address('10.0.0.1'), 80, SHARE, null) as Listener;
    host.peer().open();
    expect([first.pending, second.pending]).toEqual([0, 1]);
    second.close(host.now);
    host.peer().open();
    expect(first.pending).toBe(1);
    first.close(host.now);
  });

  it('several that share a port get their shares (SO_REUSEPORT), each peer always the same', () => {
    const host = new TestHost({ frames: 256, isFast: true });
    const listeners = Array.from({ length: 4 }, () => host.listen(80, { ...SHARE, backlog: 100 }));
    const peers = Array.from({ length: 100 }, () => host.peer());
    for (const peer of peers) {
      peer.sendSyn();
      peer.sendSyn();
      peer.drain();
      peer.send();
    }
    const shares = listeners.map((each) => each.pending);
    expect(shares.reduce((sum, each) => sum + each)).toBe(100);
    for (const share of shares) expect(share).toBeGreaterThan(10);
    // Segments of a connection do not wander when one of them closes.
    const accepted = host.accept(listeners[0]!);
    listeners[3]!.close(host.now);
    peers.find((peer) => peer.port === accepted.connection.remotePort)!.send({ data: 10 });
    expect(accepted.connection.readableBytes).toBe(10);
  });
});

describe('chosen ports', () => {
  it('of listeners lie in the range and are not held by others', () => {
    const host = new TestHost({ settings: { ephemeralPorts: { first: 60_000, last: 60_003 } } });
    const ports = Array.from({ length: 4 }, () => host.listen(0).localPort);
    expect(ports.sort()).toEqual([60_000, 60_001, 60_002, 60_003]);
    expect(host.layer.listen(null, 0, {}, null)).toBe(Errno.EADDRINUSE);
  });

  it('of active opens are not held, and the 4-tuple is new; then EADDRNOTAVAIL, without a long search (row 34)', () => {
    const host = new TestHost({
      settings: { ephemeralPorts: { first: 60_000, last: 60_009 }, maximumConnections: 100 },
    });
    host.open().bind(null, 60_005);
    const ports = new Set<number>();
    for (let i = 0; i < 9; i++) ports.add(host.startConnect().connection.localPort);
    expect(ports.size).toBe(9);
    expect(ports.has(60_005)).toBe(false);
    const started = performance.now();
    for (let i = 0; i < 100; i++) {
      expect(host.open().connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.EADDRNOTAVAIL);
    }
    expect(performance.now() - started).toBeLessThan(500);
    // Another peer: the same ports again.
    expect(host.open().connect(address('10.0.0.3'), 7, host.now)).toBe(Errno.NONE);
  });

  it('cannot be told from those before (RFC 6056)', () => {
    const host = new TestHost();
    const ports = Array.from({ length: 30 }, (_, i) => {
      const connection = host.open();
      connection.connect(address(`10.0.1.${i + 1}`), 7, host.now);
      return connection.localPort;
    });
    const steps = ports.slice(1).map((port, i) => port - ports[i]!);
    expect(new Set(steps).size).toBeGreaterThan(25);
    for (const port of ports) expect(port).toBeGreaterThanOrEqual(49_152);
  });
});
