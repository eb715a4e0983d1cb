import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Bbr } from './bbr/bbr.js';
import { CongestionCause, type CongestionControl } from './congestion-control.js';
import { MAXIMUM_WINDOW } from './congestion-window.js';
import { Cubic } from './cubic.js';
import { Flow, SEGMENT } from './flow.testkit.js';
import { NewReno } from './new-reno.js';
import { congestionControlNames, createCongestionControl } from './registry.js';

const size = fc.oneof(fc.integer({ min: 0, max: 100_000 }), fc.integer({ min: 0, max: MAXIMUM_WINDOW }));
const duration = fc.oneof(fc.integer({ min: 0, max: 1_000_000 }), fc.integer({ min: 0, max: 0x7fff_ffff }));
const event = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('acknowledge' as const), size, limited: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('growth' as const), size: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('congestion' as const, 'timeout' as const, 'recovered' as const, 'undo' as const),
      size,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('anything' as const),
      size,
      total: fc.integer(),
      prior: fc.integer(),
      roundTrip: fc.oneof(fc.constant(-1), duration),
      interval: fc.oneof(fc.constant(-1), duration),
      inFlight: size,
      lost: size,
      marked: fc.boolean(),
      limited: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('idle' as const, 'segment' as const), size }) },
);

function isInt32(value: number): boolean {
  return (value | 0) === value;
}

/** All there are, and variants by option that go other ways. */
const makers: readonly (readonly [string, () => CongestionControl])[] = [
  ...congestionControlNames().map((name) => [name, () => createCongestionControl(name)] as const),
  ['newreno with HyStart++', () => new NewReno({ hyStart: true })],
  ['cubic without HyStart++', () => new Cubic({ hyStart: false })],
  ['bbr with ECN', () => new Bbr({ ecn: true })],
];

describe.each(makers)('%s, whatever happens', (_name, make) => {
  const isClassic = !make().traits.rulesRecovery;

  it('keeps window and threshold in their bounds, and an acknowledgement never shrinks the window', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.array(fc.tuple(event, duration), { maxLength: 120 }),
        fc.boolean(),
        (origin, events, isLarge) => {
          const flow = new Flow(make(), origin);
          const { control, window } = flow;
          if (isLarge) window.window = MAXIMUM_WINDOW - 5000;
          for (const [step, after] of events) {
            flow.now = (flow.now + after) | 0;
            flow.roundTrip = after;
            const before = window.window;
            switch (step.kind) {
              case 'acknowledge':
                flow.acknowledge(step.size, step.limited);
                if (!isClassic) break;
                expect(window.window).toBeGreaterThanOrEqual(before);
                if (!step.limited || step.size === 0) expect(window.window).toBe(before);
                break;
              case 'growth':
                for (let i = 0; i < step.size; i++) flow.acknowledge(window.window);
                break;
              case 'anything': {
                const { sample } = flow;
                sample.acknowledgedBytes = step.size;
                sample.deliveredBytes = step.size;
                sample.deliveredTotal = step.total;
                sample.roundTrip = step.roundTrip;
                sample.inFlight = step.inFlight;
                sample.inFlightNow = step.inFlight >> 1;
                sample.lostBytes = step.lost;
                sample.lostTotal = step.prior;
                sample.lostSinceSend = step.lost;
                sample.interval = step.interval;
                sample.intervalBytes = step.size;
                sample.priorDelivered = step.prior;
                sample.inFlightAtSend = step.inFlight;
                sample.isApplicationLimited = step.limited;
                sample.hasEcnEcho = step.marked;
                sample.isWindowLimited = step.limited;
                control.onAcknowledgement(window, sample, flow.now);
                sample.hasEcnEcho = false;
                sample.lostBytes = 0;
                sample.lostSinceSend = 0;
                break;
              }
              case 'congestion':
                control.onCongestion(window, step.size, CongestionCause.LOSS, flow.now);
                expect(window.window).toBe(before);
                window.window = Math.min(window.window, window.slowStartThreshold);
                break;
              case 'timeout':
                control.onTimeout(window, step.size, flow.now);
                expect(window.window).toBe(window.maximumSegmentSize);
                break;
              case 'recovered':
                control.onRecovered(window, flow.now);
                if (isClassic) expect(window.window).toBe(before);
                break;
              case 'undo':
                control.onUndo(window, flow.now);
                expect(window.window).toBeGreaterThanOrEqual(before);
                expect(window.canUndo).toBe(false);
                break;
              case 'idle':
                control.onIdle(window, after, step.size, flow.now);
                if (isClassic) expect(window.window).toBeLessThanOrEqual(before);
                break;
              case 'segment':
                window.setMaximumSegmentSize(1 + (step.size % 65535));
                break;
            }
            expect(window.window).toBeGreaterThanOrEqual(window.maximumSegmentSize);
            expect(window.window).toBeLessThanOrEqual(MAXIMUM_WINDOW);
            expect(window.slowStartThreshold).toBeGreaterThanOrEqual(window.minimumWindow);
            expect(window.slowStartThreshold).toBeLessThanOrEqual(MAXIMUM_WINDOW);
            expect(isInt32(window.window) && isInt32(window.slowStartThreshold)).toBe(true);
            expect(window.bytesPerSecond).toBeGreaterThanOrEqual(0);
            expect(Number.isFinite(window.bytesPerSecond)).toBe(true);
            for (const value of Object.values(control.describe())) expect(Number.isFinite(value)).toBe(true);
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe.each(['newreno', 'cubic', 'dctcp'])('%s', (name) => {
  it('an undo right after a reduction leaves no trace', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 60 }), fc.boolean(), fc.boolean(), (rounds, isTimeout, isAvoiding) => {
        const [flow, twin] = [0, 1].map(() => {
          const made = new Flow(createCongestionControl(name));
          if (isAvoiding) made.settle(60);
          made.congest();
          made.rounds(Math.min(rounds, isAvoiding ? 60 : 6));
          return made;
        }) as [Flow, Flow];
        if (isTimeout) flow.timeOut();
        else flow.control.onCongestion(flow.window, flow.window.window, CongestionCause.LOSS, flow.now);
        flow.control.onUndo(flow.window, flow.now);
        for (let i = 0; i < 20; i++) {
          flow.round(SEGMENT);
          twin.round(SEGMENT);
        }
        expect(Math.abs(flow.window.window - twin.window.window)).toBeLessThanOrEqual(SEGMENT);
      }),
    );
  });
});
