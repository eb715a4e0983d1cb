import { Errno } from '@prism-net/errors';
import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import { type EstablishOptions, establish, type Opened, TestHost, write } from '../tcp.testkit.js';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** When the segments that are sent from now on leave, in ms from now. */
function times({ host, peer }: Opened, milliseconds: number): number[] {
  const start = host.time;
  host.wait(milliseconds);
  return peer.drain().map((each) => Math.round(each.at - start));
}

function expectTimes(found: readonly number[], expected: readonly number[], tolerance = 2): void {
  expect(found.length, JSON.stringify(found)).toBe(expected.length);
  for (const [i, time] of expected.entries()) {
    expect(
      Math.abs(found[i]! - time),
      `${JSON.stringify(found)} against ${JSON.stringify(expected)}`,
    ).toBeLessThanOrEqual(tolerance);
  }
}

describe('the window probe (RFC 9293 §3.8.6.1)', () => {
  /** The peer's window is closed, and text waits. */
  function closed(options: EstablishOptions = {}) {
    const opened = establish({ ...options, peer: { window: 1000, ...options.peer } });
    const { peer, connection, host } = opened;
    write(connection, 5000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001, window: 0 });
    return opened;
  }

  it('one byte beyond the window, first after a retransmission timeout, then at doubled intervals (MUST-36, SHLD-29, SHLD-30)', () => {
    const opened = closed();
    expectTimes(times(opened, 7 * SECOND), [200, 600, 1400, 3000, 6200]);
    opened.host.wait(10 * SECOND);
    opened.peer.expect({ seq: 1001, length: 1, flags: '.' });
  });

  it('no longer than the largest timeout apart', () => {
    const opened = closed({ settings: { maximumRetransmissionMilliseconds: 1000 } });
    expectTimes(times(opened, 5 * SECOND), [200, 600, 1400, 2400, 3400, 4400], 5);
  });

  it('a window that never opens keeps the connection for as long as the peer answers (MUST-37)', () => {
    const { host, peer, connection } = closed();
    for (let hour = 0; hour < 6; hour++) {
      for (let i = 0; i < 60; i++) {
        host.wait(MINUTE);
        if (peer.drain().length > 0) peer.send({ ack: 1001, window: 0 });
      }
    }
    expect(connection.state).toBe(State.ESTABLISHED);
    peer.send({ ack: 1001, window: 4000 });
    expect(peer.drain().reduce((sum, each) => sum + each.length, 0)).toBe(4000);
  });

  it('a peer that does not answer is given up, as if it had got the text', () => {
    const { host, connection, events } = closed();
    host.wait(HOUR);
    expect(connection.state).toBe(State.CLOSED);
    expect(events.take()).toContain('ended ETIMEDOUT');
  });

  it('sooner with a user timeout (RFC 5482)', () => {
    const { host, connection } = closed({ connection: { userTimeoutMilliseconds: 10_000 } });
    host.wait(9 * SECOND);
    expect(connection.state).toBe(State.ESTABLISHED);
    host.wait(10 * SECOND);
    expect(connection.state).toBe(State.CLOSED);
  });

  it('a closed connection does not wait for ever for a peer that answers with a closed window (row 33)', () => {
    const { host, connection, peer } = closed();
    connection.close(host.now);
    for (let i = 0; i < 60 && connection.state !== State.CLOSED; i++) {
      host.wait(30 * SECOND);
      if (peer.drain().length > 0) peer.send({ ack: 1001, window: 0 });
    }
    expect(connection.state).toBe(State.CLOSED);
  });

  it('ends with the window opening, and begins anew when it closes again', () => {
    const opened = closed();
    const { peer, host } = opened;
    host.wait(2 * SECOND);
    peer.drain();
    peer.send({ ack: 1001, window: 1000 });
    peer.expect({ seq: 1001, length: 1000 });
    peer.send({ ack: 2001, window: 0 });
    expectTimes(times(opened, SECOND), [200, 600]);
  });

  it('the FIN is probed with when nothing else waits', () => {
    const opened = establish({ peer: { window: 1000 } });
    const { peer, connection, host } = opened;
    write(connection, 1000);
    connection.shutdownWrite();
    host.settle();
    peer.drain();
    peer.send({ ack: 1001, window: 0 });
    host.wait(210);
    peer.expect({ flags: 'F.', seq: 1001 });
    peer.send({ ack: 1002, window: 0 });
    expect(connection.state).toBe(State.FIN_WAIT_2);
  });

  it('without a packet is not sent, and comes later', () => {
    for (const isFin of [false, true]) {
      const opened = establish({ frames: 64, peer: { window: 1000 } });
      const { peer, connection, host } = opened;
      write(connection, isFin ? 1000 : 2000);
      if (isFin) connection.shutdownWrite();
      host.settle();
      peer.drain();
      peer.send({ ack: 1001, window: 0 });
      const giveBack = host.exhaust(0);
      host.wait(300);
      peer.expectNothing();
      giveBack();
      host.wait(1000);
      peer.expect({ seq: 1001 });
    }
  });

  it('is not sent when nothing waits', () => {
    const opened = establish({ peer: { window: 1000 } });
    opened.peer.send({ window: 0 });
    expectTimes(times(opened, MINUTE), []);
  });
});

