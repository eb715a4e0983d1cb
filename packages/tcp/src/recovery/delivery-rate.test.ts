import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Harness, SEGMENT } from './harness.testkit.js';
import { Model, RecordingControl } from './recovery.testkit.js';
import { RecoveryAction } from './recovery-constants.js';

const RATE = { deliveryRate: true };

function rated(): Harness {
  return new Harness(true, {}, RATE);
}

/** Interval, bytes in it, delivered when it began, in flight at its transmission, lost since. */
function rateOf(h: Harness): [number, number, number, number, number] {
  const s = h.control.last;
  return [s.interval, s.intervalBytes, s.priorDelivered, s.inFlightAtSend, s.lostSinceSend];
}

describe('a rate sample', () => {
  it('is that of the segment acknowledged that was sent last, from the acknowledgement known of at its transmission', () => {
    const h = rated();
    h.send(4).pass(50_000).send(2).pass(50_000).acknowledge(2);
    expect(rateOf(h)).toEqual([100_000, 2 * SEGMENT, 0, 2 * SEGMENT, 0]);
    expect(h.control.last).toMatchObject({
      acknowledgedBytes: 2 * SEGMENT,
      deliveredBytes: 2 * SEGMENT,
      deliveredTotal: 2 * SEGMENT,
      inFlight: 6 * SEGMENT,
      inFlightNow: 4 * SEGMENT,
      lostBytes: 0,
      lostTotal: 0,
      isApplicationLimited: false,
    });
    h.send(1).pass(10_000).acknowledge(4);
    expect(rateOf(h)).toEqual([110_000, 4 * SEGMENT, 0, 4 * SEGMENT, 0]);
    h.pass(40_000).acknowledge(6);
    // Sent over 50 ms, acknowledged over 150.
    expect(rateOf(h)).toEqual([150_000, 6 * SEGMENT, 0, 6 * SEGMENT, 0]);
    h.pass(50_000).acknowledge(7);
    // Sent when the first two had arrived, 100 ms after them.
    expect(rateOf(h)).toEqual([100_000, 5 * SEGMENT, 2 * SEGMENT, 5 * SEGMENT, 0]);
    expect(h.recovery.rate.latest).toBe(50_000);
  });

  it('takes the time of sending where acknowledgements come in a heap', () => {
    const h = rated();
    h.send().pass(40_000).send().pass(60_000).acknowledge(1);
    h.send().pass(90_000).send().pass(10_000).acknowledge(4);
    // Sent within 190 ms since the first, acknowledged within 100 ms.
    expect(rateOf(h)).toEqual([190_000, 3 * SEGMENT, SEGMENT, 3 * SEGMENT, 0]);
  });

  it('begins anew when nothing was outstanding', () => {
    const h = rated();
    h.send().pass(100_000).acknowledge(1).pass(5_000_000).send(2).pass(100_000).acknowledge(3);
    expect(rateOf(h)).toEqual([100_000, 2 * SEGMENT, SEGMENT, 2 * SEGMENT, 0]);
  });

  it('comes from SACK as well, and not a second time from the acknowledgement', () => {
    const h = rated();
    h.send(5).pass(100_000).acknowledge(0, [2, 3]);
    expect(rateOf(h)).toEqual([100_000, SEGMENT, 0, 3 * SEGMENT, 0]);
    expect([h.control.last.inFlight, h.control.last.inFlightNow]).toEqual([5 * SEGMENT, 4 * SEGMENT]);
    h.pass(1000).acknowledge(3);
    expect(rateOf(h)).toEqual([101_000, 3 * SEGMENT, 0, 2 * SEGMENT, 0]);
    expect(h.control.last.deliveredBytes).toBe(2 * SEGMENT);
  });

  it('is renewed by retransmission, and tells what was lost since', () => {
    const h = new Harness(true, {}, { deliveryRate: true, rulesRecovery: true });
    h.send(10).pass(100_000).acknowledge(0, [1, 4]);
    expect(rateOf(h)).toEqual([100_000, 3 * SEGMENT, 0, 4 * SEGMENT, SEGMENT]);
    expect(h.control.last).toMatchObject({ lostBytes: SEGMENT, lostTotal: SEGMENT, inFlightNow: 6 * SEGMENT });
    expect(h.retransmit()).toEqual([0]);
    h.pass(1000).acknowledge(0, [1, 5]);
    expect(h.control.last).toMatchObject({ lostBytes: 0, lostTotal: SEGMENT, lostSinceSend: SEGMENT });
    h.pass(99_000).acknowledge(5);
    // Of the retransmission: 3 had arrived, 7 were in flight with it. It overtook the five behind, which are lost.
    expect(rateOf(h)).toEqual([100_000, 2 * SEGMENT, 3 * SEGMENT, 7 * SEGMENT, 5 * SEGMENT]);
  });

  it('is none when it can only be that of the original', () => {
    const h = rated();
    h.send().pass(100_000).acknowledge(1).send(3);
    while (h.expire() !== RecoveryAction.RETRANSMIT) h.recovery.probe.cancel();
    expect(h.retransmit()).toEqual([1]);
    // The acknowledgement known of then is that of long ago.
    h.pass(1000).acknowledge(2);
    expect(h.control.last.interval).toBeGreaterThan(200_000);
    expect(h.retransmit(1)).toEqual([2]);
    h.pass(1000).acknowledge(3);
    expect(h.control.last).toMatchObject({ interval: -1, deliveredBytes: SEGMENT, priorDelivered: 2 * SEGMENT });
  });

  it('is none for an acknowledgement that delivers nothing', () => {
    const h = new Harness(true, {}, { deliveryRate: true, rulesRecovery: true });
    h.send(3).pass(100_000).acknowledge(1).acknowledge(1);
    expect(rateOf(h)).toEqual([-1, 0, 0, 0, 0]);
    expect(h.control.last).toMatchObject({ deliveredBytes: 0, deliveredTotal: SEGMENT, inFlightNow: 2 * SEGMENT });
  });

  it('is none for a record acknowledged in part only, whose rest still yields one', () => {
    const h = rated();
    h.send().pass(100_000);
    const { recovery } = h;
    recovery.onAcknowledgement(400, h.options, false, false, 0, h.now);
    expect(h.control.last).toMatchObject({ interval: -1, deliveredBytes: 400 });
    h.pass(1000).acknowledge(1);
    expect(rateOf(h)).toEqual([101_000, SEGMENT, 0, SEGMENT, 0]);
  });

  it('without SACK counts what duplicates announce', () => {
    const h = new Harness(false, {}, RATE);
    h.send(4).pass(100_000).acknowledge(0).acknowledge(0);
    expect(h.control.last).toMatchObject({ interval: -1, deliveredTotal: 2 * SEGMENT });
    h.pass(10_000).acknowledge(4);
    expect(rateOf(h)).toEqual([110_000, 4 * SEGMENT, 0, 4 * SEGMENT, 0]);
  });
});

