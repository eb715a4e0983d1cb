import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import type { Connection } from '../connection.js';
import { State } from '../state.js';
import { Events, errnoName, establish, type Opened, TestHost, write } from '../tcp.testkit.js';

/** Hears of soft errors too. */
class Listening extends Events {
  softError(_connection: Connection, errno: Errno): void {
    this.list.push(`soft ${errnoName(errno)}`);
  }
}

/** What an ICMP message about the segment at `sequence` (counted from the ISS) says; true when it was believed. */
function icmp({ host, connection, peer }: Omit<Opened, 'events'>, errno: Errno, sequence = 1): boolean {
  const absolute = (connection.block!.initialSendSequence + sequence) | 0;
  const { layer, network, now } = host;
  const { addresses } = peer;
  addresses.localPort = connection.localPort;
  addresses.localD = connection.block!.path!.localD;
  addresses.localC = connection.block!.path!.localC;
  addresses.remoteD = connection.block!.path!.remoteD;
  addresses.remoteC = connection.block!.path!.remoteC;
  addresses.remotePort = connection.remotePort;
  const isBelieved = layer.errorArrives(network, addresses, absolute, errno, 0, now);
  host.settle();
  return isBelieved;
}

describe('retransmissions without success (RFC 9293 §3.8.3)', () => {
  it('are told of after three (SHLD-9, SHLD-10; §3.9.1.8, MUST-47), and end the connection (MUST-20) not before 100 s (SHLD-11)', () => {
    const { host, connection, peer } = establish();
    const events = new Listening();
    connection.handler = events;
    write(connection, 100);
    host.settle();
    peer.drain();
    while (peer.drain().length < 1 || connection.information().consecutiveTimeouts < 2) host.waitForTimer();
    expect(events.take()).toEqual([]);
    while (connection.information().consecutiveTimeouts < 3) host.waitForTimer();
    expect(events.take()).toEqual(['soft ETIMEDOUT']);
    host.wait(100_000);
    expect(events.take()).toEqual([]);
    host.wait(1_000_000);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
  });

  it('end the connection when the user says (MUST-21)', () => {
    const { host, connection, events } = establish({ connection: { userTimeoutMilliseconds: 10_000 } });
    write(connection, 100);
    host.settle();
    host.wait(9000);
    expect(connection.state).toBe(State.ESTABLISHED);
    host.wait(20_000);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
  });

  it('of a SYN are counted and told of alike (MUST-22), and take three minutes (MUST-23)', () => {
    const { host, connection, peer } = new TestHost().startConnect();
    const events = new Listening();
    connection.handler = events;
    host.wait(180_000);
    expect(events.take()).toEqual(['soft ETIMEDOUT']);
    expect(connection.state).toBe(State.SYN_SENT);
    expect(peer.drain().map(({ flags, at }) => `${flags} ${Math.round(at / 1000)}`)).toEqual(
      [0, 1, 3, 7, 15, 31, 63, 123].map((second) => `S ${second}`),
    );
    host.wait(10_000);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
  });

  it('are not told of to a handler that does not want to know (§3.9.1.8, SHLD-20)', () => {
    const { host, connection, events } = establish();
    write(connection, 100);
    host.settle();
    host.wait(60_000);
    expect(connection.information().consecutiveTimeouts).toBeGreaterThan(3);
    expect(events.take()).toEqual([]);
  });
});

