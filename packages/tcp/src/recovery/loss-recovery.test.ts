import { TcpOptions } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { Model, type Segment } from './recovery.testkit.js';
import { DeadlineKind, RecoveryPhase } from './recovery-constants.js';

const MSS = 1000;
const DELAY = 50_000;
const ROUND_TRIP = 2 * DELAY;
const { OPEN, DISORDER, RECOVERY, LOSS } = RecoveryPhase;

/** Loses the first transmission of the segments with these numbers. */
function losing(...segments: number[]): (segment: Segment) => readonly number[] {
  return (segment) => (!segment.isRetransmission && segments.includes(segment.start / MSS) ? [] : [DELAY]);
}

function retransmitted(model: Model): number[] {
  return model.sent.filter((segment) => segment.isRetransmission).map((segment) => segment.start / MSS);
}

describe('without loss', () => {
  it('sends everything once, stays open and ends with no timer', () => {
    const model = new Model({ bytes: 500 * MSS }).run();
    expect(model.isDone).toBe(true);
    expect(model.sent).toHaveLength(500);
    expect(model.phases).toEqual([OPEN]);
    expect(model.control.calls).toEqual([]);
    expect([model.timeouts, model.probes]).toEqual([0, 0]);
    expect(model.recovery.deadlineKind).toBe(DeadlineKind.NONE);
    expect(model.recovery.estimator.smoothed).toBe(ROUND_TRIP);
  });

  it('grows the window only while the window is what limits', () => {
    const eager = new Model({ bytes: 200 * MSS }).run();
    expect(eager.recovery.window.window).toBeGreaterThan(100 * MSS);
    const idle = new Model({ bytes: 200 * MSS, write: [2 * MSS, ROUND_TRIP + 1] }).run();
    expect(idle.recovery.window.window).toBe(idle.recovery.window.initialWindow);
    const peer = new Model({ bytes: 200 * MSS, peerWindow: 4 * MSS }).run();
    expect(peer.recovery.window.window).toBe(peer.recovery.window.initialWindow);
  });
});

describe('one segment lost', () => {
  for (const acknowledgeEvery of [1, 2]) {
    for (const duplicateSack of [true, false]) {
      for (const timestamps of [true, false]) {
        const given = `one ACK for ${acknowledgeEvery}, D-SACK ${duplicateSack}, timestamps ${timestamps}`;
        it(`is repaired when the next ones arrived, by one retransmission and one reduction: ${given}`, () => {
          for (let segment = 0; segment < 190; segment += 7) {
            const fate = losing(segment);
            const model = new Model({ bytes: 200 * MSS, fate, acknowledgeEvery, duplicateSack, timestamps }).run();
            expect(model.isDone).toBe(true);
            expect(retransmitted(model)).toEqual([segment]);
            expect([model.timeouts, model.probes]).toEqual([0, 0]);
            expect(model.phases).toEqual([OPEN, DISORDER, RECOVERY, OPEN]);
            expect(model.control.calls).toEqual(['congestion', 'recovered']);
            expect(model.recovery.rack.hasReordering).toBe(false);
            const lost = model.sent.find((sent) => sent.start === segment * MSS)!;
            const again = model.sent.find((sent) => sent.isRetransmission)!;
            // By time alone (RFC 8985 §6.2 step 4) when it was among the last three of its window.
            expect(again.sentAt - lost.sentAt).toBeLessThanOrEqual(ROUND_TRIP + ROUND_TRIP / 4);
            expect(model.recovery.window.window).toBeGreaterThanOrEqual(model.recovery.window.slowStartThreshold);
          }
        });
      }
    }
  }

  it('is noticed without three SACKs, by time, when less was sent behind it', () => {
    const model = new Model({ bytes: 2 * MSS, fate: losing(0) }).run();
    expect(retransmitted(model)).toEqual([0]);
    expect([model.timeouts, model.probes, model.reorderings]).toEqual([0, 0, 1]);
    const again = model.sent.find((sent) => sent.isRetransmission)!;
    // RFC 8985 §6.2 step 4: a quarter of the minimum round trip, once the next one was SACKed.
    expect(again.sentAt).toBe(ROUND_TRIP + ROUND_TRIP / 4);
  });
});