describe('application-limited', () => {
  it('is what is sent until the pause is behind everything that was in flight', () => {
    const h = rated();
    h.send(2).pass(10_000);
    h.recovery.limitedByApplication();
    h.send(1).pass(90_000).acknowledge(2);
    expect(h.control.last.isApplicationLimited).toBe(false);
    h.send(1).pass(10_000).acknowledge(3);
    expect(h.control.last.isApplicationLimited).toBe(true);
    h.send(1).pass(90_000).acknowledge(4);
    expect(h.control.last.isApplicationLimited).toBe(true);
    h.pass(10_000).acknowledge(5);
    expect(h.control.last.isApplicationLimited).toBe(false);
  });

  it('is not a sender whose window is full, or who has something to retransmit', () => {
    const full = rated().send(10);
    full.recovery.limitedByApplication();
    expect(full.recovery.rate.isApplicationLimited).toBe(false);

    const h = rated().send(8).pass(100_000).acknowledge(0, [1, 5]);
    h.recovery.limitedByApplication();
    expect(h.recovery.rate.isApplicationLimited).toBe(false);
    h.retransmit();
    h.recovery.window.window = 10 * SEGMENT;
    h.recovery.limitedByApplication();
    expect(h.recovery.rate.isApplicationLimited).toBe(true);
  });
});

