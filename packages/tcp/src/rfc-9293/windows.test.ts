import { describe, expect, it } from 'vitest';
import { State } from '../state.js';
import { type EstablishOptions, establish, type Opened, readAll, TestHost, write } from '../tcp.testkit.js';

/** Established, and past the segments at the start that are acknowledged at once. */
function settled(options: EstablishOptions = {}): Opened {
  const opened = establish(options);
  opened.connection.block!.quickAcknowledgements = 0;
  return opened;
}

describe('the send window (RFC 9293 §3.8.6)', () => {
  it('is kept in 32 bits (§3.1, REC-1)', () => {
    const { connection, peer } = establish({ peer: { scale: 14 } });
    peer.send({ window: 65_535 });
    expect(connection.information().sendWindow).toBe(65_535 << 14);
  });

  it('may shrink (MUST-34): nothing new is sent (SHLD-15), what lies within it is sent again (SHLD-16)', () => {
    const { host, connection, peer } = establish({ peer: { window: 5000 } });
    write(connection, 8000);
    host.settle();
    peer.expect({ seq: 1, length: 5000 });
    // The right edge moves from 5001 to 3001.
    peer.send({ ack: 1001, window: 2000 });
    peer.expectNothing();
    host.wait(1100);
    peer.expect({ seq: 1001, length: 1000 });
    peer.send({ ack: 2001, window: 1000 });
    for (const { seq, length } of peer.drain()) expect(seq + length).toBeLessThanOrEqual(3001);
    peer.send({ ack: 3001, window: 10_000 });
    expect(peer.drain().reduce((sum, { length }) => sum + length, 0)).toBeGreaterThan(0);
  });

  it('may shrink to nothing: a probe goes beyond it (MUST-35, MAY-7), and no answer times out (SHLD-17)', () => {
    const { host, connection, peer, events } = establish({ peer: { window: 5000 } });
    write(connection, 8000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1, window: 0 });
    let probes = 0;
    for (let minutes = 0; minutes < 60; minutes++) {
      host.wait(60_000);
      const seen = peer.drain();
      probes += seen.length;
      for (const { seq } of seen) expect(seq).toBe(1);
      peer.send({ ack: 1, window: 0 });
    }
    expect(probes).toBeGreaterThan(30);
    expect(connection.state).toBe(State.ESTABLISHED);
    peer.send({ ack: 1, window: 10_000 });
    for (let i = 0; i < 20; i++) {
      host.wait(60_000);
      peer.send({ window: 10_000 });
    }
    expect(connection.unacknowledgedWrites).toBe(0);
    expect(events.take()).toEqual([]);
  });

  it('that has shrunk to nothing, and a peer that answers no more, time out', () => {
    const { host, connection, peer, events } = establish({ peer: { window: 5000 } });
    write(connection, 8000);
    host.settle();
    peer.send({ ack: 1, window: 0 });
    host.wait(30 * 60_000);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
  });
});

describe('a zero window (RFC 9293 §3.8.6.1)', () => {
  function closedWindow(options: EstablishOptions = {}): Opened {
    const opened = establish(options);
    opened.peer.send({ window: 0 });
    write(opened.connection, 3000);
    opened.host.settle();
    opened.peer.expectNothing();
    return opened;
  }

  it('is probed (MUST-36), first after a retransmission timeout (SHLD-29), then ever more rarely (SHLD-30)', () => {
    const { host, connection, peer } = closedWindow();
    const timeout = connection.information().retransmissionTimeout / 1000;
    const begun = host.time;
    const times: number[] = [];
    for (let probes = 0; probes < 12; ) {
      host.waitForTimer();
      for (const seen of peer.drain()) {
        expect(seen).toMatchObject({ seq: 1, length: 1 });
        probes++;
        times.push(seen.at);
        peer.send({ ack: 1, window: 0 });
      }
    }
    const intervals = times.map((at, index) => at - (times[index - 1] ?? begun));
    for (const [index, interval] of intervals.entries()) {
      expect(interval / Math.min(timeout * 2 ** index, 60_000)).toBeCloseTo(1, 1);
    }
  });

  it.each([
    ['without', {}],
    ['in spite of', { userTimeoutMilliseconds: 5000 }],
  ])('lasts as long as the peer answers (MUST-37), %s a user timeout', (_name, connectionOptions) => {
    const { host, connection, peer } = closedWindow({ connection: connectionOptions });
    for (let probes = 0; probes < 60; ) {
      host.waitForTimer();
      for (const _ of peer.drain()) {
        probes++;
        peer.send({ ack: 1, window: 0 });
      }
    }
    // One that gets lost is no reason either.
    if (connection.block!.userTimeout === 0) host.wait(100_000);
    expect(connection.state).toBe(State.ESTABLISHED);
    peer.send({ ack: peer.received, window: 10_000 });
    expect(peer.drain().at(-1)).toMatchObject({ flags: 'P.' });
  });

  it.each([
    [20 * 60_000, {}],
    [10_000, { userTimeoutMilliseconds: 5000 }],
  ])('and a peer that does not answer end the connection, after %i ms', (time, connectionOptions) => {
    const { host, events } = closedWindow({ connection: connectionOptions });
    host.wait(time);
    expect(events.take()).toEqual(['ended ETIMEDOUT']);
  });

  it('of ours may stay (MAY-8), and RST is processed while it does (§3.4, MUST-66)', () => {
    const { connection, host, peer, events } = settled({ connection: { receiveBuffer: 2000 } });
    peer.burst({ data: 1000 }, { data: 1000 });
    peer.expect({ ack: 2001, window: 0 });
    for (let i = 0; i < 50; i++) {
      host.wait(60_000);
      peer.send({ seq: 2001, data: 1 });
      expect(peer.drain().at(-1)).toMatchObject({ flags: '.', ack: 2001, window: 0 });
    }
    expect(connection.readableBytes).toBe(2000);
    events.take();
    peer.send({ flags: 'R', seq: 2001 });
    expect(events.take()).toEqual(['ended ECONNRESET']);
  });
});

