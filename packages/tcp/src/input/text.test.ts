import { DropReason } from '@prism-net/wire';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import { establish, pattern, readAll, TestHost, write } from '../tcp.testkit.js';

describe('seventh, process the segment text (RFC 9293 §3.10.7.4)', () => {
  it('in order: read as it came, and the application is told', () => {
    const { peer, connection, events } = establish();
    peer.send({ data: 'hello, ' });
    peer.send({ data: 'world' });
    expect(events.take()).toEqual(['readable']);
    expect(new TextDecoder().decode(readAll(connection))).toBe('hello, world');
  });

  it('ahead of a gap: kept, until the gap is filled (SHLD-31)', () => {
    const { peer, connection, events, host } = establish();
    peer.send({ seq: 1001, data: 1000 });
    peer.send({ seq: 3001, data: 1000 });
    expect(events.take()).toEqual([]);
    expect(connection.readableBytes).toBe(0);
    expect(host.accounts.snapshot().held).toBe(2);
    peer.send({ seq: 1, data: 1000 });
    expect(connection.readableBytes).toBe(2000);
    peer.send({ seq: 2001, data: 1000 });
    expect(events.take()).toEqual(['readable']);
    expect(readAll(connection)).toEqual(pattern(1, 4000));
    expect(host.accounts.snapshot()).toMatchObject({ held: 0, delivered: 4 });
  });

  it('of overlapping segments the bytes that came first are kept, wherever the next one begins', () => {
    const { peer, connection } = establish();
    peer.send({ seq: 6, data: 'FIRST' });
    peer.send({ seq: 1, data: 'second and last' });
    expect(new TextDecoder().decode(readAll(connection))).toBe('seconFIRST last');
    expect(peer.drain().at(-1)).toMatchObject({ flags: '.', ack: 16 });
  });

  it('any segments of one stream, in any order, overlapping, in bursts or not, give that stream', () => {
    const host = new TestHost({ frames: 1024, isFast: true });
    const segments = fc.array(
      fc.record({
        seq: fc.integer({ min: 1, max: 1800 }),
        length: fc.integer({ min: 1, max: 700 }),
        ends: fc.boolean(),
      }),
      { minLength: 1, maxLength: 40 },
    );
    fc.assert(
      fc.property(segments, fc.integer(), (all, iss) => {
        const outstanding = host.pool.outstanding;
        const { peer, connection } = host.connect({ peer: { iss, sack: true } });
        for (const { seq, length, ends } of all) {
          peer.inject({ seq, data: Math.min(length, 2000 - seq) });
          if (ends) host.settle();
        }
        host.settle();
        for (let at = 1; at < 2000; at += 200) peer.inject({ seq: at, data: Math.min(200, 2000 - at) });
        peer.send({ seq: 2000, flags: 'F.' });
        expect(Buffer.from(readAll(connection)).equals(Buffer.from(pattern(1, 1999)))).toBe(true);
        expect(connection.isEndOfStream).toBe(true);
        connection.abort(host.now);
        connection.close(host.now);
        expect(host.pool.outstanding).toBe(outstanding);
      }),
      { numRuns: 60 },
    );
  });

  it('after shutdownRead: acknowledged and thrown away, the connection goes on', () => {
    const { peer, connection, events } = establish();
    peer.send({ data: 100 });
    connection.shutdownRead();
    expect(connection.readableBytes).toBe(0);
    expect(connection.isEndOfStream).toBe(true);
    events.take();
    peer.send({ data: 1000 });
    peer.send({ seq: 2101, data: 1000 });
    peer.send({ seq: 1101, data: 1000 });
    expect(peer.drain().at(-1)).toMatchObject({ flags: '.', ack: 3101 });
    expect(events.take()).toEqual([]);
    peer.send({ flags: 'F.' });
    expect(connection.state).toBe(State.CLOSE_WAIT);
  });

  it('after close: the peer is reset, so that it does not believe its text was read (§3.6.1, SHLD-3; RFC 2525 §2.17)', () => {
    const { peer, connection, events, host } = establish();
    connection.close(host.now);
    host.settle();
    peer.expect({ flags: 'F.', seq: 1 });
    peer.send({ data: 10 });
    peer.expect({ flags: 'R.', seq: 2 });
    expect(connection.state).toBe(State.CLOSED);
    expect(events.take()).toEqual(['ended NONE']);
    expect(host.dropped(DropReason.TCP_AFTER_CLOSE)).toBe(1);
  });

  it('but what it repeats from before is only acknowledged', () => {
    const { peer, connection, host } = establish();
    peer.send({ data: 100 });
    readAll(connection);
    connection.close(host.now);
    host.settle();
    peer.drain();
    peer.send({ seq: 1, data: 100 });
    peer.expect({ flags: '.', ack: 101 });
    expect(connection.state).not.toBe(State.CLOSED);
  });

  it('in CLOSE-WAIT and later: "this should not occur"; acknowledged, dropped, counted', () => {
    const { peer, connection, host } = establish();
    peer.send({ data: 10, flags: 'F.' });
    peer.drain();
    peer.send({ seq: 12, data: 100 });
    peer.expect({ flags: '.', ack: 12 });
    expect(connection.readableBytes).toBe(10);
    expect(host.dropped(DropReason.TCP_AFTER_CLOSE)).toBe(1);
  });

  it('urgent text is ordinary text, wherever the pointer points (RFC 6093 §5, MUST-30)', () => {
    const { peer, connection } = establish();
    peer.send({ flags: 'U.', data: 'abc', urgentPointer: 2 });
    peer.send({ flags: 'U.', data: 'def', urgentPointer: 65_535 });
    peer.send({ flags: 'U.', urgentPointer: 1 });
    expect(new TextDecoder().decode(readAll(connection))).toBe('abcdef');
  });
});