describe('what is lost', () => {
  it('is counted each time, after timeouts too', () => {
    const h = new Harness(true, {}, { rulesRecovery: true });
    h.send(3);
    while (h.expire() !== RecoveryAction.RETRANSMIT) h.recovery.probe.cancel();
    expect(h.recovery.records.lostTotal).toBe(3 * SEGMENT);
    expect(h.retransmit()).toEqual([0]);
    expect(h.expire()).toBe(RecoveryAction.RETRANSMIT);
    expect(h.recovery.records.lostTotal).toBe(4 * SEGMENT);
    h.retransmit();
    h.pass(100_000).acknowledge(1);
    expect(h.control.last).toMatchObject({ lostBytes: 4 * SEGMENT, lostTotal: 4 * SEGMENT });
    h.retransmit();
    h.pass(100_000).acknowledge(3);
    expect(h.control.last).toMatchObject({ lostBytes: 0, lostTotal: 4 * SEGMENT });
  });

  it('is not what has become too long for the path', () => {
    const h = rated();
    h.recovery.onSent(400, h.now);
    h.recovery.onSent(1400, h.now);
    h.recovery.onSegmentSizeReduced(500, h.now);
    expect(h.recovery.records.lostTotal).toBe(0);
    expect(h.recovery.records.lostBytes).toBe(1000);
    h.pass(100_000);
    h.recovery.onAcknowledgement(400, h.options, false, false, 0, h.now);
    expect(rateOf(h)).toEqual([100_000, 400, 0, 400, 0]);
    // The halves of the other one know when the whole was sent.
    h.recovery.onAcknowledgement(900, h.options, false, false, 0, h.now);
    expect(rateOf(h)).toEqual([100_000, 900, 0, 1400, 0]);
  });
});

describe('another congestion control', () => {
  it('has no samples of what was sent before it asked for them', () => {
    const h = new Harness(true);
    h.send(3).pass(50_000);
    const control = new RecordingControl(RATE);
    h.recovery.use(control, h.now);
    h.send(1).pass(50_000).acknowledge(3);
    expect(control.last).toMatchObject({ interval: -1, deliveredTotal: 3 * SEGMENT });
    h.pass(50_000).acknowledge(4);
    // From the change on, four segments in 100 ms.
    expect(control.last).toMatchObject({ interval: 100_000, intervalBytes: 4 * SEGMENT, inFlightAtSend: 4 * SEGMENT });
  });

  it('that does not want them keeps no memory for them; nothing of before is taken for new', () => {
    const h = rated();
    h.send(6).pass(50_000);
    expect(h.recovery.records.rates.length).toBe(8 * 8);
    h.recovery.use(new RecordingControl(), h.now);
    expect(h.recovery.records.rates.length).toBe(0);
    h.pass(50_000).acknowledge(2).send(4);
    const control = new RecordingControl(RATE);
    h.recovery.use(control, h.now);
    h.pass(50_000).acknowledge(6).pass(50_000).acknowledge(10);
    expect(control.samples.map((s) => s.interval)).toEqual([-1, -1]);
  });
});

it('records keep it while their ring grows', () => {
  const h = rated();
  h.send(3).pass(100_000).acknowledge(2);
  for (let i = 0; i < 30; i++) h.send();
  h.pass(100_000);
  for (let i = 3; i <= 33; i++) {
    h.acknowledge(i);
    const expected =
      i === 3
        ? [200_000, 3 * SEGMENT, 0, 3 * SEGMENT, 0]
        : [100_000, (i - 2) * SEGMENT, 2 * SEGMENT, (i - 2) * SEGMENT, 0];
    expect(rateOf(h)).toEqual(expected);
  }
});

it('the trait `sent` tells of every transmission, with what is in flight then', () => {
  const h = new Harness(true, {}, { sent: true });
  h.send().send(2).pass(100_000).acknowledge(0, [1, 3]);
  h.send(2).pass(100_000).acknowledge(0, [1, 5]);
  expect(h.retransmit()).toEqual([0]);
  expect(h.control.sent).toEqual([
    [SEGMENT, SEGMENT],
    [2 * SEGMENT, 3 * SEGMENT],
    [2 * SEGMENT, 3 * SEGMENT],
    [SEGMENT, SEGMENT],
  ]);
});

