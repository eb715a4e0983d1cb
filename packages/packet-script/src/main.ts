#!/usr/bin/env node
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { formatResult, formatSummary } from './report.js';
import { type RunOptions, runScript } from './run-script.js';

const usage = `Usage: npm run --silent packet-script -- FILE… [options]

Runs packetdrill scripts against a Prism stack in virtual time.

  --tolerance US     microseconds an event may be early or late (default: the script's, or 4000)
  -D NAME=VALUE      a symbol for the scripts; may be repeated (also --define)
  --strict           fail too when packets are left at the end that no line expects, or echo the wrong timestamp
  --seed N           where the host's sequence numbers and ports come from (default 1)
  --quiet            only scripts that do not pass, and the summary
  --help             this text

One line per script, 'ok', 'not ok' (with the first difference) or 'unsupported' (with the reason), then a summary.
Exit code 0: all pass; 1: not all do; 2: wrong option, or a file that cannot be read.
`;

function fail(message: string): never {
  console.error(`packet-script: ${message}`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        tolerance: { type: 'string' },
        define: { type: 'string', short: 'D', multiple: true, default: [] },
        strict: { type: 'boolean', default: false },
        seed: { type: 'string', default: '1' },
        quiet: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message.split('. ')[0]} (--help lists the options)`);
  }
}

function wholeNumber(name: string, text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isInteger(value) || value < 0) {
    fail(`--${name} must be a whole number, not '${text}'`);
  }
  return value;
}

function readScript(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as { code?: string };
    if (code === 'ENOENT') return fail(`cannot read ${file}: no such file`);
    if (code === 'EISDIR') return fail(`cannot read ${file}: it is a folder; name its scripts, ${file}/*.pkt`);
    return fail(`cannot read ${file}: ${(error as Error).message}`);
  }
}

// Whoever read the output has gone (`| head`): nobody is left to report to.
process.stdout.on('error', () => process.exit(1));

const { values, positionals: files } = parse();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
if (files.length === 0) fail('name at least one script (--help lists the options)');

const defines: Record<string, string> = {};
for (const define of values.define) {
  const equals = define.indexOf('=');
  if (equals <= 0) fail(`-D needs NAME=VALUE, not '${define}'`);
  defines[define.slice(0, equals)] = define.slice(equals + 1);
}
const options: RunOptions = {
  defines,
  strict: values.strict,
  seed: wholeNumber('seed', values.seed),
  ...(values.tolerance === undefined ? {} : { toleranceMicroseconds: wholeNumber('tolerance', values.tolerance) }),
};

// All of them before the first runs: a wrong name is no reason to do half.
const scripts = files.map((file) => ({ file, text: readScript(file) }));
const counts = { passed: 0, failed: 0, unsupported: 0 };
for (const { file, text } of scripts) {
  const result = runScript(text, options);
  counts[result.outcome]++;
  if (values.quiet && result.outcome === 'passed') continue;
  console.log(formatResult(file, result));
  if (result.outcome !== 'unsupported') for (const line of result.printed) console.log(`  | ${line}`);
}
console.log(formatSummary(counts));
process.exitCode = counts.passed === files.length ? 0 : 1;
