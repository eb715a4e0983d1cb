#!/usr/bin/env node
import { spawnSync } from 'node:child_process';
import { cpus, release } from 'node:os';
import { type CommandLine, OPTIONS_HELP, parseCommandLine, UsageError } from './options.js';
import { toJson, toTable } from './report.js';
import type { Scenario, ScenarioResult } from './scenario.js';
import { linkNote, scenarios } from './scenario-list.js';

const usage = `Usage: npm run --silent bench -- <scenario> [--link xdp|packet|tap] [--seconds N] [--runs N] [--json]

${scenarios.map((scenario) => `  ${scenario.name.padEnd(16)}${scenario.summary}${linkNote(scenario)}`).join('\n')}

${OPTIONS_HELP}`;

/** Bytes, while they are opened; idle ones need much less. */
const HEAP_PER_CONNECTION = 8192;

function fail(message: string): never {
  console.error(`bench: ${message} (--help lists scenarios and options)`);
  process.exit(2);
}

function read(): CommandLine {
  try {
    return parseCommandLine(process.argv.slice(2));
  } catch (error) {
    if (error instanceof UsageError) return fail(error.message);
    throw error;
  }
}

function find(name: string, { link }: CommandLine): Scenario {
  const scenario = scenarios.find((candidate) => candidate.name === name);
  if (scenario === undefined) return fail(`unknown scenario '${name}'`);
  if (link === undefined && scenario.load === undefined) return fail(`${name} needs --link`);
  if (link !== undefined && scenario.loadOverLink === undefined) return fail(`${name} runs without --link only`);
  return scenario;
}

async function run(scenario: Scenario, { link, options }: CommandLine): Promise<ScenarioResult> {
  return link === undefined
    ? (await scenario.load!())(options)
    : (await scenario.loadOverLink!())({ ...options, link });
}

const commandLine = read();
const { help, json, scenario: name, options } = commandLine;
if (help || name === undefined) {
  console.log(usage);
  process.exit(0);
}
const scenario = find(name, commandLine);

// So many objects do not fit into the heap that Node.js takes by default: the same once more with a larger one.
const heap = Math.ceil((options.connections ?? 0) * HEAP_PER_CONNECTION) >> 20;
if (heap > 2048 && !process.execArgv.some((argument) => argument.startsWith('--max-old-space-size'))) {
  const again = spawnSync(process.execPath, [`--max-old-space-size=${heap}`, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  process.exit(again.status ?? 1);
}

// The network lab goes with the process's exit; a signal's own ending would skip that.
for (const [signal, number] of [
  ['SIGINT', 2],
  ['SIGTERM', 15],
  ['SIGHUP', 1],
] as const) {
  process.once(signal, () => process.exit(128 + number));
}
// For somebody who watches; standard output is for the result.
if (process.stderr.isTTY) console.error(`bench: ${name}, about ${options.seconds} s at most`);
const result = await run(scenario, commandLine).catch((error: unknown): never => {
  console.error(`bench: ${name} failed: ${(error as Error).message}`);
  process.exit(1);
});
const machine = {
  node: process.version,
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: cpus().length,
  ...(commandLine.link === undefined ? {} : { kernel: release() }),
};
if (json) console.log(JSON.stringify(toJson(name, result, machine)));
else console.log(toTable(name, result));