/** A line of `rate` bytes per second and `delay` µs with a queue of `queue` bytes in front of it, that loses each `every`th. */
function line(rate: number, delay: number, queue: number, isLost: () => boolean) {
  let freeAt = 0;
  const dropped = { bytes: 0 };
  const fate = (segment: { sentAt: number; length: number }): number[] => {
    const start = Math.max(freeAt, segment.sentAt);
    if (isLost() || (start - segment.sentAt) * rate > queue * 1e6) {
      dropped.bytes += segment.length;
      return [];
    }
    freeAt = start + (segment.length * 1e6) / rate;
    return [Math.ceil(freeAt) - segment.sentAt + delay];
  };
  return { fate, dropped };
}

const path = fc.record({
  rate: fc.constantFrom(200_000, 1_000_000, 20_000_000),
  delay: fc.constantFrom(1000, 20_000),
  queue: fc.constantFrom(20_000, 200_000),
  lossEvery: fc.constantFrom(0, 100, 17),
  heap: fc.constantFrom(0, 5000, 30_000),
  acknowledgeEvery: fc.constantFrom(1, 2),
  seed: fc.integer({ min: 1 }),
  rulesRecovery: fc.boolean(),
});

it('on any path no sample is faster than the line, and what was delivered and lost is the truth at every step', () => {
  fc.assert(
    fc.property(path, (p) => {
      let random = p.seed;
      const isLost = () => {
        random = (Math.imul(random, 1_103_515_245) + 12_345) | 0;
        return p.lossEvery > 0 && (random >>> 8) % p.lossEvery === 0;
      };
      const { fate, dropped } = line(p.rate, p.delay, p.queue, isLost);
      const model: Model = new Model({
        bytes: 400_000,
        fate,
        // Acknowledgements arrive in heaps.
        acknowledgementFate: () => {
          const at = model.time + p.delay;
          return [p.heap === 0 ? p.delay : p.delay + p.heap - (at % p.heap)];
        },
        acknowledgeEvery: p.acknowledgeEvery,
        traits: { deliveryRate: true, rulesRecovery: p.rulesRecovery },
      });
      const { recovery, control } = model;
      let repaired = 0;
      model.onStep = () => {
        expect(recovery.deliveredTotal).toBe(model.acknowledgedBytes + recovery.records.sackedBytes);
        repaired = model.sent.reduce((sum, s) => sum + (s.isRetransmission ? s.length : 0), 0);
        const waiting = recovery.records.lostBytes - recovery.records.retransmittedBytes;
        // After a timeout that was too early some of what counted as lost arrives before it is sent again.
        if (model.timeouts > 0)
          expect(recovery.records.lostTotal + model.probes * SEGMENT).toBeGreaterThanOrEqual(repaired + waiting);
        else if (model.probes === 0) expect(recovery.records.lostTotal).toBe(repaired + waiting);
      };
      model.run();
      expect(model.isDone).toBe(true);
      if (model.probes === 0 && model.timeouts === 0) expect(recovery.records.lostTotal).toBe(dropped.bytes);
      let lost = 0;
      for (const s of control.samples) {
        lost += s.lostBytes;
        if (s.interval < 0) continue;
        expect(s.interval).toBeGreaterThanOrEqual(s.minimumRoundTrip);
        // One segment may have been on the line already when the interval began, and the acknowledgements of a heap.
        expect(s.intervalBytes - SEGMENT).toBeLessThanOrEqual((p.rate * (s.interval + p.heap)) / 1e6 + 1);
        expect(s.intervalBytes).toBeLessThanOrEqual(s.deliveredTotal);
        expect(s.lostSinceSend).toBeLessThanOrEqual(s.lostTotal);
        expect(s.inFlightAtSend).toBeGreaterThan(0);
      }
      expect(lost).toBe(control.last.lostTotal);
    }),
    { numRuns: 100 },
  );
});

it('a line that is kept busy is measured to the percent', () => {
  const { fate } = line(1_000_000, 20_000, 60_000, () => false);
  const model = new Model({ bytes: 2_000_000, fate, traits: RATE }).run();
  const rates = model.control.samples.filter((s) => s.interval > 0).map((s) => s.intervalBytes / s.interval);
  const late = rates.slice(500).sort((a, b) => a - b);
  expect(late[late.length >> 1]).toBeGreaterThan(0.99);
  expect(late.at(-1)).toBeLessThan(1.03);
});
