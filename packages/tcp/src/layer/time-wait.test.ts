import { Errno } from '@prism-net/errors';
import { DropReason, seq } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { address, type EstablishOptions, establish, type Opened, readAll, TestHost } from '../tcp.testkit.js';

/** A connection that the host has closed first: its record is in TIME-WAIT. */
function waiting(options: EstablishOptions = {}): Opened {
  const opened = establish(options);
  const { peer, connection, host } = opened;
  connection.close(host.now);
  host.settle();
  peer.send({ flags: 'F.' });
  expect(host.layer.statistics).toMatchObject({ connections: 0, timeWait: 1 });
  peer.drain();
  return opened;
}

describe('TIME-WAIT (RFC 9293 §3.10.7.4)', () => {
  it('a FIN again is acknowledged, and 2 MSL begin anew (eighth)', () => {
    const { peer, host } = waiting();
    host.wait(40_000);
    peer.send({ flags: 'F.', seq: 1 });
    peer.expect({ flags: '.', seq: 2, ack: 2 });
    host.wait(40_000);
    expect(host.layer.statistics.timeWait).toBe(1);
    host.wait(20_100);
    expect(host.layer.statistics.timeWait).toBe(0);
    peer.send({ flags: 'F.', seq: 1 });
    peer.expect({ flags: 'R' });
  });

  it('a RST ends nothing (RFC 1337, row 22)', () => {
    const { peer, host } = waiting();
    for (const sequence of [0, 1, 2, 3]) peer.send({ flags: 'R', seq: sequence });
    peer.expectNothing();
    expect(host.layer.statistics.timeWait).toBe(1);
    expect(host.dropped(DropReason.TCP_TIME_WAIT)).toBe(4);
  });

  it('a bare acknowledgement at RCV.NXT is not answered', () => {
    const { peer } = waiting();
    peer.send({ seq: 2 });
    peer.expectNothing();
  });

  it('anything else is answered now and then, in silence otherwise (RFC 5961 §7)', () => {
    const { peer } = waiting();
    for (let i = 0; i < 50; i++) peer.send({ seq: 2, data: 10 });
    for (let i = 0; i < 50; i++) peer.send({ seq: 9000 });
    const answers = peer.drain();
    expect(answers.length).toBe(3);
    expect(answers[0]).toMatchObject({ flags: '.', seq: 2, ack: 2 });
  });

  it('its answers have timestamps, when the connection had', () => {
    const { peer } = waiting({ peer: { timestamps: true } });
    peer.send({ flags: 'F.', seq: 1 });
    expect(peer.expect({ flags: '.' }).timestamps).toBeDefined();
  });

  it('an old FIN, by its timestamp, does not lengthen it (row 27)', () => {
    const { peer, host } = waiting({ peer: { timestamps: true } });
    host.wait(40_000);
    peer.send({ flags: 'F.', seq: 1, tsval: peer.clock - 100_000 });
    host.wait(20_100);
    expect(host.layer.statistics.timeWait).toBe(0);
  });

  it('lasts as long as the setting says', () => {
    const { host } = waiting({ settings: { timeWaitMilliseconds: 500 } });
    host.wait(510);
    expect(host.layer.statistics.timeWait).toBe(0);
  });
});