describe('several segments lost', () => {
  it('of one window are repaired in one recovery, each once, with one reduction', () => {
    const lost = [30, 32, 33, 39, 40, 41, 45];
    const model = new Model({ bytes: 200 * MSS, fate: losing(...lost) }).run();
    expect(model.isDone).toBe(true);
    expect(retransmitted(model).sort((a, b) => a - b)).toEqual(lost);
    expect(model.control.calls).toEqual(['congestion', 'recovered']);
    expect([model.timeouts, model.probes]).toEqual([0, 0]);
  });

  it('every second one of a window: no timeout', () => {
    const lost = Array.from({ length: 20 }, (_, i) => 30 + 2 * i);
    const model = new Model({ bytes: 300 * MSS, fate: losing(...lost) }).run();
    expect(retransmitted(model).sort((a, b) => a - b)).toEqual(lost);
    expect(model.timeouts).toBe(0);
    expect(model.control.count('congestion')).toBe(1);
  });

  it('a retransmission that is lost is found by what was sent after it, and counts as a second congestion', () => {
    const model: Model = new Model({
      bytes: 300 * MSS,
      fate: (segment) =>
        segment.start / MSS === 40 && model.sent.filter((s) => s.start === segment.start).length <= 3 ? [] : [DELAY],
    });
    model.run();
    expect(model.isDone).toBe(true);
    expect(retransmitted(model)).toEqual([40, 40, 40]);
    expect(model.timeouts).toBe(0);
    // RFC 5681 §4.3.
    expect(model.control.calls).toEqual(['congestion', 'congestion', 'congestion', 'recovered']);
    const [, second, third] = model.sent.filter((segment) => segment.isRetransmission);
    expect(third!.sentAt - second!.sentAt).toBe(ROUND_TRIP);
  });

  it('in two successive windows reduce twice', () => {
    const model = new Model({ bytes: 300 * MSS, fate: losing(30, 95) }).run();
    expect(model.control.calls).toEqual(['congestion', 'recovered', 'congestion', 'recovered']);
    expect(retransmitted(model)).toEqual([30, 95]);
  });
});

describe('the tail of the data lost', () => {
  for (const count of [1, 2, 3, 9]) {
    it(`the last ${count}: a probe and RACK repair it, not the retransmission timer`, () => {
      const lost = Array.from({ length: count }, (_, i) => 49 - i);
      const model = new Model({ bytes: 50 * MSS, fate: losing(...lost) }).run();
      expect(model.isDone).toBe(true);
      expect([model.timeouts, model.probes]).toEqual([0, 1]);
      expect(retransmitted(model)[0]).toBe(49);
      expect(model.retransmissions).toBe(count);
      expect(model.phases).not.toContain(LOSS);
      const [probe] = model.sent.filter((segment) => segment.isRetransmission);
      const last = model.sent.find((segment) => segment.start === 49 * MSS)!;
      // RFC 8985 §7.2: two round trips after the last news, which came one after sending; of a lone segment, at the timeout.
      expect(probe!.sentAt - last.sentAt).toBeLessThanOrEqual(count === 1 ? 3.5 * ROUND_TRIP : 3 * ROUND_TRIP);
    });
  }

  it('a probe that repairs the loss is answered with one reduction when that is certain', () => {
    const model = new Model({ bytes: 51 * MSS, fate: losing(49), write: [50 * MSS, 2e6] }).run();
    expect([model.timeouts, model.probes]).toEqual([0, 1]);
    // RFC 8985 §7.4.2: by the acknowledgement of the last segment, sent later.
    expect(model.control.calls).toEqual(['idle', 'congestion', 'recovered']);
    expect(model.recovery.probe.isOutstanding).toBe(false);
  });

  it('a probe that was not needed is answered with none', () => {
    const slow = (segment: Segment) => [!segment.isRetransmission && segment.start >= 49 * MSS ? 6 * DELAY : DELAY];
    for (const duplicateSack of [true, false]) {
      const model = new Model({ bytes: 51 * MSS, fate: slow, write: [50 * MSS, 2e6], duplicateSack }).run();
      expect([model.timeouts, model.probes, model.retransmissions]).toEqual([0, 1, 1]);
      expect(model.control.count('congestion')).toBe(0);
    }
  });

  it('sends new data as a probe when there is some', () => {
    // The window is full when all acknowledgements are lost.
    let isDark = false;
    const model: Model = new Model({
      bytes: 300 * MSS,
      acknowledgementFate: () => (isDark ? [] : [DELAY]),
    });
    model.at(250_000, () => {
      isDark = true;
    });
    model.at(440_000, () => {
      isDark = false;
    });
    model.run();
    expect(model.isDone).toBe(true);
    expect([model.timeouts, model.probes, model.retransmissions]).toEqual([0, 1, 0]);
  });

  it('one probe only, then the retransmission timer', () => {
    const fate = (segment: Segment) => (segment.start >= 40 * MSS && segment.sentAt < 3e6 ? [] : [DELAY]);
    const model = new Model({ bytes: 50 * MSS, fate }).run();
    expect(model.isDone).toBe(true);
    expect(model.probes).toBe(1);
    expect(model.timeouts).toBeGreaterThan(1);
    expect(model.phases).toContain(LOSS);
  });
});