describe('eighth, check the FIN bit', () => {
  it('the end of the stream comes behind the text, and is acknowledged (MUST-12)', () => {
    const { peer, connection, events } = establish();
    peer.send({ data: 10, flags: 'FP.' });
    peer.expect({ flags: '.', ack: 12 });
    expect(connection.isEndOfStream).toBe(false);
    readAll(connection);
    expect(connection.isEndOfStream).toBe(true);
    expect(events.take()).toEqual(['readable']);
  });

  it('ahead of a gap it waits for the text in front of it', () => {
    const { peer, connection } = establish();
    peer.send({ seq: 1001, data: 500, flags: 'F.' });
    expect(connection.state).toBe(State.ESTABLISHED);
    peer.send({ seq: 1, data: 1000 });
    expect(connection.state).toBe(State.CLOSE_WAIT);
    expect(readAll(connection)).toEqual(pattern(1, 1500));
    expect(peer.drain().at(-1)!.ack).toBe(1502);
  });

  it('alone ahead of a gap too', () => {
    const { peer, connection } = establish();
    peer.send({ seq: 1001, flags: 'F.' });
    peer.send({ seq: 1, data: 1000 });
    expect(connection.state).toBe(State.CLOSE_WAIT);
  });

  it('with a segment whose text overlaps what came before', () => {
    const { peer, connection } = establish();
    peer.send({ seq: 501, data: 700 });
    peer.send({ seq: 1, data: 1000, flags: 'F.' });
    // The end it named lies within text that came before: there is no FIN there.
    expect(connection.state).toBe(State.ESTABLISHED);
    expect(readAll(connection)).toEqual(pattern(1, 1200));

    const second = establish();
    second.peer.send({ seq: 501, data: 100 });
    second.peer.send({ seq: 1, data: 1000, flags: 'F.' });
    expect(second.connection.state).toBe(State.CLOSE_WAIT);
    expect(readAll(second.connection)).toEqual(pattern(1, 1000));
  });

  it('text kept from behind a FIN is thrown away, and counted', () => {
    const { peer, connection, host } = establish();
    peer.send({ seq: 101, data: 100 });
    peer.send({ seq: 1, data: 50, flags: 'F.' });
    expect(connection.state).toBe(State.CLOSE_WAIT);
    expect(host.dropped(DropReason.TCP_AFTER_CLOSE)).toBe(1);
    expect(connection.readableBytes).toBe(50);
  });

  it('repeated, it is acknowledged again, and tells nobody anything', () => {
    const { peer, events } = establish();
    peer.send({ flags: 'F.' });
    peer.drain();
    events.take();
    for (let i = 0; i < 5; i++) {
      peer.send({ seq: 1, flags: 'F.' });
      peer.expect({ flags: '.', ack: 2 });
    }
    expect(events.take()).toEqual([]);
  });
});

describe('memory', () => {
  it('when packets run low nothing is kept ahead of gaps, what was is given up: dropped and counted', () => {
    const { peer, host } = establish({ frames: 64 });
    host.exhaust(10);
    peer.send({ seq: 1001, data: 1000 });
    peer.send({ seq: 3001, data: 1000 });
    expect(host.accounts.snapshot().held).toBe(0);
    expect(host.dropped(DropReason.TCP_OUT_OF_ORDER_LIMIT)).toBe(2);
  });

  it('nor is text taken for an application that does not read, so that other connections go on', () => {
    const host = new TestHost({ frames: 256, settings: { receiveBuffer: 65_535 } });
    const idle = host.connect();
    const lively = host.connect();
    const giveBack = host.exhaust(20);
    for (let i = 0; i < 40; i++) idle.peer.send({ seq: 1 + i * 1000, data: 1000 });
    expect(host.dropped(DropReason.TCP_RECEIVE_BUFFER_FULL)).toBeGreaterThan(0);
    expect(host.pool.available).toBeGreaterThan(4);
    for (let i = 0; i < 20; i++) {
      lively.peer.send({ data: 1000 });
      expect(readAll(lively.connection)).toEqual(pattern(1 + i * 1000, 1000));
    }
    giveBack();
    // Nothing was acknowledged that was thrown away.
    expect(readAll(idle.connection)).toEqual(pattern(1, idle.peer.drain().at(-1)!.ack - 1));
  });

  it('all of it comes back when the connection ends with text ahead of a gap', () => {
    const { peer, host, connection } = establish();
    peer.send({ seq: 1001, data: 1000 });
    peer.send({ seq: 3001, data: 1000 });
    write(connection, 5000);
    connection.abort(host.now);
    expect(host.accounts.snapshot().held).toBe(0);
    expect(host.dropped(DropReason.TCP_AFTER_CLOSE)).toBe(2);
    expect(host.pool.outstanding).toBe(0);
  });
});
