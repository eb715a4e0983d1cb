import { Errno } from '@prism-net/errors';
import { DropReason, seq } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import { type OpenOptions, pattern, readAll, TestHost, timestampsOption, write } from '../tcp.testkit.js';

function synSent(options: OpenOptions = {}, host = new TestHost()) {
  const opened = host.startConnect(options);
  opened.peer.expect({ flags: 'S', seq: 0 });
  return opened;
}

describe('our SYN', () => {
  it('offers what we can: MSS of the interface, window scale, SACK and timestamps (RFC 9293 §3.7.1, SHLD-5)', () => {
    const { peer } = new TestHost().startConnect();
    const syn = peer.expect({ flags: 'S', mss: 1460, scale: 7, sackPermitted: true, window: 65_535, length: 0 });
    expect(syn.timestamps?.[1]).toBe(0);
    expect(syn.headerLength).toBe(40);
  });

  it.each([
    ['windowScaling', { scale: undefined, sackPermitted: true }],
    ['selectiveAcknowledgements', { scale: 7, sackPermitted: false }],
    ['timestamps', { scale: 7, sackPermitted: true, timestamps: undefined }],
  ])('offers no %s when the setting says so', (setting, expected) => {
    const { peer } = new TestHost({ settings: { [setting]: false } }).startConnect();
    peer.expect(expected);
  });

  it('offers the MSS the user asked for, or the link, whichever is less (MUST-67)', () => {
    const host = new TestHost();
    host.startConnect({ connection: { maximumSegmentSize: 700 } }).peer.expect({ mss: 700 });
    host.startConnect({ connection: { maximumSegmentSize: 9000 } }).peer.expect({ mss: 1460 });
    host.network.mtu = 9000;
    host.startConnect().peer.expect({ mss: 8960 });
  });

  it('is sent again after 1 s, 3 s, 7 s … as often as the setting says, then ETIMEDOUT (RFC 6298 §2.1, MUST-22)', () => {
    const host = new TestHost({ settings: { synRetransmissions: 3 } });
    const { peer, events, connection } = synSent({}, host);
    host.wait(60_000);
    const times = peer.drain().map((each) => Math.round(each.at / 100) / 10);
    expect(times).toEqual([1, 3, 7]);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
    expect(connection.state).toBe(State.CLOSED);
    expect(host.layer.size).toBe(0);
  });

  it('when the pool is empty goes out by the retransmission timer', () => {
    const host = new TestHost({ frames: 16 });
    const giveBack = host.exhaust(0);
    const { peer, connection } = host.startConnect();
    peer.expectNothing();
    giveBack();
    host.wait(1001);
    peer.expect({ flags: 'S' });
    peer.answerSyn();
    expect(connection.state).toBe(State.ESTABLISHED);
  });
});

describe('first, check the ACK bit (RFC 9293 §3.10.7.3)', () => {
  it.each([0, 2, -1, 1_000_000_000])(
    'SYN with an ACK of %i, not of our SYN: answered by RST with that number',
    (ack) => {
      const { peer, connection, host } = synSent();
      peer.send({ flags: 'S.', seq: 0, ack });
      const reset = peer.expect({ flags: 'R', length: 0 });
      expect(reset.seq).toBe(ack);
      expect(connection.state).toBe(State.SYN_SENT);
      expect(host.dropped(DropReason.TCP_ACKNOWLEDGEMENT_INVALID)).toBe(1);
      expect(host.layer.statistics.resetsSent).toBe(1);
      // The right one still opens it.
      peer.answerSyn({ ack: 1 });
      expect(connection.state).toBe(State.ESTABLISHED);
    },
  );

  it('a RST with a wrong ACK is not answered', () => {
    const { peer, connection, host } = synSent();
    peer.send({ flags: 'R.', seq: 0, ack: 2 });
    peer.expectNothing();
    expect(connection.state).toBe(State.SYN_SENT);
    expect(host.layer.statistics.resetsSent).toBe(0);
  });

  it('a bare ACK of our SYN is dropped: the SYN is missing (fifth)', () => {
    const { peer, connection, host } = synSent();
    peer.send({ seq: 1, ack: 1 });
    peer.expectNothing();
    expect(connection.state).toBe(State.SYN_SENT);
    expect(host.dropped(DropReason.TCP_SYN_UNEXPECTED)).toBe(1);
  });
});

