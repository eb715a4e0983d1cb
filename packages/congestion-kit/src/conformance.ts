import { createCongestionControl } from '@prism-net/congestion';
import { invalidArgument, type PosixError, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { type Expectations, expectationsOf } from './expectations.js';
import { Judge, type Verdict } from './judge.js';
import type { Measurement } from './measurement.js';
import { type Scenario, Trial } from './scenario.js';
import { SCENARIOS } from './scenarios/index.js';

export interface ConformanceOptions {
  /** All that is random comes from it. Default 1. */
  readonly seed?: number;
  /** Names of the scenarios to run, each once. Default: all. */
  readonly scenarios?: readonly string[];
  /** Default: what was declared for the algorithm. */
  readonly expectations?: Expectations;
  /** Told of each scenario when it is done. */
  readonly onResult?: (result: ScenarioResult) => void;
}

export interface ScenarioResult {
  readonly scenario: string;
  readonly summary: string;
  readonly verdict: Verdict;
  /** Why, in a line. */
  readonly reason: string;
  /** Null when the scenario did not get that far. */
  readonly measurement: Measurement | null;
  /** Time until the flow, or shares, were where they belong; -1: never; null: not measured. */
  readonly settledSeconds: number | null;
}

export interface ConformanceReport {
  /** The algorithm. */
  readonly name: string;
  readonly seed: number;
  /** The worst of all. */
  readonly verdict: Verdict;
  readonly results: readonly ScenarioResult[];
}

/** The scenarios by name, with what happens in them. */
export function conformanceScenarios(): readonly { readonly name: string; readonly summary: string }[] {
  return SCENARIOS.map(({ name, summary }) => ({ name, summary }));
}

/**
 * Runs the algorithm registered as `name`, anybody's, through the scenarios over the real TCP, in virtual time. The same
 * seed gives the same report. @throws PosixError EINVAL for an algorithm, a scenario or an option there is not, and for an
 * algorithm whose factory throws.
 */
export function runConformance(name: string, options: ConformanceOptions = {}): ConformanceReport {
  requireKnownOptions('runConformance', options, ['seed', 'scenarios', 'expectations', 'onResult']);
  tryFactory(name);
  const seed = requireWholeNumber('runConformance', 'seed', options.seed ?? 1, 0, 2 ** 32 - 1);
  const expectations = options.expectations ?? expectationsOf(name);
  const results = chosen(options.scenarios).map((scenario) => {
    const result = runScenario(scenario, name, seed, expectations);
    options.onResult?.(result);
    return result;
  });
  const has = (verdict: Verdict): boolean => results.some((result) => result.verdict === verdict);
  return { name, seed, verdict: has('FAIL') ? 'FAIL' : has('note') ? 'note' : 'pass', results };
}

/** What is wrong with all scenarios alike is said once. */
function tryFactory(name: string): void {
  try {
    createCongestionControl(name);
  } catch (error) {
    if ((error as Partial<PosixError> | undefined)?.code === 'EINVAL') throw error;
    throw invalidArgument('runConformance', `'${name}' cannot be made: ${firstLine(error)}`);
  }
}

/** Users' code may throw anything. */
function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message || error.name : String(error);
  return text.split('\n')[0]!;
}

/** Where users' code threw what ended a simulation: file, line and column, if that is known; else nothing. */
function placeOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  const frame = cause instanceof Error ? cause.stack?.split('\n').find((line) => /^ +at /.test(line)) : undefined;
  const place = /([^/\\(]+:\d+:\d+)\)?$/.exec(frame ?? '');
  return place === null ? '' : ` (${place[1]})`;
}

function chosen(names: readonly string[] | undefined): readonly Scenario[] {
  if (names === undefined) return SCENARIOS;
  return [...new Set(names)].map((name) => {
    const scenario = SCENARIOS.find((each) => each.name === name);
    if (scenario !== undefined) return scenario;
    const known = SCENARIOS.map((each) => each.name).join(', ');
    throw invalidArgument('runConformance', `there is no scenario '${name}'; there are ${known}`);
  });
}

function runScenario(scenario: Scenario, name: string, seed: number, expectations: Expectations): ScenarioResult {
  const judge = new Judge();
  const trial = new Trial(name, seed, expectations, judge);
  let measurement: Measurement | null = null;
  let settledSeconds: number | null = null;
  try {
    const outcome = scenario.run(trial);
    measurement = outcome.measurement;
    settledSeconds = outcome.settledSeconds ?? null;
  } catch (error) {
    judge.fail(firstLine(error) + placeOf(error));
  }
  for (const path of trial.paths) {
    for (const { watch, name: flowName } of path.flows) {
      if (flowName !== name) continue;
      for (const fault of watch.faults) judge.fail(fault);
      if (watch.isExceeded) judge.fail(`the window was exceeded by ${watch.excess.toFixed(1)} segments`);
    }
    if (judge.verdict === 'FAIL') path.abandon();
    else path.close();
  }
  const { verdict, reason } = judge;
  return { scenario: scenario.name, summary: scenario.summary, verdict, reason, measurement, settledSeconds };
}
