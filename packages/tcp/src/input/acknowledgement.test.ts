import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import { establish, write } from '../tcp.testkit.js';

describe('SND.WND (RFC 9293 §3.10.7.4, fifth)', () => {
  it('follows the peer up and down, and its largest value is remembered', () => {
    const { peer, connection } = establish({ peer: { window: 5000 } });
    peer.send({ window: 9000 });
    expect([connection.block!.sendWindow, connection.block!.maximumSendWindow]).toEqual([9000, 9000]);
    peer.send({ window: 100 });
    expect([connection.block!.sendWindow, connection.block!.maximumSendWindow]).toEqual([100, 9000]);
  });

  it('is not taken from a segment that is older than the last one, by sequence number or by acknowledgement', () => {
    const { peer, connection, host } = establish();
    write(connection, 2000);
    host.settle();
    peer.drain();
    peer.send({ data: 100, ack: 2001 });
    peer.send({ data: 100, ack: 2001, window: 4000 });
    // SND.WL1 > SEG.SEQ, and no newer ACK.
    peer.send({ seq: 1, data: 100, ack: 2001, window: 100 });
    expect(connection.block!.sendWindow).toBe(4000);
    // SND.WL2 > SEG.ACK.
    peer.send({ seq: 201, ack: 1001, window: 200 });
    expect(connection.block!.sendWindow).toBe(4000);
    // Both newer: a window update.
    peer.send({ seq: 201, ack: 2001, window: 300 });
    expect(connection.block!.sendWindow).toBe(300);
  });

  it('is taken from a duplicate segment that acknowledges more than any before', () => {
    const { peer, connection, host } = establish();
    peer.send({ data: 100 });
    write(connection, 500);
    host.settle();
    peer.drain();
    peer.send({ seq: 1, data: 100, ack: 501, window: 777 });
    expect(connection.block!.sendWindow).toBe(777);
  });

  it('scaled by 14 and full it is a gigabyte, and nothing overflows', () => {
    const { peer, connection, host } = establish({ peer: { scale: 14 } });
    peer.send({ window: 65_535 });
    expect(connection.block!.sendWindow).toBe(65_535 << 14);
    write(connection, 100_000);
    host.settle();
    expect(peer.drain().reduce((sum, each) => sum + each.length, 0)).toBe(10_000);
    expect(connection.state).toBe(State.ESTABLISHED);
  });
});

describe('a window that shrinks (§3.8.6, MUST-34)', () => {
  it('below what is in flight: nothing new leaves, nothing breaks, and what comes back opens it again', () => {
    const { peer, connection, host } = establish();
    write(connection, 8000);
    host.settle();
    expect(peer.drain().reduce((sum, each) => sum + each.length, 0)).toBe(8000);
    write(connection, 5000);
    peer.send({ ack: 1001, window: 2000 });
    peer.expectNothing();
    peer.send({ ack: 8001, window: 2000 });
    expect(peer.drain().reduce((sum, each) => sum + each.length, 0)).toBe(2000);
  });

  it('to nothing: what is lost of it is sent again only by the first segment, which probes the window', () => {
    const { peer, connection, host } = establish({ peer: { sack: false } });
    write(connection, 6000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001, window: 0 });
    const sent: number[] = [];
    for (let i = 0; i < 6; i++) {
      host.waitForTimer();
      sent.push(...peer.drain().map((each) => each.seq));
    }
    expect(new Set(sent)).toEqual(new Set([1001]));
    expect(connection.state).toBe(State.ESTABLISHED);
  });

  it('to nothing, and the peer answers every probe: the connection lives on (MUST-37, SHLD-17)', () => {
    const { peer, connection, host } = establish();
    write(connection, 6000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001, window: 0 });
    while (host.time < 2_000_000) {
      host.waitForTimer();
      if (peer.drain().length > 0) peer.send({ ack: 1001, window: 0 });
    }
    expect(connection.state).toBe(State.ESTABLISHED);
    // The same without an answer: silence is counted.
    host.wait(1_200_000);
    expect(connection.state).toBe(State.CLOSED);
  });
});

describe('SND.UNA', () => {
  it('gives room in the send buffer, and tells the application that was refused (once)', () => {
    const { peer, connection, host, events } = establish({ connection: { sendBuffer: 4000 } });
    expect(write(connection, 5000)).toBe(4000);
    expect(write(connection, 10)).toBe(0);
    host.settle();
    peer.drain();
    peer.send({ ack: 501 });
    expect(events.take()).toEqual([]);
    peer.send({ ack: 1001 });
    expect(events.take()).toEqual(['writable']);
    peer.send({ ack: 4001 });
    expect(events.take()).toEqual([]);
    expect(connection.writableBytes).toBe(4000);
  });

  it('in the middle of a segment: the rest stays', () => {
    const { peer, connection, host } = establish();
    write(connection, 2500);
    host.settle();
    peer.drain();
    peer.send({ ack: 1301 });
    expect(connection.unacknowledgedWrites).toBe(1200);
    host.wait(300);
    expect(peer.drain().map((each) => [each.seq, each.length])).toContainEqual([1301, 700]);
  });

  it('clears an error that ICMP has told of', () => {
    const { peer, connection, host } = establish();
    connection.block!.softError = 113;
    write(connection, 10);
    host.settle();
    peer.drain();
    peer.send({ ack: 11 });
    expect(connection.pendingError()).toBe(0);
  });
});

describe('a probe that was acknowledged', () => {
  function probed() {
    const opened = establish({ peer: { window: 1000 } });
    const { peer, connection, host } = opened;
    write(connection, 5000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001, window: 0 });
    host.wait(300);
    peer.expect({ seq: 1001, length: 1 });
    return opened;
  }

  it('was sent, after all', () => {
    const { peer, connection } = probed();
    peer.send({ ack: 1002, window: 0 });
    peer.expectNothing();
    expect(connection.block!.recovery.unacknowledged - connection.block!.initialSendSequence).toBe(1002);
    peer.send({ ack: 1002, window: 1000 });
    peer.expect({ seq: 1002, length: 1000 });
  });

  it('but not when the window opened without it: then nothing beyond SND.NXT was', () => {
    const { peer, connection } = probed();
    peer.send({ ack: 1001, window: 1000 });
    peer.expect({ seq: 1001, length: 1000 });
    peer.send({ ack: 2002 });
    // RFC 5961 §5.2: acknowledges what was never sent.
    peer.expect({ flags: '.', seq: 2001 });
    expect(connection.unacknowledgedWrites).toBe(4000);
  });

  it('no ACK makes a FIN out of one that was never wanted', () => {
    const { peer, connection, host } = establish({ peer: { window: 1000 } });
    write(connection, 1001);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001, window: 0 });
    host.wait(300);
    peer.expect({ seq: 1001, length: 1 });
    peer.send({ ack: 1001, window: 1000 });
    peer.expect({ seq: 1001, length: 1 });
    peer.send({ ack: 1003, window: 1000 });
    peer.expect({ flags: '.' });
    expect(connection.block!.isFinSent).toBe(false);
    expect(connection.state).toBe(State.ESTABLISHED);
    peer.send({ ack: 1002, window: 1000 });
    write(connection, 10);
    host.settle();
    peer.expect({ flags: 'P.', seq: 1002, length: 10 });
  });
});
