#!/usr/bin/env node
import { createRequire } from 'node:module';
import { parseArguments, USAGE } from './arguments.js';
import { diagnose, exitCodeOf } from './doctor/doctor.js';
import { paintFor, renderDiagnosis } from './doctor/render.js';

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

// Whoever read the output has gone (`| head`): nobody is left to report to.
process.stdout.on('error', () => process.exit(1));

const parsed = parseArguments(process.argv.slice(2));
if (parsed.command === 'help') {
  process.stdout.write(USAGE);
} else if (parsed.command === 'version') {
  console.log(version);
} else if (parsed.command === 'error') {
  console.error(`prism: ${parsed.message} (--help lists commands and options)`);
  process.exitCode = 2;
} else {
  const { json, strict } = parsed.options;
  const diagnosis = await diagnose(version);
  const colours = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
  if (json) console.log(JSON.stringify(diagnosis));
  else process.stdout.write(renderDiagnosis(diagnosis, paintFor(colours)));
  process.exitCode = exitCodeOf(diagnosis, strict);
}
