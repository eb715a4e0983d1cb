import { describe, expect, it } from 'vitest';
import { requireConnectionOptions } from '../connection-options.js';
import { establish, write } from '../tcp.testkit.js';

/** 10,000 bytes per second: one segment of 1000 bytes in 100 ms. */
function slow(options: object = {}) {
  const all = establish({
    peer: { sack: true, window: 60_000 },
    connection: { maximumPacingRate: 10_000, noDelay: true, ...options },
  });
  all.peer.drain();
  return all;
}

describe('a paced connection', () => {
  it('sends one segment at a time, when its time has come', () => {
    const { peer, connection, host } = slow();
    write(connection, 3000);
    host.settle();
    expect(peer.drain().map((each) => each.seq)).toEqual([1]);
    host.wait(99);
    expect(peer.drain()).toEqual([]);
    host.wait(2);
    expect(peer.drain().map((each) => each.seq)).toEqual([1001]);
    peer.send({ ack: 2001 });
    expect(peer.drain()).toEqual([]);
    host.wait(100);
    expect(peer.drain().map((each) => each.seq)).toEqual([2001]);
  });

  it('waits for its time although nothing is out, and no probe takes its place', () => {
    const { peer, connection, host } = slow({ maximumPacingRate: 1000 });
    write(connection, 3000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001 });
    host.wait(990);
    expect(peer.drain()).toEqual([]);
    host.wait(12);
    expect(peer.drain().map((each) => each.seq)).toEqual([1001]);
  });

  it('acknowledges at once', () => {
    const { peer, connection, host } = slow();
    write(connection, 3000);
    host.settle();
    peer.drain();
    peer.burst({ data: 1000 }, { data: 1000 });
    peer.expect({ flags: '.', length: 0, ack: 2001 });
  });

  it('ends at once when only the FIN is left', () => {
    const { peer, connection, host } = slow();
    write(connection, 1000);
    host.settle();
    peer.drain();
    connection.shutdownWrite();
    host.settle();
    expect(peer.drain().map(({ flags, seq, length }) => [flags, seq, length])).toEqual([['F.', 1001, 0]]);
  });

  it('does not delay the first retransmission of a repair', () => {
    const { peer, connection, host } = slow({ maximumPacingRate: 100 });
    write(connection, 1000);
    host.settle();
    peer.drain();
    // Ten seconds of debt; each timeout may retransmit all the same.
    host.wait(1500);
    expect(peer.drain().map((each) => each.seq)).toEqual([1, 1, 1]);
  });

  it('pays for retransmissions like for anything else', () => {
    const { peer, connection, host } = slow();
    write(connection, 2000);
    host.settle();
    host.wait(101);
    expect(peer.drain().map((each) => each.seq)).toEqual([1, 1001]);
    host.wait(2000);
    const again = peer.drain().length;
    expect(again).toBeGreaterThan(0);
    peer.send({ ack: 2001 });
    write(connection, 1000);
    host.settle();
    host.wait(101);
    expect(peer.drain().map((each) => each.seq)).toEqual([2001]);
  });

  it.each([5, 37, 45, 50])('goes on after the process slept for %d minutes', (minutes) => {
    const { peer, connection, host } = slow({ maximumPacingRate: 100 });
    write(connection, 3000);
    host.settle();
    peer.drain();
    peer.send({ ack: 1001 });
    host.jump(minutes * 60_000);
    // Beyond the range of an Instant the wheel does not know how long it was, and continues where it stood.
    host.wait(10_001);
    expect(peer.drain().map((each) => each.seq)).toContain(1001);
  });

  it('is let go at once when the rate is taken back', () => {
    const { peer, connection, host } = slow();
    write(connection, 3000);
    host.settle();
    peer.drain();
    connection.apply({ maximumPacingRate: 0 });
    host.settle();
    expect(peer.drain().reduce((sum, each) => sum + each.length, 0)).toBe(2000);
  });

  it('tells its rate by information(): the lower of option and algorithm, 0 without either', () => {
    const { connection } = slow();
    expect(connection.information()).toMatchObject({ pacingRate: 10_000, deliveryRate: 0 });
    connection.wake().recovery.window.bytesPerSecond = 4000;
    expect(connection.information().pacingRate).toBe(4000);
    connection.apply({ maximumPacingRate: 0 });
    connection.wake().recovery.window.bytesPerSecond = 0;
    expect(connection.information().pacingRate).toBe(0);
  });

  it('by window and round trip: twice the window in slow start, 1.2 times later', () => {
    const { connection, host, peer } = establish({ peer: { sack: true }, connection: { pacing: true } });
    write(connection, 1000);
    host.settle();
    host.wait(20);
    peer.send({ ack: 1001 });
    const { window, estimator } = connection.wake().recovery;
    expect(estimator.smoothed).toBeGreaterThan(0);
    window.slowStartThreshold = 1 << 29;
    const perRoundTrip = () => (connection.information().pacingRate * estimator.smoothed) / 1e6 / window.window;
    expect(perRoundTrip()).toBeCloseTo(2);
    window.slowStartThreshold = window.window;
    expect(perRoundTrip()).toBeCloseTo(1.2);
  });
});

describe('options', () => {
  it.each([
    [{ maximumPacingRate: -1 }, /maximumPacingRate must be .* not -1/],
    [{ maximumPacingRate: 1.5 }, /maximumPacingRate must be .* not 1\.5/],
    [{ pacing: 1 as unknown as boolean }, /pacing must be true or false, not 1/],
  ])('%j is refused', (options, message) => {
    expect(() => requireConnectionOptions('connect', options)).toThrow(message);
  });
});
