import { readFileSync } from 'node:fs';
import { isSystemError, LinkUnavailableError } from '@prism-net/linux';

/** Bits of the effective capabilities: <linux/capability.h>. */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_SYS_ADMIN: 21, CAP_BPF: 39 } as const;

/** Calls bpf(2) and says what is missing where the kernel refuses. `what` is the sentence's subject: 'the map sockets'. */
export function callKernel<T>(what: string, call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw refused(what, error);
  }
}

/** A failed call of bpf(2) in words; an error of another kind stays what it is. */
export function refused(what: string, error: unknown): unknown {
  if (!isSystemError(error)) return error;
  if (error.code === 'EPERM' || error.code === 'EACCES') {
    return new LinkUnavailableError(error.code, 'bpf', `${what} is refused: ${missingRight()}`, RIGHTS, error);
  }
  if (error.code === 'ENOSYS') {
    return new LinkUnavailableError(error.code, 'bpf', `${what}: the kernel has no bpf(2)`, INSTEAD, error);
  }
  return new LinkUnavailableError(error.code, 'bpf', `${what}: ${error.message}`, INSTEAD, error);
}

const INSTEAD = 'link-packet and link-tap need no BPF';
const RIGHTS = `run as root, or 'setcap cap_bpf,cap_net_admin,cap_net_raw+ep' on the node binary; ${INSTEAD}`;

/** Why the kernel says EPERM, as far as /proc knows. */
export function missingRight(): string {
  const effective = effectiveCapabilities();
  if (effective === undefined) return 'CAP_BPF and CAP_NET_ADMIN are needed';
  const has = (name: keyof typeof CAPABILITIES) => ((effective >> BigInt(CAPABILITIES[name])) & 1n) === 1n;
  // CAP_SYS_ADMIN includes both, for bpf(2), and was all there was before Linux 5.8.
  const needed = has('CAP_SYS_ADMIN') ? [] : (['CAP_BPF', 'CAP_NET_ADMIN'] as const);
  const missing = needed.filter((name) => !has(name));
  if (missing.length > 0) return `the process lacks ${missing.join(' and ')}`;
  return (
    'the process has CAP_BPF and CAP_NET_ADMIN or CAP_SYS_ADMIN, so that either they do not hold in the first user namespace, ' +
    'or the kernel (before 5.11) counts the memory against RLIMIT_MEMLOCK (ulimit -l), or a security module forbids it'
  );
}

function effectiveCapabilities(): bigint | undefined {
  try {
    const line = /^CapEff:\s*([0-9a-f]+)/m.exec(readFileSync('/proc/thread-self/status', 'utf8'));
    return line === null ? undefined : BigInt(`0x${line[1]}`);
  } catch {
    return undefined;
  }
}
