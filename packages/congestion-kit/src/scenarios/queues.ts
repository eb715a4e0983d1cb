import { type Scenario, SECOND } from '../scenario.js';

export const shallowBuffer: Scenario = {
  name: 'shallow-buffer',
  summary: 'a queue of a quarter of the bandwidth-delay product',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path({ queue: 0.25 });
    path.run(5 * SECOND);
    path.mark();
    path.run(20 * SECOND);
    const measurement = path.measure();
    judge.atLeast('utilisation', measurement.utilisation, 0.5, 0.75);
    judge.atMost('loss', measurement.loss, 0.1, 0.02);
    return { measurement };
  },
};

export const deepBuffer: Scenario = {
  name: 'deep-buffer',
  summary: 'a queue of four bandwidth-delay products',
  run: (trial) => {
    const { judge, expectations } = trial;
    const path = trial.path({ queue: 4 });
    path.run(5 * SECOND);
    path.mark();
    path.run(30 * SECOND);
    const measurement = path.measure();
    judge.atLeast('utilisation', measurement.utilisation, 0.8, 0.95);
    judge.atMost('loss', measurement.loss, 0.05, 0.01);
    if (expectations.lowQueue) {
      judge.atMost('95 % of the queue', measurement.queue95, 1.5, 1.5, 'BDP');
      judge.atMost('mean queue', measurement.queueMean, 1.5, 1.2, 'BDP');
    } else {
      judge.fact(measurement.queue95 > 1.5 ? 'fills the buffer, as loss-based algorithms do' : 'keeps the queue short');
    }
    return { measurement };
  },
};

export const ecn: Scenario = {
  name: 'ecn',
  summary: 'a queue of four bandwidth-delay products that marks from half a product on',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path({ queue: 4, markAt: 33 });
    path.run(5 * SECOND);
    path.mark();
    path.run(20 * SECOND);
    const measurement = path.measure();
    judge.atLeast('utilisation', measurement.utilisation, 0.7, 0.9);
    judge.atMost('loss', measurement.loss, 0.005, 0);
    // Who does not hear marks fills the buffer, unless it keeps the queue short by other means.
    judge.atMost('95 % of the queue', measurement.queue95, 2, 1.2, 'BDP');
    judge.atMost('marked', measurement.marked, 0.9, 0.5);
    return { measurement };
  },
};
