#!/usr/bin/env node
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { toJson, toTable } from './report.js';
import type { Scenario } from './scenario.js';

const scenarios: readonly Scenario[] = [
  {
    name: 'ring',
    summary: 'lock-free rings: SPSC and MPMC in one thread, SPSC in bursts of 32 between two workers, latency',
    load: async () => (await import('./scenarios/ring.js')).ring,
  },
  {
    name: 'checksum',
    summary: 'Internet checksum of 20, 1,460 and 8,960 bytes, beside memory.copy and a plain JavaScript loop',
    load: async () => (await import('./scenarios/checksum.js')).checksum,
  },
  {
    name: 'udp-path',
    summary: '64-byte datagrams through two stacks over the in-process pipe, one thread, beside node:dgram',
    load: async () => (await import('./scenarios/udp-path.js')).udpPath,
  },
  {
    name: 'tcp-throughput',
    summary: 'one TCP stream between two stacks over the in-process pipe, one thread, MTU 1,500 and 9,000',
    load: async () => (await import('./scenarios/tcp-throughput.js')).tcpThroughput,
  },
  {
    name: 'tcp-echo',
    summary: '64 bytes there and back between two TCP applications over the in-process pipe, one thread',
    load: async () => (await import('./scenarios/tcp-echo.js')).tcpEcho,
  },
  {
    name: 'order-gateway',
    summary: 'the order gateway and its load client, two stacks in two worker threads over shared memory',
    load: async () => (await import('./scenarios/order-gateway.js')).orderGateway,
  },
];

const usage = `Usage: npm run --silent bench -- <scenario> [--seconds N] [--runs N] [--json]

${scenarios.map(({ name, summary }) => `  ${name.padEnd(16)}${summary}`).join('\n')}

  --seconds N     about how long the scenario may take (default 20, at most 600)
  --runs N        repetitions the medians are taken over (default 7, at most 100)
  --json          the result as one JSON object on the last line
`;

function fail(message: string): never {
  console.error(`bench: ${message} (--help lists scenarios and options)`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        seconds: { type: 'string', default: '20' },
        runs: { type: 'string', default: '7' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    // The parser's first sentence names the option; the advice behind it is not ours.
    return fail((error as Error).message.split(/\n|\. /)[0]!);
  }
}

function numberOption(name: string, text: string, maximum: number, whole: boolean): number {
  const value = Number(text);
  if (text.trim() !== '' && value > 0 && value <= maximum && (!whole || Number.isInteger(value))) return value;
  return fail(`--${name} must be a ${whole ? 'whole ' : ''}number above 0 and at most ${maximum}, not '${text}'`);
}

const { values, positionals } = parse();
const [name, ...excess] = positionals;
if (values.help || name === undefined) {
  console.log(usage);
  process.exit(0);
}
if (excess.length > 0) fail(`one scenario at a time, not also '${excess.join(' ')}'`);
const scenario = scenarios.find((candidate) => candidate.name === name);
if (scenario === undefined) fail(`unknown scenario '${name}'`);

const options = {
  seconds: numberOption('seconds', values.seconds, 600, false),
  runs: numberOption('runs', values.runs, 100, true),
};

function fails(error: unknown): never {
  console.error(`bench: ${name} failed: ${(error as Error).message}`);
  process.exit(1);
}

// For somebody who watches; standard output is for the result.
if (process.stderr.isTTY) console.error(`bench: ${scenario.name}, about ${values.seconds} s at most`);
const run = await scenario.load();
const result = await run(options).catch(fails);
const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
if (values.json) console.log(JSON.stringify(toJson(scenario.name, result, machine)));
else console.log(toTable(scenario.name, result));