describe('second, check the RST bit', () => {
  it('one that acknowledges our SYN: ECONNREFUSED', () => {
    const { peer, connection, events, host } = synSent();
    peer.send({ flags: 'R.', seq: 0, ack: 1 });
    expect(connection.state).toBe(State.CLOSED);
    expect(events.take()).toEqual(['ended ECONNREFUSED']);
    expect(connection.pendingError()).toBe(Errno.ECONNREFUSED);
    peer.expectNothing();
    expect(host.layer.nextExpiry(host.now)).toBe(-1);
  });

  it('one without ACK is dropped: anybody could have sent it (RFC 5961 §3.2)', () => {
    const { peer, connection, host } = synSent();
    peer.send({ flags: 'R', seq: 0 });
    expect(connection.state).toBe(State.SYN_SENT);
    expect(host.dropped(DropReason.TCP_RESET_INVALID)).toBe(1);
  });
});

describe('fourth, check the SYN bit', () => {
  it('SYN with ACK: ESTABLISHED, acknowledged, and what was written before goes along', () => {
    const { peer, connection, events } = synSent();
    write(connection, 300);
    peer.answerSyn();
    peer.expect({ flags: 'P.', seq: 1, ack: 1, length: 300 });
    peer.expectNothing();
    expect(events.take()).toEqual(['connected']);
    expect(connection.state).toBe(State.ESTABLISHED);
  });

  it('its window is not scaled, the next one is (RFC 7323 §2.2)', () => {
    const { peer, connection } = synSent({ peer: { scale: 3 } });
    peer.answerSyn({ window: 1000 });
    expect(connection.block!.sendWindow).toBe(1000);
    expect(connection.block!.sendWindowScale).toBe(3);
    peer.send({ window: 1000 });
    expect(connection.block!.sendWindow).toBe(8000);
  });

  it('without window scale from the peer ours is not used either', () => {
    const { peer, connection } = synSent();
    peer.answerSyn();
    peer.expect({ window: 65_535 });
    expect(connection.block!.receiveWindow.scale).toBe(0);
  });

  it('a window scale above 14 is taken as 14 (RFC 7323 §2.3)', () => {
    const { peer, connection } = synSent({ peer: { scale: 255 } });
    peer.answerSyn();
    peer.send({ window: 65_535 });
    expect(connection.block!.sendWindow).toBe(65_535 * 2 ** 14);
  });

  it.each([
    ['no MSS option: 536 (MUST-15)', null, 536],
    ['0: the least believed', 0, 88],
    ['7', 7, 88],
    ['88', 88, 88],
    ['65,535: what the path takes', 65_535, 1460],
  ])('MSS %s', (_, mss, expected) => {
    const { peer, connection } = synSent({ peer: { mss } });
    peer.answerSyn();
    expect(connection.block!.segmentSize).toBe(expected);
  });

  it('timestamps are agreed on only if the peer sends them, and take their room (MUST-16)', () => {
    const { peer, connection } = synSent({ peer: { timestamps: true } });
    peer.answerSyn({ tsval: 777 });
    expect(peer.expect({ flags: '.' }).timestamps?.[1]).toBe(777);
    expect(connection.block!.segmentSize).toBe(988);

    const without = synSent();
    without.peer.answerSyn();
    without.peer.expect({ timestamps: undefined });
  });

  it('timestamps that were not offered are not used', () => {
    const { peer, connection } = synSent({}, new TestHost({ settings: { timestamps: false } }));
    peer.answerSyn({ options: [timestampsOption(1, 2)] });
    peer.expect({ timestamps: undefined });
    expect(connection.block!.hasTimestamps).toBe(false);
  });

  it('text that comes with it is taken, as far as the window goes', () => {
    const { peer, connection } = synSent({ connection: { receiveBuffer: 600 } });
    peer.answerSyn({ data: pattern(1, 1000) });
    expect(readAll(connection)).toEqual(pattern(1, 600));
    expect(peer.expect({ flags: '.' }).ack).toBe(601);
  });

  it('a FIN that comes with it is no combination a host makes: dropped', () => {
    const { peer, connection, host } = synSent();
    peer.answerSyn({ flags: 'FS.' });
    expect(connection.state).toBe(State.SYN_SENT);
    expect(host.dropped(DropReason.TCP_FLAGS_INVALID)).toBe(1);
    peer.expectNothing();
  });

  it('the round trip of the handshake is measured, unless the SYN was sent twice (RFC 6298 §2.2, Karn)', () => {
    const { connection } = new TestHost().connect({ roundTrip: 80 });
    expect(connection.block!.recovery.estimator.smoothed).toBe(80_000);
    const { host, peer, connection: slow } = synSent();
    host.wait(1500);
    peer.answerSyn();
    expect(slow.block!.recovery.estimator.hasSample).toBe(false);
  });
});

