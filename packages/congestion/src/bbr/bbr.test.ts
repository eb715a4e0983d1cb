import { describe, expect, it } from 'vitest';
import { CongestionCause } from '../congestion-control.js';
import { MAXIMUM_WINDOW } from '../congestion-window.js';
import { Bbr } from './bbr.js';
import { BbrFlow, PRODUCT, RATE } from './bbr-flow.testkit.js';
import { BbrPhase } from './bbr-phase.js';

/** 1 % below. */
const PACED = 0.99 * RATE;

describe('Startup', () => {
  it('begins with the initial window in 1 ms, and in a round trip as soon as that is known, at 2.77', () => {
    const bbr = new BbrFlow();
    expect(bbr.window.bytesPerSecond).toBeCloseTo(2.77 * 10_000 * 1000, 0);
    bbr.round({ rate: 100_000 });
    expect(bbr.window.bytesPerSecond).toBeCloseTo(2.77 * 100_000, 0);
  });

  it('doubles rate and window with what is delivered', () => {
    const bbr = new BbrFlow();
    for (const rate of [100_000, 200_000, 400_000]) {
      bbr.round({ rate });
      expect(bbr.window.bytesPerSecond).toBeGreaterThan(2.7 * rate);
      expect(bbr.window.window).toBe(10_000 + (2 * rate - 100_000) / 10);
    }
    expect(bbr.phase).toBe(BbrPhase.STARTUP);
  });

  it('ends after three rounds without a quarter more, and the queue is drained at half the rate', () => {
    const bbr = new BbrFlow();
    for (const rate of [200_000, 400_000, 800_000, 1_000_000]) bbr.round({ rate });
    bbr.rounds(2, { rate: 1_200_000, inFlight: 2 * PRODUCT });
    expect(bbr.phase).toBe(BbrPhase.STARTUP);
    bbr.round({ rate: 1_200_000, inFlight: 3 * PRODUCT });
    expect(bbr.phase).toBe(BbrPhase.DRAIN);
    expect(bbr.window.bytesPerSecond).toBeCloseTo(0.5 * 0.99 * 1_200_000, 0);
    expect(bbr.window.slowStartThreshold).toBe(120_000);
  });

  it('does not end while the application limits, nor does the rate fall', () => {
    const bbr = new BbrFlow().round();
    const rate = bbr.window.bytesPerSecond;
    bbr.rounds(20, { rate: 10_000, limited: true });
    expect(bbr.phase).toBe(BbrPhase.STARTUP);
    expect(bbr.window.bytesPerSecond).toBe(rate);
    expect(bbr.state['maximumBandwidth']).toBe(RATE);
  });

  it('ends by losses: a round in recovery, six events and more than 2 % lost', () => {
    for (const [events, lost, phase] of [
      [6, 30_000, BbrPhase.DRAIN],
      [5, 30_000, BbrPhase.STARTUP],
      [6, 4000, BbrPhase.STARTUP],
    ] as const) {
      const bbr = new BbrFlow().round({ rate: 500_000 }).round({ inFlight: 200_000 });
      bbr.control.onCongestion(bbr.window, 200_000, CongestionCause.LOSS, bbr.now);
      const { sample } = bbr;
      sample.lostBytes = 5000;
      sample.intervalBytes = 0;
      sample.interval = -1;
      // Within the round: what is acknowledged was sent long before.
      sample.priorDelivered = -1_000_000;
      for (let i = 1; i < events; i++) bbr.control.onAcknowledgement(bbr.window, sample, bbr.now);
      bbr.round({ inFlight: 200_000, lost });
      expect(bbr.phase, `${events} events, ${lost} lost`).toBe(phase);
      if (phase === BbrPhase.DRAIN) expect(bbr.state['longTermInFlight']).toBe(PRODUCT);
    }
  });
});

describe('Drain', () => {
  it('ends when no more is in flight than fills the path', () => {
    const bbr = new BbrFlow().rounds(4, { inFlight: 2 * PRODUCT });
    expect(bbr.phase).toBe(BbrPhase.DRAIN);
    bbr.round({ inFlight: PRODUCT + 1 });
    expect(bbr.phase).toBe(BbrPhase.DRAIN);
    bbr.round({ inFlight: PRODUCT });
    expect(bbr.phase).toBe(BbrPhase.PROBE_CRUISE);
  });

  it('ends after three rounds even so', () => {
    const bbr = new BbrFlow().rounds(4, { inFlight: 2 * PRODUCT }).rounds(3, { inFlight: 2 * PRODUCT });
    expect(bbr.phase).toBe(BbrPhase.DRAIN);
    bbr.round({ inFlight: 2 * PRODUCT });
    expect(bbr.phase).toBe(BbrPhase.PROBE_DOWN);
  });
});

