import { readFileSync } from 'node:fs';

/** Linux capabilities that links need, by their bit. */
const BITS = {
  CAP_NET_ADMIN: 12,
  CAP_NET_RAW: 13,
  CAP_IPC_LOCK: 14,
  CAP_SYS_ADMIN: 21,
  CAP_BPF: 39,
} as const;

export type Capability = keyof typeof BITS;

/** The capabilities in force, of those that matter here. `status` is the text of /proc/self/status. */
export function effectiveCapabilities(status: string): ReadonlySet<Capability> {
  const hexadecimal = /^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0';
  const bits = BigInt(`0x${hexadecimal}`);
  const names = Object.keys(BITS) as Capability[];
  return new Set(names.filter((name) => (bits >> BigInt(BITS[name])) & 1n));
}

export function ownCapabilities(): ReadonlySet<Capability> {
  return process.platform === 'linux' ? effectiveCapabilities(readFileSync('/proc/self/status', 'latin1')) : new Set();
}

/** What is missing of `needed`. CAP_SYS_ADMIN stands for CAP_BPF, which kernels before 5.8 do not have. */
export function missingCapabilities(needed: readonly Capability[], have: ReadonlySet<Capability>): Capability[] {
  return needed.filter((name) => !have.has(name) && !(name === 'CAP_BPF' && have.has('CAP_SYS_ADMIN')));
}
