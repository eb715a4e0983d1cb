import { describe, expect, it, vi } from 'vitest';
import { Harness, SEGMENT } from './harness.testkit.js';
import { DeadlineKind, RecoveryAction, RecoveryPhase } from './recovery-constants.js';

const { OPEN, DISORDER, RECOVERY, LOSS } = RecoveryPhase;

/** Twelve segments out, round trip 100 ms, the first four acknowledged; a window of 20. */
function begin(sack = true): Harness {
  const h = new Harness(sack);
  h.recovery.window.window = 20 * SEGMENT;
  h.recovery.window.slowStartThreshold = 20 * SEGMENT;
  h.send(12).pass(100_000).acknowledge(4);
  return h;
}

describe('fast recovery', () => {
  it('congestion control hears nothing of acknowledgements while it lasts', () => {
    const h = begin().acknowledge(4, [5, 8]);
    expect(h.recovery.phase).toBe(RECOVERY);
    const before = h.control.acknowledgements;
    h.retransmit();
    h.pass(100_000).acknowledge(4, [5, 10]).acknowledge(11);
    expect(h.recovery.phase).toBe(RECOVERY);
    expect(h.control.acknowledgements).toBe(before);
    h.acknowledge(12).send(1).pass(100_000).acknowledge(13);
    expect(h.recovery.phase).toBe(OPEN);
    expect(h.control.acknowledgements).toBe(before + 1);
  });

  it('with losses in what was sent meanwhile is followed by another (RFC 5681 §4.3)', () => {
    const h = begin().acknowledge(4, [5, 12]);
    expect(h.retransmit()).toEqual([4]);
    h.send(4);
    // 12 is lost, sent after recovery began; the retransmission of 4 arrives.
    h.pass(100_000).acknowledge(12, [13, 16]);
    expect(h.recovery.phase).toBe(RECOVERY);
    expect(h.control.calls).toEqual(['congestion', 'recovered', 'congestion']);
    expect(h.retransmit()).toEqual([12]);
    h.pass(100_000).acknowledge(16);
    expect(h.control.calls).toEqual(['congestion', 'recovered', 'congestion', 'recovered']);
    expect(h.recovery.phase).toBe(OPEN);
  });

  it('that begins when all that is lost is on its way again lets nothing new leave beyond the window', () => {
    const h = begin().acknowledge(4, [5, 12]);
    h.send(4);
    expect(h.retransmit()).toEqual([4]);
    h.pass(50_000).acknowledge(4, [5, 12], [13, 16]);
    expect(h.retransmit()).toEqual([12]);
    h.pass(50_000).acknowledge(12, [13, 16]);
    expect(h.control.calls).toEqual(['congestion', 'recovered', 'congestion']);
    expect(h.recovery.phase).toBe(RECOVERY);
    expect(h.recovery.nextLost()).toBe(-1);
    let sent = 0;
    while (h.recovery.allowance() >= SEGMENT && sent < 40) {
      h.send();
      sent++;
    }
    expect(sent).toBeLessThan(10);
    expect(h.recovery.inFlight).toBeLessThanOrEqual(h.recovery.window.window);
  });

  it('retransmissions found lost by the reordering timer are a second congestion as well', () => {
    const h = begin();
    h.recovery.rack.hasReordering = true;
    h.acknowledge(4, [7, 10]);
    expect(h.kindAndWait).toEqual([DeadlineKind.REORDERING, 25_000]);
    h.expire();
    // The first goes at once, the others as others arrive.
    expect(h.retransmit()).toEqual([4]);
    h.acknowledge(4, [7, 12]);
    expect(h.retransmit()).toEqual([5, 6]);
    h.send(3).pass(100_000);
    const next = h.recovery.next / SEGMENT;
    h.acknowledge(4, [7, next]);
    expect(h.kindAndWait).toEqual([DeadlineKind.REORDERING, 25_000]);
    while (h.recovery.allowance() >= SEGMENT) h.send(1);
    expect(h.expire()).toBe(RecoveryAction.RETRANSMIT);
    expect(h.recovery.rack.lostRetransmissions).toBe(3);
    expect(h.control.calls).toEqual(['congestion', 'congestion']);
    // Nothing was delivered by a timer: one segment leaves.
    expect(h.retransmit()).toEqual([4]);
    expect(h.recovery.allowance()).toBe(0);
  });

  it('PRR hears of progress only when no further loss was found with it (SafeACK)', () => {
    for (const isSafe of [true, false]) {
      const h = begin().send(8).acknowledge(4, [6, 10]);
      expect(h.recovery.phase).toBe(RECOVERY);
      h.retransmit();
      const spy = vi.spyOn(h.recovery.reduction, 'onAcknowledgement');
      h.pass(100_000);
      // What was sent before the retransmission and has not arrived with it is lost.
      h.acknowledge(5, isSafe ? [6, 20] : [6, 19]);
      expect(spy.mock.lastCall?.[4]).toBe(isSafe);
      h.retransmit();
      h.pass(1000).acknowledge(5, [6, 20]);
      if (!isSafe) expect(spy.mock.lastCall?.[4]).toBe(false);
    }
  });

  it('is not begun by loss in a window of data that ECE has reduced already (RFC 3168 §6.1.2)', () => {
    const h = begin();
    h.ecnEcho = true;
    h.acknowledge(5);
    h.ecnEcho = false;
    expect(h.control.calls).toEqual(['congestion', 'recovered']);
    const threshold = h.recovery.window.slowStartThreshold;
    h.acknowledge(5, [6, 9]);
    expect(h.recovery.phase).toBe(RECOVERY);
    expect(h.retransmit()).toEqual([5]);
    expect(h.control.count('congestion')).toBe(1);
    h.pass(100_000).acknowledge(12);
    expect(h.recovery.window.slowStartThreshold).toBe(threshold);
    expect(h.recovery.window.window).toBe(threshold);
  });

  it('without SACK needs data acknowledged that was sent after the last one (RFC 6582 §3.2 step 2)', () => {
    const h = begin(false);
    for (let i = 0; i < 3; i++) h.acknowledge(4);
    expect(h.retransmit()).toEqual([4]);
    h.send(3);
    h.pass(100_000).acknowledge(12);
    expect(h.control.calls).toEqual(['congestion', 'recovered']);
    for (let i = 0; i < 5; i++) h.acknowledge(12);
    expect(h.recovery.phase).toBe(DISORDER);
    expect(h.control.calls).toEqual(['congestion', 'recovered']);
    h.acknowledge(13);
    for (let i = 0; i < 3; i++) h.acknowledge(13);
    expect(h.recovery.phase).toBe(RECOVERY);
  });

  it('without SACK takes no round trip from what a filled hole uncovers (Karn)', () => {
    const h = begin(false);
    for (let i = 0; i < 3; i++) h.acknowledge(4);
    h.retransmit();
    const { latest, minimum } = h.recovery.estimator;
    h.pass(30_000).acknowledge(12);
    expect(h.recovery.estimator.latest).toBe(latest);
    expect(h.recovery.estimator.minimum).toBe(minimum);
  });
});

