import type { PacketPool } from '@prism-net/buffers';
import { Errno, posixError, requireWholeNumber } from '@prism-net/errors';
import type { PcapWriter } from '@prism-net/link';
import { Stack, type StackOptions } from '@prism-net/stack';
import type { SeededRandom } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import { type Ipv4Prefix, parseIpv4Prefix, prefixMask } from '@prism-net/wire';
import type { Port } from './port.js';
import type { Schedule } from './schedule.js';
import { HostClock, type VirtualClock } from './virtual-clock.js';

/** One network card of a host. */
export interface SimulatedInterface {
  /** '10.0.0.1/24', or several. */
  readonly address: string | readonly string[];
  readonly gateway?: string;
  /** Default: the host's. */
  readonly mtu?: number;
}

export interface SimulatedHostOptions {
  /** The address of the only interface, or of each interface in turn; or give {@link interfaces}. */
  readonly address?: string | readonly string[];
  readonly gateway?: string;
  readonly interfaces?: readonly SimulatedInterface[];
  /** Of its interfaces. Default 1,500. */
  readonly mtu?: number;
  /** Packets the host has. Default 512. */
  readonly frames?: number;
  /** Frames that wait at an interface for the host at most. Default 256. */
  readonly receiveQueue?: number;
  /** Its interfaces complete and verify checksums. Default false. */
  readonly checksumOffload?: boolean;
  /** The host's clock shows multiples of this. Default 1. */
  readonly clockGranularityMicroseconds?: number;
  /** How long a card waits before it tells the host of a frame: frames then come in bursts. Default 0. */
  readonly interruptDelayMicroseconds?: number;
  /** What else the stack takes. Limits are small by default, so that a host is made in a fraction of a millisecond. */
  readonly stack?: Omit<StackOptions, 'interfaces' | 'mode' | 'memory' | 'pool' | 'clock' | 'random' | 'scheduler'>;
}

/** What a host gets from its simulation. */
export interface HostContext {
  readonly name: string;
  readonly clock: VirtualClock;
  readonly schedule: Schedule;
  readonly random: SeededRandom;
  readonly pool: PacketPool;
  readonly ports: readonly Port[];
  readonly interfaces: readonly SimulatedInterface[];
}

const SMALL = {
  loopback: false,
  timers: 256,
  ipv4: { addresses: 16, routes: 32, groups: 16, pathMtuDestinations: 64, reassembly: { datagrams: 16 } },
  udp: { maximumEndpoints: 64, receiveQueue: 256 },
  tcp: { maximumConnections: 64, maximumListeners: 16, synCacheSize: 64, timeWaitSize: 64, maximumOrphans: 64 },
} as const satisfies Partial<StackOptions>;
const SMALL_ETHERNET = { transmitQueue: 256, multicastAddresses: 16, neighbours: { capacity: 64 } } as const;

/** A whole stack in virtual time. The simulation polls it when a frame arrives, a timer falls due or a socket wants to send. */
export class SimulatedHost extends Stack {
  readonly name: string;
  readonly ports: readonly Port[];
  /** Its rank among the hosts of the simulation. */
  readonly index: number;
  readonly #given: readonly SimulatedInterface[];
  readonly #virtual: VirtualClock;
  readonly #clock: HostClock;
  readonly #schedule: Schedule;
  readonly #interruptDelay: number;
  #isTurning = false;
  #isPaused = false;

