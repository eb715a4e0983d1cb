import type { PacketMemory, PacketPool } from '@prism-net/buffers';
import { Errno, invalidArgument, type PosixError, posixError, requireWholeNumber } from '@prism-net/errors';
import type { EthernetInterfaceOptions } from '@prism-net/ethernet';
import type { Ipv4LayerOptions } from '@prism-net/ipv4';
import type { Link } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import type { TcpSettings } from '@prism-net/tcp';
import type { Clock } from '@prism-net/time';
import type { UdpOptions } from '@prism-net/udp';
import {
  type Ipv4Prefix,
  type MacAddress,
  parseIpv4Address,
  parseIpv4Prefix,
  parseMacAddress,
  prefixMask,
} from '@prism-net/wire';
import { requireKnownStackOptions } from './known-options.js';
import type { Scheduler } from './scheduler.js';

/** One network interface: a link and what the host is on it. */
export interface InterfaceOptions {
  readonly link: Link;
  /** Own address with its prefix length, '10.0.0.1/24'; several where an interface has several. */
  readonly address: string | readonly string[];
  /** Default router. */
  readonly gateway?: string;
  /** For reports. Default: the link's name. */
  readonly name?: string;
  /** Default: the link's address. 'aa:bb:cc:dd:ee:ff'. */
  readonly macAddress?: string;
  /** 802.1Q identifier: send tagged, accept only this VLAN. Default: untagged. */
  readonly vlan?: number;
  /** Default: the link's. */
  readonly mtu?: number;
  /** Further limits, each with a default: see EthernetInterfaceOptions. */
  readonly ethernet?: Pick<
    EthernetInterfaceOptions,
    'transmitQueue' | 'multicastAddresses' | 'promiscuous' | 'neighbours' | 'arp'
  >;
}

/** Links of stacks that are open. */
export const linksInUse = new WeakSet<Link>();

const LOOP_MODES = ['interrupt', 'busy', 'adaptive', 'manual'] as const;

/**
 * How the stack gets its turns.
 * - `interrupt`: sleeps until a link or a timer wakes it; an idle process uses no CPU. Latency: one event-loop wake-up.
 * - `busy`: polls in every iteration of the event loop; owns its core, lowest latency an event loop can give.
 * - `adaptive`: spins as `busy` for a while after the last packet, then sleeps as `interrupt`.
 * - `manual`: the application calls `stack.poll()`; worker loops and tests.
 */
export type LoopMode = (typeof LOOP_MODES)[number];

export interface StackOptions {
  readonly interfaces: readonly InterfaceOptions[];
  readonly mode?: LoopMode;
  /** How long `adaptive` spins after the last packet. Default 1,000 µs. */
  readonly spinMicroseconds?: number;
  /** A loopback interface with 127.0.0.1. Default true. */
  readonly loopback?: boolean;
  /** Where packets live. Default: a memory of its own with 4,096 frames of 2,048 bytes. */
  readonly memory?: PacketMemory;
  /** The packets the stack sends with. Default: the link's own pool if it has one, else all unreserved frames of the memory. */
  readonly pool?: PacketPool;
  /** Frames taken from each interface per poll, and frames collected for a link before they are handed over. Default 32. */
  readonly receiveBudget?: number;
  /** Timers fired per poll. Default 64. */
  readonly timerBudget?: number;
  /** Timers that can exist. Default 1,024. */
  readonly timers?: number;
  readonly clock?: Clock;
  /** Source of secrets (hash keys, ports, identifiers). Default: cryptographic. Give a seeded one only in simulations. */
  readonly random?: RandomSource;
  readonly scheduler?: Scheduler;
  readonly ipv4?: Pick<
    Ipv4LayerOptions,
    | 'forwarding'
    | 'strongHost'
    | 'timeToLive'
    | 'addresses'
    | 'routes'
    | 'groups'
    | 'pathMtuDestinations'
    | 'minimumPathMtu'
    | 'reassembly'
    | 'icmp'
  >;
  readonly udp?: Pick<UdpOptions, 'maximumEndpoints' | 'ephemeralPorts' | 'receiveQueue'>;
  /** Limits and defaults of TCP: see TcpSettings. */
  readonly tcp?: Partial<TcpSettings>;
}

/** The common case in one object: a stack with a single interface. */
export type SingleInterfaceOptions = Omit<StackOptions, 'interfaces'> & InterfaceOptions;

/** An interface's options, parsed. */
export interface ParsedInterface {
  readonly options: InterfaceOptions;
  readonly addresses: readonly Ipv4Prefix[];
  readonly gateway: number | undefined;
  readonly macAddress: MacAddress | undefined;
}

/** Bounds of limits that the layers below take as they are. */
const IPV4_LIMITS = {
  timeToLive: [1, 255],
  addresses: [1, 65_536],
  routes: [1, 1 << 20],
  groups: [1, 65_536],
  pathMtuDestinations: [1, 65_536],
  minimumPathMtu: [68, 65_535],
} as const;
const ETHERNET_LIMITS = { transmitQueue: [1, 1 << 20], multicastAddresses: [1, 65_536] } as const;

