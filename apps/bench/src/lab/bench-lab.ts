import type { ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { missingForLab, NetworkLab } from '@prism-net/netlab';
import type { LinkChoice } from '../scenario.js';
import type { PeerJob } from './peer-job.js';
import { PeerProcess } from './peer-process.js';

/** Where a peer runs and what address it has there. */
export interface Endpoint {
  /** The lab's own name of the namespace. */
  readonly namespace: string;
  readonly core: number;
  readonly address: string;
  /** Prism's link, as `openLink` takes it; without one the end is the kernel's. */
  readonly link?: string;
}

/** What an endpoint's peer is told besides where it is. */
export type Task = Omit<PeerJob, 'core' | 'address' | 'peer' | 'link' | 'mtu' | 'frames'>;

export type Side = 'client' | 'server';

const program = fileURLToPath(new URL('./peer.js', import.meta.url));
const CORE: Readonly<Record<Side, number>> = { client: 0, server: Math.min(1, availableParallelism() - 1) };
/** The kernel's addresses end in 1 and 2, Prism's beside them on the same cable in 11 and 12. */
const HOST: Readonly<Record<Side, number>> = { client: 1, server: 2 };
const DEVICE = 'veth0';
/**
 * For the kernel's connections: BBR, which some machines have as their default, paces what needs no pacing on a cable
 * that loses nothing. CUBIC is Prism's own; a kernel may let namespaces choose from others only.
 */
const CONGESTION_CONTROLS = ['cubic', 'reno'];
const TAP = 'prism0';
const TAP_KERNEL = '10.78.0.1';
const TAP_PRISM = '10.78.0.2';
/** For native XDP a veth copies every packet once more, into a page of its own: generic XDP is the faster one there. */
const ON_VETH = { attach: 'generic' };

/**
 * Two hosts with a cable between them, a core for each: the kernel's two ends, or Prism's, or one of each. A TAP has its
 * two ends in one host, and the same two cores.
 */
export class BenchLab {
  readonly choice: LinkChoice;
  /** Of the kernel's TCP in the lab. */
  readonly kernelCongestionControl: string;
  readonly #lab: NetworkLab;

  /** @throws Error that says what is missing: root, the command `ip`. */
  constructor(scenario: string, choice: LinkChoice) {
    const missing = missingForLab();
    if (missing !== null) throw new Error(`--link opens a network lab, which ${missing}`);
    this.choice = choice;
    this.#lab = NetworkLab.open(`bench_${scenario.replaceAll('-', '_')}`);
    const end = (namespace: Side) => ({ namespace, name: DEVICE, address: `10.77.0.${HOST[namespace]}/24` });
    this.#lab.veth({ left: end('client'), right: end('server'), mtu: choice.mtu });
    this.kernelCongestionControl = this.#setCongestionControl([
      'client',
      'server',
      ...(choice.name === 'tap' ? ['tap'] : []),
    ]);
  }

  /** The kernel's end of the cable. */
  kernel(side: Side): Endpoint {
    return { namespace: side, core: CORE[side], address: `10.77.0.${HOST[side]}` };
  }

  /** Prism's end of the link that was asked for; with TAP there is just one, opposite the kernel's. */
  prism(side: Side, more: Readonly<Record<string, string | number>> = {}): Endpoint {
    const { name, query, mtu } = this.choice;
    const core = CORE[side];
    const own = { xdp: ON_VETH, packet: {}, tap: { hostAddress: `${TAP_KERNEL}/24`, mtu } }[name];
    const options = { ...own, ...Object.fromEntries(new URLSearchParams(query)), ...more };
    if (name === 'tap') return { namespace: 'tap', core, address: TAP_PRISM, link: `tap:${TAP}${text(options)}` };
    return { namespace: side, core, address: `10.77.0.1${HOST[side]}`, link: `${name}:${DEVICE}${text(options)}` };
  }

  /** The kernel's end opposite Prism's. */
  kernelOpposite(side: Side): Endpoint {
    return this.choice.name === 'tap' ? { namespace: 'tap', core: CORE[side], address: TAP_KERNEL } : this.kernel(side);
  }

  /** Starts a peer; resolves when it is ready. */
  start(at: Endpoint, opposite: Endpoint, task: Task): Promise<PeerProcess> {
    const { mtu, frames } = this.choice;
    const { core, address, link } = at;
    const job: PeerJob = {
      ...task,
      core,
      address,
      peer: opposite.address,
      mtu,
      ...(link === undefined ? {} : { link }),
      ...(frames === undefined ? {} : { frames }),
    };
    const child = this.#lab.spawn(at.namespace, [process.execPath, program, JSON.stringify(job)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    return PeerProcess.of(child, task);
  }

  /** A command that is one of the contestants, on the core of its side. */
  command(at: Endpoint, command: readonly string[]): ChildProcess {
    return this.#lab.spawn(at.namespace, ['taskset', '-c', String(at.core), ...command], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  }

  /** Connections of the kernel in TIME-WAIT are forgotten at once. */
  forgetTimeWait(namespace: string): void {
    this.#lab.sysctl(namespace, { 'net.ipv4.tcp_max_tw_buckets': 1 });
  }

  close(): void {
    this.#lab.close();
  }

  #setCongestionControl(namespaces: readonly string[]): string {
    const allowed = this.#lab
      .run(namespaces[0]!, ['cat', '/proc/sys/net/ipv4/tcp_allowed_congestion_control'])
      .split(/\s+/);
    const chosen = CONGESTION_CONTROLS.find((each) => allowed.includes(each)) ?? 'reno';
    for (const namespace of namespaces) this.#lab.sysctl(namespace, { 'net.ipv4.tcp_congestion_control': chosen });
    return chosen;
  }
}

/** As `openLink` reads them: `?option=value&option=value`. */
function text(options: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(options).map(([option, value]) => `${option}=${value}`);
  return pairs.length === 0 ? '' : `?${pairs.join('&')}`;
}
