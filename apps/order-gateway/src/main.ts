#!/usr/bin/env node
import { availableParallelism } from 'node:os';
import { parseOptions } from './options.js';
import { LatencyHistogram } from './report/latency-histogram.js';
import { liveLine } from './report/live-line.js';
import { exitCodeOf, renderReport, toFigures } from './report/run-report.js';
import { startRun } from './runtime/run.js';
import { Live } from './runtime/run-plan.js';

const LIVE_MILLISECONDS = 250;
/** A second Ctrl-C within this time is the terminal's and npm's signal for one key press. */
const IMPATIENCE_MILLISECONDS = 1000;

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

const run = startRun({ ...options, cores: availableParallelism() });
const isTerminal = process.stdout.isTTY === true;
let stoppedAt = 0;
function stop(): void {
  if (stoppedAt === 0) {
    stoppedAt = performance.now();
    run.stop();
  } else if (performance.now() - stoppedAt > IMPATIENCE_MILLISECONDS) {
    process.exit(130);
  }
}
process.on('SIGINT', stop);
process.on('SIGTERM', stop);

if (!options.json) {
  const length = options.seconds === Number.POSITIVE_INFINITY ? 'until Ctrl-C' : `for ${options.seconds} s`;
  console.log(`order gateway: two Prism stacks over the shared-memory link, seed ${options.seed}, ${length}`);
}
const latencies = new LatencyHistogram(run.plan.latencies);
const live = new Float64Array(run.plan.live);
let shownSent = 0;
let shownAt = performance.now();
const ticker = setInterval(() => {
  const now = performance.now();
  const ordersPerSecond = ((live[Live.sent]! - shownSent) / (now - shownAt)) * 1000;
  shownSent = live[Live.sent]!;
  shownAt = now;
  if (options.json) return;
  const line = liveLine(live, ordersPerSecond, latencies);
  if (isTerminal) process.stdout.write(`\r\x1b[2K${line}`);
  // Not a terminal: a line now and then, so that a log shows progress without drowning in it.
  else if (Math.floor(now / 1000) !== Math.floor((now - LIVE_MILLISECONDS) / 1000)) console.log(line);
}, LIVE_MILLISECONDS);

const reports = await run.finished;
clearInterval(ticker);
if (isTerminal && !options.json) process.stdout.write('\r\x1b[2K');
const figures = toFigures(reports, latencies);
if (options.json) console.log(JSON.stringify({ figures, conditions: run.conditions }));
else process.stdout.write(renderReport(reports, latencies, process.stdout.columns ?? 80));
process.exitCode = exitCodeOf(reports);
