import { DropReason } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import { describeSeen, establish, pattern, readAll, TestHost, write } from '../tcp.testkit.js';

/** RCV.NXT is 1001, RCV.WND 4,000; what was received before is read. */
function withWindow() {
  const opened = establish({ settings: { receiveBuffer: 5000, maximumReceiveBuffer: 5000 } });
  opened.peer.send({ data: 1000 });
  opened.peer.expect({ ack: 1001, window: 4000 });
  readAll(opened.connection);
  return opened;
}

describe('first, check the sequence number (RFC 9293 §3.10.7.4)', () => {
  // Of the window 1001 … 5000, as the peer counts.
  it.each([
    ['at RCV.NXT', 1001, 100, true],
    ['in the middle', 3000, 100, true],
    ['its last byte the last of the window', 4901, 100, true],
    ['its first byte the last of the window', 5000, 100, true],
    ['its first byte behind the window', 5001, 100, false],
    ['far behind it', 1_000_000_000, 100, false],
    ['2^31 away', 1001 + 2 ** 31, 100, false],
    ['its last byte at RCV.NXT', 902, 100, true],
    ['its last byte in front of RCV.NXT', 901, 100, false],
    ['around the whole window, with neither its first nor its last byte in it', 501, 6000, false],
    ['long ago', -500_000_000, 100, false],
  ])('text %s: acceptable %#', (_, sequence, length, isAcceptable) => {
    const { peer, host, connection } = withWindow();
    peer.send({ seq: sequence, data: pattern(sequence, length), flags: 'P.' });
    const dropped = host.dropped(DropReason.TCP_DUPLICATE) + host.dropped(DropReason.TCP_OUT_OF_WINDOW);
    expect(dropped).toBe(isAcceptable ? 0 : 1);
    // Whatever it is, it is answered with where the window is.
    expect(peer.inbox.length).toBeGreaterThanOrEqual(1);
    expect(connection.state).toBe(State.ESTABLISHED);
    const { ack } = peer.drain().at(-1)!;
    expect(ack).toBeGreaterThanOrEqual(1001);
    if (connection.readableBytes > 0) expect(readAll(connection)).toEqual(pattern(1001, ack - 1001));
  });

  it.each([
    ['at RCV.NXT', 1001, true],
    ['at the last byte of the window', 5000, true],
    ['behind the window', 5001, false],
    ['in front of it', 1000, false],
  ])('no text, %s: acceptable %#', (_, sequence, isAcceptable) => {
    const { peer, host } = withWindow();
    peer.send({ seq: sequence });
    const dropped = host.dropped(DropReason.TCP_DUPLICATE) + host.dropped(DropReason.TCP_OUT_OF_WINDOW);
    expect(dropped).toBe(isAcceptable ? 0 : 1);
    if (isAcceptable) peer.expectNothing();
    else peer.expect({ flags: '.', seq: 1, ack: 1001 });
  });

  it('is tailored to the window: text in front is cut off, text behind as well, and a FIN with it', () => {
    const { peer, connection } = withWindow();
    peer.send({ seq: 501, data: 1000 });
    peer.expect({ flags: '.', ack: 1501 });
    // The window ends at 6000 by now.
    peer.send({ seq: 1401, data: 4599, flags: 'F.' });
    peer.expect({ flags: '.', ack: 6001 });
    expect(readAll(connection)).toEqual(pattern(1001, 4999));
    expect(connection.state).toBe(State.CLOSE_WAIT);

    const second = withWindow();
    second.peer.send({ seq: 1001, data: 6000, flags: 'F.' });
    second.peer.expect({ flags: '.', ack: 5001, window: 1000 });
    expect(readAll(second.connection)).toEqual(pattern(1001, 4000));
    expect(second.connection.state).toBe(State.ESTABLISHED);
  });

  it('cuts a segment that lies in several frames, and gives the frames back', () => {
    const { peer, connection } = withWindow();
    peer.send({ seq: 101, data: 1900, frameText: 300 });
    peer.send({ seq: 1501, data: 4000, frameText: 300 });
    expect(readAll(connection)).toEqual(pattern(1001, 4500));
    peer.send({ seq: 5501, data: 9000, frameText: 700 });
    expect(readAll(connection)).toEqual(pattern(5501, 500));
  });
});

