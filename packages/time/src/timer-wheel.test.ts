import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type TimerHandler, TimerWheel } from './timer-wheel.js';

class Recorder implements TimerHandler {
  readonly fired: { timer: number; argument: number; now: number }[] = [];
  onTimer(timer: number, argument: number, now: number): void {
    this.fired.push({ timer, argument, now });
  }
}

const ALL = 1 << 30;

describe('TimerWheel', () => {
  it('fires after the delay, not before, with the argument given at creation', () => {
    const wheel = new TimerWheel({ capacity: 4, now: 1000 });
    const recorder = new Recorder();
    const timer = wheel.create(recorder, 77);
    wheel.arm(timer, 5000, 1000);
    expect(wheel.isArmed(timer)).toBe(true);
    expect(wheel.advance(5999, ALL)).toBe(0);
    expect(wheel.advance(6000 + 256, ALL)).toBe(1);
    expect(recorder.fired).toEqual([{ timer, argument: 77, now: 6256 }]);
    expect(wheel.isArmed(timer)).toBe(false);
    expect(wheel.armed).toBe(0);
  });

  it('gives out capacity ids, then -1, and a destroyed id again', () => {
    const wheel = new TimerWheel({ capacity: 3, now: 0 });
    const recorder = new Recorder();
    const ids = [wheel.create(recorder, 0), wheel.create(recorder, 1), wheel.create(recorder, 2)];
    expect(new Set(ids).size).toBe(3);
    expect(Math.min(...ids)).toBeGreaterThanOrEqual(0);
    expect(wheel.create(recorder, 3)).toBe(-1);
    wheel.arm(ids[1]!, 1000, 0);
    wheel.destroy(ids[1]!);
    wheel.destroy(ids[1]!);
    expect(wheel.armed).toBe(0);
    expect(wheel.create(recorder, 4)).toBe(ids[1]);
    expect(wheel.create(recorder, 5)).toBe(-1);
  });

  it('ignores ids that do not exist', () => {
    const wheel = new TimerWheel({ capacity: 2, now: 0 });
    for (const timer of [-1, 0, 2, 99]) {
      wheel.arm(timer, 0, 0);
      wheel.cancel(timer);
      wheel.destroy(timer);
      expect(wheel.isArmed(timer)).toBe(false);
    }
    expect(wheel.armed).toBe(0);
    expect(wheel.nextExpiry(0)).toBe(-1);
  });

  it('takes memory as timers are made, and those that run go on', () => {
    const wheel = new TimerWheel({ capacity: 100_000, now: 0 });
    const recorder = new Recorder();
    for (let i = 0; i < 100_000; i++) wheel.arm(wheel.create(recorder, i), 1000 + i, 0);
    expect(wheel.create(recorder, 0)).toBe(-1);
    wheel.advance(50_999, ALL);
    expect(recorder.fired.length).toBeGreaterThan(49_000);
    wheel.advance(110_000, ALL);
    expect(new Set(recorder.fired.map((each) => each.argument)).size).toBe(100_000);
    expect(wheel.armed).toBe(0);
  });

  it('refuses a capacity or a tick that cannot be', () => {
    const code = 'EINVAL';
    expect(() => new TimerWheel({ capacity: 0, now: 0 })).toThrow(expect.objectContaining({ code }));
    expect(() => new TimerWheel({ capacity: 1, now: 0, tickMicroseconds: 100 })).toThrow(
      expect.objectContaining({ code }),
    );
    expect(() => new TimerWheel({ capacity: 1, now: 0, tickMicroseconds: 0 })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('lets a handler re-arm itself with 0 without firing twice in one advance', () => {
    const wheel = new TimerWheel({ capacity: 1, now: 0 });
    let count = 0;
    const timer = wheel.create(
      {
        onTimer(id, _argument, now) {
          count++;
          wheel.arm(id, 0, now);
        },
      },
      0,
    );
    wheel.arm(timer, 0, 0);
    expect(wheel.advance(256, ALL)).toBe(1);
    expect(wheel.advance(256, ALL)).toBe(0);
    expect(wheel.nextExpiry(256)).toBeLessThanOrEqual(256);
    expect(wheel.advance(512, ALL)).toBe(1);
    expect(count).toBe(2);
  });

  it('lets a handler cancel, destroy and move timers that are due in the same advance', () => {
    const wheel = new TimerWheel({ capacity: 8, now: 0 });
    const recorder = new Recorder();
    const [cancelled, destroyed, moved] = [1, 2, 3].map((argument) => wheel.create(recorder, argument));
    const actor = wheel.create(
      {
        onTimer(self, _argument, now) {
          wheel.cancel(cancelled!);
          wheel.destroy(destroyed!);
          wheel.arm(moved!, 10_000, now);
          wheel.destroy(self);
        },
      },
      0,
    );
    wheel.arm(actor, 1000, 0);
    for (const timer of [cancelled!, destroyed!, moved!]) wheel.arm(timer, 1001, 0);
    expect(wheel.advance(5000, ALL)).toBe(1);
    expect(recorder.fired).toEqual([]);
    expect(wheel.armed).toBe(1);
    expect(wheel.advance(20_000, ALL)).toBe(1);
    expect(recorder.fired.map((f) => f.argument)).toEqual([3]);
  });

  it('keeps the rest for the next advance when a handler throws', () => {
    const wheel = new TimerWheel({ capacity: 2, now: 0 });
    const recorder = new Recorder();
    const bad = wheel.create(
      {
        onTimer() {
          throw new Error('from the handler');
        },
      },
      0,
    );
    wheel.arm(bad, 100, 0);
    wheel.arm(wheel.create(recorder, 1), 100, 0);
    expect(() => wheel.advance(1000, ALL)).toThrow('from the handler');
    expect(wheel.advance(1000, ALL)).toBe(1);
    expect(recorder.fired).toHaveLength(1);
  });

  for (const days of [1 / 24, 1, 4, 30, 400]) {
    it(`waits ${days} days although the clock wraps every 71 minutes`, () => {
      const start = 0x7fff_0000;
      const wheel = new TimerWheel({ capacity: 1, now: start });
      const recorder = new Recorder();
      const delay = days * 86_400e6;
      wheel.arm(wheel.create(recorder, 0), delay, start);
      let time = 0;
      const step = 1_700e6; // 28 minutes
      while (time + step < delay) {
        time += step;
        expect(wheel.nextExpiry((start + time) | 0)).toBeGreaterThanOrEqual(0);
        wheel.advance((start + time) | 0, ALL);
      }
      wheel.advance((start + delay - 1) | 0, ALL);
      expect(recorder.fired).toHaveLength(0);
      wheel.advance((start + delay + 256) | 0, ALL);
      expect(recorder.fired).toHaveLength(1);
    });
  }

  it('expires 10^5 timers of one instant in parts, each within its budget, and loses none', () => {
    const count = 100_000;
    const wheel = new TimerWheel({ capacity: count, now: 0 });
    const recorder = new Recorder();
    for (let i = 0; i < count; i++) wheel.arm(wheel.create(recorder, i), 3_000_000, 0);
    let calls = 0;
    const now = 4_000_000;
    while (wheel.armed > 0) {
      expect(wheel.nextExpiry(now)).toBe(0);
      const expired = wheel.advance(now, 1000);
      expect(expired).toBeLessThanOrEqual(1000);
      if (++calls > 300) expect.fail('no progress');
    }
    expect(new Set(recorder.fired.map((f) => f.argument)).size).toBe(count);
    expect(recorder.fired).toHaveLength(count);
    expect(wheel.nextExpiry(now)).toBe(-1);
  });

  it('survives a large jump forward in bounded work', () => {
    const wheel = new TimerWheel({ capacity: 2, tickMicroseconds: 1, now: 0 });
    const recorder = new Recorder();
    wheel.arm(wheel.create(recorder, 1), 10, 0);
    wheel.arm(wheel.create(recorder, 2), 2_000_000_000, 0);
    const start = process.hrtime.bigint();
    // 2^31 - 1 ticks of one microsecond: slot by slot this would take seconds.
    expect(wheel.advance(0x7fff_ffff, ALL)).toBe(2);
    expect(Number(process.hrtime.bigint() - start) / 1e6).toBeLessThan(100);
    expect(recorder.fired.map((f) => f.argument)).toEqual([1, 2]);
  });

  it('keeps the remaining delays when the clock is set back', () => {
    const wheel = new TimerWheel({ capacity: 2, now: 0 });
    const recorder = new Recorder();
    const timer = wheel.create(recorder, 1);
    wheel.arm(timer, 1_000_000, 0);
    wheel.advance(400_000, ALL);
    const back = -1_000_000_000;
    expect(wheel.advance(back, ALL)).toBe(0);
    wheel.advance(back + 590_000, ALL);
    expect(recorder.fired).toHaveLength(0);
    wheel.advance(back + 601_000, ALL);
    expect(recorder.fired).toHaveLength(1);
    wheel.arm(timer, 1000, back + 601_000);
    wheel.advance(back + 602_300, ALL);
    expect(recorder.fired).toHaveLength(2);
  });

  it('does not count a stale reading twice', () => {
    const wheel = new TimerWheel({ capacity: 1, now: 0 });
    const recorder = new Recorder();
    wheel.arm(wheel.create(recorder, 1), 100_000, 0);
    for (let i = 0; i < 100; i++) {
      wheel.advance(90_000, ALL);
      wheel.advance(50_000, ALL);
    }
    expect(recorder.fired).toHaveLength(0);
    wheel.advance(100_256, ALL);
    expect(recorder.fired).toHaveLength(1);
  });
});

/** What the wheel must do, said naively: a list of deadlines in unbounded time. */
interface ModelTimer {
  deadline: number;
  armed: boolean;
}

type Step =
  | { kind: 'arm'; timer: number; delay: number }
  | { kind: 'cancel'; timer: number }
  | { kind: 'advance'; by: number; budget: number }
  | { kind: 'sleep' };

const TIMERS = 40;
const delays = fc.oneof(
  fc.nat(2000),
  fc.nat(1_000_000),
  fc.nat(0x7fff_ffff),
  fc.double({ min: 0, max: 2e10, noNaN: true }).map(Math.floor),
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('arm' as const), timer: fc.nat(TIMERS - 1), delay: delays }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const), timer: fc.nat(TIMERS - 1) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('advance' as const),
      by: fc.oneof(fc.nat(600), fc.nat(100_000), fc.nat(1_000_000_000)),
      budget: fc.oneof(fc.constant(ALL), fc.nat(5)),
    }),
  },
  { weight: 2, arbitrary: fc.constant({ kind: 'sleep' as const }) },
);

