import { missingForLab } from '@prism-net/netlab';
import { Contest, type Contestant, type Run } from './contest.js';
import { SCHEDULES, type Schedule } from './schedule.js';

export interface CompareOptions {
  readonly seconds: number;
  /** Of each contestant with each schedule; they alternate. */
  readonly runs: number;
  /** Names of schedules; undefined: all. */
  readonly schedules?: readonly string[] | undefined;
  readonly congestionControl?: string | undefined;
  readonly write: (line: string) => void;
}

export interface Comparison {
  readonly schedule: string;
  /** Medians, in bits per second. */
  readonly prism: number;
  readonly kernel: number;
}

/** A path that stood still for longer lost what its queue could not hold meanwhile. */
const PAUSE_MICROSECONDS = 20_000;
const ATTEMPTS = 3;
const CONTESTANTS: readonly Contestant[] = ['kernel', 'prism'];

/** Prism's TCP and the kernel's, through the same schedules to the same receiver. @throws Error that says what is missing. */
export async function compareWithKernel(options: CompareOptions): Promise<Comparison[]> {
  const { seconds, runs, schedules, congestionControl = 'cubic', write } = options;
  const missing = missingForLab('iperf3', 'ethtool', 'ss', 'chrt');
  if (missing !== null) throw new Error(`the comparison opens a network lab, which ${missing}`);
  const comparisons: Comparison[] = [];
  write(`goodput of ${congestionControl}, Mbit/s: the median of ${runs} × ${seconds} s each (the runs)`);
  for (const schedule of SCHEDULES) {
    if (schedules !== undefined && !schedules.includes(schedule.name)) continue;
    const done: Run[] = [];
    // A lab for each schedule: the kernel remembers the paths of its connections.
    const contest = await Contest.open(congestionControl);
    try {
      for (let run = 0; run < runs; run++) {
        // Who is first changes, so that the machine's moods are shared.
        const order = run % 2 === 0 ? CONTESTANTS : CONTESTANTS.toReversed();
        for (const contestant of order) done.push(await undisturbed(contest, contestant, schedule, seconds, run + 1));
      }
    } finally {
      contest.close();
    }
    const comparison = { schedule: schedule.name, prism: median(done, 'prism'), kernel: median(done, 'kernel') };
    comparisons.push(comparison);
    const list = (who: Contestant): string =>
      `${megabits(comparison[who])} (${ratesOf(done, who).map(megabits).join(' ')})`;
    const ratio = (comparison.prism / comparison.kernel).toFixed(3);
    write(
      `${schedule.name.padEnd(9)} kernel ${list('kernel')}   prism ${list('prism')}   ratio ${ratio}   ${schedule.summary}`,
    );
  }
  return comparisons;
}

/** The first run in which the path was not held up for long; after some attempts, the one in which it was least. */
async function undisturbed(
  contest: Contest,
  contestant: Contestant,
  schedule: Schedule,
  seconds: number,
  seed: number,
): Promise<Run> {
  let best: Run | undefined;
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const run = await contest.run(contestant, schedule, seconds, seed);
    if (run.longestPause <= PAUSE_MICROSECONDS) return run;
    if (best === undefined || run.longestPause < best.longestPause) best = run;
  }
  return best!;
}

function ratesOf(runs: readonly Run[], who: Contestant): number[] {
  return runs.filter(({ contestant }) => contestant === who).map(({ bitsPerSecond }) => bitsPerSecond);
}

function median(runs: readonly Run[], who: Contestant): number {
  const rates = ratesOf(runs, who).sort((a, b) => a - b);
  const middle = rates.length >> 1;
  return rates.length % 2 === 1 ? rates[middle]! : (rates[middle - 1]! + rates[middle]!) / 2;
}

function megabits(bits: number): string {
  return (bits / 1e6).toFixed(2);
}
