import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';

const program = fileURLToPath(new URL('../../../order-gateway/dist/main.js', import.meta.url));
const start = promisify(execFile);

/** What `order-gateway --json` prints as its last line. */
interface GatewayReport {
  readonly figures: Figures;
  readonly conditions: Readonly<Record<string, string | number>>;
}

async function runGateway(seconds: number): Promise<GatewayReport> {
  const { stdout } = await start(process.execPath, [program, '--json', '--seconds', String(seconds)], {
    timeout: (seconds + 30) * 1000,
  }).catch((error: { code: unknown; stdout: string; stderr: string }) => {
    // A median would hide one bad run among good ones: lost orders fail the scenario.
    throw new Error(`a run ended with ${error.code}: ${(error.stderr || error.stdout).trim()}`);
  });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1)!) as GatewayReport;
}

export const orderGateway: RunScenario = async ({ seconds, runs }) => {
  // Each run starts three threads anew; below three seconds the compiler is what would be measured.
  const count = Math.max(1, Math.min(runs, Math.floor(seconds / 4)));
  const reports: GatewayReport[] = [];
  for (let run = 0; run < count; run++) reports.push(await runGateway(Math.max(1, Math.floor(seconds / count))));
  const { medians, spread } = summarise(reports.map(({ figures }) => figures));
  return { figures: medians, spread, runs: count, conditions: reports[0]!.conditions };
};
