import { describe, expect, it } from 'vitest';
import { Harness, SEGMENT as MSS } from './harness.testkit.js';
import { DeadlineKind, RecoveryAction } from './recovery-constants.js';

const { NONE, RETRANSMISSION, PROBE, REORDERING } = DeadlineKind;

describe('the retransmission timer (RFC 6298 §5)', () => {
  it('runs only while something is outstanding', () => {
    const h = new Harness(false);
    expect(h.kind).toBe(NONE);
    h.send();
    expect([h.kind, h.wait]).toEqual([RETRANSMISSION, 1_000_000]);
    h.pass(100_000).acknowledge(1);
    expect(h.kind).toBe(NONE);
    expect(h.recovery.onDeadline(h.now)).toBe(RecoveryAction.NONE);
  });

  it('is not restarted by further data, but by each acknowledgement of new data', () => {
    const h = new Harness(false);
    h.send().pass(300_000).send();
    expect(h.wait).toBe(700_000);
    h.pass(100_000).acknowledge(1);
    // R = 400 ms: RTO = 400 + 4 · 200 ms.
    expect(h.wait).toBe(1_200_000);
    h.pass(100_000).acknowledge(1);
    expect(h.wait).toBe(1_100_000);
  });

  it('does nothing when it is served too early, and works when it is served late', () => {
    const h = new Harness(false);
    h.send();
    expect(h.recovery.onDeadline((h.recovery.deadline - 1) | 0)).toBe(RecoveryAction.NONE);
    h.now = (h.recovery.deadline + 256) | 0;
    expect(h.recovery.onDeadline(h.now)).toBe(RecoveryAction.RETRANSMIT);
    expect(h.wait).toBe(2_000_000);
  });

  // RFC 9293 §3.8.2, MUST-19.
  it('doubles with every expiry up to the maximum, counts, and remembers when it began', () => {
    const h = new Harness(false, { maximumTimeout: 5_000_000 });
    h.send(3);
    const first = h.recovery.deadline;
    for (const [i, wait] of [2_000_000, 4_000_000, 5_000_000, 5_000_000].entries()) {
      expect(h.expire()).toBe(RecoveryAction.RETRANSMIT);
      expect(h.wait).toBe(wait);
      expect(h.recovery.consecutiveTimeouts).toBe(i + 1);
      expect(h.recovery.firstTimeoutAt).toBe(first);
      expect(h.recovery.recordStart(h.recovery.nextLost())).toBe(0);
      expect(h.recovery.allowance()).toBe(MSS);
      h.recovery.onRetransmitted(h.recovery.nextLost(), h.now);
      expect(h.recovery.allowance()).toBe(0);
    }
    expect(h.recovery.window.window).toBe(MSS);
    expect(h.control.count('timeout')).toBe(4);
    h.acknowledge(1);
    expect(h.recovery.consecutiveTimeouts).toBe(0);
  });

  // RFC 9293 §3.8.1, MUST-18.
  it('stays backed off until a segment that was sent once is acknowledged (Karn)', () => {
    const h = new Harness(false);
    h.send(2);
    h.pass(100_000).acknowledge(2);
    h.send(2);
    const timeout = h.recovery.estimator.timeout;
    h.expire();
    h.recovery.onRetransmitted(h.recovery.nextLost(), h.now);
    h.pass(100_000).acknowledge(3);
    expect(h.recovery.estimator.timeout).toBe(2 * timeout);
    h.recovery.onRetransmitted(h.recovery.nextLost(), h.now);
    h.pass(100_000).acknowledge(4);
    expect(h.recovery.estimator.timeout).toBe(2 * timeout);
    h.send().pass(100_000).acknowledge(5);
    expect(h.recovery.estimator.timeout).toBeLessThanOrEqual(timeout);
  });

  it('is ended by the timestamps of a retransmission as well, if they can be true', () => {
    for (const [echo, isTaken] of [
      [900, true],
      [1001, false],
      [-2_000_000, false],
      [0, false],
    ] as const) {
      const h = new Harness(false);
      h.recovery.timestampsEnabled = true;
      h.options.hasTimestamps = true;
      h.send();
      h.expire();
      h.recovery.onRetransmitted(h.recovery.nextLost(), h.now);
      h.options.timestampEcho = echo;
      h.recovery.onAcknowledgement(MSS, h.options, false, false, 1000, h.pass(100_000).now);
      expect(h.recovery.estimator.hasSample).toBe(isTaken);
      if (isTaken) expect(h.recovery.estimator.smoothed).toBe(100_000);
    }
  });

  // RFC 9293 §3.8.1, MUST-18.
  it('never takes a round trip from what was retransmitted', () => {
    const h = new Harness(true);
    h.send(5).pass(100_000).acknowledge(1, [2, 5]);
    h.pass(1000);
    const before = h.recovery.estimator.latest;
    h.recovery.onRetransmitted(h.recovery.nextLost(), h.now);
    h.pass(30_000).acknowledge(5);
    expect(h.recovery.estimator.latest).toBe(before);
    expect(h.recovery.estimator.minimum).toBe(100_000);
  });
});

