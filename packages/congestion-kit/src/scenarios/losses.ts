import type { Measurement } from '../measurement.js';
import type { Path } from '../path.js';
import { ROUND_TRIP, type Scenario, SECOND, type Trial } from '../scenario.js';

/** Runs past slow start; what is measured begins afterwards. */
function warmUp(path: Path, seconds = 5): void {
  path.run(seconds * SECOND);
  path.mark();
}

/** Runs until the flow has used `share` of the rate for five round trips: seconds, or -1 after `limit` seconds. */
function settle(path: Path, limit: number, share = 0.8): number {
  const step = 5 * ROUND_TRIP;
  const { simulation } = path;
  const begin = simulation.time;
  path.mark();
  while (simulation.time - begin < limit * SECOND) {
    path.run(step);
    if (path.measure().utilisation >= share) return (simulation.time - step - begin) / SECOND;
    path.mark();
  }
  return -1;
}

export const singleLoss: Scenario = {
  name: 'single-loss',
  summary: 'one segment is lost on a path with room',
  run: (trial) => {
    const { judge } = trial;
    // Marks and drops alike stay away: the queue holds more than the window grows to.
    const path = trial.path({ queue: 8, flows: [{ congestionControl: trial.name, isGreedy: false }] });
    const flow = path.flows[0]!;
    path.run(2 * ROUND_TRIP);
    flow.supply(150_000);
    path.run(10 * ROUND_TRIP);
    path.mark();
    flow.supply(3_000_000);
    path.run(2 * ROUND_TRIP);
    path.drops.lose(1);
    path.run(3 * SECOND);
    const measurement = path.measure();
    const again = measurement.retransmitted > 0 ? flow.retransmissions : 0;
    judge.atMost('segments sent again', again, 6, 1, 'segments');
    judge.atLeast('segments sent again', again, 1, 1, 'segments');
    judge.atMost('timeouts', measurement.timeouts, 0, 0, '');
    judge.atLeast('delivered within 3 s', flow.received / 3_150_000, 0.9, 1);
    return { measurement };
  },
};

export const burstLoss: Scenario = {
  name: 'burst-loss',
  summary: 'twenty segments in a row are lost, four times, five seconds apart',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path();
    warmUp(path);
    for (let i = 0; i < 4; i++) {
      path.drops.lose(20);
      path.run(5 * SECOND);
    }
    const measurement = path.measure();
    judge.atLeast('utilisation', measurement.utilisation, 0.4, 0.7);
    judge.atMost('timeouts', measurement.timeouts, 8, 0, '');
    judge.atMost('sent again', measurement.retransmitted, 0.1, 0.02);
    return { measurement };
  },
};

/** Loss by chance at a rate: at least half of what the formula for Reno gives (RFC 5348 §3.1, simplified). */
function randomLoss(name: string, loss: number): Scenario {
  return {
    name,
    summary: `${loss * 100} % of the segments are lost at random`,
    run: (trial) => {
      const { judge, expectations } = trial;
      const path = trial.path({ loss });
      warmUp(path);
      path.run(30 * SECOND);
      const measurement = path.measure();
      const reno = Math.min(1, Math.sqrt(1.5 / loss) / path.product);
      judge.atLeast('utilisation', measurement.utilisation, reno / 2, expectations.toleratesLoss ? 0.85 : reno * 0.85);
      judgeLoad(trial, measurement, loss);
      return { measurement };
    },
  };
}

/** Loss that the flow itself causes, beyond `given`. */
export function judgeLoad({ judge }: Trial, measurement: Measurement, given = 0): void {
  judge.atMost('loss', measurement.loss, given + 0.1, given + 0.02);
}

export const smallRandomLoss = randomLoss('loss-0.1%', 0.001);
export const largeRandomLoss = randomLoss('loss-1%', 0.01);

export const timeout: Scenario = {
  name: 'timeout',
  summary: 'the path is dead for a second',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path();
    const flow = path.flows[0]!;
    warmUp(path);
    path.bottleneck.setUp(false);
    path.run(SECOND / 2);
    const before = flow.segments;
    path.run(SECOND / 2);
    const probes = flow.segments - before;
    path.bottleneck.setUp(true);
    const settledSeconds = settle(path, 15);
    path.mark();
    path.run(5 * SECOND);
    const measurement = path.measure();
    judge.atMost('segments sent in the second half of the outage', probes, 12, 4, 'segments');
    judge.atLeast('timeouts', flow.timeouts, 1, 1, '');
    if (settledSeconds < 0) judge.fail('less than 80 % of the rate for 15 s after the outage');
    else judge.atMost('time to 80 % of the rate', settledSeconds, 15, 3, 's');
    judge.atLeast('utilisation after it', measurement.utilisation, 0.5, 0.8);
    return { measurement, settledSeconds };
  },
};

export const rateHalves: Scenario = {
  name: 'rate-halves',
  summary: 'the bottleneck falls from 20 to 10 Mbit/s',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path();
    warmUp(path);
    path.changeRate(10e6);
    path.mark();
    path.run(15 * SECOND);
    const measurement = path.measure();
    judge.atLeast('utilisation', measurement.utilisation, 0.7, 0.9);
    judgeLoad(trial, measurement);
    return { measurement };
  },
};

export const rateDoubles: Scenario = {
  name: 'rate-doubles',
  summary: 'the bottleneck rises from 20 to 40 Mbit/s',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path();
    warmUp(path);
    path.changeRate(40e6);
    const settledSeconds = settle(path, 30, 0.9);
    path.mark();
    path.run(10 * SECOND);
    const measurement = path.measure();
    if (settledSeconds < 0) judge.fail('less than 90 % of the new rate for 30 s');
    else judge.atMost('time to 90 % of the new rate', settledSeconds, 30, 10, 's');
    judge.atLeast('utilisation after it', measurement.utilisation, 0.6, 0.85);
    judgeLoad(trial, measurement);
    return { measurement, settledSeconds };
  },
};