  constructor(context: HostContext, options: SimulatedHostOptions) {
    const clock = new HostClock(context.clock, options.clockGranularityMicroseconds ?? 1);
    const { stack } = options;
    super({
      ...SMALL,
      ...stack,
      ipv4: { ...SMALL.ipv4, ...stack?.ipv4 },
      udp: { ...SMALL.udp, ...stack?.udp },
      tcp: { ...SMALL.tcp, ...stack?.tcp },
      mode: 'manual',
      clock,
      random: context.random,
      pool: context.pool,
      interfaces: context.interfaces.map(({ address, gateway }, i) => ({
        link: context.ports[i]!,
        address,
        ethernet: SMALL_ETHERNET,
        ...(gateway === undefined ? {} : { gateway }),
      })),
    });
    this.name = context.name;
    this.ports = context.ports;
    this.#given = context.interfaces;
    this.#virtual = context.clock;
    this.#clock = clock;
    this.#schedule = context.schedule;
    this.#interruptDelay = options.interruptDelayMicroseconds ?? 0;
    this.index = context.schedule.add();
    for (const port of this.ports) port.onArrival = () => this.#wakeAt(this.#virtual.time + this.#interruptDelay);
    this.#wakeAt(this.#virtual.time);
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** The host does nothing until {@link resume}: as a process that is stopped, or a machine that swaps. */
  pause(): void {
    this.#isPaused = true;
    this.#schedule.due[this.index] = Number.POSITIVE_INFINITY;
  }

  resume(): void {
    this.#isPaused = false;
    this.#wakeAt(this.#virtual.time);
  }

  /** A port by number. @throws PosixError EINVAL. */
  port(number: number): Port {
    const port = this.ports[number];
    if (port === undefined) throw posixError(Errno.EINVAL, 'port', `${this.name} has ${this.ports.length} ports`);
    return port;
  }

  /** Changes the MTU of an interface while it runs: a router then reports longer packets back, or cuts them up. */
  setMtu(portNumber: number, mtu: number): void {
    const { capabilities } = this.port(portNumber);
    const networkInterface: { mtu: number } = this.#interfaceAt(portNumber);
    networkInterface.mtu = requireWholeNumber('setMtu', 'mtu', mtu, 68, capabilities.mtu);
  }

  /** Makes a neighbour known at a port, if the other's port is on the same network. */
  introduce(portNumber: number, other: SimulatedHost, otherPortNumber: number): void {
    const networkInterface = this.#interfaceAt(portNumber);
    const { high, low } = other.port(otherPortNumber).capabilities.macAddress;
    const own = this.#addressesAt(portNumber);
    for (const { address } of other.#addressesAt(otherPortNumber)) {
      const isNeighbour = own.some((one) => ((one.address ^ address) & prefixMask(one.prefixLength)) === 0);
      if (isNeighbour) networkInterface.arp.addStaticNeighbour(address, high, low);
    }
  }

  /** Writes what passes a port from now on into a capture, with times since the start of the simulation; null ends that. */
  capture(writer: PcapWriter | null, portNumber = 0): void {
    this.port(portNumber).capture(writer, () => this.#virtual.time);
  }

  /** The time on this host's clock: unlike a stack's between two polls, never late. */
  override now(): Instant {
    return this.#clock.now();
  }

  /** The simulation polls soon, at this very instant. */
  override requestPoll(): void {
    if (!this.#isTurning) this.#wakeAt(this.#virtual.time);
  }

  // ---- for the simulation

  /** One poll, and when the next is due. */
  turn(): void {
    this.#isTurning = true;
    try {
      this.poll(this.#clock.now());
    } finally {
      this.#isTurning = false;
      this.#schedule.due[this.index] = this.#nextTurn();
    }
  }

  /** The line at a port has room: sends what was refused. */
  roomAt(port: Port): void {
    if (port.takeRefusal()) this.#wakeAt(this.#virtual.time);
  }

  #interfaceAt(portNumber: number): Stack['interfaces'][number] {
    const port = this.port(portNumber);
    return this.interfaces.find(({ link }) => link === port)!;
  }

  #addressesAt(portNumber: number): readonly Ipv4Prefix[] {
    const { address } = this.#given[portNumber]!;
    return (typeof address === 'string' ? [address] : address).map(parseIpv4Prefix);
  }

  #nextTurn(): number {
    if (this.#isPaused) return Number.POSITIVE_INFINITY;
    // Sockets that became ready while others were told get their turn in the next poll.
    if (this.ready.length > 0) return this.#virtual.time;
    const wait = this.nextEvent();
    if (wait < 0) return Number.POSITIVE_INFINITY;
    return wait === 0 ? this.#virtual.time : this.#clock.timeAfter(wait);
  }

  #wakeAt(time: number): void {
    const { due } = this.#schedule;
    if (!this.#isPaused && time < due[this.index]!) due[this.index] = time;
  }
}
