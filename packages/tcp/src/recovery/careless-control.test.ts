import type { AcknowledgementSample, CongestionCause, CongestionWindow } from '@prism-net/congestion';
import { describe, expect, it } from 'vitest';
import { establish, TestHost, write } from '../tcp.testkit.js';
import { RecordingControl } from './recovery.testkit.js';

/** Sets what it likes whenever it is called. */
class Careless extends RecordingControl {
  readonly #set: (window: CongestionWindow) => void;

  constructor(set: (window: CongestionWindow) => void) {
    super();
    this.#set = set;
  }

  override start(window: CongestionWindow, now: number): void {
    super.start(window, now);
    this.#set(window);
  }
  override onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: number): void {
    super.onAcknowledgement(window, sample, now);
    this.#set(window);
  }
  override onCongestion(window: CongestionWindow, flightSize: number, cause: CongestionCause, now: number): void {
    super.onCongestion(window, flightSize, cause, now);
    this.#set(window);
  }
  override onRecovered(window: CongestionWindow, now: number): void {
    super.onRecovered(window, now);
    this.#set(window);
  }
  override onTimeout(window: CongestionWindow, flightSize: number, now: number): void {
    super.onTimeout(window, flightSize, now);
    this.#set(window);
  }
  override onUndo(window: CongestionWindow, now: number): void {
    super.onUndo(window, now);
    this.#set(window);
  }
  override onIdle(window: CongestionWindow, idle: number, timeout: number, now: number): void {
    super.onIdle(window, idle, timeout, now);
    this.#set(window);
  }
}

/** Milliseconds in which a transfer of 60 segments ends over a perfect path of 10 ms; lost are those named. */
function transfer(set: (window: CongestionWindow) => void, lost: readonly number[] = []): number {
  const { peer, connection, host } = establish({ peer: { sack: true, window: 60_000 } });
  connection.wake().recovery.use(new Careless(set), 0);
  write(connection, 60_000);
  host.settle();
  const dropped = new Set(lost.map((segment) => 1 + segment * 1000));
  const received = new Set<number>();
  let next = 1;
  for (let time = 0; time < 20_000; time += 10) {
    const segments = peer.drain().filter((each) => each.length > 0);
    host.wait(10);
    for (const { seq, length } of segments) {
      if (dropped.delete(seq)) continue;
      for (let at = seq; at < seq + length; at += 1000) received.add(at);
      while (received.has(next)) next += 1000;
      peer.send(seq > next ? { ack: next, sack: [[seq, seq + length]] } : { ack: next });
    }
    if (next === 60_001) return time;
  }
  return Number.POSITIVE_INFINITY;
}

describe('a congestion control that errs', () => {
  const windows = [Number.NaN, -1, 0, 1, 2 ** 31, -(2 ** 31), 2 ** 40, 1e300, Number.POSITIVE_INFINITY];
  it.each([...windows, Number.NEGATIVE_INFINITY])('stops nothing with a window of %d', (size) => {
    const set = (window: CongestionWindow) => {
      window.window = size;
    };
    expect(transfer(set)).toBeLessThan(2000);
    expect(transfer(set, [3, 4, 20, 59])).toBeLessThan(4000);
  });

  it.each([...windows, Number.NEGATIVE_INFINITY])('stops nothing with a threshold of %d', (size) => {
    const set = (window: CongestionWindow) => {
      window.slowStartThreshold = size;
    };
    expect(transfer(set, [3, 4, 20, 59])).toBeLessThan(4000);
  });

  it.each([Number.NaN, -1, -1e300, Number.NEGATIVE_INFINITY, 1e300, Number.POSITIVE_INFINITY, 1e9])(
    'stops nothing with a pace of %d bytes per second',
    (rate) => {
      const set = (window: CongestionWindow) => {
        window.bytesPerSecond = rate;
      };
      expect(transfer(set)).toBeLessThan(1000);
    },
  );

  it('that throws ends the poll, and neither other connections nor the next polls', () => {
    const host = new TestHost();
    const [bad, good] = [host.connect(), host.connect()];
    let isThrowing = false;
    bad.connection.wake().recovery.use(
      new Careless(() => {
        if (isThrowing) throw new Error('out of ideas');
      }),
      host.now,
    );
    for (const { connection } of [bad, good]) write(connection, 2000);
    host.settle();
    for (const { peer } of [bad, good]) peer.drain();
    isThrowing = true;
    for (let round = 0; round < 3; round++)
      expect(() => bad.peer.send({ ack: 501 + round, data: 100 })).toThrow('ideas');
    good.peer.inject({ ack: 2001, data: 100 });
    host.layer.endBurst(host.now);
    expect(good.connection.unacknowledgedWrites).toBe(0);
    good.peer.expect({ ack: 101 });
    isThrowing = false;
    bad.peer.send({ ack: 2001 });
    expect(bad.connection.unacknowledgedWrites).toBe(0);
  });
});