describe('ProbeBW', () => {
  it('cruises at the bandwidth less 1 %, with twice what fills the path', () => {
    const bbr = new BbrFlow().cruising().rounds(8);
    expect(bbr.window.bytesPerSecond).toBeCloseTo(PACED, 6);
    expect(bbr.window.window).toBe(2 * PRODUCT + bbr.state['extraAcknowledged']!);
  });

  it('probes after 2 to 3 s: a round to refill, then a quarter faster until that brings no more, then a tenth slower', () => {
    const bbr = new BbrFlow().cruising();
    const begun = bbr.now;
    bbr.until(BbrPhase.PROBE_REFILL);
    expect(bbr.now - begun).toBeGreaterThan(1_900_000);
    expect(bbr.now - begun).toBeLessThan(3_200_000);
    expect(bbr.window.bytesPerSecond).toBeCloseTo(PACED, 6);
    bbr.round();
    expect(bbr.phase).toBe(BbrPhase.PROBE_UP);
    expect(bbr.window.bytesPerSecond).toBeCloseTo(1.25 * PACED, 6);
    bbr.rounds(2, { inFlight: 1.2 * PRODUCT });
    expect(bbr.phase).toBe(BbrPhase.PROBE_UP);
    bbr.round({ inFlight: 1.2 * PRODUCT });
    expect(bbr.phase).toBe(BbrPhase.PROBE_DOWN);
    expect(bbr.window.bytesPerSecond).toBeCloseTo(0.9 * PACED, 6);
    bbr.round();
    expect(bbr.phase).toBe(BbrPhase.PROBE_CRUISE);
  });

  it('stays as long as it brings more', () => {
    const bbr = new BbrFlow().cruising().until(BbrPhase.PROBE_UP);
    let rate = RATE;
    for (let i = 0; i < 6; i++) {
      rate *= 1.3;
      bbr.round({ rate, inFlight: 1.5 * PRODUCT });
      expect(bbr.phase).toBe(BbrPhase.PROBE_UP);
    }
    expect(bbr.state['maximumBandwidth']).toBeCloseTo(rate, -2);
  });

  it('probes after as many rounds as fill the path has segments, 63 at most, for the sake of Reno', () => {
    const short = { rate: 1e7, roundTrip: 1000, inFlight: 10_000 };
    const bbr = new BbrFlow().rounds(8, short).until(BbrPhase.PROBE_UP, short).until(BbrPhase.PROBE_DOWN, short);
    let rounds = 0;
    while (bbr.phase !== BbrPhase.PROBE_REFILL) {
      bbr.round(short);
      rounds++;
    }
    // 10 segments fill the path.
    expect(rounds).toBeGreaterThanOrEqual(9);
    expect(rounds).toBeLessThanOrEqual(10);
  });

  it('draws the time between probes from its seed, or from what happens', () => {
    const length = (seed: number | undefined, start: number): number => {
      const bbr = new BbrFlow(seed === undefined ? {} : { seed }, start).cruising();
      const begun = bbr.now;
      while (bbr.phase === BbrPhase.PROBE_CRUISE) bbr.round();
      return bbr.now - begun;
    };
    const starts = [0, 1000, 2000, 3000, 4000, 5000];
    expect(new Set(starts.map((start) => length(5, start))).size).toBe(1);
    expect(new Set(starts.map((seed) => length(seed, 0))).size).toBeGreaterThan(2);
    expect(length(undefined, 1000)).toBe(length(undefined, 1000));
    expect(new Set(starts.map((start) => length(undefined, start))).size).toBeGreaterThan(2);
  });
});

