import { runConformance, type ScenarioResult } from '@prism-net/congestion-kit';

const SCENARIOS = ['fairness-2', 'fairness-4', 'fairness-8', 'late-comer', 'rtt-1:4', 'with-cubic'];

/** What each flow got, in the scenarios in which several meet. */
export function printSharing(name: string, write: (line: string) => void): boolean {
  write(`${name}: Mbit/s of each flow over 20 Mbit/s`);
  const { verdict } = runConformance(name, { scenarios: SCENARIOS, onResult: (result) => write(line(result)) });
  return verdict !== 'FAIL';
}

function line({ scenario, verdict, measurement, reason }: ScenarioResult): string {
  if (measurement === null) return `  ${scenario.padEnd(12)} ${verdict.padEnd(5)} ${reason}`;
  const rates = measurement.goodputs.map((bits) => (bits / 1e6).toFixed(2)).join(' ');
  return `  ${scenario.padEnd(12)} ${verdict.padEnd(5)} Jain ${measurement.jain.toFixed(3)}   ${rates}   ${reason}`.trimEnd();
}