describe('TimerWheel against a sorted list', () => {
  it('never fires early, always fires once due, in order of ticks, and never sleeps past an expiry', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 16, 256, 4096),
        fc.constantFrom(0, 0x7fff_fff0, -0x100, 0x7000_0000, -0x7000_0000),
        fc.array(steps, { maxLength: 200 }),
        (tick, start, sequence) => {
          let time = 0; // unbounded, unlike the instants the wheel sees
          const now = () => (start + time) | 0;
          const ids: number[] = [];
          const wheel = new TimerWheel({ capacity: TIMERS, tickMicroseconds: tick, now: start });
          const model: ModelTimer[] = [];
          let lastDeadline = 0;
          const handler: TimerHandler = {
            onTimer(timer, argument, at) {
              expect(timer).toBe(ids[argument]);
              expect(at).toBe(now());
              const entry = model[argument]!;
              expect(entry.armed).toBe(true);
              expect(entry.deadline).toBeLessThanOrEqual(time);
              // Order: by ticks, so at most one tick apart.
              expect(entry.deadline).toBeGreaterThan(lastDeadline - 2 * tick);
              lastDeadline = Math.max(lastDeadline, entry.deadline);
              entry.armed = false;
            },
          };
          for (let i = 0; i < TIMERS; i++) {
            ids.push(wheel.create(handler, i));
            model.push({ deadline: 0, armed: false });
          }
          const overdue = () => model.filter((entry) => entry.armed && entry.deadline + 2 * tick <= time).length;
          for (const step of sequence) {
            if (step.kind === 'arm') {
              wheel.arm(ids[step.timer]!, step.delay, now());
              model[step.timer] = { deadline: time + step.delay, armed: true };
            } else if (step.kind === 'cancel') {
              wheel.cancel(ids[step.timer]!);
              model[step.timer]!.armed = false;
            } else if (step.kind === 'advance') {
              time += step.by;
              const before = model.filter((entry) => entry.armed).length;
              lastDeadline = 0;
              const expired = wheel.advance(now(), step.budget);
              expect(expired).toBeLessThanOrEqual(step.budget);
              expect(before - model.filter((entry) => entry.armed).length).toBe(expired);
              if (step.budget === ALL) expect(overdue()).toBe(0);
              else if (overdue() > 0) expect(wheel.nextExpiry(now())).toBe(0);
            } else {
              const sleep = wheel.nextExpiry(now());
              const armed = model.filter((entry) => entry.armed);
              if (armed.length === 0) expect(sleep).toBe(-1);
              else {
                expect(sleep | 0).toBe(sleep);
                const earliest = Math.min(...armed.map((entry) => entry.deadline));
                expect(sleep).toBeGreaterThanOrEqual(0);
                expect(time + sleep).toBeLessThanOrEqual(Math.max(time, earliest) + 2 * tick);
                time += sleep;
                wheel.advance(now(), ALL);
              }
            }
            // Plain comparisons: `expect` a few million times takes longer than all the rest.
            for (let i = 0; i < TIMERS; i++) if (wheel.isArmed(ids[i]!) !== model[i]!.armed) expect.fail(`timer ${i}`);
            expect(wheel.armed).toBe(model.filter((entry) => entry.armed).length);
          }
          // Following nextExpiry alone, every timer fires in the end, in a bounded number of wake-ups.
          for (let wake = 0; wheel.armed > 0; wake++) {
            if (wake > 30_000) expect.fail('timers remain');
            time += wheel.nextExpiry(now());
            wheel.advance(now(), ALL);
            if (overdue() !== 0) expect.fail('late');
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
