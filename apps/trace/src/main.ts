#!/usr/bin/env node
import { existsSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';
import { type ConnectionTrace, listEvents, MINIMUM_WIDTH, renderSvg, renderTerminal } from '@prism-net/pictures';
import { readCaptureFile } from './capture/capture-file.js';
import { traceCapture } from './capture/capture-trace.js';
import { findConnections, largest } from './capture/connections.js';
import { listConnections } from './list-connections.js';
import { runScenario } from './scenarios/scenario-run.js';
import { findScenario, listScenarios } from './scenarios/scenarios.js';

const usage = `Usage: npm run --silent trace -- SCENARIO|FILE.pcap[ng][.gz] [options]

Draws a TCP connection over time: windows, bytes in flight, round trips, sequence numbers, losses.

${listScenarios()}
  --out FILE.svg    also write the picture as SVG; '-' writes it to standard output, instead of the one in characters
  --width N         columns of the picture in characters (default: those of the terminal, or 80)
  --svg-width N     pixels of the SVG (default 960)
  --events          list every event with its time and sequence number, instead of the picture in characters
  --seed N          of the simulated network (default 1)
  --list            list the connections of a capture
  --connection N    the connection to draw (default: the one with most data)
  --reverse         draw the direction with less data
  --help            this text

Exit code 0: drawn; 1: the file is unreadable, or there is nothing to draw; 2: wrong option.
`;

function fail(message: string, code: number): never {
  console.error(`trace: ${message}`);
  process.exit(code);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        out: { type: 'string' },
        width: { type: 'string' },
        'svg-width': { type: 'string', default: '960' },
        seed: { type: 'string' },
        events: { type: 'boolean', default: false },
        list: { type: 'boolean' },
        connection: { type: 'string' },
        reverse: { type: 'boolean' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return fail(`${(error as Error).message.split('. ')[0]} (--help lists the options)`, 2);
  }
}

function wholeNumber(option: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  return fail(`--${option} must be a whole number from ${minimum} to ${maximum}, not '${text}'`, 2);
}

/** The trace of a scenario or a capture, or the list of connections that was asked for. */
function traceSubject(name: string): ConnectionTrace | string {
  const scenario = findScenario(name);
  if (scenario === undefined) return traceFile(name);
  for (const option of ['list', 'connection', 'reverse'] as const) {
    if (values[option] !== undefined) fail(`--${option} is for captures; '${name}' is a scenario`, 2);
  }
  return runScenario(scenario, wholeNumber('seed', values.seed ?? '1', 0, 2 ** 32 - 1));
}

function traceFile(file: string): ConnectionTrace | string {
  if (values.seed !== undefined) fail(`--seed is for scenarios; '${file}' is none`, 2);
  const capture = readCapture(file);
  const survey = findConnections(capture);
  if (values.list) return listConnections(survey);
  const { connections } = survey;
  if (connections.length === 0) throw new Error(`${file}: no TCP among its ${survey.packets} packets`);
  const number = values.connection;
  const connection =
    number === undefined
      ? largest(connections)!
      : connections[wholeNumber('connection', number, 1, connections.length) - 1]!;
  return traceCapture(capture, basename(file), survey, connection, { isReversed: values.reverse === true });
}

/** A name that is neither a file nor looks like one was probably meant for a scenario. */
function readCapture(file: string): Uint8Array {
  if (/^[\w-]+$/.test(file) && !existsSync(file)) {
    fail(`there is no scenario and no file '${file}' (--help lists the scenarios)`, 2);
  }
  return readCaptureFile(file);
}

function writePicture(path: string, svg: string): void {
  try {
    writeFileSync(path, svg);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = { ENOENT: 'no such folder', EACCES: 'permission denied', EISDIR: 'is a folder' }[code ?? ''];
    throw new Error(`cannot write ${path}: ${why ?? message}`);
  }
}

// Whoever read the output has gone (`| head`), or it cannot be written: nobody is left to report to.
process.stdout.on('error', () => process.exit(1));

const { values, positionals } = parse();
if (values.help) {
  process.stdout.write(usage);
  process.exit(0);
}
const [subject, ...excess] = positionals;
if (subject === undefined) fail('name a scenario or a capture file (--help lists them)', 2);
if (excess.length > 0) fail(`one picture at a time, not also '${excess.join(' ')}'`, 2);
const svgWidth = wholeNumber('svg-width', values['svg-width'], 480, 4000);
const width =
  values.width === undefined ? process.stdout.columns || 80 : wholeNumber('width', values.width, MINIMUM_WIDTH, 400);
const hasColour = process.stdout.isTTY === true && (process.env.NO_COLOR ?? '') === '' && process.stdout.hasColors();

try {
  const trace = traceSubject(subject);
  if (typeof trace === 'string') process.stdout.write(trace);
  else if (values.out === '-') process.stdout.write(renderSvg(trace, { width: svgWidth }));
  else {
    if (values.out !== undefined) writePicture(values.out, renderSvg(trace, { width: svgWidth }));
    process.stdout.write(values.events ? listEvents(trace) : renderTerminal(trace, { width, hasColour }));
  }
} catch (error) {
  fail((error as Error).message, 1);
}