describe('the retransmission timer (RFC 6298)', () => {
  it('backs off, up to the largest timeout, until R2 (§5.5; RFC 9293 §3.8.3, MUST-20)', () => {
    const opened = establish({ settings: { retransmissions: 5 } });
    write(opened.connection, 100);
    opened.host.settle();
    opened.peer.drain();
    expectTimes(times(opened, 20 * SECOND), [200, 600, 1400, 3000, 6200, 12_600], 3);
    expect(opened.peer.inbox.length).toBe(0);
    expect(opened.connection.state).toBe(State.CLOSED);
    expect(opened.events.take()).toEqual(['ended ETIMEDOUT']);
  });

  it('with a default R2 of more than 100 s (SHLD-11)', () => {
    const { connection, host } = establish();
    write(connection, 100);
    host.settle();
    host.wait(100 * SECOND);
    expect(connection.state).toBe(State.ESTABLISHED);
    host.wait(HOUR);
    expect(connection.state).toBe(State.CLOSED);
  });

  it('says what ICMP said, if it did, when the connection is given up', () => {
    const { connection, host, events } = establish({ settings: { retransmissions: 2 } });
    write(connection, 100);
    host.settle();
    connection.block!.softError = Errno.EHOSTUNREACH;
    host.wait(MINUTE);
    expect(events.take()).toEqual(['ended EHOSTUNREACH']);
  });
});

describe('the reordering timer (RFC 8985 §6.2)', () => {
  it('lets a little time pass before what was overtaken is sent again', () => {
    const { connection, host, peer } = establish({ peer: { sack: true }, roundTrip: 100 });
    write(connection, 5000);
    host.settle();
    peer.drain();
    host.wait(100);
    peer.send({ ack: 1, sack: [[2001, 3001]] });
    expect(peer.drain().filter((each) => each.seq === 1)).toEqual([]);
    host.wait(60);
    expect(peer.drain().filter((each) => each.seq === 1).length).toBe(1);
  });
});

