#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { type Options, parseOptions } from './options.js';
import { LatencyHistogram } from './report/latency-histogram.js';
import { bothPortsLine, liveLine, serviceLine, sessionLine } from './report/live-line.js';
import { exitCodeOf, renderReport, toFigures } from './report/run-report.js';
import { renderServiceReport, serviceExitCodeOf, toServiceFigures } from './report/service-report.js';
import { hasClient, type Run, startRun } from './runtime/run.js';
import { GATEWAY_PORT, Live } from './runtime/run-plan.js';

/** How often the live line is renewed on a terminal; elsewhere a line now and then shows a log's reader the progress. */
const TERMINAL_MILLISECONDS = 250;
const LOG_MILLISECONDS = 1000;
/** A second Ctrl-C within this time is the terminal's and npm's signal for one key press. */
const IMPATIENCE_MILLISECONDS = 1000;
/** What a signal asks to end has ended within 2 s, whatever hangs. */
const GRACE_MILLISECONDS = 1800;

const parsed = parseOptions(process.argv.slice(2));
if (parsed.kind === 'help') {
  process.stdout.write(parsed.text);
  process.exit(0);
}
if (parsed.kind === 'error') {
  console.error(`order-gateway: ${parsed.message}`);
  process.exit(2);
}
const { options } = parsed;

// Whoever read the output has gone (`| head`): nobody is left to report to.
process.stdout.on('error', () => process.exit(1));
const isTerminal = process.stdout.isTTY === true && !options.json;
const clearLine = '\r\x1b[2K';

function fail(error: unknown): never {
  if (isTerminal) process.stdout.write(clearLine);
  console.error(`order-gateway: ${(error as Error).message}`);
  process.exit(1);
}

function start(): Run {
  try {
    return startRun({ ...options, cores: availableParallelism() });
  } catch (error) {
    return fail(error);
  }
}

function served({ account, ports, sessionPort }: Options): string {
  const served = [];
  if (ports !== 'session') served.push(`UDP port ${GATEWAY_PORT}`);
  if (account !== undefined && ports !== 'datagram') served.push(`TCP port ${sessionPort}`);
  return `${served.join(' and ')},`;
}

const run = start();
let stoppedAt = 0;
function stop(): void {
  if (stoppedAt === 0) {
    stoppedAt = performance.now();
    run.stop(true);
    setTimeout(() => fail(new Error('its threads did not end in time: no report')), GRACE_MILLISECONDS).unref();
  } else if (performance.now() - stoppedAt > IMPATIENCE_MILLISECONDS) {
    process.exit(130);
  }
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);

if (!options.json) {
  const length = options.seconds === Number.POSITIVE_INFINITY ? 'until Ctrl-C' : `for ${options.seconds} s`;
  const { link } = run.conditions;
  const what =
    options.interface === undefined
      ? `two Prism stacks over the ${link} link, seed ${options.seed}`
      : `serving ${options.address!.split('/')[0]}, ${served(options)} over ${link}`;
  console.log(`order gateway: ${what}, ${length}`);
}
const latencies = new LatencyHistogram(run.plan.latencies);
const sessionLatencies = new LatencyHistogram(run.plan.sessionLatencies);
const live = new Float64Array(run.plan.live);
let shownSent = 0;
let shownSession = 0;
/** Columns that the line of both ports takes with its totals. */
const WIDE = 130;
let shownAt = performance.now();
function lineOf(ordersPerSecond: number, sessionOrdersPerSecond: number, isWide: boolean): string {
  if (run.plan.clientLink === undefined) return serviceLine(live, ordersPerSecond + sessionOrdersPerSecond);
  if (run.plan.session === undefined) return liveLine(live, ordersPerSecond, latencies);
  if (options.ports === 'session') return sessionLine(live, sessionOrdersPerSecond, sessionLatencies);
  return bothPortsLine(live, ordersPerSecond, latencies, sessionOrdersPerSecond, sessionLatencies, isWide);
}
function showLive(): void {
  const now = performance.now();
  const sent = live[Live.sent]!;
  const ordersPerSecond = ((sent - shownSent) / (now - shownAt)) * 1000;
  shownSent = sent;
  const session = live[Live.sessionSent]!;
  const sessionOrdersPerSecond = ((session - shownSession) / (now - shownAt)) * 1000;
  shownSession = session;
  shownAt = now;
  const columns = isTerminal ? (process.stdout.columns ?? 80) : WIDE;
  const line = lineOf(ordersPerSecond, sessionOrdersPerSecond, columns >= WIDE);
  // A line that wraps could not be overwritten.
  if (isTerminal) process.stdout.write(clearLine + line.slice(0, columns - 1));
  else console.log(line);
}
const ticker = options.json ? undefined : setInterval(showLive, isTerminal ? TERMINAL_MILLISECONDS : LOG_MILLISECONDS);

const reports = await run.finished.catch(fail);
clearInterval(ticker);
if (isTerminal) process.stdout.write(clearLine);
const conditions = { ...run.conditions, mode: reports.gateway.linkMode };
if (hasClient(reports)) {
  if (options.json)
    console.log(JSON.stringify({ figures: toFigures(reports, latencies, sessionLatencies), conditions }));
  else process.stdout.write(renderReport(reports, latencies, process.stdout.columns, sessionLatencies, options.ports));
  process.exitCode = exitCodeOf(reports);
} else {
  if (options.json) console.log(JSON.stringify({ figures: toServiceFigures(reports), conditions }));
  else process.stdout.write(renderServiceReport(reports, process.stdout.columns));
  process.exitCode = serviceExitCodeOf(reports);
}
