import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';

const program = fileURLToPath(new URL('../../../order-gateway/dist/session-bench.js', import.meta.url));
const start = promisify(execFile);
const WINDOW = 256;

interface SessionReport {
  readonly figures: Figures;
  readonly conditions: Readonly<Record<string, string | number>>;
}

/** Load client, gateway and book in one thread, one session over one connection. */
async function runSession(seconds: number, ...transport: string[]): Promise<SessionReport> {
  const { stdout } = await start(process.execPath, [program, String(seconds), String(WINDOW), ...transport], {
    timeout: (seconds + 30) * 1000,
  });
  const report = JSON.parse(stdout) as SessionReport;
  const { answered, duplicated, lost, messagesMissing, orders } = report.figures;
  if (lost !== 0 || duplicated !== 0 || messagesMissing !== 0 || answered !== orders) {
    throw new Error(`a run lost or repeated messages: ${stdout.trim()}`);
  }
  return report;
}

export const sessionPort: RunScenario = async ({ seconds, runs }) => {
  // Each run starts anew; half of it is for the compiler.
  const count = Math.max(1, Math.min(runs, Math.floor(seconds / 9)));
  const perRun = (seconds * 0.8) / count;
  const reports: SessionReport[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < count; run++) {
    reports.push(await runSession(perRun / 2));
    const { figures } = await runSession(perRun / 2, 'net');
    theirs.push({
      ordersPerSecond: figures['ordersPerSecond']!,
      nanosecondsPerOrder: figures['nanosecondsPerOrder']!,
      bytesAllocatedPerOrder: figures['bytesAllocatedPerOrder']!,
      roundTripP50Us: figures['roundTripP50Us']!,
      roundTripP99Us: figures['roundTripP99Us']!,
    });
  }
  const { medians, spread } = summarise(reports.map(({ figures }) => figures));
  return {
    figures: medians,
    baseline: summarise(theirs).medians,
    baselineName: 'node:net over kernel loopback in one thread: the same session, checks, book and window',
    spread,
    runs: count,
    conditions: reports[0]!.conditions,
  };
};