describe('PRR', () => {
  it('halves what is in flight and spreads the retransmissions over the round trip', () => {
    const lost = Array.from({ length: 16 }, (_, i) => 60 + i);
    const model = new Model({ bytes: 400 * MSS, fate: losing(...lost) });
    let least = Number.POSITIVE_INFINITY;
    model.onStep = () => {
      const { recovery } = model;
      if (recovery.phase !== RECOVERY) return;
      least = Math.min(least, recovery.inFlight);
      // RFC 6937 §3.1: never more than was delivered, once what is in flight is at the threshold.
      const { reduction, window } = recovery;
      const allowed = Math.max(window.slowStartThreshold - reduction.flightSize, 0) + reduction.delivered;
      expect(reduction.sent).toBeLessThanOrEqual(allowed + 2 * MSS);
      expect(recovery.inFlight).toBeLessThanOrEqual(Math.max(window.slowStartThreshold, reduction.flightSize));
    };
    model.run();
    expect(model.isDone).toBe(true);
    expect(model.control.calls).toEqual(['congestion', 'recovered']);
    // Half of about 70 segments: the flight does not collapse.
    expect(least).toBeGreaterThan(25 * MSS);
  });
});

describe('ECN', () => {
  it('ECE reduces the window once per round trip, asks for CWR and retransmits nothing', () => {
    const { recovery } = new Model({ bytes: 0 });
    const options = new TcpOptions();
    let now = 1000;
    const acknowledge = (bytes: number, ecnEcho: boolean) => {
      recovery.onAcknowledgement((recovery.unacknowledged + bytes) | 0, options, ecnEcho, false, 0, now);
    };
    recovery.onSent((recovery.next + 14 * MSS) | 0, now);
    const before = recovery.window.window;
    now += 10_000;
    acknowledge(MSS, true);
    expect(recovery.congestionWindowReduced).toBe(true);
    const reduced = recovery.window.window;
    expect(reduced).toBeLessThan(before);
    recovery.congestionWindowReduced = false;
    for (let i = 0; i < 13; i++) acknowledge(MSS, true);
    expect(recovery.window.window).toBe(reduced);
    expect(recovery.congestionWindowReduced).toBe(false);
    recovery.onSent((recovery.next + 4 * MSS) | 0, now);
    now += 10_000;
    acknowledge(2 * MSS, true);
    expect(recovery.window.window).toBeLessThan(reduced);
    expect(recovery.congestionWindowReduced).toBe(true);
    expect(recovery.nextLost()).toBe(-1);
    expect(recovery.phase).toBe(OPEN);
  });
});

