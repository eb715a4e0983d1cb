import { DropReason } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import { establish, pattern, readAll, write } from '../tcp.testkit.js';

const DAY = 24 * 3_600_000;

function opened(sack = false) {
  const all = establish({ peer: { timestamps: true, sack } });
  all.peer.drain();
  return all;
}

describe('TS.Recent (RFC 7323 §4.3)', () => {
  it('is that of the segment in order', () => {
    const { peer } = opened();
    peer.send({ data: 10, tsval: 8_000_000 });
    expect(peer.expect().timestamps?.[1]).toBe(8_000_000);
  });

  it('of segments that were not acknowledged yet it is the first', () => {
    const { peer, host } = opened();
    for (let i = 0; i < 16; i++) peer.send({ data: 10 });
    peer.drain();
    peer.send({ data: 10, tsval: 8_000_000 });
    peer.send({ data: 10, tsval: 8_000_005 });
    host.wait(50);
    expect(peer.expect().timestamps?.[1]).toBe(8_000_000);
  });

  it('is not that of a segment ahead of a gap, so that the round trip includes the gap', () => {
    const { peer, connection } = opened();
    const recent = connection.block!.timestampRecent;
    peer.send({ seq: 1001, data: 1000, tsval: 8_000_000 });
    expect(peer.expect().timestamps?.[1]).toBe(recent);
    peer.send({ seq: 1, data: 1000, tsval: 8_000_010 });
    expect(peer.expect().timestamps?.[1]).toBe(8_000_010);
  });

  it('a blind attacker inside the window cannot move it: its sequence number is beyond Last.ACK.sent (row 27)', () => {
    const { peer, connection } = opened();
    const recent = connection.block!.timestampRecent;
    peer.send({ seq: 3000, data: 1, tsval: recent + 2 ** 30 });
    peer.send({ seq: 3000, tsval: recent + 2 ** 30 });
    expect(connection.block!.timestampRecent).toBe(recent);
    peer.send({ seq: 1, data: 10 });
    expect(connection.readableBytes).toBe(10);
  });

  it('nor with text that reaches into the window, a SYN, or no ACK: what is refused is not remembered (RFC 5961 §4.2, §5.2)', () => {
    const { peer, connection } = opened();
    peer.send({ data: 1000 });
    readAll(connection);
    const recent = connection.block!.timestampRecent;
    const forged = { seq: 1, data: 1400, tsval: recent + 2 ** 30 };
    for (const ack of [2 ** 30, -(2 ** 30), 2]) peer.send({ ...forged, ack });
    for (const flags of ['S', 'S.', '']) peer.send({ ...forged, flags });
    expect(connection.block!.timestampRecent).toBe(recent);
    peer.send({ seq: 1001, data: 10 });
    expect(connection.readableBytes).toBe(10);
  });

  it('goes on when the peer’s clock wraps', () => {
    const { peer, connection } = opened();
    const { timestampRecent } = connection.block!;
    let value = timestampRecent;
    for (let i = 0; i < 12; i++) {
      value = (value + 2 ** 29) | 0;
      peer.send({ data: 10, tsval: value });
      expect(connection.block!.timestampRecent).toBe(value);
    }
    expect(connection.readableBytes).toBe(120);
  });
});