describe('a closed window', () => {
  function closed() {
    const opened = establish({ settings: { receiveBuffer: 4000, maximumReceiveBuffer: 4000 } });
    opened.peer.send({ data: 4000 });
    opened.peer.expect({ ack: 4001, window: 0 });
    return opened;
  }

  it('takes no text, but acknowledgements and window of the segment that brings it (MUST-66)', () => {
    const { peer, connection, host } = closed();
    write(connection, 500);
    host.settle();
    peer.expect({ length: 500 });
    peer.send({ seq: 4001, data: 1, window: 1234 });
    peer.expect({ flags: '.', ack: 4001, window: 0 });
    expect(connection.unacknowledgedWrites).toBe(0);
    expect(connection.block!.sendWindow).toBe(1234);
    expect(connection.readableBytes).toBe(4000);
  });

  it('a RST at RCV.NXT ends the connection (MUST-66)', () => {
    const { peer, connection, events } = closed();
    peer.send({ flags: 'R', seq: 4001 });
    expect(connection.state).toBe(State.CLOSED);
    expect(events.take().at(-1)).toBe('ended ECONNRESET');
    // §3.10.7.4: what was received can still be read.
    expect(readAll(connection)).toEqual(pattern(1, 4000));
    peer.expectNothing();
  });

  it('a RST elsewhere does nothing, and gets no answer', () => {
    const { peer, connection, host } = closed();
    peer.send({ flags: 'R', seq: 4002 });
    peer.send({ flags: 'R', seq: 4000 });
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(host.dropped(DropReason.TCP_RESET_INVALID)).toBe(2);
    peer.expectNothing();
  });

  it('a FIN without text is taken all the same: it needs no buffer', () => {
    const { peer, connection } = closed();
    peer.send({ flags: 'F.', seq: 4001 });
    peer.expect({ flags: '.', ack: 4002 });
    expect(connection.state).toBe(State.CLOSE_WAIT);
  });
});

describe('second, check the RST bit (RFC 5961 §3.2; RFC 9293 §3.5.3)', () => {
  it('exactly RCV.NXT: the connection is reset, and the application is told', () => {
    const { peer, connection, events } = withWindow();
    events.take();
    peer.send({ flags: 'R.', seq: 1001 });
    expect(connection.state).toBe(State.CLOSED);
    expect(events.take()).toEqual(['ended ECONNRESET']);
    expect(connection.write(new Uint8Array(1), 0, 1)).toBeLessThan(0);
    peer.expectNothing();
  });

  it('without ACK bit too, and with text (SHLD-2)', () => {
    const { peer, connection } = withWindow();
    peer.send({ flags: 'R', seq: 1001, data: 'connection refused by the firewall' });
    expect(connection.state).toBe(State.CLOSED);
    expect(connection.readableBytes).toBe(0);
  });

  it.each([1002, 3000, 5000])('elsewhere in the window, at %i: a challenge ACK', (sequence) => {
    const { peer, connection, host } = withWindow();
    peer.send({ flags: 'R', seq: sequence });
    peer.expect({ flags: '.', seq: 1, ack: 1001 });
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(host.dropped(DropReason.TCP_RESET_INVALID)).toBe(1);
    expect(host.layer.statistics.challengeAcknowledgements).toBe(1);
  });

  it.each([1000, 1, 5001, -70_000, 1_000_000_000])('outside, at %i: nothing at all', (sequence) => {
    const { peer, connection, host } = withWindow();
    peer.send({ flags: 'R', seq: sequence });
    peer.expectNothing();
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(host.dropped(DropReason.TCP_RESET_INVALID)).toBe(1);
  });

  it('while a peer that lost its state answers the challenge with the right number', () => {
    const { peer, connection } = withWindow();
    peer.send({ flags: 'R', seq: 3000 });
    const challenge = peer.expect({ flags: '.' });
    peer.send({ flags: 'R', seq: challenge.ack });
    expect(connection.state).toBe(State.CLOSED);
  });

  it('is not subject to PAWS (RFC 7323 §5.2)', () => {
    const { peer, connection } = establish({ peer: { timestamps: true } });
    peer.send({ flags: 'R', seq: 1, tsval: peer.clock - 100_000 });
    expect(connection.state).toBe(State.CLOSED);
  });
});

describe('fourth, check the SYN bit (RFC 5961 §4.2)', () => {
  it.each([0, 1001, 3000, 9000, -1_000_000_000])('at %i: a challenge ACK, and nothing else', (sequence) => {
    const { peer, connection, host } = withWindow();
    peer.send({ flags: 'S', seq: sequence });
    peer.expect({ flags: '.', seq: 1, ack: 1001 });
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(connection.block!.receiveNext - connection.block!.initialReceiveSequence).toBe(1001);
    expect(host.dropped(DropReason.TCP_SYN_UNEXPECTED)).toBe(1);
  });

  it('SYN with ACK as well: the third segment of the handshake was lost', () => {
    const { peer, connection } = establish();
    peer.answerSyn();
    peer.expect({ flags: '.', seq: 1, ack: 1 });
    expect(connection.state).toBe(State.ESTABLISHED);
  });

  it('a peer that was started anew resets the old connection by its answer', () => {
    const { peer, connection, host, events } = withWindow();
    peer.send({ flags: 'S', seq: 500_000_000 });
    const challenge = peer.expect({ flags: '.' });
    peer.send({ flags: 'R', seq: challenge.ack });
    expect(connection.state).toBe(State.CLOSED);
    expect(events.take().at(-1)).toBe('ended ECONNRESET');
    expect(host.layer.size).toBe(0);
  });
});

