import { Errno, posixError } from '@prism-net/errors';
import type { Cable } from '../cable.js';
import type { LineOptions } from '../line-options.js';
import type { SimulatedHost, SimulatedHostOptions } from '../simulated-host.js';
import type { SimulatedSwitch } from '../simulated-switch.js';
import { Simulation } from '../simulation.js';
import type { Fault, FaultSchedule } from './fault-schedule.js';

type Direction = 'forward' | 'backward';

/** The network of a schedule, built, with its faults arranged to happen. */
export class FaultNetwork {
  readonly schedule: FaultSchedule;
  readonly simulation: Simulation;
  readonly #nodes = new Map<string, SimulatedHost | SimulatedSwitch>();
  readonly #cables: Cable[] = [];
  /** Faults that are going on, oldest first. */
  readonly #active: Fault[] = [];

  /** `host`: what every host and router gets in addition. */
  constructor(schedule: FaultSchedule, host: Omit<SimulatedHostOptions, 'address' | 'interfaces'> = {}) {
    this.schedule = schedule;
    this.simulation = new Simulation({ seed: schedule.seed, start: schedule.start });
    this.#build(host);
    for (const fault of schedule.faults) {
      this.simulation.at(fault.at, () => this.#begin(fault));
      this.simulation.at(fault.at + fault.lastsMicroseconds, () => this.#end(fault));
    }
  }

  host(name: string): SimulatedHost {
    const found = this.#nodes.get(name);
    if (found !== undefined && 'ports' in found) return found;
    throw posixError(Errno.EINVAL, 'host', `there is no host or router ${name}`);
  }

  #build(common: Omit<SimulatedHostOptions, 'address' | 'interfaces'>): void {
    const { simulation } = this;
    const { topology, knowsNeighbours } = this.schedule;
    for (const node of topology.nodes) {
      if (node.kind === 'switch') {
        this.#nodes.set(node.name, simulation.switch(node.name, { mtu: 9000 }));
        continue;
      }
      const { name, kind, routes, tcp, ...options } = node;
      const made = kind === 'router' ? simulation.router : simulation.host;
      const host = made.call(simulation, name, { ...common, ...options, stack: { ...common.stack, tcp } });
      for (const { prefix, gateway } of routes) host.addRoute(prefix, { gateway });
      this.#nodes.set(name, host);
    }
    // In the order in which the interfaces were drawn, so that each cable meets the first free port at both ends.
    for (const { ends, options } of topology.cables) {
      this.#cables.push(simulation.connect(this.#nodes.get(ends[0])!, this.#nodes.get(ends[1])!, options));
    }
    if (knowsNeighbours) simulation.introduceNeighbours();
  }

  #begin(fault: Fault): void {
    this.#active.push(fault);
    this.#apply(fault);
  }

  #end(fault: Fault): void {
    this.#active.splice(this.#active.indexOf(fault), 1);
    this.#apply(fault);
  }

  /** Brings what the fault is about to what all active faults make of it together. */
  #apply({ what }: Fault): void {
    if (what.kind === 'pause') {
      const isPaused = this.#active.some((one) => one.what.kind === 'pause' && one.what.node === what.node);
      const host = this.host(what.node);
      if (isPaused) host.pause();
      else host.resume();
      return;
    }
    const cable = this.#cables[what.cable]!;
    if (what.kind === 'mtu') {
      const mtus = this.#active.flatMap((one) =>
        one.what.kind === 'mtu' && one.what.cable === what.cable ? [one.what.mtu] : [],
      );
      this.#setMtu(cable, Math.min(...mtus));
      return;
    }
    for (const direction of ['forward', 'backward'] as const) {
      cable[direction].replace(this.#lineOptions(what.cable, direction));
    }
  }

  #lineOptions(cable: number, direction: Direction): LineOptions {
    let options = this.schedule.topology.cables[cable]!.options;
    for (const { what } of this.#active) {
      if (what.kind !== 'line' || what.cable !== cable) continue;
      if (what.direction === 'both' || what.direction === direction) options = { ...options, ...what.options };
    }
    return options;
  }

  /** Routers alone: a host whose own interface narrows has to be configured anew. */
  #setMtu(cable: Cable, mtu: number): void {
    const routers = this.simulation.hosts.filter(({ ipv4 }) => ipv4.forwarder !== null);
    for (const router of routers) {
      for (const [number, port] of router.ports.entries()) {
        if (cable.ends.includes(port)) router.setMtu(number, Math.min(mtu, port.capabilities.mtu));
      }
    }
  }
}