describe('PAWS (RFC 7323 §5.3)', () => {
  it('an older timestamp: acknowledged and dropped, whatever the sequence number says', () => {
    const { peer, connection, host } = opened();
    peer.send({ data: 100 });
    peer.drain();
    peer.send({ data: 100, tsval: peer.clock - 1 });
    peer.expect({ flags: '.', ack: 101 });
    expect(connection.readableBytes).toBe(100);
    expect(host.dropped(DropReason.TCP_TIMESTAMP_OLD)).toBe(1);
  });

  it('an old text segment from within the window is not reported as received: that would be a SACK of what never came', () => {
    const { peer } = opened(true);
    peer.send({ data: 100 });
    peer.drain();
    peer.send({ seq: 1001, data: 1000, tsval: peer.clock - 1000 });
    peer.expect({ flags: '.', ack: 101, sack: [] });
    // One that lies before RCV.NXT is a duplicate (RFC 2883).
    peer.send({ seq: 1, data: 100, tsval: peer.clock - 1000 });
    peer.expect({ flags: '.', ack: 101, sack: [[1, 101]] });
  });

  it('an old bare acknowledgement is dropped in silence: it may just have been overtaken', () => {
    const { peer, host } = opened();
    peer.send({ tsval: peer.clock - 1 });
    peer.expectNothing();
    expect(host.dropped(DropReason.TCP_TIMESTAMP_OLD)).toBe(1);
  });

  it('equal timestamps are not old', () => {
    const { peer, connection } = opened();
    const value = peer.clock + 5;
    for (let i = 0; i < 4; i++) peer.send({ data: 10, tsval: value });
    expect(connection.readableBytes).toBe(40);
  });

  it('after 24 days without a segment nothing is old any more (§5.5)', () => {
    const { peer, connection, host } = opened();
    peer.send({ data: 10 });
    const value = connection.block!.timestampRecent;
    // The wheel has nothing to do in between; time passes in steps that an Instant can tell.
    for (let passed = 0; passed < 24 * DAY; passed += DAY / 100) host.wait(DAY / 100);
    peer.send({ data: 10, tsval: value - 1 });
    expect(connection.readableBytes).toBe(20);
  });

  it('but after 23 days it is', () => {
    const { peer, connection, host } = opened();
    peer.send({ data: 10 });
    const value = connection.block!.timestampRecent;
    for (let passed = 0; passed < 23 * DAY; passed += DAY / 100) host.wait(DAY / 100);
    peer.send({ data: 10, tsval: value - 1 });
    expect(connection.readableBytes).toBe(10);
  });
});

describe('a segment without timestamps, once they were agreed on (RFC 7323 §3.2)', () => {
  it('is dropped in silence', () => {
    const { peer, connection, host } = opened();
    peer.send({ data: 10, options: [] });
    peer.expectNothing();
    expect(connection.readableBytes).toBe(0);
    expect(host.dropped(DropReason.TCP_TIMESTAMP_MISSING)).toBe(1);
  });

  it('but for a RST', () => {
    const { peer, connection } = opened();
    peer.send({ flags: 'R', options: [] });
    expect(connection.state).toBe(State.CLOSED);
  });

  it('and a SYN, which is challenged like any other (RFC 5961 §4)', () => {
    const { peer } = opened();
    peer.send({ flags: 'S', seq: 77, options: [] });
    peer.expect({ flags: '.' });
  });
});

describe('our timestamps', () => {
  it('tick in milliseconds, from a number of the peer’s own (§4.1, §5.4)', () => {
    const { peer, connection, host } = opened();
    write(connection, 10);
    host.settle();
    const first = peer.expect().timestamps![0];
    peer.send();
    host.wait(1234);
    write(connection, 10);
    host.settle();
    expect((peer.expect().timestamps![0] - first) | 0).toBe(1234);
  });

  it('an echo that cannot be true measures nothing (row 27)', () => {
    const { peer, connection, host } = opened();
    for (const echo of [0, 1, -1, 2 ** 30, peer.timestampRecent + 1_000_000]) {
      write(connection, 10);
      host.settle();
      peer.send({ tsecr: echo });
    }
    const { smoothed, timeout } = connection.block!.recovery.estimator;
    expect(smoothed).toBeLessThan(10_000);
    expect(timeout).toBe(200_000);
  });

  it('are in every segment but a RST for nobody, and cost what they take (RFC 6691)', () => {
    const { peer, connection, host } = opened();
    write(connection, 3000);
    host.settle();
    const [sent] = peer.drain();
    expect(sent).toMatchObject({ headerLength: 32, gsoSize: 988 });
    expect(sent!.timestamps).toBeDefined();
    peer.send();
    expect(readAll(connection)).toEqual(pattern(1, 0));
  });
});
