import { isAbsolute } from 'node:path';
import { linuxAddon } from './addon.js';

/** Where `ip netns` keeps its namespaces. */
const NAMED = '/run/netns/';

/**
 * Runs `work` with the calling thread in a network namespace, given by its `ip netns` name or a path such as
 * '/proc/PID/ns/net'; undefined: where the thread is. Sockets belong for good to the namespace they were opened in, so
 * only the opening needs this. `work` must not be asynchronous: what runs later runs in the old namespace again.
 *
 * @throws SystemError ENOENT when there is no such namespace, EPERM without CAP_SYS_ADMIN.
 */
export function inNetworkNamespace<T>(namespace: string | undefined, work: () => T): T {
  if (namespace === undefined) return work();
  const addon = linuxAddon();
  const back = addon.enterNetworkNamespace(isAbsolute(namespace) ? namespace : NAMED + namespace);
  try {
    return work();
  } finally {
    addon.leaveNetworkNamespace(back);
  }
}

/** Moves the calling thread into a network namespace for good: for a process or worker that lives there. */
export function joinNetworkNamespace(namespace: string): void {
  const addon = linuxAddon();
  addon.close(addon.enterNetworkNamespace(isAbsolute(namespace) ? namespace : NAMED + namespace));
}