describe('a lost SYN', () => {
  function handshake(timeouts: number, timestamps: boolean, isEstablishedFirst = false): Harness {
    const h = new Harness(false);
    h.recovery.start(-1, h.now);
    h.recovery.onSent(0, h.now);
    for (let i = 0; i < timeouts; i++) {
      h.expire();
      expect(h.recovery.nextLost()).toBeGreaterThanOrEqual(0);
      h.recovery.onRetransmitted(h.recovery.nextLost(), h.now);
    }
    h.options.hasTimestamps = timestamps;
    h.options.timestampEcho = 950;
    h.recovery.timestampsEnabled = timestamps;
    h.pass(50_000);
    if (isEstablishedFirst) h.recovery.established(MSS, h.now);
    h.recovery.onAcknowledgement(0, h.options, false, true, 1000, h.now);
    if (!isEstablishedFirst) h.recovery.established(MSS, h.now);
    expect(h.recovery.check()).toBe(null);
    return h;
  }

  it('lets the timeout begin with 3 s (RFC 6298 §5.7), unless the round trip is known', () => {
    for (const isFirst of [true, false]) {
      expect(handshake(0, false, isFirst).recovery.estimator.timeout).toBe(200_000);
      expect(handshake(1, false, isFirst).recovery.estimator.timeout).toBe(3_000_000);
      expect(handshake(1, true, isFirst).recovery.estimator.timeout).toBe(200_000);
    }
  });

  it('leaves the initial window as it is; lost twice it is one segment (RFC 6928 §2)', () => {
    for (const timestamps of [true, false]) {
      for (const isFirst of [true, false]) {
        expect(handshake(0, timestamps, isFirst).recovery.window.window).toBe(10 * MSS);
        expect(handshake(1, timestamps, isFirst).recovery.window.window).toBe(10 * MSS);
        expect(handshake(2, timestamps, isFirst).recovery.window.window).toBe(MSS);
      }
    }
  });
});

