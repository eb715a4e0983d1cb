import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';

/** Standard output of a command, once it has ended. @throws Error with what it printed when it failed. */
export async function outputOf(child: ChildProcess): Promise<string> {
  let printed = '';
  let complaint = '';
  child.stdout?.setEncoding('utf8').on('data', (text) => (printed += text));
  child.stderr?.setEncoding('utf8').on('data', (text) => (complaint += text));
  const [status] = (await once(child, 'close')) as [number | null];
  if (status === 0) return printed;
  throw new Error(`${child.spawnargs.slice(4).join(' ')} failed: ${`${complaint}${printed}`.trim().slice(-300)}`);
}

/** Ends a server that would go on for ever. */
export async function endOf(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.stdout?.resume();
  child.stderr?.resume();
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