describe('a SYN for a connection in TIME-WAIT (§3.10.7.4, fourth; RFC 6191, row 23)', () => {
  /** Passive, so that somebody listens. */
  const passive = (options: EstablishOptions = {}) => waiting({ ...options, isPassive: true });

  it('above the last number opens a new connection, whose numbers lie above the old ones (MAY-2)', () => {
    const { peer, host } = passive();
    const before = peer.theirs + 2;
    peer.iss = (peer.iss + 100) | 0;
    peer.next = 0;
    peer.received = 0;
    peer.sendSyn();
    peer.expect({ flags: 'S.', ack: 1 });
    expect(seq.difference(peer.theirs, before)).toBeGreaterThan(65_535);
    // Until the handshake is done the record stands: the SYN might be an old duplicate.
    expect(host.layer.statistics).toMatchObject({ timeWait: 1, halfOpen: 1 });
    peer.send({ data: 10 });
    expect(host.layer.statistics).toMatchObject({ timeWait: 0, halfOpen: 0, connections: 1 });
  });

  it('not above it is challenged', () => {
    const { peer, host } = passive();
    peer.send({ flags: 'S', seq: 1 });
    peer.expect({ flags: '.', seq: 2, ack: 2 });
    peer.send({ flags: 'S', seq: -100_000 });
    peer.expect({ flags: '.', seq: 2, ack: 2 });
    expect(host.layer.statistics).toMatchObject({ timeWait: 1, halfOpen: 0 });
  });

  it('with a newer timestamp it may begin anywhere; with an older one nowhere', () => {
    const { peer, host } = passive({ peer: { timestamps: true } });
    peer.send({ flags: 'S', seq: 5000, tsval: peer.clock - 10_000 });
    peer.expect({ flags: '.' });
    host.wait(10);
    peer.iss = (peer.iss - 1_000_000) | 0;
    peer.next = 0;
    peer.received = 0;
    peer.sendSyn();
    peer.expect({ flags: 'S.', ack: 1 });
    peer.send();
    expect(host.layer.statistics).toMatchObject({ timeWait: 0, connections: 1 });
  });

  it('a third segment that does not fit leaves the old record', () => {
    const { peer, host } = passive();
    peer.iss = (peer.iss + 100) | 0;
    peer.next = 0;
    peer.received = 0;
    peer.sendSyn();
    peer.expect({ flags: 'S.' });
    peer.send({ ack: 77 });
    expect(host.layer.statistics).toMatchObject({ timeWait: 1, connections: 0 });
  });

  it('nobody listens: answered by RST, as if CLOSED; the record stays', () => {
    const { peer, host } = waiting();
    peer.send({ flags: 'S', seq: 1000 });
    peer.expect({ flags: 'R.' });
    expect(host.layer.statistics.timeWait).toBe(1);
  });
});

describe('an active open of the same name', () => {
  function again(opened: Opened): Errno {
    const { host, connection, peer } = opened;
    const next = host.open();
    expect(next.bind(null, connection.localPort)).toBe(Errno.NONE);
    const errno = next.connect(peer.address, peer.port, host.now);
    host.settle();
    if (errno !== Errno.NONE) next.close(host.now);
    return errno;
  }

  it('waits: without timestamps nothing would tell old segments from new ones', () => {
    const opened = waiting();
    opened.host.wait(30_000);
    expect(again(opened)).toBe(Errno.EADDRINUSE);
    opened.host.wait(30_100);
    expect(again(opened)).toBe(Errno.NONE);
  });

  it('with timestamps is possible a second later, above the numbers of the old one (RFC 6191)', () => {
    const opened = waiting({ peer: { timestamps: true } });
    expect(again(opened)).toBe(Errno.EADDRINUSE);
    opened.host.wait(1010);
    const before = opened.peer.theirs + 2;
    opened.peer.received = 0;
    expect(again(opened)).toBe(Errno.NONE);
    opened.peer.expect({ flags: 'S' });
    expect(seq.difference(opened.peer.theirs, before)).toBeGreaterThan(65_535);
    expect(opened.host.layer.statistics.timeWait).toBe(0);
  });

  it('a port of its own choice does not meet it', () => {
    const host = new TestHost({ settings: { ephemeralPorts: { first: 50_000, last: 50_001 } } });
    const opened = host.connect();
    opened.connection.close(host.now);
    host.settle();
    opened.peer.send({ flags: 'F.' });
    const second = host.connect();
    expect(second.connection.localPort).not.toBe(opened.connection.localPort);
    const third = host.open();
    // Both names are taken (row 34).
    expect(third.connect(address('10.0.0.2'), 7, host.now)).toBe(Errno.EADDRNOTAVAIL);
    // To another port of the peer they are free.
    expect(third.connect(address('10.0.0.2'), 8, host.now)).toBe(Errno.NONE);
  });
});

describe('many (row 34)', () => {
  it('are bounded: the oldest gives way', () => {
    const host = new TestHost({ settings: { timeWaitSize: 10 } });
    const all = Array.from({ length: 25 }, () => {
      const { peer, connection } = host.connect();
      connection.close(host.now);
      host.settle();
      peer.send({ flags: 'F.' });
      peer.drain();
      return peer;
    });
    expect(host.layer.statistics).toMatchObject({ timeWait: 10, connections: 0 });
    all[0]!.send({ flags: 'F.', seq: 1 });
    all[0]!.expect({ flags: 'R' });
    all[24]!.send({ flags: 'F.', seq: 1 });
    all[24]!.expect({ flags: '.' });
  });
});

it('what was received before can still be read in TIME-WAIT', () => {
  const { peer, connection, host } = establish();
  connection.shutdownWrite();
  host.settle();
  peer.send({ data: 'rest', flags: 'FP.' });
  expect(host.layer.statistics.timeWait).toBe(1);
  expect(new TextDecoder().decode(readAll(connection))).toBe('rest');
  expect(connection.isEndOfStream).toBe(true);
});