describe('simultaneous open (RFC 9293 §3.5, figure 7, MUST-10)', () => {
  function crossing(options: OpenOptions = {}) {
    const opened = synSent(options);
    opened.peer.send({ flags: 'S', seq: 0 });
    opened.peer.expect({ flags: 'S.', seq: 0, ack: 1 });
    expect(opened.connection.state).toBe(State.SYN_RECEIVED);
    return opened;
  }

  it('ends in ESTABLISHED by the SYN-ACK of the other side', () => {
    const { peer, connection, events } = crossing();
    peer.send({ flags: 'S.', seq: 0, ack: 1 });
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(events.take()).toEqual(['connected']);
    peer.expect({ flags: '.', seq: 1, ack: 1 });
    peer.send({ data: 10 });
    expect(readAll(connection)).toEqual(pattern(1, 10));
  });

  it('or by a bare ACK of ours', () => {
    const { peer, connection } = crossing();
    peer.send({ seq: 1, ack: 1, data: 10 });
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(connection.readableBytes).toBe(10);
  });

  it('agrees on options like any other', () => {
    const { peer, connection } = crossing({ peer: { sack: true, timestamps: true, scale: 2 } });
    expect([
      connection.block!.hasTimestamps,
      connection.block!.hasSelectiveAcknowledgements,
      connection.block!.sendWindowScale,
    ]).toEqual([true, true, 2]);
    peer.send({ flags: 'S.', seq: 0, ack: 1 });
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(peer.expect({ flags: '.' }).timestamps).toBeDefined();
  });

  it('agrees on ECN when both have asked (RFC 3168 §6.1.1)', () => {
    const opened = new TestHost().startConnect({ connection: { ecn: 'active' } });
    opened.peer.expect({ flags: 'SEW' });
    opened.peer.send({ flags: 'SEW', seq: 0 });
    opened.peer.expect({ flags: 'S.E' });
    opened.peer.send({ seq: 1, ack: 1 });
    expect(opened.connection.block!.hasEcn).toBe(true);
    const half = new TestHost().startConnect({ connection: { ecn: 'active' } });
    half.peer.send({ flags: 'S', seq: 0 });
    expect(half.connection.block!.hasEcn).toBe(false);
  });

  it('what is not acceptable in SYN-RECEIVED is told where the window is (§3.10.7.4, first)', () => {
    const { peer, connection } = crossing();
    peer.send({ seq: 70_000, data: 10, ack: 1 });
    peer.expect({ flags: '.', seq: 1, ack: 1 });
    expect(connection.state).toBe(State.SYN_RECEIVED);
  });

  it('the SYN of the peer once more: our answer once more', () => {
    const { peer, connection } = crossing();
    peer.send({ flags: 'S', seq: 0 });
    peer.expect({ flags: 'S.', seq: 0, ack: 1 });
    expect(connection.state).toBe(State.SYN_RECEIVED);
  });

  it('our SYN-ACK goes out again when no answer comes, then ETIMEDOUT', () => {
    const { peer, host, events } = crossing();
    host.wait(1100);
    peer.expect({ flags: 'S.', seq: 0, ack: 1 });
    host.wait(400_000);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
    // The peer has heard of the connection: it is told (§3.10.5).
    expect(peer.drain().at(-1)!.flags).toMatch(/^R/);
  });

  it('a wrong ACK in SYN-RECEIVED is answered by RST, and changes nothing (§3.10.7.4, fifth)', () => {
    const { peer, connection } = crossing();
    peer.send({ seq: 1, ack: 2 });
    expect(peer.expect({ flags: 'R' }).seq).toBe(2);
    peer.send({ seq: 1, ack: 0 });
    expect(peer.expect({ flags: 'R' }).seq).toBe(0);
    expect(connection.state).toBe(State.SYN_RECEIVED);
  });

  it('a RST at RCV.NXT in SYN-RECEIVED: ECONNREFUSED (§3.10.7.4, second)', () => {
    const { peer, events } = crossing();
    peer.send({ flags: 'R', seq: 1 });
    expect(events.take()).toEqual(['ended ECONNREFUSED']);
  });

  it('a close before the other side has answered: FIN-WAIT-1 as soon as it has (§3.10.4)', () => {
    const { peer, connection, host } = crossing();
    write(connection, 10);
    connection.close(host.now);
    host.settle();
    peer.expectNothing();
    peer.send({ flags: 'S.', seq: 0, ack: 1 });
    expect(connection.state).toBe(State.FIN_WAIT_1);
    peer.expect({ flags: 'FP.', length: 10 });
  });
});

it('the number of the SYN differs from connection to connection, and no two peers see the same (RFC 6528)', () => {
  const host = new TestHost();
  const numbers = Array.from({ length: 20 }, () => host.startConnect().peer.theirs);
  expect(new Set(numbers).size).toBe(20);
  for (const [i, number] of numbers.entries()) {
    for (const other of numbers.slice(i + 1)) expect(Math.abs(seq.difference(number, other))).toBeGreaterThan(1000);
  }
});
