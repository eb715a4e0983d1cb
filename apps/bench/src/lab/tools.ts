import { spawnSync } from 'node:child_process';
import { isInstalled } from '@prism-net/netlab';

/** What stands in the conditions of a tool: its version, or that it is missing. */
export function toolVersion(tool: 'sockperf' | 'iperf3'): string {
  if (!isInstalled(tool)) return 'not installed';
  const { stdout, stderr } = spawnSync(tool, ['--version'], { encoding: 'utf8' });
  return /\d+\.\d+(\.\d+)?/.exec(`${stdout}${stderr}`)?.[0] ?? 'of unknown version';
}