describe('ICMP errors (RFC 9293 §3.9.2.2)', () => {
  it('reach the connection they are about, if it has sent what they quote (MUST-54)', () => {
    const opened = establish();
    const { host, connection, peer } = opened;
    expect(icmp(opened, Errno.EHOSTUNREACH)).toBe(false);
    write(connection, 100);
    host.settle();
    peer.drain();
    for (const [sequence, isBelieved] of [
      [0, false],
      [1, true],
      [100, true],
      [101, false],
    ] as const) {
      expect(icmp(opened, Errno.EHOSTUNREACH, sequence)).toBe(isBelieved);
    }
  });

  it.each([Errno.EHOSTUNREACH, Errno.ENETUNREACH, Errno.EIO])(
    'that are soft (%i) do not end the connection (MUST-56), and the user is told (SHLD-25; §3.9.1.8, MUST-47)',
    (errno) => {
      const opened = new TestHost().startConnect();
      const { host, connection, peer } = opened;
      const events = new Listening();
      connection.handler = events;
      expect(icmp(opened, errno, 0)).toBe(true);
      expect(connection.state).toBe(State.SYN_SENT);
      expect(events.take()).toEqual([`soft ${errnoName(errno)}`]);
      peer.drain();
      peer.answerSyn();
      expect(events.take()).toEqual(['connected']);

      write(connection, 100);
      host.settle();
      expect(icmp(opened, errno)).toBe(true);
      expect(connection.state).toBe(State.ESTABLISHED);
      expect(events.take()).toEqual([`soft ${errnoName(errno)}`]);
      expect(connection.pendingError()).toBe(errno);
    },
  );

  it('that are hard end an attempt to open (SHLD-26), and no connection that is open', () => {
    const opening = new TestHost().startConnect();
    expect(icmp(opening, Errno.ECONNREFUSED, 0)).toBe(true);
    expect(opening.events.take()).toEqual(['ended ECONNREFUSED']);

    const open = opening.host.connect({ peer: { address: '10.0.0.3' } });
    write(open.connection, 100);
    open.host.settle();
    expect(icmp(open, Errno.ECONNREFUSED)).toBe(true);
    expect(open.connection.state).toBe(State.ESTABLISHED);
  });
});

describe('keep-alive (RFC 9293 §3.8.4, MAY-5)', () => {
  const HOURS = 3_600_000;

  it('is off unless asked for (MUST-25)', () => {
    const { host, peer } = establish();
    host.wait(50 * HOURS);
    peer.expectNothing();
  });

  it('comes after two hours by default (MUST-28), without data (SHLD-12), and can be turned off again (MUST-24)', () => {
    const { host, connection, peer } = establish();
    connection.apply({ keepAlive: true });
    host.wait(2 * HOURS - 1000);
    peer.expectNothing();
    host.wait(2000);
    peer.expect({ flags: '.', seq: 0, length: 0 });
    peer.send();
    connection.apply({ keepAlive: false });
    host.wait(50 * HOURS);
    peer.expectNothing();
  });

  it('comes when nothing came for as long as was set (MUST-27), and nothing is outstanding (MUST-26)', () => {
    const { host, connection, peer } = establish({
      connection: { keepAlive: true, keepAliveIdleMilliseconds: 10_000, keepAliveIntervalMilliseconds: 1000 },
    });
    host.wait(9000);
    peer.send({ data: 1 });
    peer.drain();
    host.wait(9900);
    peer.expectNothing();
    host.wait(200);
    peer.expect({ flags: '.', seq: 0, length: 0 });
    peer.send();
    write(connection, 1);
    host.settle();
    host.wait(30_000);
    expect(peer.drain().every(({ seq, length }) => seq === 1 && length === 1)).toBe(true);
  });

  it('unanswered once proves nothing (MUST-29); unanswered nine times it ends the connection', () => {
    const { host, peer, events } = establish({
      connection: { keepAlive: true, keepAliveIdleMilliseconds: 10_000, keepAliveIntervalMilliseconds: 1000 },
    });
    host.wait(17_500);
    expect(peer.drain()).toHaveLength(8);
    peer.send();
    host.wait(18_500);
    expect(peer.drain()).toHaveLength(9);
    expect(events.take()).toEqual([]);
    host.wait(1000);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
  });
});

describe('acknowledgements that lie (RFC 9293 §3.10.7.4)', () => {
  it('too new, or older than any window, are refused and challenged (MAY-12)', () => {
    const { connection, peer, host } = establish({ peer: { window: 1000 } });
    write(connection, 1000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001 });
    peer.send({ data: 5, ack: 1002 });
    peer.expect({ flags: '.', ack: 1 });
    peer.send({ seq: 1, data: 5, ack: -1 });
    peer.expect({ flags: '.', ack: 1 });
    expect(connection.readableBytes).toBe(0);
    peer.send({ seq: 1, data: 5, ack: 1 });
    expect(connection.readableBytes).toBe(5);
  });
});
