import type { PacketMemory, PacketPool } from '@prism-net/buffers';
import type { EthernetInterfaceOptions } from '@prism-net/ethernet';
import type { Ipv4LayerOptions } from '@prism-net/ipv4';
import { Errno, type Link, posixError } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import type { Clock } from '@prism-net/time';
import type { UdpOptions } from '@prism-net/udp';
import { type Ipv4Prefix, type MacAddress, parseIpv4Address, parseIpv4Prefix, parseMacAddress } from '@prism-net/wire';
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

/**
 * How the stack gets its turns.
 * - `interrupt`: sleeps until a link or a timer wakes it; an idle process uses no CPU. Latency: one event-loop wake-up.
 * - `busy`: polls in every iteration of the event loop; owns its core, lowest latency an event loop can give.
 * - `adaptive`: spins as `busy` for a while after the last packet, then sleeps as `interrupt`.
 * - `manual`: the application calls `stack.poll()`; worker loops and tests.
 */
export type LoopMode = 'interrupt' | 'busy' | 'adaptive' | 'manual';

export interface StackOptions {
  readonly interfaces: readonly InterfaceOptions[];
  readonly mode?: LoopMode;
  /** How long `adaptive` spins after the last packet. Default 1,000 µs. */
  readonly spinMicroseconds?: number;
  /** A loopback interface with 127.0.0.1. Default true. */
  readonly loopback?: boolean;
  /** Where packets live. Default: a memory of its own with 4,096 frames of 2,048 bytes. */
  readonly memory?: PacketMemory;
  /** The packets the stack sends with. Default: all frames of the memory not reserved otherwise. */
  readonly pool?: PacketPool;
  /** Frames taken from each interface per poll. Default 64. */
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

export function interfaceList(options: StackOptions | SingleInterfaceOptions): readonly InterfaceOptions[] {
  return 'interfaces' in options ? options.interfaces : [options];
}

/** @throws PosixError or Error with code EINVAL that names the option. */
export function parseInterface(options: InterfaceOptions): ParsedInterface {
  if (typeof options.link?.receive !== 'function') throw invalid('an interface needs a link, e.g. createPipe()[0]');
  if (options.address === undefined)
    throw invalid(`interface ${options.link.name}: needs an address such as '10.0.0.1/24'`);
  const list = typeof options.address === 'string' ? [options.address] : options.address;
  if (options.vlan !== undefined) requireRange('vlan', options.vlan, 1, 4094);
  if (options.mtu !== undefined) requireRange('mtu', options.mtu, 68, options.link.capabilities.mtu);
  return {
    options,
    addresses: list.map((text) => parseIpv4Prefix(text)),
    gateway: options.gateway === undefined ? undefined : parseIpv4Address(options.gateway),
    macAddress: options.macAddress === undefined ? undefined : parseMacAddress(options.macAddress),
  };
}

export function requireRange(name: string, value: number, minimum: number, maximum: number): void {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return;
  throw invalid(`${name} must be a whole number from ${minimum} to ${maximum}, not ${value}`);
}

export function invalid(detail: string): Error {
  return posixError(Errno.EINVAL, 'createStack', detail);
}
