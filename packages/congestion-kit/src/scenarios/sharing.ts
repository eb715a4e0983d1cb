import { JITTER, ROUND_TRIP, type Scenario, SECOND, type Trial } from '../scenario.js';
import { judgeLoad } from './losses.js';

/** Equal flows of the algorithm share one queue. */
function equals(count: number): Scenario {
  return {
    name: `fairness-${count}`,
    summary: `${count} equal flows`,
    run: (trial) => {
      const { judge, expectations } = trial;
      const path = trial.path({ flows: trial.flows(count), jitterMicroseconds: JITTER });
      path.run(10 * SECOND);
      path.mark();
      path.run(40 * SECOND);
      const measurement = path.measure();
      judge.atLeast('Jain', measurement.jain, expectations.fair ? 0.9 : 0.7, 0.95, '');
      judge.atLeast('utilisation', measurement.utilisation, 0.7, 0.9);
      judgeLoad(trial, measurement);
      return { measurement };
    },
  };
}

export const twoEquals = equals(2);
export const fourEquals = equals(4);
export const eightEquals = equals(8);

/** The first flow's part of the fair share, and what that means. */
function judgeShare({ judge }: Trial, goodputs: readonly number[], own: string, other: string): void {
  const total = goodputs.reduce((sum, each) => sum + each, 0);
  const share = total === 0 ? 0 : goodputs[0]! / total;
  const shares = `${own} ${(share * 100).toFixed(0)} %, ${other} ${((1 - share) * 100).toFixed(0)} %`;
  if (!(share >= 0.02 && share <= 0.98)) judge.fail(`one starves: ${shares}`);
  else if (share < 0.2 || share > 0.8) judge.note(`shares are unequal: ${shares}`);
  else judge.fact(shares);
}

export const againstCubic: Scenario = {
  name: 'with-cubic',
  summary: 'one flow and one of CUBIC',
  run: (trial) => {
    const flows = [{ congestionControl: trial.name }, { congestionControl: 'cubic', atMicroseconds: 100_000 }];
    const path = trial.path({ flows, jitterMicroseconds: JITTER });
    path.run(10 * SECOND);
    path.mark();
    path.run(40 * SECOND);
    const measurement = path.measure();
    judgeShare(trial, measurement.goodputs, trial.name, 'CUBIC');
    judgeLoad(trial, measurement);
    trial.judge.atLeast('utilisation', measurement.utilisation, 0.7, 0.9);
    return { measurement };
  },
};

export const roundTrips: Scenario = {
  name: 'rtt-1:4',
  summary: 'two flows with round trips of 20 and 80 ms',
  run: (trial) => {
    const { name } = trial;
    const flows = [20_000, 80_000].map((roundTripMicroseconds) => ({ congestionControl: name, roundTripMicroseconds }));
    const path = trial.path({ flows, jitterMicroseconds: JITTER });
    path.run(10 * SECOND);
    path.mark();
    path.run(40 * SECOND);
    const measurement = path.measure();
    judgeShare(trial, measurement.goodputs, '20 ms', '80 ms');
    judgeLoad(trial, measurement);
    trial.judge.atLeast('utilisation', measurement.utilisation, 0.7, 0.9);
    return { measurement };
  },
};

export const lateComer: Scenario = {
  name: 'late-comer',
  summary: 'a second flow begins after 10 s',
  run: (trial) => {
    const { judge } = trial;
    const flows = [{ congestionControl: trial.name }, { congestionControl: trial.name, atMicroseconds: 10 * SECOND }];
    const path = trial.path({ flows, jitterMicroseconds: JITTER });
    path.run(10 * SECOND);
    let settledSeconds = -1;
    const window = 50 * ROUND_TRIP;
    for (let time = 0; time < 60 * SECOND && settledSeconds < 0; time += window) {
      path.mark();
      path.run(window);
      const [first, second] = path.measure().goodputs as [number, number];
      if (second >= 0.35 * (first + second)) settledSeconds = (time + window) / SECOND;
    }
    path.mark();
    path.run(20 * SECOND);
    const measurement = path.measure();
    if (settledSeconds < 0) judge.note('the late-comer has not come to 35 % within a minute');
    else judge.atMost('time to 35 %', settledSeconds, 60, 20, 's');
    judgeShare(trial, measurement.goodputs, 'first', 'late-comer');
    judge.atLeast('utilisation', measurement.utilisation, 0.7, 0.9);
    judgeLoad(trial, measurement);
    return { measurement, settledSeconds };
  },
};