describe('a path MTU that falls', () => {
  it('resends what was too large in pieces, without a reduction', () => {
    const model: Model = new Model({
      bytes: 100 * MSS,
      fate: (segment) => (segment.length > 600 && segment.sentAt >= 100_000 ? [] : [DELAY]),
    });
    model.at(150_000, () => {
      expect(model.recovery.inFlight).toBe(20 * MSS);
      model.setMaximumSegmentSize(600);
      expect(model.recovery.check()).toBe(null);
      expect(model.recovery.records.count).toBe(40);
      model.send();
    });
    model.run();
    expect(model.isDone).toBe(true);
    expect(model.control.calls).toEqual([]);
    expect(model.timeouts).toBe(0);
  });
});

describe('after gigabytes without loss', () => {
  const LARGE = 65_000;

  // Marks of old repairs must not come to lie ahead when sequence numbers have gone round half.
  for (const gigabytes of [1, 2, 3, 4, 5]) {
    it(`${gigabytes} GiB: loss, ECE and D-SACK are answered as on the first day`, () => {
      for (const sign of ['sack', 'duplicates', 'ece', 'dsack'] as const) {
        const { recovery, control } = new Model({ bytes: 0, maximumSegmentSize: LARGE, sack: sign !== 'duplicates' });
        const options = new TcpOptions();
        let now = 0;
        const send = (count: number) => recovery.onSent((recovery.next + count * LARGE) | 0, now);
        const acknowledge = (count: number, ecnEcho = false) => {
          recovery.onAcknowledgement((recovery.unacknowledged + count * LARGE) | 0, options, ecnEcho, false, 0, now);
        };
        // A repair and a D-SACK to begin with.
        send(10);
        now += 1000;
        if (sign === 'duplicates') for (let i = 0; i < 3; i++) acknowledge(0);
        else {
          options.sackCount = 1;
          options.sackStart[0] = (recovery.unacknowledged + LARGE) | 0;
          options.sackEnd[0] = (recovery.unacknowledged + 6 * LARGE) | 0;
          acknowledge(0);
        }
        recovery.onRetransmitted(recovery.nextLost(), now);
        now += 1000;
        options.sackStart[0] = recovery.unacknowledged;
        options.sackEnd[0] = (recovery.unacknowledged + LARGE) | 0;
        acknowledge(10);
        options.sackCount = 0;
        const begun = sign === 'duplicates' ? ['congestion', 'recovered'] : ['congestion', 'undo'];
        expect(control.calls).toEqual(begun);
        const multiplier = recovery.rack.multiplier;
        for (let sent = 0; sent < gigabytes * 2 ** 30; sent += 10 * LARGE) {
          send(10);
          now = (now + 1000) | 0;
          acknowledge(10);
        }
        expect(control.calls).toEqual(begun);
        expect(recovery.phase).toBe(OPEN);

        send(10);
        now = (now + 1000) | 0;
        if (sign === 'duplicates') {
          for (let i = 0; i < 3; i++) acknowledge(0);
          expect(recovery.phase).toBe(RECOVERY);
        } else if (sign === 'ece') {
          acknowledge(1, true);
          expect(control.calls.slice(2)).toEqual(['congestion', 'recovered']);
        } else if (sign === 'sack') {
          options.sackCount = 1;
          options.sackStart[0] = (recovery.unacknowledged + LARGE) | 0;
          options.sackEnd[0] = (recovery.unacknowledged + 6 * LARGE) | 0;
          acknowledge(0);
          if (recovery.nextLost() < 0) recovery.onDeadline((now = recovery.deadline));
          expect(recovery.phase).toBe(RECOVERY);
          expect(control.calls.slice(2)).toEqual(['congestion']);
        } else {
          options.sackCount = 1;
          options.sackStart[0] = (recovery.unacknowledged - LARGE) | 0;
          options.sackEnd[0] = recovery.unacknowledged;
          acknowledge(1);
          expect(recovery.rack.multiplier).toBe(multiplier + 1);
        }
        expect(recovery.check()).toBe(null);
      }
    });
  }
});