describe('the receive window (RFC 9293 §3.8.6)', () => {
  it('of a half-open connection is the same in a challenge as in the SYN, which is not scaled (SHLD-14)', () => {
    const host = new TestHost();
    host.listen();
    const peer = host.peer({ scale: 0 });
    peer.sendSyn();
    const syn = peer.expect({ flags: 'S.' });
    expect(syn.scale).toBeGreaterThan(0);
    peer.send({ flags: 'S', seq: 7 });
    const challenge = peer.expect({ flags: '.' });
    const offered = challenge.window << syn.scale!;
    expect(offered).toBeLessThanOrEqual(syn.window);
    expect(offered).toBeGreaterThan(syn.window - (1 << syn.scale!));
  });
});

describe('silly windows (RFC 9293 §3.8.6.2)', () => {
  it('of the peer are not filled at once (MUST-38), but after a while', () => {
    const { host, connection, peer } = establish({ peer: { window: 1300 } });
    write(connection, 5000);
    host.settle();
    // 300 bytes of window are left: less than a segment, and less than half of what there ever was.
    peer.expect({ length: 1000 });
    peer.send({ window: 300 });
    peer.expectNothing();
    host.wait(199);
    peer.expectNothing();
    host.wait(2);
    peer.expect({ length: 300 });
  });

  it('are not offered (MUST-39), and the right edge never moves left (SHLD-14)', () => {
    const { host, connection, peer } = settled({ connection: { receiveBuffer: 8000 } });
    const target = new Uint8Array(100);
    let edge = 0;
    const judge = () => {
      for (const { ack, window } of peer.drain()) {
        const moved = ack + window - edge;
        expect(moved === 0 || moved >= 1000 || edge === 0, `the edge moved by ${moved}`).toBe(true);
        edge = ack + window;
      }
    };
    for (let round = 0; round < 200; round++) {
      const room = edge === 0 ? 1000 : edge - peer.next;
      if (room > 0) peer.send({ data: Math.min(room, 1000) });
      judge();
      for (let reads = 0; reads < 7; reads++) connection.read(target, 0, 100);
      host.settle();
      judge();
      host.wait(50);
      judge();
    }
    expect(peer.next).toBeGreaterThan(100_000);
  });
});

describe('acknowledgements (RFC 9293 §3.8.6.3)', () => {
  it('are delayed (SHLD-18)', () => {
    const { host, peer } = settled();
    peer.send({ data: 100 });
    peer.expectNothing();
    host.wait(39);
    peer.expectNothing();
    host.wait(2);
    peer.expect({ flags: '.', ack: 101 });
  });

  it('are delayed by less than half a second, whatever was asked for (MUST-40)', () => {
    const { host, peer } = settled({ settings: { delayedAcknowledgementMilliseconds: 500 } });
    peer.send({ data: 100 });
    host.wait(499.999);
    peer.expect({ flags: '.', ack: 101 });
  });

  it('go along with text', () => {
    const { connection, peer, host } = settled();
    peer.send({ data: 100 });
    write(connection, 10);
    host.settle();
    peer.expect({ flags: 'P.', ack: 101, length: 10 });
    host.wait(1000);
    expect(peer.drain().every(({ length }) => length > 0)).toBe(true);
  });

  it('are sent for every second full segment (SHLD-19)', () => {
    const { peer } = settled();
    for (let pair = 0; pair < 10; pair++) {
      peer.send({ data: 1000 });
      peer.expectNothing();
      peer.send({ data: 1000 });
      peer.expect({ flags: '.', ack: 2001 + 2000 * pair });
      peer.expectNothing();
    }
  });

  it('are put together: all segments of a burst are processed before one is sent (§3.10.7.4, MUST-58, MUST-59)', () => {
    const { peer } = settled({ peer: { sack: true } });
    peer.burst({ data: 1000 }, { data: 1000 }, { data: 1000 }, { data: 1000 }, { data: 1000 });
    peer.expect({ flags: '.', ack: 5001 });
    peer.expectNothing();
    peer.burst(
      { seq: 6001, data: 1000 },
      { seq: 8001, data: 1000 },
      { seq: 5001, data: 1000 },
      { seq: 7001, data: 10 },
    );
    peer.expect({ flags: '.', ack: 7011, sack: [[8001, 9001]] });
    peer.expectNothing();
  });
});

describe('segments ahead of a gap (RFC 9293 §3.10.7.4)', () => {
  it('are kept (SHLD-31), and acknowledged at once (MAY-13)', () => {
    const { connection, peer } = settled();
    peer.send({ seq: 1001, data: 1000 });
    peer.expect({ flags: '.', ack: 1 });
    peer.send({ seq: 2001, data: 1000 });
    peer.expect({ flags: '.', ack: 1 });
    peer.send({ seq: 1, data: 1000 });
    peer.expect({ flags: '.', ack: 3001 });
    expect(readAll(connection)).toHaveLength(3000);
  });
});
