import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import { missingForLab } from './available.js';
import { type Capture, type CaptureOptions, startCapture } from './capture.js';
import { CommandError, commandEnvironment, type RunOptions, runCommand } from './command.js';
import { addNamespace, listNamespaces, ownPrefix, removeNamespace, sweepNamespaces } from './namespaces.js';

/** One end of a veth pair. */
export interface VethEnd {
  /** Where it is, by the lab's own name for the namespace. */
  readonly namespace: string;
  /** Of the interface, at most 15 characters. */
  readonly name: string;
  /** The kernel's own address there, '10.0.0.1/24'. Without one the kernel only carries frames. */
  readonly address?: string;
  /** '02:00:00:00:00:01'; default: the kernel chooses. */
  readonly mac?: string;
  /** Overrides that of the pair. */
  readonly offloads?: boolean;
}

export interface VethOptions {
  readonly left: VethEnd;
  readonly right: VethEnd;
  /** Default 1500. */
  readonly mtu?: number;
  /** Receive and transmit queues of each end. Default 1. */
  readonly queues?: number;
  /** False: no checksum and segmentation offloads and no GRO, so that frames are complete (needs ethtool). Default true. */
  readonly offloads?: boolean;
}

export interface TapOptions {
  readonly namespace: string;
  readonly name: string;
  /** The kernel's own address there. */
  readonly address?: string;
  readonly mtu?: number;
  readonly multiQueue?: boolean;
}

export interface LabOptions {
  /** True leaves IPv6 on, with its link-local addresses and router solicitations. Default false. */
  readonly ipv6?: boolean;
}

const LABEL = /^[a-z0-9_]{1,40}$/;
/** Begins the namespaces of labs that belong to no process. */
const KEPT = 'prism-lab-';
const openLabs = new Map<string, NetworkLab>();

/** ethtool's names of what makes frames incomplete or larger than the wire allows. */
const OFFLOADS = ['rx', 'tx', 'sg', 'tso', 'gso', 'gro', 'tx-udp-segmentation', 'rxvlan', 'txvlan'];

/**
 * Network namespaces with interfaces between them, for tests and benchmarks; nothing in it touches the machine's own
 * network. It ends with `close()`, with the process, or, when that was killed, with the next `open` of any process.
 */
export class NetworkLab {
  readonly label: string;
  readonly #ipv6: boolean;
  readonly #prefix: string;
  readonly #namespaces = new Map<string, string>();
  readonly #children = new Set<ChildProcess>();
  #closed = false;

  /**
   * A lab of this process, known by `label` (small letters, digits, '_').
   *
   * @throws Error EEXIST when one of that label is open, EPERM or ENOSYS with what is missing to open any.
   */
  static open(label: string, options: LabOptions = {}): NetworkLab {
    checkLabel('label', label);
    const missing = missingForLab();
    if (missing !== null) throw failure(missing.includes('root') ? 'EPERM' : 'ENOSYS', `the network lab ${missing}`);
    if (openLabs.has(label)) throw failure('EEXIST', `a lab '${label}' is open already`);
    sweepNamespaces();
    const lab = new NetworkLab(label, `${ownPrefix()}-${label}`, options);
    if (openLabs.size === 0) process.once('exit', closeAll);
    openLabs.set(label, lab);
    return lab;
  }

  /** A lab that outlives the process, for people: made anew whatever was left of it, gone only by `removeKeptLab`. */
  static keep(label: string, options: LabOptions = {}): NetworkLab {
    checkLabel('label', label);
    removeKeptLab(label);
    return new NetworkLab(label, `${KEPT}${label}`, options);
  }

  private constructor(label: string, prefix: string, options: LabOptions) {
    this.label = label;
    this.#prefix = prefix;
    this.#ipv6 = options.ipv6 ?? false;
  }

