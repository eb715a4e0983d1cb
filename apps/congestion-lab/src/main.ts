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
import { loadingReason, messageOf, reasonOf } from './error-text.js';
import { PICTURE_BYTES, traceGrowth } from './growth.js';
import { COMMANDS, commandsOf } from './option-use.js';
import { provideOwnPackages } from './package-resolution.js';
import { printSharing } from './sharing.js';

const scenarios = conformanceScenarios();
const usage = `Usage: npm run --silent congestion -- COMMAND [ALGORITHM…] [options]

What congestion controls do, over the real TCP. Without a name: all there are (${congestionControlNames().join(', ')}),
or those of --module.

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

Exit code 0: all conform; 1: not, or something failed; 2: wrong option.
`;

const complain = (message: string): void => console.error(`congestion: ${message}`);

function fail(message: string): never {
  complain(message);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        module: { type: 'string', multiple: true, default: [] },
        scenario: { type: 'string', multiple: true },
        seed: { type: 'string' },
        seconds: { type: 'string' },
        runs: { type: 'string' },
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
    fail(`cannot load ${file}: ${loadingReason(error, file)}`);
  }
}

function writePicture(folder: string, name: string, svg: string): void {
  const file = join(folder, `${name}.svg`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, svg);
  } catch (error) {
    throw new Error(`cannot write ${file}: ${reasonOf(error)}`);
  }
}

function drawGrowth(name: string, width: number): void {
  const trace = traceGrowth(name);
  if (values.out !== undefined) writePicture(values.out, name, renderSvg(trace, { maximumBytes: PICTURE_BYTES }));
  const hasColour = process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.stdout.hasColors();
  write(renderTerminal(trace, { width, hasColour }));
}

/** Whether all is well with each; what one of them throws ends that one only. */
function forEach(names: readonly string[], isWell: (name: string) => boolean): boolean {
  return names
    .map((name) => {
      try {
        return isWell(name);
      } catch (error) {
        complain(`${name}: ${messageOf(error)}`);
        return false;
      }
    })
    .every(Boolean);
}

/** Runs a command for the algorithms; whether all is well. */
function run(command: string, names: readonly string[]): boolean {
  switch (command) {
    case 'conformance': {
      const seed = wholeNumber('seed', values.seed ?? '1', 0, 2 ** 32 - 1);
      const options = { seed, ...(values.scenario === undefined ? {} : { scenarios: values.scenario }) };
      return forEach(names, (name) => {
        const report = runConformance(name, options);
        write(formatReport(report));
        return report.verdict !== 'FAIL';
      });
    }
    case 'growth': {
      const { width: given } = values;
      const width =
        given === undefined ? process.stdout.columns || 80 : wholeNumber('width', given, MINIMUM_WIDTH, 400);
      return forEach(names, (name) => {
        drawGrowth(name, width);
        return true;
      });
    }
    case 'fairness':
      return forEach(names, (name) => printSharing(name, write));
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
      throw new Error(`'${command}' is not done`);
  }
}

function attempt(command: string, names: readonly string[]): boolean {
  try {
    return run(command, names);
  } catch (error) {
    complain(messageOf(error));
    return false;
  }
}

/** Whether Prism is within a tenth of the kernel. */
async function runLinux([congestionControl, ...excess]: readonly string[]): Promise<boolean> {
  if (excess.length > 0) fail(`linux compares one algorithm at a time, not also ${excess.join(', ')}`);
  // Only this command needs Linux.
  const { compareWithKernel } = await import('./linux/compare.js');
  const { SCHEDULES } = await import('./linux/schedule.js');
  const names = SCHEDULES.map(({ name }) => name);
  for (const name of values.schedule ?? []) {
    if (!names.includes(name)) fail(`there is no schedule '${name}': ${names.join(', ')}`);
  }
  const seconds = wholeNumber('seconds', values.seconds ?? '10', 1, 600);
  const runs = wholeNumber('runs', values.runs ?? '3', 1, 100);
  try {
    const { schedule: schedules } = values;
    const comparisons = await compareWithKernel({ seconds, runs, schedules, congestionControl, write });
    return comparisons.every(({ prism, kernel }) => Math.abs(prism / kernel - 1) <= 0.1);
  } catch (error) {
    complain(messageOf(error));
    return false;
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
if (!COMMANDS.includes(command)) fail(`there is no command '${command}': ${COMMANDS.join(', ')}`);
for (const option of Object.keys(values)) {
  const users = commandsOf(option);
  if (!users.includes(command)) fail(`--${option} is for ${users.join(', ')}, not for ${command}`);
}
if (values.module.length > 0) provideOwnPackages();
const known = new Set(congestionControlNames());
for (const file of values.module) await load(file);
const own = congestionControlNames().filter((name) => !known.has(name));
// Who brings an algorithm wants to see that one.
if (values.module.length > 0 && own.length === 0) fail('no algorithm is registered by what --module names');
const chosen = algorithms.length > 0 ? [...new Set(algorithms)] : own.length > 0 ? own : congestionControlNames();
for (const name of chosen) {
  if (!congestionControlNames().includes(name)) {
    fail(`there is no '${name}'; there are ${congestionControlNames().join(', ')}`);
  }
}
for (const name of values.scenario ?? []) {
  if (!scenarios.some((scenario) => scenario.name === name)) fail(`there is no scenario '${name}' (--help lists them)`);
}
process.exitCode = (command === 'linux' ? await runLinux(algorithms) : attempt(command, chosen)) ? 0 : 1;