describe('the user timeout (RFC 5482; RFC 9293 §3.8.3, MUST-21)', () => {
  it.each([
    ['10 s', 10 * SECOND],
    ['5 min', 5 * MINUTE],
    // Longer than an Instant can tell apart.
    ['2 h', 2 * HOUR],
    ['10 h', 10 * HOUR],
  ])('of %s ends a connection whose text is not acknowledged, neither long before nor long after', (_, timeout) => {
    const options = { frames: 64, isFast: true, connection: { userTimeoutMilliseconds: timeout } };
    const { connection, host, events } = establish(options);
    write(connection, 100);
    host.settle();
    host.wait(timeout - 1);
    expect(connection.state).toBe(State.ESTABLISHED);
    host.wait(500);
    expect(connection.state).toBe(State.CLOSED);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
  });

  it('counts from when the peer last acknowledged something', () => {
    const { connection, host, peer } = establish({ connection: { userTimeoutMilliseconds: 5000 } });
    write(connection, 3000);
    host.settle();
    for (let i = 1; i <= 3; i++) {
      host.wait(4000);
      peer.send({ ack: i * 500 });
    }
    expect(connection.state).toBe(State.ESTABLISHED);
  });

  it('holds for the SYN too', () => {
    const host = new TestHost();
    const { connection } = host.startConnect({ connection: { userTimeoutMilliseconds: 5000 } });
    host.wait(4900);
    expect(connection.state).toBe(State.SYN_SENT);
    host.wait(5000);
    expect(connection.state).toBe(State.CLOSED);
  });

  it('an idle connection has none', () => {
    const { connection, host } = establish({ connection: { userTimeoutMilliseconds: 5000 } });
    host.wait(HOUR);
    expect(connection.state).toBe(State.ESTABLISHED);
  });
});

describe('keep-alive (RFC 9293 §3.8.4)', () => {
  const keepAlive = {
    keepAlive: true,
    keepAliveIdleMilliseconds: 10 * SECOND,
    keepAliveIntervalMilliseconds: 2 * SECOND,
    keepAliveProbes: 3,
  };

  it('is off unless asked for (MUST-25)', () => {
    const opened = establish();
    expectTimes(times(opened, 10 * HOUR), []);
  });

  it('by default comes after two hours (MUST-28)', () => {
    const opened = establish({ connection: { keepAlive: true } });
    expectTimes(times(opened, 2 * HOUR + SECOND), [2 * HOUR], 10);
  });

  it('a probe without text, one below what the peer expects, so that it must answer (SHLD-12)', () => {
    const { host, peer, connection } = establish({ connection: keepAlive });
    write(connection, 100);
    host.settle();
    peer.drain();
    peer.send();
    host.wait(10.1 * SECOND);
    peer.expect({ flags: '.', seq: 100, ack: 1, length: 0 });
  });

  it('answered, the next comes after the idle time', () => {
    const opened = establish({ connection: keepAlive });
    const { host, peer, connection } = opened;
    for (let i = 0; i < 5; i++) {
      host.wait(10.01 * SECOND);
      expect(peer.drain().length).toBe(1);
      peer.send();
    }
    expect(connection.state).toBe(State.ESTABLISHED);
  });

  it('unanswered it is repeated; one lost probe proves nothing (MUST-29); then ETIMEDOUT', () => {
    const opened = establish({ connection: keepAlive });
    expectTimes(times(opened, 15.9 * SECOND), [10_000, 12_000, 14_000], 5);
    expect(opened.connection.state).toBe(State.ESTABLISHED);
    opened.host.wait(SECOND);
    opened.peer.expect({ flags: 'R.' });
    expect(opened.events.take()).toEqual(['ended ETIMEDOUT']);
  });

  it('a peer that does not know the connection any more resets it', () => {
    const { host, peer, events } = establish({ connection: keepAlive });
    host.wait(10.1 * SECOND);
    const probe = peer.expect();
    peer.send({ flags: 'R', seq: probe.ack });
    expect(events.take()).toEqual(['ended ECONNRESET']);
  });

  it('any segment of the peer begins the idle time anew (MUST-27)', () => {
    const opened = establish({ connection: keepAlive });
    opened.host.wait(9 * SECOND);
    opened.peer.send({ data: 10 });
    opened.host.wait(SECOND);
    opened.peer.drain();
    expectTimes(times(opened, 9.5 * SECOND), [9000], 10);
  });

  it('none while text is out: its retransmissions do it (MUST-26)', () => {
    const opened = establish({ connection: keepAlive });
    write(opened.connection, 100);
    opened.host.settle();
    opened.host.wait(30 * SECOND);
    expect(opened.peer.drain().every((each) => each.length === 100)).toBe(true);
  });

  it('with a user timeout that decides, not the number of probes (RFC 5482 §4.2)', () => {
    const { host, connection } = establish({ connection: { ...keepAlive, userTimeoutMilliseconds: 25 * SECOND } });
    host.wait(24 * SECOND);
    expect(connection.state).toBe(State.ESTABLISHED);
    host.wait(4 * SECOND);
    expect(connection.state).toBe(State.CLOSED);
  });

  it('turned on, off and changed at any time', () => {
    const opened = establish();
    opened.connection.apply(keepAlive);
    expectTimes(times(opened, 10.1 * SECOND), [10_000], 5);
    opened.peer.send();
    opened.connection.apply({ keepAlive: false });
    expectTimes(times(opened, MINUTE), []);
    opened.connection.apply({ keepAlive: true, keepAliveIdleMilliseconds: 70 * SECOND });
    expectTimes(times(opened, 11 * SECOND), [10_000], 10);
  });

  it('is over when the application closes', () => {
    const opened = establish({ connection: keepAlive });
    opened.connection.close(opened.host.now);
    opened.host.settle();
    opened.peer.drain();
    opened.peer.send();
    expect(opened.connection.state).toBe(State.FIN_WAIT_2);
    expectTimes(times(opened, 30 * SECOND), []);
  });
});

