import { summarise } from '../measure.js';
import type { Figures, ScenarioOptions } from '../scenario.js';
import type { Task } from './bench-lab.js';

type Timing = Pick<Task, 'seconds' | 'warmUpSeconds'>;

export interface Contestant {
  /** How often `timing.seconds` go by in one measurement: in both directions, with two sizes … */
  readonly parts: number;
  /** Measures once, in processes of its own that end with it. */
  measure(timing: Timing): Promise<Figures>;
}

export interface Contest {
  readonly prism: Contestant;
  readonly baseline: Contestant;
  /** Further ones; they run fewer times. */
  readonly others?: Readonly<Record<string, Contestant>>;
}

export interface ContestResult {
  readonly figures: Figures;
  readonly spread: Record<string, { min: number; max: number }>;
  readonly baseline: Figures;
  readonly others: Record<string, Figures>;
  readonly measuredSeconds: number;
}

/** The others run once in so many runs. */
const OTHERS_EVERY = 3;
/** Two processes start, and end. */
const STARTING_SECONDS = 0.5;
const WARM_UP_SECONDS = 0.5;
const LEAST_SECONDS = 0.1;

/** Prism and the baseline in alternation, run by run, and the others between them. */
export async function compete(
  { prism, baseline, others: further = {} }: Contest,
  { runs, seconds, others: areOthersWanted }: ScenarioOptions,
): Promise<ContestResult> {
  const others = areOthersWanted ? further : {};
  const names = Object.keys(others);
  const partsOfOthers = Object.values(others).reduce((parts, other) => parts + other.parts, 0);
  const count = runs * (prism.parts + baseline.parts) + Math.ceil(runs / OTHERS_EVERY) * partsOfOthers;
  const warmUpSeconds = Math.min(WARM_UP_SECONDS, seconds / 10);
  const timing: Timing = {
    warmUpSeconds,
    seconds: Math.max(LEAST_SECONDS, seconds / count - STARTING_SECONDS - warmUpSeconds),
  };
  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  const beside = names.map((): Figures[] => []);
  for (let run = 0; run < runs; run++) {
    ours.push(await prism.measure(timing));
    theirs.push(await baseline.measure(timing));
    if (run % OTHERS_EVERY !== 0) continue;
    for (const [i, name] of names.entries()) beside[i]!.push(await others[name]!.measure(timing));
  }
  const { medians, spread } = summarise(ours);
  return {
    figures: medians,
    spread,
    baseline: summarise(theirs).medians,
    others: Object.fromEntries(names.map((name, i) => [name, summarise(beside[i]!).medians])),
    measuredSeconds: Number(timing.seconds.toPrecision(3)),
  };
}
