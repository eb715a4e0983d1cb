import { describe, expect, it } from 'vitest';
import { CongestionWindow, MAXIMUM_WINDOW } from './congestion-window.js';

describe('CongestionWindow', () => {
  it.each([
    [536, 5360],
    [1448, 14480],
    [1460, 14600],
    [4000, 14600],
    [8948, 17896],
    [65535, 131070],
  ])('of segments of %i bytes starts at %i (RFC 6928)', (segment, initial) => {
    const window = new CongestionWindow(segment);
    expect(window.window).toBe(initial);
    expect(window.initialWindow).toBe(initial);
    expect(window.minimumWindow).toBe(2 * segment);
    expect(window.slowStartThreshold).toBe(MAXIMUM_WINDOW);
    expect(window.isSlowStart).toBe(true);
  });

  it('is as new after a reset, but for the limit that was configured', () => {
    const window = new CongestionWindow(1000);
    window.byteCountingLimit = 2;
    window.reduce(5000);
    window.timeOut(3000);
    window.bytesPerSecond = 7;
    window.reset(1000);
    const fresh = new CongestionWindow(1000);
    fresh.byteCountingLimit = 2;
    expect({ ...window }).toEqual({ ...fresh });
    expect(window.canUndo).toBe(false);
  });

  it('keeps its bytes when the segment size changes, and never less than one segment', () => {
    const window = new CongestionWindow(9000);
    window.reduce(0);
    expect(window.slowStartThreshold).toBe(18_000);
    window.window = 18_000;
    window.setMaximumSegmentSize(1200);
    expect(window.window).toBe(18_000);
    expect(window.minimumWindow).toBe(2400);
    window.window = 1200;
    window.slowStartThreshold = 2400;
    window.setMaximumSegmentSize(9000);
    expect(window.window).toBe(9000);
    expect(window.slowStartThreshold).toBe(18_000);
  });

  it('stops growing at its maximum', () => {
    const window = new CongestionWindow(65535);
    window.window = MAXIMUM_WINDOW - 1;
    window.grow(MAXIMUM_WINDOW);
    expect(window.window).toBe(MAXIMUM_WINDOW);
    expect(window.isSlowStart).toBe(false);
    window.window = MAXIMUM_WINDOW - 1;
    window.bytesPerSecond = 1;
    expect(window.slowStart(MAXIMUM_WINDOW)).toBe(MAXIMUM_WINDOW - 1);
    expect(window.window).toBe(MAXIMUM_WINDOW);
  });
});

describe('slow start', () => {
  it('grows by what was acknowledged, up to 8 segments each, all of it when paced', () => {
    const window = new CongestionWindow(1000);
    expect(window.slowStart(700)).toBe(0);
    expect(window.window).toBe(10_700);
    window.slowStart(60_000);
    expect(window.window).toBe(18_700);
    window.bytesPerSecond = 1_000_000;
    window.slowStart(60_000);
    expect(window.window).toBe(78_700);
  });

  it('stops at the threshold and returns the bytes left over', () => {
    const window = new CongestionWindow(1000);
    window.slowStartThreshold = 11_500;
    expect(window.slowStart(4000)).toBe(2500);
    expect(window.window).toBe(11_500);
    expect(window.isSlowStart).toBe(false);
  });

  it('counts one segment for each acknowledgement until a timeout is repaired (RFC 3465 §2.3)', () => {
    const window = new CongestionWindow(1000);
    window.timeOut(20_000);
    window.slowStart(9000);
    expect(window.window).toBe(2000);
    window.recovered();
    window.slowStart(9000);
    expect(window.window).toBe(10_000);
  });
});

describe('a timeout', () => {
  it('leaves one segment and holds the threshold while nothing is acknowledged (RFC 5681 §3.1)', () => {
    const window = new CongestionWindow(1000);
    window.window = 40_000;
    window.timeOut(20_000);
    expect([window.window, window.slowStartThreshold, window.priorWindow]).toEqual([1000, 20_000, 40_000]);
    window.timeOut(500);
    expect([window.window, window.slowStartThreshold, window.priorWindow]).toEqual([1000, 20_000, 40_000]);
    window.slowStart(1000);
    window.timeOut(1000);
    expect([window.window, window.slowStartThreshold, window.priorWindow]).toEqual([1000, 2000, 2000]);
  });

  it('in fast recovery goes by the flight, not by the window under repair, and never raises the threshold', () => {
    const window = new CongestionWindow(1000);
    window.window = 40_000;
    expect(window.loadOf(42_000)).toBe(40_000);
    window.reduce(20_000);
    window.window = 3000;
    expect(window.loadOf(42_000)).toBe(42_000);
    window.timeOut(21_000);
    expect(window.slowStartThreshold).toBe(20_000);
    expect(window.loadOf(42_000)).toBe(1000);
  });
});

