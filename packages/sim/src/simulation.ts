import type { Packet, PacketPool } from '@prism-net/buffers';
import { invalidArgument, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { platformScheduler } from '@prism-net/stack';
import { SeededRandom } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import { auditSimulation } from './audit.js';
import { Cable, type CableOptions } from './cable.js';
import { EventLog, formatTime } from './event-log.js';
import { FrameDigest } from './frame-digest.js';
import { FrameEvent } from './frame-event.js';
import type { Line, LineContext, LineObserver } from './line.js';
import { PacketArena } from './packet-arena.js';
import { type Jack, Port } from './port.js';
import { RunGuard, type RunLimits } from './run-guard.js';
import { SimulatedHost, type SimulatedHostOptions, type SimulatedInterface } from './simulated-host.js';
import { SimulatedSwitch, type SimulatedSwitchOptions } from './simulated-switch.js';
import { SimulationError } from './simulation-error.js';
import { Timeline } from './timeline.js';
import { VirtualClock } from './virtual-clock.js';

export interface SimulationOptions {
  /** All that is random comes from it: the same seed and the same calls give the same run. */
  readonly seed: number;
  /** What the clocks show at first; near 2^31 they wrap soon. Default 0. */
  readonly start?: Instant;
  /** Packets that can be on their way at once. Default 4,096. */
  readonly networkFrames?: number;
  /** Bytes in a frame. Default 2,048. */
  readonly frameSize?: number;
  /** Packets know where they were taken and released: slow, for the search of leaks and double releases. Default false. */
  readonly debug?: boolean;
}

const OPTIONS = Object.keys({
  seed: 1,
  start: 1,
  networkFrames: 1,
  frameSize: 1,
  debug: 1,
} satisfies Record<keyof Required<SimulationOptions>, 1>);

/** Sees all that happens to frames. The packet is only lent. */
export type FrameWatcher = (event: FrameEvent, line: Line, packet: Packet, time: number) => void;

/**
 * A network of whole stacks in virtual time. Nothing happens but in {@link runFor} and {@link runUntil}: time jumps from
 * one event to the next, and at each the lines move first, in the order in which they were made, then the hosts.
 */
export class Simulation {
  readonly seed: number;
  readonly clock: VirtualClock;
  /** For applications and tests; what befalls packets does not depend on it. */
  readonly random: SeededRandom;
  readonly hosts: SimulatedHost[] = [];
  readonly switches: SimulatedSwitch[] = [];
  readonly cables: Cable[] = [];
  /** Packets on their way. */
  readonly network: PacketPool;

  readonly #arena: PacketArena;
  /** Seeds of what is made, in the order in which it is made. */
  readonly #seeds: SeededRandom;
  readonly #timeline: Timeline;
  readonly #lines: Line[] = [];
  readonly #digest = new FrameDigest();
  readonly #log = new EventLog();
  readonly #context: LineContext;
  #nextMacAddress = 1;
  #isClosed = false;
  readonly #watchers: FrameWatcher[] = [];

  /** @throws PosixError EINVAL when an option is wrong. */
  constructor(options: SimulationOptions) {
    requireKnownOptions('Simulation', options, OPTIONS);
    const { seed, start = 0, networkFrames = 4096, frameSize = 2048, debug = false } = options;
    this.seed = requireWholeNumber('Simulation', 'seed', seed, -(2 ** 31), 2 ** 32 - 1);
    this.clock = new VirtualClock(start);
    this.#timeline = new Timeline(this.clock, (message, cause) => this.error(message, cause));
    this.#seeds = new SeededRandom(seed);
    this.random = new SeededRandom(this.#seeds.nextInt32());
    this.#arena = PacketArena.acquire(frameSize, debug);
    this.network = this.#arena.pool(networkFrames);
    const observer: LineObserver = { onFrame: (event, line, packet) => this.#onFrame(event, line, packet) };
    this.#context = { clock: this.clock, schedule: this.#timeline.lineSchedule, pool: this.network, observer };
  }

  // ---- building

  /** A host with an interface per address. @throws PosixError EINVAL. */
  host(name: string, options: SimulatedHostOptions): SimulatedHost {
    const { frames = 512, mtu = 1500, receiveQueue = 256, checksumOffload = false } = options;
    const interfaces = interfacesOf(name, options);
    const pool = this.#arena.pool(frames);
    const ports = interfaces.map((each, i) => {
      const macAddress = { high: 0x0200, low: this.#nextMacAddress++ };
      const portOptions = { mtu: each.mtu ?? mtu, macAddress, receiveQueue, checksumOffload };
      return new Port(interfaces.length === 1 ? name : `${name}.${i}`, pool, this.network, portOptions);
    });
    const random = new SeededRandom(this.#seeds.nextInt32());
    const { clock } = this;
    const context = { name, clock, schedule: this.#timeline.hostSchedule, random, pool, ports, interfaces };
    const host = new SimulatedHost(context, options);
    this.hosts.push(host);
    this.#timeline.hosts.push(host);
    return host;
  }

  /** A host that forwards. */
  router(name: string, options: SimulatedHostOptions): SimulatedHost {
    const stack = { ...options.stack, ipv4: { ...options.stack?.ipv4, forwarding: true } };
    return this.host(name, { ...options, stack });
  }

  switch(name: string, options: SimulatedSwitchOptions = {}): SimulatedSwitch {
    const made = new SimulatedSwitch(name, this.network, this.clock, options);
    this.switches.push(made);
    return made;
  }

  /** A cable between two ports; of a host or a switch, its first free one. @throws PosixError EADDRINUSE, EINVAL. */
  connect(
    a: SimulatedHost | SimulatedSwitch | Jack,
    b: SimulatedHost | SimulatedSwitch | Jack,
    options: CableOptions = {},
  ): Cable {
    const seeds = [this.#seeds.nextInt32(), this.#seeds.nextInt32()] as const;
    const cable = new Cable(this.#context, jackOf(a), jackOf(b), seeds, options);
    this.cables.push(cable);
    for (const line of [cable.forward, cable.backward]) {
      this.#lines.push(line);
      this.#timeline.lines.push(line);
      line.onRoom = () => this.#tellOfRoom(line);
    }
    return cable;
  }

  /** Pulls every cable between these hosts and switches and all others; returns them, for `setUp(true)`. */
  partition(group: readonly (SimulatedHost | SimulatedSwitch)[]): Cable[] {
    const inside = new Set(group.flatMap(jacksOf));
    const cut = this.cables.filter(({ ends }) => inside.has(ends[0]) !== inside.has(ends[1]));
    for (const cable of cut) cable.setUp(false);
    return cut;
  }

  /** Tells all hosts the MAC addresses of their neighbours, so that they do not have to ask by ARP. */
  introduceNeighbours(): void {
    const all = this.hosts.flatMap((host) => host.ports.map((_, number) => ({ host, number })));
    for (const { host, number } of all) {
      for (const other of all) if (other.host !== host) host.introduce(number, other.host, other.number);
    }
  }

  // ---- time

  /** Microseconds since the start. */
  get time(): number {
    return this.clock.time;
  }

  /** Does something at a time to come, before anything else that happens then. */
  at(time: number, action: () => void): void {
    if (!(time >= this.time)) throw invalidArgument('at', `time ${time} is in the past: it is ${this.time}`);
    this.#timeline.agenda.add(Math.ceil(time), action);
  }

  /** Does something after a while. */
  after(microseconds: number, action: () => void): void {
    this.at(this.time + microseconds, action);
  }

  /** Lets this much time pass. @throws SimulationError when time stands still. */
  runFor(microseconds: number): void {
    const end = this.time + microseconds;
    while (this.#timeline.step(end)) {}
    this.clock.time = end;
  }

  /** Runs until the condition holds. @throws SimulationError when nothing is left to happen, or a limit is reached. */
  runUntil(condition: () => boolean, limits: RunLimits = {}): void {
    const guard = new RunGuard(this, this.#timeline, limits);
    while (!condition()) guard.step();
  }

  /**
   * As {@link runUntil}, for applications that wait for promises: they go on between two steps, in an order that repeats
   * itself as long as they wait for nothing but this simulation. Slower.
   */
  async play(condition: () => boolean, limits: RunLimits = {}): Promise<void> {
    const { immediate } = platformScheduler();
    const guard = new RunGuard(this, this.#timeline, limits);
    while (!condition()) {
      guard.step();
      await new Promise<void>((resolve) => immediate(resolve));
    }
  }

  // ---- results

  /** Polls, movements on lines and actions so far. */
  get steps(): number {
    return this.#timeline.steps;
  }

  /** Of all frames sent and received so far, and when and where: equal for equal runs. */
  get digest(): string {
    return this.#digest.toString();
  }

  /** Writes a line into the log that stands in the message of a failure. */
  note(text: string): void {
    this.#log.note(this.time, text);
  }

  /** Calls back for all that happens to frames, to the end of the simulation. */
  watch(watcher: FrameWatcher): void {
    this.#watchers.push(watcher);
  }

  /** Ends the run with this error. For socket callbacks, whose exceptions would not reach the simulation. */
  fail(problem: SimulationError): void {
    this.#timeline.failure ??= problem;
  }

  /** An error with the seed, the time and the last events. */
  error(message: string, cause?: unknown): SimulationError {
    const text = `seed ${this.seed}, at ${formatTime(this.time)}: ${message}\n${this.#log}`;
    return new SimulationError(text, this.seed, this.time, { cause });
  }

  /**
   * Closes everything and checks that no packet leaked anywhere, that no timer is left, and that every frame is accounted
   * for. @throws SimulationError that names all that is wrong.
   */
  assertClean(): void {
    if (this.#isClosed) return;
    this.#closeAll();
    const problems = auditSimulation(this.hosts, this.#lines, this.network);
    if (problems.length > 0) throw this.error(`not clean:\n  ${problems.join('\n  ')}`);
    this.#arena.release();
  }

  /** Closes hosts and switches and releases what is on its way. No packet of it may be used any more. Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#closeAll();
    this.#arena.release();
  }

  // ---- inside

  #closeAll(): void {
    this.#isClosed = true;
    for (const host of this.hosts) host.close();
    for (const each of this.switches) each.close();
    for (const line of this.#lines) line.clear();
  }

  #onFrame(event: FrameEvent, line: Line, packet: Packet): void {
    const { time } = this.clock;
    if (event === FrameEvent.SENT || event === FrameEvent.ARRIVED) {
      this.#digest.add((line.index << 1) | event, time, packet);
    }
    this.#log.frame(time, event, line.name, packet.totalLength);
    for (const watcher of this.#watchers) watcher(event, line, packet, time);
  }

  #tellOfRoom(line: Line): void {
    for (const host of this.hosts) {
      for (const port of host.ports) if (port.line === line) host.roomAt(port);
    }
  }
}

function interfacesOf(name: string, options: SimulatedHostOptions): readonly SimulatedInterface[] {
  const { interfaces, address, gateway } = options;
  if (interfaces !== undefined) return interfaces;
  if (address === undefined) throw invalidArgument('host', `${name} needs an address, such as '10.0.0.1/24'`);
  const addresses = typeof address === 'string' ? [address] : address;
  return addresses.map((each, i) => ({ address: each, ...(i > 0 || gateway === undefined ? {} : { gateway }) }));
}

function jacksOf(node: SimulatedHost | SimulatedSwitch): readonly Jack[] {
  return node instanceof SimulatedSwitch ? node.jacks : node.ports;
}

function jackOf(end: SimulatedHost | SimulatedSwitch | Jack): Jack {
  if (!(end instanceof SimulatedHost || end instanceof SimulatedSwitch)) return end;
  const jacks = jacksOf(end);
  const free = jacks.find(({ line }) => line === null);
  if (free === undefined) throw invalidArgument('connect', `${end.name} has no free port: it has ${jacks.length}`);
  return free;
}