describe('losses', () => {
  it('while cruising hold rate and volume to what is delivered, but to 0.7 at least, until the next probe', () => {
    const bbr = new BbrFlow().cruising().rounds(2);
    bbr.round({ rate: 900_000, lost: 5000 });
    bbr.round({ rate: 900_000 });
    // The best of the round with the loss; what was in flight: 0.7 of the window there was.
    expect(bbr.state['shortTermBandwidth']).toBeCloseTo(RATE, 0);
    bbr.round({ rate: 500_000, lost: 5000 }).round({ rate: 500_000 });
    expect(bbr.state['shortTermBandwidth']).toBeLessThan(RATE);
    expect(bbr.state['shortTermBandwidth']).toBeGreaterThanOrEqual(0.7 * 0.7 * RATE);
    expect(bbr.window.bytesPerSecond).toBeCloseTo(0.99 * bbr.state['shortTermBandwidth']!, 0);
    expect(bbr.state['maximumBandwidth']).toBe(RATE);
    bbr.until(BbrPhase.PROBE_REFILL);
    expect([bbr.state['shortTermBandwidth'], bbr.state['shortTermInFlight']]).toEqual([0, 0]);
    expect(bbr.window.bytesPerSecond).toBeCloseTo(PACED, 0);
  });

  it('of more than 2 % in a probe end it and bound what is in flight; 15 % of that is left to others', () => {
    const calm = new BbrFlow().cruising().until(BbrPhase.PROBE_UP).round({ inFlight: 150_000, lost: 3000 });
    expect([calm.phase, calm.state['longTermInFlight']]).toEqual([BbrPhase.PROBE_UP, 0]);
    const bbr = new BbrFlow().cruising().until(BbrPhase.PROBE_UP).round({ inFlight: 150_000, lost: 3001 });
    expect([bbr.phase, bbr.state['longTermInFlight']]).toEqual([BbrPhase.PROBE_DOWN, 150_000]);
    expect(bbr.window.window).toBe(150_000);
    bbr.until(BbrPhase.PROBE_CRUISE);
    expect(bbr.window.window).toBe(127_500);
  });

  it('in a probe bound the volume no lower than 0.7 of what fills the path', () => {
    const bbr = new BbrFlow().cruising().until(BbrPhase.PROBE_UP).round({ inFlightAtSend: 20_000, lost: 10_000 });
    expect(bbr.state['longTermInFlight']).toBe(70_000);
  });

  it('raise the bound by 1, 2, 4 … segments per round trip while a probe is held up by it', () => {
    const bbr = new BbrFlow().cruising().until(BbrPhase.PROBE_UP).round({ inFlight: 120_000, lost: 5000 });
    // A shorter round trip puts ProbeRTT off.
    bbr.until(BbrPhase.PROBE_UP, { roundTrip: 99_000, inFlight: 90_000 });
    expect(bbr.state['longTermInFlight']).toBe(120_000);
    const bounds = [1, 2, 3].map(() => {
      bbr.round({ rate: 1_200_000, inFlight: bbr.window.window });
      return bbr.state['longTermInFlight'];
    });
    // By 4 it would be in the third round if a whole window were delivered, not 120,000 of 123,000 bytes.
    expect(bounds).toEqual([121_000, 123_000, 126_000]);
  });

  it('that were none are undone: bounds, window, and the probe begins again', () => {
    const bbr = new BbrFlow().cruising().until(BbrPhase.PROBE_UP);
    const before = bbr.window.window;
    bbr.control.onCongestion(bbr.window, 150_000, CongestionCause.LOSS, bbr.now);
    bbr.round({ inFlight: 150_000, lost: 10_000 });
    expect(bbr.phase).toBe(BbrPhase.PROBE_DOWN);
    bbr.control.onUndo(bbr.window, bbr.now);
    expect(bbr.phase).toBe(BbrPhase.PROBE_REFILL);
    expect(bbr.state['longTermInFlight']).toBe(0);
    expect(bbr.window.window).toBeGreaterThanOrEqual(before);
    expect(bbr.window.isRecovering).toBe(false);
    const { phase } = bbr;
    bbr.control.onUndo(bbr.window, bbr.now);
    expect(bbr.phase).toBe(phase);
  });
});

describe('ProbeRTT', () => {
  it('comes when 5 s showed no shorter round trip: half of what fills the path for 200 ms, then cruising again', () => {
    const bbr = new BbrFlow().cruising();
    const queued = { roundTrip: 110_000, inFlight: 110_000 };
    while (bbr.now <= 5_000_000) {
      expect(bbr.phase).not.toBe(BbrPhase.PROBE_ROUND_TRIP);
      bbr.round(queued);
    }
    bbr.until(BbrPhase.PROBE_ROUND_TRIP, queued, 4);
    expect(bbr.window.window).toBe(PRODUCT / 2);
    const begun = bbr.now;
    bbr.until(BbrPhase.PROBE_CRUISE, { rate: RATE / 2, inFlight: PRODUCT / 2 });
    expect(bbr.now - begun).toBeGreaterThan(200_000);
    expect(bbr.now - begun).toBeLessThanOrEqual(500_000);
    // It was slow on purpose.
    expect(bbr.state['maximumBandwidth']).toBe(RATE);
    expect(bbr.window.window).toBeGreaterThan(1.9 * PRODUCT);
  });

  it('is spared when the round trip shows by itself, or after a pause', () => {
    const bbr = new BbrFlow().cruising();
    for (let i = 0; i < 120; i++) {
      bbr.round(i % 30 === 0 ? { roundTrip: 99_990 - i } : { roundTrip: 105_000 });
      expect(bbr.phase).not.toBe(BbrPhase.PROBE_ROUND_TRIP);
    }
    bbr.now = (bbr.now + 30_000_000) | 0;
    bbr.control.onIdle(bbr.window, 30_000_000, 200_000, bbr.now);
    bbr.round({ roundTrip: 120_000 });
    expect(bbr.phase).not.toBe(BbrPhase.PROBE_ROUND_TRIP);
    expect(bbr.state['minimumRoundTrip']).toBe(120_000);
  });
});