  /** The full name, for `ip netns`, of the lab's namespace `name`; made at its first mention, with `lo` up. */
  namespace(name: string): string {
    const known = this.#namespaces.get(name);
    if (known !== undefined) return known;
    if (this.#closed) throw failure('EBADF', `the lab '${this.label}' is closed`);
    checkLabel('namespace', name);
    const full = `${this.#prefix}-${name}`;
    addNamespace(full, this.#ipv6);
    this.#namespaces.set(name, full);
    return full;
  }

  /** A cable: two interfaces, each made in its namespace and up. */
  veth(options: VethOptions): void {
    const { left, right, mtu = 1500, queues = 1 } = options;
    const end = ({ name, mac, namespace }: VethEnd): string[] => {
      const address = mac === undefined ? [] : ['address', mac];
      const size = ['mtu', String(mtu), 'numrxqueues', String(queues), 'numtxqueues', String(queues)];
      return ['name', name, ...size, ...address, 'netns', this.namespace(namespace)];
    };
    const first = end(left);
    runCommand([
      'ip',
      '-n',
      this.namespace(left.namespace),
      'link',
      'add',
      ...first,
      'type',
      'veth',
      'peer',
      ...end(right),
    ]);
    for (const side of [left, right]) {
      const offloads = side.offloads ?? options.offloads ?? true;
      if (!offloads) this.offloads(side.namespace, side.name, false);
      this.#bringUp(side.namespace, side.name, side.address);
    }
  }

  /** A persistent TAP device, for a link to open by its name. */
  tap(options: TapOptions): void {
    const { namespace, name, mtu = 1500 } = options;
    const kind = ['mode', 'tap', 'vnet_hdr', ...(options.multiQueue === true ? ['multi_queue'] : [])];
    this.#ip(namespace, ['tuntap', 'add', 'dev', name, ...kind]);
    this.#ip(namespace, ['link', 'set', 'dev', name, 'mtu', String(mtu)]);
    this.#bringUp(namespace, name, options.address);
  }

  /** Switches all offloads of an interface: checksums, segmentation, GRO, VLAN tags. */
  offloads(namespace: string, device: string, on: boolean): void {
    const settings = OFFLOADS.flatMap((feature) => [feature, on ? 'on' : 'off']);
    this.run(namespace, ['ethtool', '-K', device, ...settings]);
  }

  /** Kernel settings of one namespace by their names in sysctl: `{ 'net.ipv4.tcp_sack': 0 }`. */
  sysctl(namespace: string, settings: Readonly<Record<string, string | number>>): void {
    for (const [name, value] of Object.entries(settings)) {
      const path = `/proc/sys/${name.replaceAll('.', '/')}`;
      this.run(namespace, ['sh', '-c', `cat > ${path}`], { input: String(value) });
    }
  }

  /** Runs a command in a namespace and returns what it printed. @throws CommandError */
  run(namespace: string, command: readonly string[], options: RunOptions = {}): string {
    return runCommand(['ip', 'netns', 'exec', this.namespace(namespace), ...command], options);
  }

  /** Starts a command in a namespace; the lab's end is its end. `ip netns exec` becomes the command: `pid` is its own. */
  spawn(namespace: string, command: readonly string[], options: SpawnOptions = {}): ChildProcess {
    const args = ['netns', 'exec', this.namespace(namespace), ...command];
    return this.#keep(spawn('ip', args, { env: commandEnvironment(), ...options }));
  }

  /** Damage to what a device sends, as netem words it: 'loss 1%', 'delay 10ms reorder 5%'. Replaces earlier damage. */
  impair(namespace: string, device: string, netem: string): void {
    const command = ['tc', 'qdisc', 'replace', 'dev', device, 'root', 'netem', ...netem.split(' ')];
    try {
      this.run(namespace, command);
    } catch (error) {
      const unknown = error instanceof CommandError && /qdisc kind is unknown/.test(error.output);
      if (!unknown) throw error;
      throw failure('ENOSYS', 'this kernel has no netem (sch_netem): use impair() of @prism-net/link around the link');
    }
  }

  /** Writes what passes a device into a pcap file, with tcpdump; returns when it is capturing. */
  capture(namespace: string, device: string, file: string, options: CaptureOptions = {}): Capture {
    const { capture, child } = startCapture(this.namespace(namespace), device, file, options);
    this.#keep(child);
    return capture;
  }

  /** Idempotent. Ends every process the lab started and everything else in its namespaces, and removes these. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    if (openLabs.get(this.label) === this) openLabs.delete(this.label);
    if (openLabs.size === 0) process.off('exit', closeAll);
    for (const child of this.#children) child.kill('SIGKILL');
    this.#children.clear();
    for (const namespace of this.#namespaces.values()) removeNamespace(namespace);
    this.#namespaces.clear();
  }

  #ip(namespace: string, args: readonly string[]): void {
    runCommand(['ip', '-n', this.namespace(namespace), ...args]);
  }

  #bringUp(namespace: string, device: string, address: string | undefined): void {
    if (address !== undefined) this.#ip(namespace, ['address', 'add', address, 'dev', device]);
    this.#ip(namespace, ['link', 'set', 'dev', device, 'up']);
  }

  #keep(child: ChildProcess): ChildProcess {
    this.#children.add(child);
    child.once('exit', () => this.#children.delete(child));
    return child;
  }
}

/** Labels of the labs of `NetworkLab.keep`. */
export function keptLabs(): string[] {
  const names = listNamespaces().filter((namespace) => namespace.startsWith(KEPT));
  return [...new Set(names.map((namespace) => namespace.slice(KEPT.length).split('-')[0]!))];
}

/** Removes a lab of `NetworkLab.keep`, and ends what runs in it. Returns whether there was any of it. */
export function removeKeptLab(label: string): boolean {
  const namespaces = listNamespaces().filter((namespace) => namespace.startsWith(`${KEPT}${label}-`));
  for (const namespace of namespaces) removeNamespace(namespace);
  return namespaces.length > 0;
}

function checkLabel(what: string, value: string): void {
  if (!LABEL.test(value)) throw failure('EINVAL', `${what}: '${value}' must be 1-40 small letters, digits or '_'`);
}

function closeAll(): void {
  for (const lab of openLabs.values()) lab.close();
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