describe('a second congestion during a repair', () => {
  it('lowers what the first has left, however much is outstanding (RFC 5681 §4.3)', () => {
    const window = new CongestionWindow(1000);
    window.window = 40_000;
    expect(window.loadAtCongestion(42_000)).toBe(40_000);
    window.reduce(20_000);
    expect(window.loadAtCongestion(42_000)).toBe(20_000);
    expect(window.loadAtCongestion(8000)).toBe(8000);
  });
});

describe('a segment size that changes', () => {
  it('after a timeout leaves one segment, and the next timeout a repeated one', () => {
    const window = new CongestionWindow(1000);
    window.window = 40_000;
    window.timeOut(20_000);
    window.setMaximumSegmentSize(600);
    expect([window.window, window.isRepeatedTimeout]).toEqual([600, true]);
    window.timeOut(300);
    expect(window.slowStartThreshold).toBe(20_000);
    window.setMaximumSegmentSize(1000);
    expect([window.window, window.isRepeatedTimeout]).toEqual([1000, true]);
  });
});

describe('undo', () => {
  it('returns to the state before the last reduction, once', () => {
    const window = new CongestionWindow(1000);
    window.window = 40_000;
    window.reduce(20_000);
    window.window = 20_000;
    window.recovered();
    expect(window.canUndo).toBe(true);
    expect(window.undo()).toBe(true);
    expect([window.window, window.slowStartThreshold]).toEqual([40_000, MAXIMUM_WINDOW]);
    expect(window.canUndo).toBe(false);
    window.window = 30_000;
    expect(window.undo()).toBe(false);
    expect(window.window).toBe(30_000);
  });

  it('of a timeout in fast recovery returns to fast recovery: the loss before it was real', () => {
    const window = new CongestionWindow(1000);
    window.window = 40_000;
    window.reduce(20_000);
    window.window = 22_000;
    window.timeOut(20_000);
    window.undo();
    expect([window.window, window.slowStartThreshold]).toEqual([22_000, 20_000]);
  });

  it('changes nothing when the window has outgrown the old one (RFC 9438 §4.9.2)', () => {
    const window = new CongestionWindow(1000);
    window.window = 40_000;
    window.reduce(20_000);
    window.window = 41_000;
    expect(window.undo()).toBe(false);
    expect([window.window, window.slowStartThreshold, window.isRecovering]).toEqual([41_000, 20_000, false]);
  });
});

describe('restart after idling', () => {
  it('falls to the initial window after more than a timeout, and slow start leads to three quarters', () => {
    const window = new CongestionWindow(1000);
    window.window = 100_000;
    window.slowStartThreshold = 50_000;
    expect(window.restart(200_000, 200_000)).toBe(false);
    expect(window.window).toBe(100_000);
    expect(window.restart(200_001, 200_000)).toBe(true);
    expect([window.window, window.slowStartThreshold]).toEqual([10_000, 75_000]);
  });

  it('leaves a window that is smaller than the restart window', () => {
    const window = new CongestionWindow(1000);
    window.timeOut(6000);
    expect(window.restart(1 << 30, 1)).toBe(false);
    expect([window.window, window.slowStartThreshold]).toEqual([1000, 6000]);
  });
});

describe('confine', () => {
  it.each([
    [Number.NaN, 1000, 2000, 0],
    [Number.NEGATIVE_INFINITY, 1000, 2000, 0],
    [-1, 1000, 2000, 0],
    [0, 1000, 2000, 0],
    [999, 1000, 2000, 999],
    [5000, 5000, 5000, 5000],
    [2 ** 40, 0x3fff_ffff, 0x3fff_ffff, 1e12],
    [Number.POSITIVE_INFINITY, 0x3fff_ffff, 0x3fff_ffff, 1e12],
  ])('%d is %d as a window, %d as a threshold, %d as a pace', (value, size, threshold, rate) => {
    const window = new CongestionWindow(1000);
    window.window = value;
    window.slowStartThreshold = value;
    window.bytesPerSecond = value;
    window.confine();
    expect(window.window).toBe(size);
    expect(window.slowStartThreshold).toBe(threshold);
    expect(window.bytesPerSecond).toBe(rate === 1e12 ? Math.min(value, 1e12) : rate);
  });
});