describe('marks', () => {
  it('told one by one lower the volume by a third of their averaged share', () => {
    const bbr = new BbrFlow({ seed: 1, ecn: true }).cruising();
    expect(bbr.control.traits.preciseEcn).toBe(true);
    const before = bbr.window.window;
    const { alpha } = bbr.state;
    bbr.round({ marked: true });
    const after = alpha! + (1 - alpha!) / 16;
    expect(bbr.state['alpha']).toBeCloseTo(after, 12);
    expect(bbr.state['shortTermInFlight']).toBe(Math.floor(before * (1 - after / 3)));
    expect(bbr.state['shortTermBandwidth']).toBe(0);
  });

  it('on half of the segments for two rounds end Startup', () => {
    const bbr = new BbrFlow({ seed: 1, ecn: true });
    bbr.round({ rate: 200_000, inFlight: 2 * PRODUCT, marked: true });
    expect(bbr.phase).toBe(BbrPhase.STARTUP);
    bbr.round({ rate: 400_000, inFlight: 2 * PRODUCT, marked: true });
    expect(bbr.phase).toBe(BbrPhase.DRAIN);
  });

  it('are not looked at unless asked for', () => {
    const bbr = new BbrFlow().cruising();
    const twin = new BbrFlow().cruising();
    bbr.round({ marked: true });
    twin.round();
    expect(bbr.state).toEqual(twin.state);
  });

  it('of classic ECN are taken for losses: while cruising, and in a probe', () => {
    const cruising = new BbrFlow().cruising().rounds(2);
    cruising.control.onCongestion(cruising.window, PRODUCT, CongestionCause.ECN, cruising.now);
    cruising.control.onRecovered(cruising.window, cruising.now);
    cruising.round({ rate: 900_000 }).round({ rate: 900_000 });
    expect(cruising.state['shortTermInFlight']).toBeGreaterThan(0);
    const probing = new BbrFlow().cruising().until(BbrPhase.PROBE_UP);
    probing.control.onCongestion(probing.window, PRODUCT, CongestionCause.ECN, probing.now);
    probing.round({ inFlight: 130_000 });
    expect([probing.phase, probing.state['longTermInFlight']]).toEqual([BbrPhase.PROBE_DOWN, 130_000]);
  });
});

describe('timeout, pause and restart', () => {
  it('sends one segment after a timeout, and has the window back with the repair', () => {
    const bbr = new BbrFlow().cruising().rounds(8);
    const before = bbr.window.window;
    bbr.control.onTimeout(bbr.window, before, bbr.now);
    expect(bbr.window.window).toBe(1000);
    bbr.round({ rate: 10_000, inFlight: 4000 });
    expect(bbr.window.window).toBe(4000);
    bbr.control.onRecovered(bbr.window, bbr.now);
    expect(bbr.window.window).toBe(before);
    expect(bbr.window.isRecovering).toBe(false);
  });

  it('sends at the known rate after a pause', () => {
    const bbr = new BbrFlow().cruising().until(BbrPhase.PROBE_UP);
    const { window } = bbr.window;
    bbr.control.onIdle(bbr.window, 3_000_000, 200_000, bbr.now + 3_000_000);
    expect(bbr.window.bytesPerSecond).toBeCloseTo(PACED, 6);
    expect(bbr.window.window).toBe(window);
  });

  it('keeps nothing of the flow before a start but its seed', () => {
    const bbr = new BbrFlow().cruising().until(BbrPhase.PROBE_UP).round({ lost: 20_000 });
    bbr.window.reset(1000);
    bbr.control.start(bbr.window, bbr.now);
    expect(bbr.state).toEqual(new Bbr({ seed: 1 }).describe());
    expect(bbr.window.slowStartThreshold).toBe(MAXIMUM_WINDOW);
  });

  it('works alike around the wrap of the clock', () => {
    const flows = [0, 0x7fff_ffff - 1_500_000, -1_500_000].map((now) => new BbrFlow({ seed: 3 }, now));
    for (let i = 0; i < 120; i++) {
      const states = flows.map((bbr) => bbr.round({ roundTrip: 100_000 + (i % 7) * 1000 }).state);
      expect(states[1]).toEqual(states[0]);
      expect(states[2]).toEqual(states[0]);
    }
  });

  it('refuses options it does not know', () => {
    expect(() => new Bbr({ sede: 1 } as never)).toThrow('sede');
  });
});