describe('the probe timer (RFC 8985 §7.2)', () => {
  it('waits two round trips after the last news or new data', () => {
    const h = new Harness(true);
    h.send(4).pass(100_000).acknowledge(2);
    // RTO = 100 + 4 · 50 ms.
    expect([h.kind, h.wait]).toEqual([PROBE, 200_000]);
    h.pass(50_000).send();
    expect(h.wait).toBe(200_000);
    // Never later than the retransmission timer.
    h.pass(100_000).send();
    expect([h.kind, h.wait]).toEqual([PROBE, 150_000]);
  });

  it('waits for a delayed acknowledgement when one segment is outstanding', () => {
    const h = new Harness(true, { minimumTimeout: 1_000_000 });
    h.send(2).pass(100_000).acknowledge(1);
    expect([h.kind, h.wait]).toEqual([PROBE, 400_000]);
    h.send();
    expect(h.wait).toBe(200_000);
  });

  it('waits 1 s before the first round trip is known', () => {
    const h = new Harness(true, { initialTimeout: 3_000_000 });
    h.send(2);
    expect([h.kind, h.wait]).toEqual([PROBE, 1_000_000]);
  });

  it('is no less than its minimum', () => {
    const h = new Harness(true);
    h.send(4).pass(20).acknowledge(2);
    expect([h.kind, h.wait]).toEqual([PROBE, 2000]);
  });

  it('is followed by the retransmission timer, sent or not (§7.3)', () => {
    const h = new Harness(true);
    h.send(4).pass(100_000).acknowledge(2);
    const timeout = h.recovery.estimator.timeout;
    expect(h.expire()).toBe(RecoveryAction.PROBE_SEND_NEW_OR_LAST);
    expect([h.kind, h.wait]).toEqual([RETRANSMISSION, timeout]);
    expect(h.recovery.lastRecord()).toBeGreaterThanOrEqual(0);
    h.recovery.onRetransmitted(h.recovery.lastRecord(), h.now);
    expect([h.kind, h.wait]).toEqual([RETRANSMISSION, timeout]);
    expect(h.expire()).toBe(RecoveryAction.RETRANSMIT);
    expect(h.control.calls).toEqual(['timeout']);
  });

  it('is off without SACK, with something SACKed, and in a repair', () => {
    const without = new Harness(false).send(4).pass(100_000).acknowledge(2);
    expect(without.kind).toBe(RETRANSMISSION);
    const reordered = new Harness(true).send(4).pass(100_000).acknowledge(1, [2, 3]);
    expect([reordered.kind, reordered.wait]).toEqual([REORDERING, 25_000]);
    reordered.expire();
    expect(reordered.kind).toBe(RETRANSMISSION);
  });
});

describe('the reordering timer (RFC 8985 §6.2 step 5)', () => {
  it('fires when the window is over, and the segment counts as lost', () => {
    const h = new Harness(true).send(4).pass(100_000).acknowledge(1, [2, 3]);
    expect(h.recovery.nextLost()).toBe(-1);
    expect(h.expire()).toBe(RecoveryAction.RETRANSMIT);
    expect(h.recovery.recordStart(h.recovery.nextLost())).toBe(MSS);
    expect(h.control.calls).toEqual(['congestion']);
    expect(h.recovery.allowance()).toBe(MSS);
    h.recovery.onRetransmitted(h.recovery.nextLost(), h.now);
    h.pass(100_000).acknowledge(4);
    expect(h.control.calls).toEqual(['congestion', 'recovered']);
    expect(h.kind).toBe(NONE);
  });

  it('is not shorter than timers can be, however short the round trip', () => {
    const h = new Harness(true).send(4).pass(40).acknowledge(1, [2, 3]);
    expect([h.kind, h.wait]).toEqual([REORDERING, 250]);
  });

  it('is called off when the segment arrives', () => {
    const h = new Harness(true).send(4).pass(100_000).acknowledge(1, [2, 3]);
    h.pass(10_000).acknowledge(3);
    expect(h.kind).toBe(PROBE);
  });
});

describe('idle periods', () => {
  it('longer than the timeout bring the window back to the initial one (RFC 5681 §4.1)', () => {
    for (const [idle, isRestarted] of [
      [150_000, false],
      [400_000, true],
      [2_200_000_000, true],
    ] as const) {
      const h = new Harness(true);
      h.send(4).pass(100_000).acknowledge(4);
      h.recovery.window.window = 100 * MSS;
      h.pass(idle);
      h.recovery.resume(h.now);
      expect(h.recovery.window.window).toBe(isRestarted ? 10 * MSS : 100 * MSS);
    }
  });

  it('do nothing while something is outstanding', () => {
    const h = new Harness(true);
    h.send(4).pass(100_000).acknowledge(3);
    h.pass(10_000_000);
    h.recovery.resume(h.now);
    expect(h.control.calls).toEqual([]);
  });
});