describe('challenge ACKs are limited, for each connection by itself (RFC 5961 §7)', () => {
  it('three may follow each other, then about two in a second; the next connection has its own', () => {
    const host = new TestHost();
    const first = host.connect();
    const second = host.connect();
    for (let i = 0; i < 50; i++) first.peer.send({ flags: 'R', seq: 20 });
    expect(first.peer.drain().length).toBe(3);
    second.peer.send({ flags: 'R', seq: 20 });
    expect(second.peer.drain().length).toBe(1);
    let sent = 0;
    for (let i = 0; i < 100; i++) {
      host.wait(100);
      first.peer.send({ flags: 'R', seq: 20 });
      sent += first.peer.drain().length;
    }
    expect(sent).toBeGreaterThanOrEqual(14);
    expect(sent).toBeLessThanOrEqual(21);
  });
});

describe('fifth, check the ACK field', () => {
  it('without the ACK bit: dropped, and not answered', () => {
    const { peer, host, connection } = withWindow();
    peer.send({ flags: 'F', seq: 1001, data: 10 });
    peer.send({ flags: 'P', seq: 1001, data: 10 });
    peer.expectNothing();
    expect(connection.readableBytes).toBe(0);
    expect(host.dropped(DropReason.TCP_FLAGS_INVALID)).toBe(2);
  });

  function inFlight() {
    const opened = establish();
    write(opened.connection, 3000);
    opened.host.settle();
    opened.peer.drain();
    return opened;
  }

  it('SND.NXT is acceptable, one more is not: challenged, and its text dropped (RFC 5961 §5.2, MAY-12)', () => {
    const { peer, connection, host } = inFlight();
    peer.send({ ack: 3002, data: 100 });
    peer.expect({ flags: '.', seq: 3001, ack: 1 });
    expect(connection.readableBytes).toBe(0);
    expect(host.dropped(DropReason.TCP_ACKNOWLEDGEMENT_INVALID)).toBe(1);
    expect(connection.unacknowledgedWrites).toBe(3000);
    peer.send({ seq: 1, ack: 3001, data: 100 });
    expect(connection.readableBytes).toBe(100);
    expect(connection.unacknowledgedWrites).toBe(0);
  });

  it('old by no more than the largest window: its text is taken; older: it is not (RFC 5961 §5.2)', () => {
    const { peer, connection, host } = establish({ peer: { window: 5000 } });
    // Until SND.UNA is 20,001.
    while (connection.block!.recovery.unacknowledged - connection.block!.initialSendSequence < 20_001) {
      write(connection, 4000);
      host.settle();
      peer.drain();
      peer.send();
    }
    peer.send({ ack: 15_001, data: 100 });
    expect(connection.readableBytes).toBe(100);
    peer.drain();
    peer.send({ ack: 15_000, data: 100 });
    peer.expect({ flags: '.' });
    expect(connection.readableBytes).toBe(100);
    expect(host.dropped(DropReason.TCP_ACKNOWLEDGEMENT_INVALID)).toBe(1);
  });

  it.each([2 ** 31 - 1, 2 ** 31, 2 ** 31 + 1, 2 ** 32 - 100_000])(
    'off by %i: neither an advance nor an accident',
    (off) => {
      const { peer, connection } = inFlight();
      peer.send({ ack: off, data: 100 });
      expect(connection.unacknowledgedWrites).toBe(3000);
      expect(connection.readableBytes).toBe(0);
    },
  );
});

describe('seventh, the segment text of a duplicate', () => {
  it('is acknowledged at once, with the block that came twice when SACK was agreed on (RFC 2883 §4)', () => {
    const { peer } = establish({ peer: { sack: true } });
    peer.send({ data: 1000 });
    peer.drain();
    peer.send({ seq: 1, data: 1000 });
    peer.expect({ flags: '.', ack: 1001, sack: [[1, 1001]] });
    peer.send({ seq: 501, data: 1000 });
    peer.expect({ flags: '.', ack: 1501, sack: [[501, 1001]] });
    // Reported once.
    peer.send({ seq: 1501, data: 10 });
    peer.expect({ ack: 1511, sack: [] });
  });

  it('brings its acknowledgement all the same: both may have lost the other’s last one', () => {
    const { peer, connection, host } = establish();
    peer.send({ data: 1000 });
    peer.drain();
    write(connection, 700);
    host.settle();
    peer.drain();
    peer.send({ seq: 1, data: 1000, ack: 701 });
    expect(connection.unacknowledgedWrites).toBe(0);
    peer.expect({ flags: '.', ack: 1001 });
  });

  it('two hosts with crossed numbers do not answer each other for ever (gont-tcpm-tcp-seq-validation)', () => {
    const { peer, host } = withWindow();
    for (let i = 0; i < 200; i++) peer.send({ seq: 9000 });
    expect(peer.drain().map(describeSeen)).toHaveLength(3);
    host.wait(500);
    peer.expectNothing();
  });
});
