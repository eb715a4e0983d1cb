import { framesInFlight } from '../path-options.js';
import { ROUND_TRIP, type Scenario, SECOND } from '../scenario.js';

const ROUNDS = 5;

/** Slow start from the initial window, on a path that holds 64 of them. */
export const slowStart: Scenario = {
  name: 'slow-start',
  summary: 'the first round trips on an empty path of 660 segments, to the first overshoot',
  run: (trial) => {
    const { judge } = trial;
    const roundTripMicroseconds = 80_000;
    const path = trial.path({ bitsPerSecond: 100e6, roundTripMicroseconds });
    const flow = path.flows[0]!;
    // The handshake takes a round trip; rounds are cut half way between their bursts.
    path.run(1.5 * roundTripMicroseconds);
    const sent: number[] = [flow.segments];
    let before = flow.segments;
    for (let round = 1; round < ROUNDS; round++) {
      path.run(roundTripMicroseconds);
      sent.push(flow.segments - before);
      before = flow.segments;
    }
    judge.atMost('segments in the first round trip', sent[0]!, 12, 10, 'segments');
    const growth = (sent[ROUNDS - 1]! / Math.max(1, sent[0]!)) ** (1 / (ROUNDS - 1));
    judge.atMost('growth per round trip', growth, 3, 2.2, '×');
    judge.atLeast('growth per round trip', growth, 1.2, 1.8, '×');
    path.run(3 * SECOND - path.simulation.time);
    const measurement = path.measure();
    // A full window more than path and queue hold is lost by plain slow start.
    const lost = (measurement.loss * flow.segments) / (2 * path.product);
    judge.atMost('lost by overshoot, of what path and queue hold,', lost, 2, 1.05);
    judge.atMost('flight', measurement.flightMaximum, 6, 4.2, 'BDP');
    judge.fact(`${sent.join(', ')} segments per round trip`);
    return { measurement };
  },
};

/** An application that sends less than the path carries must not be given an ever larger window. */
export const applicationLimited: Scenario = {
  name: 'app-limited',
  summary: '2 Mbit/s of small writes over 20 Mbit/s for 20 s',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path({ flows: [{ congestionControl: trial.name, isGreedy: false }] });
    const flow = path.flows[0]!;
    path.run(2 * ROUND_TRIP);
    path.mark();
    for (let i = 0; i < 2000; i++) {
      flow.supply(2500);
      path.run(10_000);
    }
    const measurement = path.measure();
    const largest = flow.watch.largest / flow.segmentSize;
    judge.atLeast('delivered of what was written', measurement.goodputs[0]! / 2e6, 0.98);
    judge.atMost('largest window', largest, 3 * framesInFlight(20e6, ROUND_TRIP), 40, 'segments');
    judge.fact(`largest window ${largest.toFixed(0)} segments, ${flow.watch.largestFlight} bytes in flight at most`);
    return { measurement };
  },
};

/** After a pause the state of the path is unknown: no full window at once (RFC 5681 §4.1). */
export const idleRestart: Scenario = {
  name: 'idle-restart',
  summary: 'busy for 4 s, idle for 3 s, busy again',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path({ flows: [{ congestionControl: trial.name, isGreedy: false }] });
    const flow = path.flows[0]!;
    path.run(2 * ROUND_TRIP);
    flow.supply(1e9);
    path.run(4 * SECOND);
    flow.pause();
    path.run(3 * SECOND);
    const before = flow.segments;
    path.mark();
    flow.supply(1e9);
    path.run(ROUND_TRIP / 4);
    // Paced at the rate it knew, a sender sends a quarter of the product by now.
    const burst = flow.segments - before;
    judge.atMost('burst after the pause', burst, 0.5 * path.product + 10, 12, 'segments');
    path.run(3 * SECOND);
    const measurement = path.measure();
    judge.atLeast('utilisation in the 3 s after', measurement.utilisation, 0.5, 0.8);
    judge.fact(`a burst of ${burst} segments`);
    flow.pause();
    return { measurement };
  },
};
