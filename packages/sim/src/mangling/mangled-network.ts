import { State } from '@prism-net/tcp';
import { parseIpv4Address } from '@prism-net/wire';
import { FrameEvent } from '../frame-event.js';
import type { LineOptions } from '../line-options.js';
import type { SimulatedHost } from '../simulated-host.js';
import { Simulation } from '../simulation.js';
import { checkConnections } from '../streams/connection-invariants.js';
import { StreamContent } from '../streams/content.js';
import type { SegmentReader } from '../streams/segment-reader.js';
import { SegmentWatch } from '../streams/segment-watch.js';
import { Transfer } from '../streams/transfer.js';
import { Interceptor, NOWHERE } from './interceptor.js';
import { Judge } from './judge.js';
import type { MangledFlow, ManglingPlan } from './mangling-plan.js';
import { Target } from './target.js';

const GATEWAY = '10.0.0.254';
const SERVER = '10.0.0.2';

/** The network of a plan: a client, a server, and somebody on the way between them. */
export class MangledNetwork {
  readonly simulation: Simulation;
  readonly client: SimulatedHost;
  readonly server: SimulatedHost;
  readonly interceptor: Interceptor;
  readonly judge: Judge;
  /** Both ends of every connection that was established so far. */
  readonly targets: Target[] = [];
  readonly transfers: Transfer[] = [];
  readonly #opening: { readonly transfer: Transfer; readonly port: number; readonly seed: number }[] = [];
  readonly #plan: ManglingPlan;

  constructor(plan: ManglingPlan) {
    this.#plan = plan;
    const { seed, start } = plan;
    this.simulation = new Simulation({ seed, start });
    this.client = this.simulation.host('client', { ...plan.client, address: '10.0.0.1/24', gateway: GATEWAY });
    this.server = this.simulation.host('server', { ...plan.server, address: `${SERVER}/24`, gateway: GATEWAY });
    const hosts = [this.client, this.server] as const;
    this.interceptor = new Interceptor(hosts, this.targets, this.simulation.network, this.simulation.random);
    for (const [i, host] of hosts.entries()) {
      this.simulation.connect(host, this.interceptor.taps[i]!);
      host.interfaces[0]!.arp.addStaticNeighbour(parseIpv4Address(GATEWAY), NOWHERE.high, NOWHERE.low);
      checkConnections(this.simulation, host);
    }
    this.simulation.introduceNeighbours();
    this.judge = new Judge(this.targets);
    new SegmentWatch(this.simulation, {
      // What can have no effect must have none on what may be sent; and only living connections are of interest.
      ignores: (packet, segment) => this.interceptor.isIdle(packet) || !this.#isWatched(segment),
    });
    this.simulation.watch((event, _, packet) => {
      if (event === FrameEvent.ARRIVED) this.interceptor.forget(packet);
    });
    for (const flow of plan.flows) if (flow.after === 0) this.#open(flow);
  }

  /** Lets the first connections come into being, and the lines be what the plan says from then on. */
  begin(): void {
    const { simulation } = this;
    simulation.runUntil(() => this.follow(), { microseconds: 10e6 });
    this.#setLines(this.#plan.line);
    for (const flow of this.#plan.flows) {
      if (flow.after > 0) simulation.after(flow.after, () => this.#open(flow));
    }
  }

  /** Bytes that have arrived, of all connections. */
  get delivered(): number {
    return this.transfers.reduce((sum, { delivered }) => sum + delivered, 0);
  }

  /** Connections that are established now become targets. True when none is left that is about to be. */
  follow(): boolean {
    for (let i = this.#opening.length - 1; i >= 0; i--) {
      const { transfer, port, seed } = this.#opening[i]!;
      const one = transfer.client?.connection;
      const other = transfer.server?.connection;
      if (transfer.isDone) {
        this.#opening.splice(i, 1);
        continue;
      }
      if (one === undefined || other === undefined) continue;
      if (one.state < State.ESTABLISHED || other.state < State.ESTABLISHED) continue;
      this.targets.push(
        new Target(this.server, this.client, other, one, new StreamContent(seed)),
        new Target(this.client, this.server, one, other, new StreamContent(~seed)),
      );
      this.judge.openingPorts.delete(port);
      this.#opening.splice(i, 1);
    }
    return this.#opening.length === 0;
  }

  #open({ port, fromClient, fromServer, ending, after }: MangledFlow): void {
    const { simulation, client, server } = this;
    const seed = this.#plan.seed + port;
    // Under a flood of SYNs a server answers with cookies, and knows nothing.
    const mayBeForgotten = after > 0;
    const ends = { client, server, address: SERVER, port };
    const transfer = new Transfer(simulation, { ...ends, fromClient, fromServer, ending, seed, mayBeForgotten });
    this.transfers.push(transfer);
    this.#opening.push({ transfer, port, seed });
    this.judge.openingPorts.add(port);
  }

  #setLines(options: LineOptions): void {
    for (const cable of this.simulation.cables) cable.forward.change(options);
  }

  #isWatched({ source, sourcePort, destination, destinationPort }: SegmentReader): boolean {
    for (const target of this.targets) {
      if (target.isOf(destination, destinationPort, source, sourcePort)) return target.isAlive;
    }
    return this.judge.openingPorts.has(sourcePort) || this.judge.openingPorts.has(destinationPort);
  }
}
