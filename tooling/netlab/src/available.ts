import { readFileSync } from 'node:fs';
import { isInstalled } from './command.js';

const CAP_NET_ADMIN = 12n;
const CAP_SYS_ADMIN = 21n;

function hasCapabilities(): boolean {
  const line = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
  const effective = BigInt(`0x${line?.[1] ?? '0'}`);
  return ((effective >> CAP_NET_ADMIN) & (effective >> CAP_SYS_ADMIN) & 1n) === 1n;
}

/** Why this process cannot open a lab, or cannot run these commands there; null if it can. */
export function missingForLab(...commands: readonly string[]): string | null {
  if (process.platform !== 'linux') return `needs Linux; this is ${process.platform}`;
  if (!hasCapabilities()) return 'needs root (CAP_NET_ADMIN and CAP_SYS_ADMIN)';
  const missing = ['ip', ...commands].filter((command) => !isInstalled(command));
  return missing.length === 0 ? null : `not installed: ${missing.join(', ')}`;
}

const told = new Set<string>();

/**
 * For `describe.skipIf(labUnavailable('tcpdump') !== null)`: why tests cannot use the lab and these commands, or null.
 * The reason is printed, so that a skip is seen. With CI=true it is thrown: there a skip is a failure.
 */
export function labUnavailable(...commands: readonly string[]): string | null {
  const reason = missingForLab(...commands);
  if (reason === null) return null;
  if (process.env.CI === 'true')
    throw new Error(`the network lab ${reason}; with CI=true its tests must not be skipped`);
  if (!told.has(reason)) {
    told.add(reason);
    process.stderr.write(`[netlab] SKIPPED: the network lab ${reason}\n`);
  }
  return reason;
}
