import { describe, expect, it } from 'vitest';
import { CongestionCause } from './congestion-control.js';
import { MAXIMUM_WINDOW } from './congestion-window.js';
import { Flow, SEGMENT } from './flow.testkit.js';
import { NewReno } from './new-reno.js';

function flow(): Flow<NewReno> {
  return new Flow(new NewReno());
}

describe('NewReno', () => {
  // RFC 9293 §3.8.2, MUST-19.
  it('doubles the window each round trip in slow start, whatever the size of acknowledgements', () => {
    for (const bytesEach of [100, SEGMENT, 2 * SEGMENT, 8 * SEGMENT]) {
      const reno = flow();
      for (const segments of [20, 40, 80, 160]) {
        reno.round(bytesEach);
        expect(reno.segments, `acknowledged by ${bytesEach}`).toBe(segments);
      }
    }
  });

  // RFC 9293 §3.8.2, MUST-19.
  it('adds one segment per round trip in congestion avoidance, whatever the size of acknowledgements', () => {
    for (const bytesEach of [100, SEGMENT, 2 * SEGMENT, 50 * SEGMENT, MAXIMUM_WINDOW]) {
      const reno = flow().settle(50);
      for (let i = 1; i <= 20; i++) {
        reno.round(bytesEach);
        expect(reno.segments, `acknowledged by ${bytesEach}`).toBe(50 + i);
      }
    }
  });

  it('passes from slow start to avoidance within one acknowledgement', () => {
    const reno = flow();
    reno.window.slowStartThreshold = 12 * SEGMENT;
    reno.acknowledge(5 * SEGMENT);
    expect(reno.segments).toBe(12);
    expect(reno.control.describe()).toEqual({ acknowledged: 3 * SEGMENT });
    reno.acknowledge(9 * SEGMENT);
    expect(reno.segments).toBe(13);
  });

  it('does not grow while the window is not what limits', () => {
    for (const reno of [flow(), flow().settle(50)]) {
      const before = reno.window.window;
      for (let i = 0; i < 50; i++) reno.round(SEGMENT, false);
      expect(reno.window.window).toBe(before);
    }
  });

  it('halves the flight upon congestion and leaves the window to recovery', () => {
    const reno = flow().settle(50);
    reno.control.onCongestion(reno.window, 40 * SEGMENT, CongestionCause.LOSS, 0);
    expect(reno.window.slowStartThreshold).toBe(20 * SEGMENT);
    expect(reno.segments).toBe(50);
    expect(reno.window.isRecovering).toBe(true);
    reno.window.window = 20 * SEGMENT;
    reno.control.onRecovered(reno.window, 0);
    expect(reno.window.isRecovering).toBe(false);
    reno.rounds(3);
    expect(reno.segments).toBe(23);
  });

  it('does not count what limited transmit sent, and keeps two segments', () => {
    const reno = flow().settle(50);
    reno.control.onCongestion(reno.window, 52 * SEGMENT, CongestionCause.LOSS, 0);
    expect(reno.window.slowStartThreshold).toBe(25 * SEGMENT);
    const small = flow().settle(3);
    small.control.onCongestion(small.window, SEGMENT, CongestionCause.LOSS, 0);
    expect(small.window.slowStartThreshold).toBe(2 * SEGMENT);
  });

  it('starts over from one segment after a timeout, by slow start up to half the flight', () => {
    const reno = flow().settle(64);
    reno.timeOut();
    expect([reno.segments, reno.window.slowStartThreshold]).toEqual([1, 32 * SEGMENT]);
    for (const segments of [2, 4, 8, 16, 32]) {
      reno.round(SEGMENT);
      expect(reno.segments).toBe(segments);
    }
    reno.round(SEGMENT);
    expect(reno.segments).toBe(33);
  });

  it('takes back a spurious timeout and a spurious fast retransmit', () => {
    const reno = flow().settle(64);
    reno.timeOut();
    reno.timeOut();
    reno.control.onUndo(reno.window, 0);
    expect([reno.segments, reno.window.slowStartThreshold]).toEqual([64, 64 * SEGMENT]);
    reno.congest();
    expect(reno.segments).toBe(32);
    reno.control.onUndo(reno.window, 0);
    expect([reno.segments, reno.window.slowStartThreshold]).toEqual([64, 64 * SEGMENT]);
    reno.control.onUndo(reno.window, 0);
    expect(reno.segments).toBe(64);
  });

  it('restarts from the initial window after idling', () => {
    const reno = flow().settle(64);
    reno.control.onIdle(reno.window, 300_000, 200_000, 300_000);
    expect([reno.segments, reno.window.slowStartThreshold]).toEqual([10, 64 * SEGMENT]);
  });

  it('counts no more than a window for one acknowledgement', () => {
    const reno = flow().settle(50);
    for (let i = 1; i <= 5; i++) {
      reno.acknowledge(MAXIMUM_WINDOW);
      expect(reno.segments).toBe(50 + i);
      expect(reno.control.describe()['acknowledged']).toBe(0);
    }
  });

  it('stays an int32 at the largest window', () => {
    const reno = flow().settle(1);
    reno.window.window = MAXIMUM_WINDOW - 500;
    reno.acknowledge(MAXIMUM_WINDOW - 501);
    reno.acknowledge(MAXIMUM_WINDOW);
    expect(reno.window.window).toBe(MAXIMUM_WINDOW);
    expect(reno.control.describe()['acknowledged']).toBeLessThan(MAXIMUM_WINDOW);
    reno.congest();
    expect(reno.window.window).toBe(MAXIMUM_WINDOW >> 1);
  });
});
