import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { arch, availableParallelism, platform, release } from 'node:os';
import { gunzipSync } from 'node:zlib';
import { type Capability, missingCapabilities, ownCapabilities } from './capabilities.js';
import type { Check, Machine } from './diagnosis.js';

const TUN = '/dev/net/tun';
const NEEDED: readonly Capability[] = ['CAP_NET_RAW', 'CAP_NET_ADMIN', 'CAP_BPF', 'CAP_SYS_ADMIN'];
/** What Prism's packet memory takes by default, rounded up: it counts against the limit when a card's rings pin it. */
const MEMLOCK_BYTES = 64 * 1024 * 1024;
/** Options of the kernel, and what needs each. */
const KERNEL_OPTIONS: readonly (readonly [string, string])[] = [
  ['CONFIG_PACKET', 'packet'],
  ['CONFIG_TUN', 'tap'],
  ['CONFIG_BPF_SYSCALL', 'xdp'],
  ['CONFIG_XDP_SOCKETS', 'xdp'],
];

/** What of this machine links depend on. Reads; changes nothing. */
export function examineMachine(): Machine {
  return {
    platform: platform(),
    architecture: arch(),
    kernel: release(),
    node: process.version,
    processors: availableParallelism(),
    checks: platform() === 'linux' ? linuxChecks() : [],
  };
}

function linuxChecks(): Check[] {
  const checks = [rights(), tunDevice(), kernelOptions(readKernelConfiguration()), lockedMemory(), bpf(), hugePages()];
  return checks.filter((check) => check !== undefined);
}

function rights(): Check {
  const missing = missingCapabilities(NEEDED, ownCapabilities());
  if (missing.length === 0) return { name: 'rights', state: 'good', text: 'every capability that links need' };
  return {
    name: 'rights',
    state: 'bad',
    text: `missing ${missing.join(', ')}: run it as root to try the native links`,
  };
}

function tunDevice(): Check {
  const name = TUN;
  if (!existsSync(TUN)) return { name, state: 'bad', text: "does not exist: no tap; 'modprobe tun' makes it" };
  try {
    accessSync(TUN, constants.R_OK | constants.W_OK);
    return { name, state: 'good', text: 'readable and writable' };
  } catch {
    return { name, state: 'bad', text: 'no permission to open it: no tap' };
  }
}

/** The text of the running kernel's configuration, where the distribution keeps it. */
function readKernelConfiguration(): string | undefined {
  try {
    return gunzipSync(readFileSync('/proc/config.gz')).toString('latin1');
  } catch {
    try {
      return readFileSync(`/boot/config-${release()}`, 'latin1');
    } catch {
      return undefined;
    }
  }
}

export function kernelOptions(configuration: string | undefined): Check {
  const name = 'kernel options';
  if (configuration === undefined) return { name, state: 'note', text: 'the kernel does not publish them' };
  const missing = KERNEL_OPTIONS.filter(([option]) => !new RegExp(`^${option}=[ym]$`, 'm').test(configuration));
  if (missing.length === 0) {
    return { name, state: 'good', text: KERNEL_OPTIONS.map(([option]) => option.slice(7)).join(', ') };
  }
  return {
    name,
    state: 'bad',
    text: missing.map(([option, link]) => `${option} is not set: no ${link}`).join('; '),
  };
}

function lockedMemory(): Check | undefined {
  const limits = readText('/proc/self/limits');
  const limit = /^Max locked memory\s+(\S+)/m.exec(limits)?.[1];
  if (limit === undefined) return undefined;
  const name = 'locked memory';
  if (limit === 'unlimited') return { name, state: 'good', text: 'RLIMIT_MEMLOCK is unlimited' };
  const bytes = Number(limit);
  const size = `RLIMIT_MEMLOCK is ${Math.floor(bytes / 1024)} KiB`;
  const isExempt = ownCapabilities().has('CAP_IPC_LOCK');
  if (isExempt) return { name, state: 'good', text: `${size}, and CAP_IPC_LOCK lifts it` };
  if (bytes >= MEMLOCK_BYTES) return { name, state: 'good', text: size };
  return {
    name,
    state: 'bad',
    text: `${size}: too little for the packet memory of xdp; 'ulimit -l unlimited' as root`,
  };
}

function bpf(): Check | undefined {
  const setting = readText('/proc/sys/kernel/unprivileged_bpf_disabled').trim();
  if (setting === '') return undefined;
  const compiler = readText('/proc/sys/net/core/bpf_jit_enable').trim();
  const rights = setting === '0' ? 'unprivileged use allowed (socket filters only)' : 'for CAP_BPF only';
  const text = `${rights}; ${compiler === '0' ? 'programs are interpreted (net.core.bpf_jit_enable = 0)' : 'compiled'}`;
  return { name: 'BPF', state: compiler === '0' ? 'note' : 'good', text };
}

function hugePages(): Check | undefined {
  const folder = '/sys/kernel/mm/transparent_hugepage';
  const setting = /\[(\w+)\]/.exec(readText(`${folder}/enabled`))?.[1];
  if (setting === undefined) return { name: 'huge pages', state: 'note', text: 'the kernel has none' };
  const isOff = setting === 'never';
  const text = isOff ? `${folder}/enabled says never: packet memory gets ordinary pages` : `transparent: ${setting}`;
  return { name: 'huge pages', state: isOff ? 'note' : 'good', text };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
