import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { range } from '../model/connection-trace.js';
import { TraceRecorder } from '../model/trace-recorder.js';
import { createAxis } from './axis.js';
import { Column, columnOf, envelope } from './envelope.js';
import { bytes, format, rate, time } from './units.js';

describe('units', () => {
  it('three digits, in the largest unit that is filled', () => {
    expect([0, 999, 1000, 14_600, 999_600, 1_234_567].map((value) => format(value, bytes))).toEqual([
      '0 B',
      '999 B',
      '1.00 kB',
      '14.6 kB',
      '1.00 MB',
      '1.23 MB',
    ]);
    expect(format(350, time)).toBe('350 µs');
    expect(format(12_345, time)).toBe('12.3 ms');
    expect(format(9.4e9, rate)).toBe('9.40 Gbit/s');
    expect(format(Number.NaN, bytes)).toBe('–');
  });
});

describe('axis', () => {
  it('reads like an axis', () => {
    expect(createAxis(1_812_345, 6, bytes, true).ticks.map(({ label }) => label)).toEqual([
      '0',
      '0.5 MB',
      '1.0 MB',
      '1.5 MB',
      '2.0 MB',
    ]);
    expect(createAxis(7_570_000, 9, time, false)).toMatchObject({ maximum: 7_570_000 });
    expect(createAxis(7_570_000, 9, time, false).ticks.at(-1)).toEqual({ value: 7_000_000, label: '7 s' });
  });

  it('has round ticks with different labels, reaches the largest value, and has no more ticks than asked for', () => {
    const size = fc.double({ min: 1, max: 1e15, noNaN: true });
    fc.assert(
      fc.property(size, fc.integer({ min: 1, max: 20 }), fc.boolean(), (largest, count, isRounded) => {
        const { maximum, ticks } = createAxis(largest, count, bytes, isRounded);
        expect(ticks.length).toBeLessThanOrEqual(count + 1);
        expect(new Set(ticks.map(({ label }) => label)).size).toBe(ticks.length);
        if (isRounded) expect(maximum).toBeGreaterThanOrEqual(largest * 0.999999);
        else expect(ticks.at(-1)!.value).toBeLessThanOrEqual(maximum * 1.000001);
        const step = ticks[1]?.value;
        if (step !== undefined) expect(step.toExponential(0)).toMatch(/^[125]e/);
      }),
    );
  });

  it.each([0, Number.NaN, Number.POSITIVE_INFINITY, -5])('survives %s', (largest) => {
    expect(createAxis(largest, 5, time, true)).toMatchObject({ maximum: 1 });
  });
});

describe('envelope', () => {
  it('loses no extreme, however few the columns', () => {
    const value = fc.oneof(fc.integer({ min: 0, max: 1000 }), fc.constant(Number.NaN));
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 300 }),
        fc.integer({ min: 1, max: 50 }),
        (values, columns) => {
          const times = Float64Array.from(values.keys());
          const reduced = envelope(times, Float64Array.from(values), values.length, values.length - 1, columns);
          for (let column = 0; column < columns; column++) {
            const all = values.filter((_, row) => columnOf(row, values.length - 1, columns) === column);
            const known = all.filter((each) => !Number.isNaN(each));
            const state = known.length > 0 ? Column.KNOWN : all.length > 0 ? Column.UNKNOWN : Column.EMPTY;
            expect(reduced.state[column]).toBe(state);
            if (state !== Column.KNOWN) continue;
            expect(reduced.minimum[column]).toBe(Math.min(...known));
            expect(reduced.maximum[column]).toBe(Math.max(...known));
            expect([reduced.first[column], reduced.last[column]]).toEqual([known[0], known.at(-1)]);
          }
        },
      ),
    );
  });
});

describe('TraceRecorder', () => {
  it('keeps its bounds, the extremes, and the count of events', () => {
    const recorder = new TraceRecorder({ maximumSamples: 64, maximumEvents: 10 });
    for (let step = 0; step < 5000; step++) {
      recorder.now.inFlight = step === 1234 ? 9999 : 100 + (step % 7);
      recorder.now.receiveWindow = step === 4321 ? 0 : 500;
      recorder.now.sequence = step;
      recorder.sample(step);
      if (step % 100 === 0) recorder.event('loss', step, step, 1);
    }
    const { samples, events, totals, notes } = recorder.finish('a', 'b');
    expect(samples.length).toBeLessThanOrEqual(64);
    expect(range(samples, 'inFlight')).toEqual({ minimum: 100, maximum: 9999 });
    expect(range(samples, 'receiveWindow').minimum).toBe(0);
    expect(range(samples, 'smoothedRoundTrip').maximum).toBeNaN();
    const sequence = [...samples.sequence.subarray(0, samples.length)];
    expect(sequence).toEqual([...sequence].sort((a, b) => a - b));
    expect(sequence.at(-1)).toBe(4999);
    expect(events).toHaveLength(10);
    expect(totals).toMatchObject({ duration: 4999, events: { loss: 50 } });
    expect(notes).toEqual(['Only the first 10 events are drawn; 40 more are counted.']);
  });

  it('a measurement belongs to one sample; time never goes back', () => {
    const recorder = new TraceRecorder();
    recorder.now.roundTrip = 5;
    recorder.sample(10);
    recorder.sample(8);
    const { samples } = recorder.finish('a', 'b');
    expect([...samples.roundTrip.subarray(0, 2)]).toEqual([5, Number.NaN]);
    expect([...samples.time.subarray(0, 2)]).toEqual([10, 10]);
  });
});
