import { spawnSync } from 'node:child_process';

/**
 * Whatever else the machine does should not be measured: the path and its ends come first (SCHED_FIFO). All of it together
 * takes a fraction of a core. A plain priority would count within the session only, where sessions are scheduled as groups.
 */
const PRIORITY = '10';

/** Before a command. */
export const URGENT: readonly string[] = ['chrt', '--fifo', PRIORITY];

/** This process and its threads; returns what takes that back. Where `chrt` is not allowed, all stays as it is. */
export function becomeUrgent(): () => void {
  const change = (...policy: string[]) => spawnSync('chrt', [...policy, String(process.pid)], { stdio: 'ignore' });
  change('--all-tasks', '--fifo', '--pid', PRIORITY);
  return () => {
    change('--all-tasks', '--other', '--pid', '0');
  };
}
