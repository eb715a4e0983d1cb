import { FRAME } from '../path-options.js';
import { ROUND_TRIP, type Scenario, SECOND } from '../scenario.js';

/**
 * The window that the algorithm set is the one that is used: never more outstanding, and no more delivered in a round trip
 * than the window holds. Seen from the wire, not from the account that the sender keeps of itself.
 */
export const windowObeyed: Scenario = {
  name: 'window-obeyed',
  summary: 'what is in flight, against the window as set',
  run: (trial) => {
    const { judge } = trial;
    const path = trial.path();
    const flow = path.flows[0]!;
    path.run(2 * SECOND);
    path.mark();
    path.run(10 * SECOND);
    const measurement = path.measure();
    const { watch } = flow;
    judge.atLeast('comparisons', watch.checked, 1000, 1000, '');
    judge.atMost('more in flight than the window by', watch.excess, 3, 3, 'segments');
    // Little's law: delivered per round trip, the time in the queue included, is what was in flight.
    const delay = ROUND_TRIP / 1e6 + (measurement.queueMean * path.product * FRAME * 8) / 20e6;
    const inFlight = (measurement.goodputs[0]! / 8) * delay;
    const used = inFlight / (measurement.windows[0]! * flow.segmentSize);
    judge.atMost('delivered in a round trip, of the mean window,', used, 1.15);
    judge.fact(`${(used * 100).toFixed(0)} % of the window in use, ${watch.checked} comparisons`);
    return { measurement };
  },
};
