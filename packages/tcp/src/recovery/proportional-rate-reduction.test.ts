import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ProportionalRateReduction } from './proportional-rate-reduction.js';

const MSS = 1000;

describe('ProportionalRateReduction (RFC 6937)', () => {
  it('sends ssthresh / RecoverFS of what is delivered while more than ssthresh is in flight (§4, figure 1)', () => {
    const reduction = new ProportionalRateReduction();
    reduction.start(20 * MSS);
    let inFlight = 20 * MSS;
    const sent: number[] = [];
    // One lost, 19 delivered one by one.
    inFlight -= MSS;
    for (let i = 0; i < 19; i++) {
      inFlight -= MSS;
      const window = reduction.onAcknowledgement(MSS, inFlight, 10 * MSS, MSS, false);
      const allowed = Math.floor((window - inFlight) / MSS);
      sent.push(allowed);
      reduction.sent += allowed * MSS;
      inFlight += allowed * MSS;
    }
    // Every other acknowledgement lets one leave.
    expect(sent.slice(0, 8)).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    expect(inFlight).toBe(10 * MSS);
  });

  it('with heavy losses sends what was delivered, and one more per acknowledgement that makes progress', () => {
    const reduction = new ProportionalRateReduction();
    reduction.start(20 * MSS);
    expect(reduction.onAcknowledgement(MSS, 4 * MSS, 10 * MSS, MSS, false)).toBe(5 * MSS);
    reduction.sent = MSS;
    expect(reduction.onAcknowledgement(MSS, 4 * MSS, 10 * MSS, MSS, true)).toBe(6 * MSS);
  });

  it('never lets more leave than was delivered, beyond a segment per safe acknowledgement and the room to ssthresh', () => {
    const step = fc.record({
      delivered: fc.integer({ min: 1, max: 20 * MSS }),
      lost: fc.integer({ min: 0, max: 5 * MSS }),
      isSafe: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 1000 }), fc.array(step), (segments, steps) => {
        const flight = segments * MSS;
        const threshold = flight >> 1;
        const reduction = new ProportionalRateReduction();
        reduction.start(flight);
        let inFlight = flight;
        let safe = 0;
        for (const { delivered, lost, isSafe } of steps) {
          if (delivered + lost > inFlight) break;
          inFlight -= delivered + lost;
          if (isSafe) safe += MSS;
          const allowed = reduction.onAcknowledgement(delivered, inFlight, threshold, MSS, isSafe) - inFlight;
          expect(allowed).toBeGreaterThanOrEqual(0);
          reduction.sent += allowed;
          inFlight += allowed;
          expect(reduction.sent).toBeLessThanOrEqual(reduction.delivered + safe);
          if (allowed > 0) expect(inFlight).toBeLessThanOrEqual(Math.max(threshold, flight));
        }
      }),
    );
  });

  it('does not overflow with windows of a gigabyte', () => {
    const reduction = new ProportionalRateReduction();
    reduction.start(0x3fff_ffff);
    const window = reduction.onAcknowledgement(0x2000_0000, 0x1800_0000, 0x1000_0000, MSS, false);
    expect(window).toBe(0x1800_0000 + 0x0800_0001);
  });
});
