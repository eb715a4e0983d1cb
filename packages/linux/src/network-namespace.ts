import { isAbsolute } from 'node:path';
import { linuxAddon } from './addon.js';
import { isSystemError, LinkUnavailableError } from './link-unavailable-error.js';

/** Where `ip netns` keeps its namespaces. */
const NAMED = '/run/netns/';

/**
 * Runs `work` with the calling thread in a network namespace, given by its `ip netns` name or a path such as
 * '/proc/PID/ns/net'; undefined: where the thread is. Sockets belong for good to the namespace they were opened in, so
 * only the opening needs this. `work` must not be asynchronous: what runs later runs in the old namespace again.
 *
 * @throws LinkUnavailableError ENOENT when there is no such namespace, EPERM without CAP_SYS_ADMIN.
 */
export function inNetworkNamespace<T>(namespace: string | undefined, work: () => T): T {
  if (namespace === undefined) return work();
  const addon = linuxAddon();
  const back = enter(namespace);
  try {
    return work();
  } finally {
    addon.leaveNetworkNamespace(back);
  }
}

/** Moves the calling thread into a network namespace for good: for a process or worker that lives there. */
export function joinNetworkNamespace(namespace: string): void {
  linuxAddon().stayInNetworkNamespace(enter(namespace));
}

/** Moves the thread, and returns the descriptor that leads back. */
function enter(namespace: string): number {
  try {
    return linuxAddon().enterNetworkNamespace(isAbsolute(namespace) ? namespace : NAMED + namespace);
  } catch (error) {
    // Said here, because what follows inside fails with the same codes for other reasons.
    const [missing, instead] = (isSystemError(error) && REASONS[error.code]) || [];
    if (!isSystemError(error) || missing === undefined || instead === undefined) throw error;
    throw new LinkUnavailableError(error.code, `network namespace ${namespace}`, missing, instead, error);
  }
}

const NO_RIGHT = [
  'this user may not enter it',
  'that needs CAP_SYS_ADMIN: run as root, or start the process there, by `ip netns exec`',
] as const;
const REASONS: Readonly<Record<string, readonly [missing: string, instead: string]>> = {
  ENOENT: ['there is none of this name', "'ip netns' lists those there are"],
  EINVAL: [
    'this file is no network namespace',
    "'ip netns' lists those there are; /proc/PID/ns/net is that of a process",
  ],
  EPERM: NO_RIGHT,
  EACCES: NO_RIGHT,
};