/** @throws PosixError EINVAL that names the option, for options that concern the stack as a whole. */
export function requireStackOptions(options: StackOptions | SingleInterfaceOptions): void {
  if (typeof options !== 'object' || options === null) {
    throw invalidArgument('createStack', 'options: at least { link, address }');
  }
  const { mode = 'interrupt', memory, pool } = options;
  if ('interfaces' in options && !Array.isArray(options.interfaces)) {
    throw invalidArgument('createStack', 'interfaces must be an array of { link, address }');
  }
  requireKnownStackOptions(options);
  if (!LOOP_MODES.includes(mode)) {
    throw invalidArgument('createStack', `mode must be interrupt, busy, adaptive or manual, not ${String(mode)}`);
  }
  if (options.receiveBudget !== undefined) {
    requireWholeNumber('createStack', 'receiveBudget', options.receiveBudget, 1, 4096);
  }
  if (options.timerBudget !== undefined) {
    requireWholeNumber('createStack', 'timerBudget', options.timerBudget, 1, 65_536);
  }
  if (options.spinMicroseconds !== undefined) {
    requireWholeNumber('createStack', 'spinMicroseconds', options.spinMicroseconds, 0, 10_000_000);
  }
  if (options.timers !== undefined) requireWholeNumber('createStack', 'timers', options.timers, 1, 1 << 20);
  requireRanges('ipv4', options.ipv4, IPV4_LIMITS);
  requireRanges('ipv4.reassembly', options.ipv4?.reassembly, { datagrams: [1, 65_536] });
  if (pool !== undefined && memory !== undefined && pool.memory !== memory) {
    throw invalidArgument('createStack', 'pool must be a pool of the memory that is given, or memory left out');
  }
  if (pool === undefined && memory?.unreservedFrames === 0) {
    throw invalidArgument(
      'createStack',
      'memory has no frames left for the stack; give a pool, or reserve fewer frames',
    );
  }
}

/** The interfaces, checked and parsed. @throws PosixError EINVAL that names the option. */
export function parseInterfaces(options: StackOptions | SingleInterfaceOptions): ParsedInterface[] {
  const list = 'interfaces' in options ? options.interfaces : [options];
  const parsed = list.map(parseInterface);
  if (new Set(list.map(({ link }) => link)).size < list.length) {
    throw invalidArgument('createStack', 'link: two interfaces cannot share one, each would take packets of the other');
  }
  for (const { link } of list) {
    if (!linksInUse.has(link)) continue;
    throw posixError(Errno.EADDRINUSE, 'createStack', `link: ${link.name} is the link of another stack that is open`);
  }
  return parsed;
}

function parseInterface(options: InterfaceOptions): ParsedInterface {
  const { link, address } = options;
  if (typeof link?.receive !== 'function') {
    throw invalidArgument(
      'createStack',
      "link: an interface needs one that is open, e.g. createPipe()[0] or await openLink('tap')",
    );
  }
  if (address === undefined) {
    throw invalidArgument('createStack', `address: the interface on ${link.name} needs one, such as '10.0.0.1/24'`);
  }
  if (options.vlan !== undefined) requireWholeNumber('createStack', 'vlan', options.vlan, 1, 4094);
  if (options.mtu !== undefined) requireWholeNumber('createStack', 'mtu', options.mtu, 68, link.capabilities.mtu);
  requireRanges('ethernet', options.ethernet, ETHERNET_LIMITS);
  requireRanges('ethernet.neighbours', options.ethernet?.neighbours, { capacity: [1, 1 << 20] });
  requireRanges('ethernet.arp', options.ethernet?.arp, { addresses: [1, 65_536] });
  const texts = typeof address === 'string' ? [address] : address;
  if (!Array.isArray(texts)) {
    throw invalidArgument('createStack', `address must be text such as '10.0.0.1/24', or an array of that`);
  }
  const addresses = texts.map((text) => read('address', parseIpv4Prefix, text));
  const gateway = options.gateway === undefined ? undefined : read('gateway', parseIpv4Address, options.gateway);
  if (gateway !== undefined && !addresses.some((own) => isNeighbour(gateway, own))) {
    throw invalidArgument('createStack', `gateway: ${options.gateway} is not a neighbour on ${texts.join(', ')}`);
  }
  const macAddress =
    options.macAddress === undefined ? undefined : read('macAddress', parseMacAddress, options.macAddress);
  return { options, addresses, gateway, macAddress };
}

function isNeighbour(address: number, own: Ipv4Prefix): boolean {
  const hosts = ~prefixMask(own.prefixLength);
  const isNetworkOrBroadcast = own.prefixLength < 31 && ((address & hosts) === 0 || (address & hosts) === hosts);
  return address !== own.address && !isNetworkOrBroadcast && ((address ^ own.address) & ~hosts) === 0;
}

function read<T>(name: string, parse: (text: string) => T, text: unknown): T {
  if (typeof text !== 'string') throw invalidArgument('createStack', `${name} must be text, not ${String(text)}`);
  try {
    return parse(text);
  } catch (error) {
    throw invalidArgument('createStack', `${name}: ${(error as PosixError).detail}`);
  }
}

function requireRanges(
  where: string,
  options: object | undefined,
  ranges: Readonly<Record<string, readonly [minimum: number, maximum: number]>>,
): void {
  for (const [name, value] of Object.entries(options ?? {})) {
    const range = ranges[name];
    if (range !== undefined && value !== undefined) {
      requireWholeNumber('createStack', `${where}.${name}`, value, range[0], range[1]);
    }
  }
}
