#!/usr/bin/env node
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { congestionControlNames } from '@prism-net/congestion';
import {
  conformanceScenarios,
  formatReport,
  formatResponses,
  formatTable,
  MARKS_POINTS,
  measureAlgorithm,
  measureMarks,
  measureResponses,
  runConformance,
} from '@prism-net/congestion-kit';
import { MINIMUM_WIDTH, renderSvg, renderTerminal } from '@prism-net/pictures';
import { PICTURE_BYTES, traceGrowth } from './growth.js';
import { printSharing } from './sharing.js';

const scenarios = conformanceScenarios();
const usage = `Usage: npm run --silent congestion -- COMMAND [ALGORITHM…] [options]

What congestion controls do, over the real TCP. Without a name: all there are (${congestionControlNames().join(', ')}).

  conformance     each algorithm through all scenarios: figures, and a verdict with its reason
  growth          window, flight and round trip of a flow alone, drawn over time
  fairness        the scenarios in which several flows meet: what each of them got
  response        mean window under periodic loss beside the published one (cubic, newreno)
  linux           CUBIC, or the algorithm named, beside the kernel's: the same rate, delay, queue and losses for both, to
                  the same receiver, in network namespaces. Needs root and iperf3
  table           what packages/congestion-kit/congestion.snapshot.md holds: all of the above in figures

  --module FILE   a JavaScript module that registers your algorithm with @prism-net/congestion; may be given repeatedly
  --scenario NAME of conformance; may be given repeatedly. Default: all
  --seed N        of conformance (default 1)
  --seconds N     of each run of linux (default 10)
  --runs N        of linux, of each of both with each schedule; they alternate (default 3)
  --schedule NAME of linux: clean, periodic, random; may be given repeatedly. Default: all
  --out FOLDER    of growth: also write FOLDER/ALGORITHM.svg
  --width N       columns of the picture in characters (default: those of the terminal, or 80)
  --help          this text

Scenarios:
${scenarios.map(({ name, summary }) => `  ${name.padEnd(15)} ${summary}`).join('\n')}

Exit code 0: all conform; 1: not; 2: wrong option.
`;

function fail(message: string): never {
  console.error(`congestion: ${message}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        module: { type: 'string', multiple: true, default: [] },
        scenario: { type: 'string', multiple: true },
        seed: { type: 'string', default: '1' },
        seconds: { type: 'string', default: '10' },
        runs: { type: 'string', default: '3' },
        schedule: { type: 'string', multiple: true },
        out: { type: 'string' },
        width: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message.split('. ')[0]} (--help lists the options)`);
  }
}

function wholeNumber(option: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  return fail(`--${option} must be a whole number from ${minimum} to ${maximum}, not '${text}'`);
}

async function load(file: string): Promise<void> {
  try {
    await import(pathToFileURL(resolve(file)).href);
  } catch (error) {
    fail(`cannot load ${file}: ${(error as Error).message.split('\n')[0]}`);
  }
}

function drawGrowth(name: string): void {
  const trace = traceGrowth(name);
  const width =
    values.width === undefined ? process.stdout.columns || 80 : wholeNumber('width', values.width, MINIMUM_WIDTH, 400);
  if (values.out !== undefined) {
    mkdirSync(values.out, { recursive: true });
    writeFileSync(join(values.out, `${name}.svg`), renderSvg(trace, { maximumBytes: PICTURE_BYTES }));
  }
  const hasColour = process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.stdout.hasColors();
  write(renderTerminal(trace, { width, hasColour }));
}

/** Runs a command for the algorithms; whether all is well. */
function run(command: string, names: readonly string[]): boolean {
  switch (command) {
    case 'conformance': {
      const seed = wholeNumber('seed', values.seed, 0, 2 ** 32 - 1);
      const options = { seed, ...(values.scenario === undefined ? {} : { scenarios: values.scenario }) };
      return names
        .map((name) => {
          const report = runConformance(name, options);
          write(formatReport(report));
          return report.verdict !== 'FAIL';
        })
        .every(Boolean);
    }
    case 'growth':
      for (const name of names) drawGrowth(name);
      return true;
    case 'fairness':
      return names.map((name) => printSharing(name, write)).every(Boolean);
    case 'response': {
      const responses = measureResponses(names);
      if (responses.length === 0) fail('response functions are published of cubic and newreno only');
      write(formatResponses(responses).join('\n'));
      return true;
    }
    case 'table':
      write(
        formatTable(
          measureResponses(names),
          names.includes('dctcp') ? MARKS_POINTS.map((point) => measureMarks('dctcp', point)) : [],
          names.map(measureAlgorithm),
        ),
      );
      return true;
    default:
      return fail(`there is no command '${command}': conformance, growth, fairness, response, table, linux`);
  }
}

/** Whether Prism is within a tenth of the kernel. */
async function runLinux(congestionControl: string | undefined): Promise<boolean> {
  // Only this command needs Linux.
  const { compareWithKernel } = await import('./linux/compare.js');
  const { SCHEDULES } = await import('./linux/schedule.js');
  const names = SCHEDULES.map(({ name }) => name);
  for (const name of values.schedule ?? []) {
    if (!names.includes(name)) fail(`there is no schedule '${name}': ${names.join(', ')}`);
  }
  const seconds = wholeNumber('seconds', values.seconds, 1, 600);
  const runs = wholeNumber('runs', values.runs, 1, 100);
  try {
    const { schedule: schedules } = values;
    const comparisons = await compareWithKernel({ seconds, runs, schedules, congestionControl, write });
    return comparisons.every(({ prism, kernel }) => Math.abs(prism / kernel - 1) <= 0.1);
  } catch (error) {
    return fail((error as Error).message);
  }
}

const write = (text: string): void => console.log(text);
// Whoever read the output has gone (`| head`): nobody is left to report to.
process.stdout.on('error', () => process.exit(1));

const { values, positionals } = parse();
const [command, ...algorithms] = positionals;
if (values.help || command === undefined) {
  process.stdout.write(usage);
  process.exit(0);
}
const known = new Set(congestionControlNames());
for (const file of values.module) await load(file);
const own = congestionControlNames().filter((name) => !known.has(name));
// Who brings an algorithm wants to see that one.
const chosen = algorithms.length > 0 ? algorithms : own.length > 0 ? own : congestionControlNames();
for (const name of chosen) {
  if (!congestionControlNames().includes(name)) {
    fail(`there is no '${name}'; there are ${congestionControlNames().join(', ')}`);
  }
}
for (const name of values.scenario ?? []) {
  if (!scenarios.some((scenario) => scenario.name === name)) fail(`there is no scenario '${name}' (--help lists them)`);
}
process.exitCode = (command === 'linux' ? await runLinux(algorithms[0]) : run(command, chosen)) ? 0 : 1;
