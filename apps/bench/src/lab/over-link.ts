import type { LinkScenarioOptions, RunOverLink, ScenarioResult } from '../scenario.js';
import { BenchLab } from './bench-lab.js';
import { type Conditions, linkConditions } from './pairing.js';

type Body = (
  lab: BenchLab,
  options: LinkScenarioOptions,
  conditions: Conditions,
) => Promise<Omit<ScenarioResult, 'runs' | 'conditions'>>;

/** A scenario in a network lab of its own, which is gone at its end. `conditions` collects what its report will state. */
export function overLink(scenario: string, body: Body): RunOverLink {
  return async (options) => {
    const lab = new BenchLab(scenario, options.link);
    const conditions: Conditions = { kernelCongestionControl: lab.kernelCongestionControl };
    try {
      const result = await body(lab, options, conditions);
      return { ...result, runs: options.runs, conditions: linkConditions(options.link, conditions) };
    } finally {
      lab.close();
    }
  };
}