describe('several at once', () => {
  it('share a timer without one being late for another', () => {
    // Delayed acknowledgement 40 ms, retransmission 200 ms, keep-alive 1 s.
    const opened = establish({ connection: { keepAlive: true, keepAliveIdleMilliseconds: 1000 } });
    const { peer, host, connection } = opened;
    for (let i = 0; i < 16; i++) peer.send({ data: 10 });
    write(connection, 100);
    host.settle();
    peer.drain();
    const start = host.time;
    peer.send({ data: 10, ack: 1 });
    host.wait(210);
    expect(peer.drain().map((each) => [each.length, Math.round((each.at - start) / 10) * 10])).toEqual([
      [0, 40],
      [100, 200],
    ]);
    peer.send();
    host.wait(1010);
    expect(peer.drain().map((each) => each.seq)).toEqual([100]);
  });

  it('many connections whose timers are due together are all served, in turns of the budget (row 36)', () => {
    const host = new TestHost({ frames: 2048, isFast: true, settings: { maximumConnections: 1000 } });
    const opened = Array.from({ length: 300 }, () => host.connect());
    for (const { connection } of opened) write(connection, 10);
    host.settle();
    for (const { peer } of opened) peer.drain();
    host.jump(201);
    const { layer } = host;
    layer.endBurst(host.now);
    let rounds = 0;
    for (let before = 0; before < opened.length; rounds++) {
      expect(layer.nextExpiry(host.now)).toBe(0);
      expect(layer.advance(host.now, 100)).toBeLessThanOrEqual(100);
      layer.flush(host.now);
      const served = opened.filter(({ peer }) => peer.inbox.length > 0).length;
      expect(served - before).toBeLessThanOrEqual(100);
      before = served;
    }
    expect(rounds).toBeGreaterThanOrEqual(3);
    expect(rounds).toBeLessThanOrEqual(20);
  });

  it.each([-3_600_000, -60_000, -1, 60_000, 2_200_000, 4_294_967, 40_000_000])(
    'the clock jumps by %i ms: nobody is given up for it, and everything goes on',
    (by) => {
      const { host, peer, connection } = establish({ connection: { keepAlive: true } });
      write(connection, 100);
      host.settle();
      peer.drain();
      host.jump(by);
      host.settle();
      expect(connection.state).toBe(State.ESTABLISHED);
      for (let i = 0; i < 40 && peer.inbox.length === 0; i++) host.wait(MINUTE);
      expect(peer.drain().at(-1)).toMatchObject({ seq: 1, length: 100 });
      peer.send({ data: 10 });
      expect([connection.unacknowledgedWrites, connection.readableBytes]).toEqual([0, 10]);
    },
  );

  it('a closed connection has none', () => {
    const { host, connection } = establish({ connection: { keepAlive: true } });
    write(connection, 100);
    host.settle();
    connection.abort(host.now);
    expect(host.layer.wheel.armed).toBe(0);
    expect(host.layer.nextExpiry(host.now)).toBe(-1);
  });
});