describe('the retransmission timeout', () => {
  it('counts as lost the oldest and what is overdue, not what was just sent (RFC 8985 §6.3)', () => {
    const h = begin();
    h.recovery.probe.cancel();
    h.recovery.probe.hasRoundTrip = false;
    h.send(1);
    h.now = (h.recovery.retransmissionDeadline - 1000) | 0;
    h.send(2);
    expect(h.kind).toBe(DeadlineKind.RETRANSMISSION);
    h.expire();
    expect(h.recovery.phase).toBe(LOSS);
    expect(h.recovery.records.lostBytes).toBe(9 * SEGMENT);
    expect(h.recovery.inFlight).toBe(2 * SEGMENT);
    // What is in flight does not keep the first from being sent again, but all the others.
    expect(h.retransmit()).toEqual([4]);
  });

  it('without SACK counts everything as lost, and forgets what duplicates said', () => {
    const h = begin(false).acknowledge(4).acknowledge(4);
    expect(h.recovery.inFlight).toBe(6 * SEGMENT);
    h.expire();
    expect(h.recovery.inFlight).toBe(0);
    expect(h.retransmit()).toEqual([4]);
    expect(h.recovery.inFlight).toBe(SEGMENT);
  });

  it('names losses in order of sequence, whatever had been retransmitted before', () => {
    const h = new Harness(true);
    h.recovery.window.window = 100 * SEGMENT;
    h.send(60).pass(100_000).acknowledge(0, [30, 60]);
    h.recovery.rack.loseOnTimeout(h.recovery.records, true, 0, h.now);
    const order: number[] = [];
    for (let i = h.recovery.records.firstLost; i >= 0; i = h.recovery.nextLost()) {
      order.push(i);
      h.recovery.onRetransmitted(i, h.now);
    }
    expect(order).toEqual(Array.from({ length: 30 }, (_, i) => i));
    // Retransmissions in the order of their time are lost in another order.
    h.recovery.records.markLost(29);
    for (let i = 0; i < 29; i++) h.recovery.records.markLost((i * 7) % 29);
    h.recovery.rack.loseOnTimeout(h.recovery.records, true, 0, h.now);
    const again: number[] = [];
    for (let i = h.recovery.nextLost(); i >= 0; i = h.recovery.nextLost()) {
      again.push(i);
      h.recovery.onRetransmitted(i, h.now);
    }
    expect(again).toEqual(order);
  });

  it('during fast recovery is not examined by F-RTO (RFC 5682 §2.1 step 1)', () => {
    const h = begin().acknowledge(4, [5, 8]);
    h.retransmit();
    h.recovery.newDataAvailable = true;
    while (h.recovery.phase !== LOSS) h.expire();
    expect(h.retransmit()).toEqual([4]);
    h.acknowledge(5, [5, 8]);
    expect(h.recovery.nextLost()).toBeGreaterThanOrEqual(0);
  });

  it('ends the wait for reordered segments', () => {
    const h = new Harness(true, { reorderingGranularity: 400_000 });
    h.send(8).pass(100_000).acknowledge(4, [5, 7]);
    expect(h.recovery.rack.wait).toBe(400_000);
    expect(h.kind).toBe(DeadlineKind.RETRANSMISSION);
    h.expire();
    expect(h.recovery.phase).toBe(LOSS);
    expect(h.kindAndWait).toEqual([DeadlineKind.RETRANSMISSION, h.recovery.estimator.timeout]);
  });
});

