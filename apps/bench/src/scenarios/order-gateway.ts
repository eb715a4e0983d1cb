import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import { quantile, summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';
import type { DgramOrdersJob, DgramOrdersResult } from './dgram-orders.worker.js';

const program = fileURLToPath(new URL('../../../order-gateway/dist/main.js', import.meta.url));
const start = promisify(execFile);

/** What `order-gateway --json` prints as its last line. */
interface GatewayReport {
  readonly figures: Figures;
  readonly conditions: Readonly<Record<string, string | number>>;
}

async function runGateway(seconds: number): Promise<GatewayReport> {
  const { stdout } = await start(
    process.execPath,
    [program, '--json', '--ports', 'datagram', '--seconds', String(seconds)],
    {
      timeout: (seconds + 30) * 1000,
    },
  ).catch((error: { code: unknown; stdout: string; stderr: string }) => {
    // A median would hide one bad run among good ones: lost orders fail the scenario.
    throw new Error(`a run ended with ${error.code}: ${(error.stderr || error.stdout).trim()}`);
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as GatewayReport;
}

/** The same window of orders through node:dgram: two worker threads over the kernel's loopback. */
async function runDgram(seconds: number, window: number): Promise<Figures> {
  const gateway = startWorker({ role: 'gateway', port: 0, seconds, window });
  const [port] = (await once(gateway, 'message')) as [number];
  const client = startWorker({ role: 'client', port, seconds, window });
  const [result] = (await once(client, 'message')) as [DgramOrdersResult];
  await Promise.all([gateway.terminate(), client.terminate()]);
  return {
    ordersPerSecond: result.ordersPerSecond,
    roundTripP50Us: quantile(result.roundTrips, 0.5),
    roundTripP99Us: quantile(result.roundTrips, 0.99),
    roundTripP999Us: quantile(result.roundTrips, 0.999),
  };
}

function startWorker(job: DgramOrdersJob): Worker {
  return new Worker(new URL('./dgram-orders.worker.js', import.meta.url), { workerData: job });
}

export const orderGateway: RunScenario = async ({ seconds, runs }) => {
  // Each run starts its threads anew; below three seconds the compiler is what would be measured.
  const count = Math.max(1, Math.min(runs, Math.floor(seconds / 5)));
  const perRun = Math.max(1, Math.floor((seconds * 0.8) / count));
  const reports: GatewayReport[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < count; run++) {
    const report = await runGateway(perRun);
    reports.push(report);
    theirs.push(await runDgram(Math.max(1, perRun / 4), Number(report.conditions['window'])));
  }
  const { medians, spread } = summarise(reports.map(({ figures }) => figures));
  return {
    figures: medians,
    baseline: summarise(theirs).medians,
    baselineName: 'node:dgram, two workers over kernel loopback, same window, answering without checks or book',
    spread,
    runs: count,
    conditions: reports[0]!.conditions,
  };
};
