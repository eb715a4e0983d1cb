import { describe, expect, it } from 'vitest';
import { CongestionCause } from './congestion-control.js';
import { Dctcp } from './dctcp.js';
import { Flow, SEGMENT } from './flow.testkit.js';
import { NewReno } from './new-reno.js';

function flow(segments: number): Flow<Dctcp> {
  return new Flow(new Dctcp()).settle(segments);
}

/** One round of acknowledgements of a segment each, of which the first `marked` carry ECE. */
function round(dctcp: Flow<Dctcp>, marked: number): void {
  const segments = Math.floor(dctcp.segments);
  for (let i = 0; i < segments; i++) {
    dctcp.sample.hasEcnEcho = i < marked;
    dctcp.acknowledge(SEGMENT);
  }
  dctcp.sample.hasEcnEcho = false;
}

function alpha(dctcp: Flow<Dctcp>): number {
  return dctcp.control.describe()['alpha']!;
}

describe('DCTCP (RFC 8257)', () => {
  it('asks for an echo of each mark (RFC 8257 §3.2), and for nothing else', () => {
    expect(new Dctcp().traits).toEqual({ deliveryRate: false, sent: false, rulesRecovery: false, preciseEcn: true });
  });

  it('halves at the first mark ever, since alpha begins at 1 (§3.3)', () => {
    const dctcp = flow(100);
    dctcp.sample.hasEcnEcho = true;
    dctcp.acknowledge(SEGMENT);
    expect([dctcp.segments, dctcp.window.slowStartThreshold]).toEqual([50, 50 * SEGMENT]);
  });

  it('leaves slow start with the first mark', () => {
    const dctcp = new Flow(new Dctcp());
    dctcp.round(SEGMENT);
    dctcp.sample.hasEcnEcho = true;
    dctcp.acknowledge(SEGMENT);
    dctcp.sample.hasEcnEcho = false;
    // The mark is one of 11 segments of the first window, which it ends.
    const share = 1 + (1 / 11 - 1) / 16;
    expect(dctcp.window.window).toBe(Math.floor(20_000 * (1 - share / 2)));
    expect(dctcp.window.isSlowStart).toBe(false);
  });

  it('averages the share of marked bytes with a gain of 1/16, once per window', () => {
    const dctcp = flow(1000);
    for (let i = 1; i <= 5; i++) {
      // A window is over with the first byte beyond it.
      dctcp.acknowledge(1001 * SEGMENT, false);
      expect(alpha(dctcp)).toBeCloseTo((15 / 16) ** i, 12);
    }
  });

  it('lowers the window by half of alpha, once per window of data', () => {
    const dctcp = flow(1000);
    for (let i = 0; i < 32; i++) {
      dctcp.acknowledge(1001 * SEGMENT, false);
    }
    dctcp.acknowledge(SEGMENT, false);
    const share = (15 / 16) ** 33;
    expect(alpha(dctcp)).toBeCloseTo(share, 12);
    dctcp.sample.hasEcnEcho = true;
    for (let i = 0; i < 999; i++) dctcp.acknowledge(SEGMENT);
    expect(dctcp.window.window).toBe(Math.floor(1e6 * (1 - share / 2)));
  });

  it('settles where growth and marks are in balance: 1/10 marked, window down by 1/20 each round', () => {
    const dctcp = flow(100);
    for (let i = 0; i < 200; i++) {
      dctcp.window.window = 100 * SEGMENT;
      dctcp.window.slowStartThreshold = 100 * SEGMENT;
      round(dctcp, 10);
    }
    expect(alpha(dctcp)).toBeGreaterThan(0.09);
    expect(alpha(dctcp)).toBeLessThan(0.12);
  });

  it('grows as NewReno does, and does nothing else without marks (§3.4)', () => {
    const dctcp = flow(50);
    const reno = new Flow(new NewReno()).settle(50);
    for (let i = 0; i < 40; i++) {
      for (const each of [dctcp, reno]) {
        each.round();
        if (i === 20) each.congest();
        if (i === 30) each.timeOut();
      }
      expect(dctcp.window.window).toBe(reno.window.window);
    }
  });

  it('reacts to losses as NewReno does, whatever alpha is (§3.5)', () => {
    const dctcp = flow(1000);
    for (let i = 0; i < 64; i++) {
      dctcp.acknowledge(1001 * SEGMENT, false);
    }
    expect(alpha(dctcp)).toBeLessThan(0.02);
    dctcp.control.onCongestion(dctcp.window, 1000 * SEGMENT, CongestionCause.LOSS, 0);
    expect(dctcp.window.slowStartThreshold).toBe(500 * SEGMENT);
  });

  it('does not lower the window for marks while a timeout is repaired', () => {
    const dctcp = flow(64);
    dctcp.timeOut();
    dctcp.sample.hasEcnEcho = true;
    dctcp.acknowledge(SEGMENT);
    expect([dctcp.segments, dctcp.window.slowStartThreshold]).toEqual([1, 32 * SEGMENT]);
  });

  it('keeps a window of two segments, even when all is marked', () => {
    const dctcp = flow(2);
    dctcp.sample.hasEcnEcho = true;
    dctcp.acknowledge(SEGMENT);
    expect(dctcp.segments).toBe(2);
  });

  it('lets an undo take back a loss, but no mark', () => {
    const dctcp = flow(64);
    dctcp.congest();
    dctcp.sample.hasEcnEcho = true;
    dctcp.acknowledge(SEGMENT);
    expect(dctcp.segments).toBe(16);
    dctcp.control.onUndo(dctcp.window, 0);
    expect([dctcp.segments, dctcp.window.slowStartThreshold]).toEqual([32, 32 * SEGMENT]);
  });

  it('keeps nothing of the flow before a start', () => {
    const dctcp = flow(64);
    round(dctcp, 3);
    dctcp.control.start(dctcp.window, 0);
    expect(dctcp.control.describe()).toEqual(new Dctcp().describe());
  });
});
