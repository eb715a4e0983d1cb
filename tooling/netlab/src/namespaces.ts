import { readdirSync } from 'node:fs';
import { CommandError, runCommand } from './command.js';
import { identityOf, isAlive, type ProcessIdentity } from './process-identity.js';

/** Where `ip netns` keeps its namespaces. */
const FOLDER = '/run/netns';
const ATTEMPTS = 5;

/** `prism-<pid>.<start time, base 36>-<label>-<name>`: of a lab that lives as long as its process. */
const OF_PROCESS = /^prism-(\d+)\.([0-9a-z]+)-/;

/** The part of names by which a lab's namespaces are known to belong to this process. */
export function ownPrefix(): string {
  const { pid, startTime } = identityOf(process.pid)!;
  return `prism-${pid}.${startTime.toString(36)}`;
}

/** The process a namespace belongs to; undefined for namespaces of other kinds. */
export function ownerOf(namespace: string): ProcessIdentity | undefined {
  const match = OF_PROCESS.exec(namespace);
  return match === null ? undefined : { pid: Number(match[1]), startTime: Number.parseInt(match[2]!, 36) };
}

export function listNamespaces(): string[] {
  try {
    return readdirSync(FOLDER).sort();
  } catch {
    return [];
  }
}

export function sleep(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A namespace with `lo` up. `ipv6` false: no link-local addresses, router solicitations and the like on any interface. */
export function addNamespace(namespace: string, ipv6: boolean): void {
  for (let attempt = 1; ; attempt++) {
    try {
      runCommand(['ip', 'netns', 'add', namespace]);
      break;
    } catch (error) {
      if (!(error instanceof CommandError) || error.code !== 'EFAILED') throw error;
      if (error.output.includes('File exists')) {
        throw new CommandError('EEXIST', `the namespace ${namespace} exists already`, error.status, error.output);
      }
      // The first namespaces of a machine make FOLDER a mount point, and get into each other's way when they do so at once.
      if (attempt === ATTEMPTS) throw error;
      sleep(20 * attempt);
    }
  }
  const settings = '/proc/sys/net/ipv6/conf';
  const quiet = `for i in all default lo; do [ ! -e ${settings}/$i ] || echo 1 > ${settings}/$i/disable_ipv6; done; `;
  runCommand(['ip', 'netns', 'exec', namespace, 'sh', '-c', `${ipv6 ? '' : quiet}ip link set lo up`]);
}

/** The processes (their main threads) that are in a namespace. */
export function processesIn(namespace: string): number[] {
  try {
    return runCommand(['ip', 'netns', 'pids', namespace]).split('\n').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** Ends what still runs in a namespace, except this process, and removes it. A namespace that is not there is no error. */
export function removeNamespace(namespace: string): void {
  for (const pid of processesIn(namespace)) {
    if (pid === process.pid) continue;
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended by itself.
    }
  }
  try {
    runCommand(['ip', 'netns', 'del', namespace]);
  } catch (error) {
    if (listNamespaces().includes(namespace)) throw error;
  }
}

/** Removes the namespaces of processes that are gone, and returns their names. Several processes may do so at once. */
export function sweepNamespaces(): string[] {
  const stale = listNamespaces().filter((namespace) => {
    const owner = ownerOf(namespace);
    return owner !== undefined && !isAlive(owner);
  });
  for (const namespace of stale) removeNamespace(namespace);
  return stale;
}