describe('undo', () => {
  /** 4 is retransmitted although it is only late. */
  function spurious(): Harness {
    const h = begin().stamp(1, 101).acknowledge(4, [5, 8]);
    expect(h.retransmit()).toEqual([4]);
    return h;
  }

  it('loss after it, even in the same window of data, is congestion again', () => {
    const h = spurious();
    h.pass(20_000).stamp(1, 121).acknowledge(8);
    expect(h.control.calls).toEqual(['congestion', 'undo']);
    h.pass(200_000).acknowledge(8, [9, 12]);
    while (h.recovery.phase !== RECOVERY) h.expire();
    expect(h.control.calls).toEqual(['congestion', 'undo', 'congestion']);
  });

  it('by Eifel: an acknowledgement that was held up on the way says nothing', () => {
    const h = begin().stamp(1, 101).acknowledge(4, [6, 10]);
    expect(h.retransmit(1)).toEqual([4]);
    h.recovery.undo.onRetransmitted(5 * SEGMENT, 6 * SEGMENT, h.now);
    h.recovery.undo.firstRetransmittedEnd = 6 * SEGMENT;
    // Sent before the retransmission, for 4 alone; what was retransmitted first is 5.
    h.pass(20_000).stamp(1, 121).acknowledge(5, [6, 10]);
    expect(h.control.calls).toEqual(['congestion']);
    // And what was judged once is not judged again.
    h.stamp(119, 121).acknowledge(10);
    h.stamp(1, 121).acknowledge(11);
    expect(h.control.calls).toEqual(['congestion']);
  });

  it('by Eifel after several timeouts goes by the first retransmission', () => {
    const h = begin(false).stamp(1, 101);
    h.expire();
    h.retransmit();
    const first = h.now;
    h.expire();
    h.retransmit();
    const age = Math.floor((h.now - first) / 1000);
    // The acknowledgement answers the first retransmission.
    h.pass(10_000)
      .stamp(1000 - age - 9, 1000)
      .acknowledge(5);
    expect(h.control.count('undo')).toBe(0);
    expect(h.control.count('timeout')).toBe(2);
  });

  it('by D-SACK ends two round trips after the repair', () => {
    for (const [rounds, isUndone] of [
      [1, true],
      [3, false],
    ] as const) {
      const h = begin().acknowledge(4, [5, 8]);
      h.retransmit();
      h.pass(50_000).acknowledge(12);
      let next = 12;
      for (let i = 0; i < rounds; i++) h.send(1).pass(100_000).acknowledge(++next);
      h.send(1).pass(100_000).acknowledge(next, [4, 5]);
      expect(h.control.count('undo')).toBe(isUndone ? 1 : 0);
    }
  });
});

describe('RACK', () => {
  it('an original that is late does not make what was sent before its retransmission lost (§6.2 step 2)', () => {
    const h = begin().stamp(1, 101).acknowledge(4, [5, 8]);
    expect(h.retransmit()).toEqual([4]);
    h.pass(150_000).stamp(1, 251);
    h.recovery.undo.end();
    // The original of 4 has arrived. 8 to 11 were sent before the retransmission, but not before that.
    h.acknowledge(8);
    expect(h.recovery.records.lostBytes).toBe(0);
    expect(h.recovery.nextLost()).toBe(-1);
  });

  it('enlarges the window once per round trip, and keeps it for 16 recoveries (§6.2 step 4)', () => {
    const h = begin();
    const { rack, estimator } = h.recovery;
    h.acknowledge(4, [1, 2]).acknowledge(4, [2, 3]);
    expect(rack.multiplier).toBe(2);
    h.acknowledge(12).send(2).pass(100_000).acknowledge(13, [3, 4]);
    expect(rack.multiplier).toBe(3);
    rack.hasReordering = true;
    expect(rack.reorderingWindow(estimator, true, 0)).toBe(75_000);
    rack.multiplier = 100;
    expect(rack.reorderingWindow(estimator, true, 0)).toBe(estimator.smoothed);
    for (let i = 0; i < 15; i++) rack.onRecovered();
    expect(rack.multiplier).toBe(100);
    rack.onRecovered();
    expect(rack.multiplier).toBe(1);
  });

  it('hears of every recovery that ends', () => {
    const h = begin();
    h.recovery.rack.onDuplicateSack(h.recovery.next);
    h.acknowledge(4, [5, 8]);
    h.retransmit();
    h.pass(100_000).acknowledge(12);
    expect(h.recovery.rack.persistence).toBe(15);
  });
});

describe('the tail loss probe', () => {
  /** A probe was sent again, and its acknowledgement does not tell which of the two arrived. */
  function ambiguous(): Harness {
    const h = begin();
    expect(h.expire()).toBe(RecoveryAction.PROBE_SEND_NEW_OR_LAST);
    h.recovery.onRetransmitted(h.recovery.lastRecord(), h.now);
    h.pass(100_000).acknowledge(12);
    expect(h.recovery.probe.isOutstanding).toBe(true);
    return h;
  }

  it('needs no room in the window', () => {
    const h = begin();
    h.recovery.window.window = 8 * SEGMENT;
    expect(h.recovery.allowance()).toBe(0);
    h.expire();
    expect(h.recovery.allowance()).toBe(SEGMENT);
    h.send(1);
    expect(h.recovery.allowance()).toBe(0);
  });

  it('is not sent while one is outstanding (§7.3)', () => {
    const late = begin();
    late.expire();
    late.recovery.onRetransmitted(late.recovery.lastRecord(), late.now);
    // The acknowledgements were late; a round trip is measured.
    late.pass(10_000).acknowledge(7);
    expect(late.recovery.probe.hasRoundTrip).toBe(true);
    expect(late.kind).toBe(DeadlineKind.RETRANSMISSION);
    const h = ambiguous().send(2);
    expect(h.kind).toBe(DeadlineKind.RETRANSMISSION);
    h.pass(100_000).acknowledge(13);
    expect(h.kind).toBe(DeadlineKind.PROBE);
  });

  it('is not sent again before a round trip was measured (§7.3)', () => {
    const h = begin();
    h.expire();
    h.recovery.onRetransmitted(h.recovery.lastRecord(), h.now);
    h.recovery.probe.isOutstanding = false;
    h.pass(1).send(1);
    expect(h.kind).toBe(DeadlineKind.RETRANSMISSION);
  });

  it('that was one too many is no sign of reordering; another D-SACK is', () => {
    const h = ambiguous();
    h.acknowledge(12, [11, 12]);
    expect(h.recovery.rack.multiplier).toBe(1);
    expect(h.control.calls).toEqual([]);
    const other = ambiguous();
    other.acknowledge(12, [9, 10]);
    expect(other.recovery.rack.multiplier).toBe(2);
  });
});
