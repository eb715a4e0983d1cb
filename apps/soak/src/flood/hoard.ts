import { type SimulatedHost, Simulation, Transfer } from '@prism-net/sim';
import type { ReadyTarget } from '@prism-net/socket';
import { type Connection, type ConnectionHandler, DEFAULT_SETTINGS, Listener } from '@prism-net/tcp';
import { type MacAddress, parseIpv4Address } from '@prism-net/wire';
import { HOARD_KINDS, Hoarder, type HoardKind, PORTS } from './hoarder.js';

export interface HoardOptions {
  readonly kind: HoardKind | 'mixed';
  readonly connections: number;
  /** Packets of the host. */
  readonly frames: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface HoardReport {
  readonly goodput: Readonly<Record<'before' | 'during' | 'after', readonly [number, number]>>;
  readonly established: number;
  readonly resets: number;
  /** Packets of the host: at most in use, and in use by the hoard in the end. */
  readonly peakPackets: number;
  readonly kept: number;
  /** Text of a connection that was opened in the midst of it all, in Mbit/s, to the host and from it. */
  readonly newcomers: readonly [number, number];
  readonly realSeconds: number;
}

const SERVER = '10.0.0.1';
const HOARDED = '10.1.0.1';
const HOARDER: MacAddress = { high: 0x0200, low: 0x00ff_0002 };
const ENDLESS = 2 ** 45;

/** Applications that let themselves be treated badly: one never reads, one writes whatever it may. */
class Victim implements ReadyTarget, ConnectionHandler {
  isMarked = false;
  readonly connections = new Set<Connection>();
  readonly #host: SimulatedHost;
  readonly #listener: Listener;
  readonly #writes: boolean;
  readonly #writable = new Set<Connection>();
  readonly #bytes = new Uint8Array(65_536);

  constructor(host: SimulatedHost, kind: HoardKind) {
    this.#host = host;
    this.#writes = kind === 'zero-window' || kind === 'unacknowledged';
    const handler = { acceptable: () => this.#mark() };
    const listener = host.tcp.listen(null, PORTS[kind], { backlog: 4096 }, handler);
    if (!(listener instanceof Listener)) throw new Error(`listen: error ${listener}`);
    this.#listener = listener;
  }

  connected(): void {}
  readable(): void {}
  writable(connection: Connection): void {
    this.#writable.add(connection);
    this.#mark();
  }
  ended(connection: Connection): void {
    this.connections.delete(connection);
    this.#writable.delete(connection);
    connection.close(this.#host.now());
  }

  ready(): void {
    for (let next = this.#listener.accept(); next !== null; next = this.#listener.accept()) {
      next.handler = this;
      this.connections.add(next);
      this.#writable.add(next);
    }
    for (const connection of this.#writable) {
      this.#writable.delete(connection);
      if (this.#writes) while (connection.write(this.#bytes, 0, this.#bytes.length) === this.#bytes.length);
    }
  }

  abort(): void {
    for (const connection of [...this.connections]) {
      connection.abort(this.#host.now());
      connection.close(this.#host.now());
    }
    this.#host.requestPoll();
  }

  #mark(): void {
    this.#host.ready.mark(this);
    this.#host.requestPoll();
  }
}

/** Many peers who keep what they can, and one honest stream each way. In virtual time. */
export function runHoard(options: HoardOptions): HoardReport {
  const started = performance.now();
  const { kind, connections, frames, seconds, seed } = options;
  const simulation = new Simulation({ seed, networkFrames: 65_536 });
  const server = simulation.host('server', {
    interfaces: [{ address: `${SERVER}/24` }, { address: `${HOARDED}/24` }],
    frames,
    stack: { tcp: { ...DEFAULT_SETTINGS } },
  });
  const client = simulation.host('client', { address: '10.0.0.2/24', frames: 4096 });
  simulation.connect(client, server.port(0), { rateBitsPerSecond: 100e6, delayMicroseconds: 5000, queueLimit: 200 });
  const target = { macAddress: server.port(1).capabilities.macAddress, address: parseIpv4Address(HOARDED) };
  const hoarder = new Hoarder(parseIpv4Address('10.1.0.2'), HOARDER, simulation.network, target);
  simulation.connect(hoarder, server.port(1), { delayMicroseconds: 100 });
  const ends = { client, server, address: SERVER };
  const bytes = { bytes: ENDLESS, zeroCopy: true };
  const pair = (port: number): Transfer[] => [
    new Transfer(simulation, { ...ends, port, fromClient: bytes }),
    new Transfer(simulation, { ...ends, port: port + 1, fromServer: bytes }),
  ];
  const victims = HOARD_KINDS.map((each) => new Victim(server, each));
  const streams = pair(5000);
  const delivered = (of: Transfer[]): [number, number] => [of[0]!.server?.received ?? 0, of[1]!.client?.received ?? 0];
  const run = (microseconds: number, of: Transfer[] = streams): readonly [number, number] => {
    const before = delivered(of);
    simulation.runFor(microseconds);
    const after = delivered(of);
    return [((after[0] - before[0]) * 8) / microseconds, ((after[1] - before[1]) * 8) / microseconds];
  };
  simulation.runFor(5e6);
  const before = run(seconds * 1e6);
  const inUse = server.pool.outstanding;
  server.pool.peak = inUse;

  let left = connections;
  let isOver = false;
  const open = (): void => {
    for (let i = 0; i < 10 && left > 0; i++, left--) {
      hoarder.open(kind === 'mixed' ? HOARD_KINDS[left % HOARD_KINDS.length]! : kind);
    }
    if (left > 0) simulation.after(10_000, open);
  };
  const press = (): void => {
    hoarder.press();
    if (!isOver) simulation.after(20_000, press);
  };
  open();
  press();
  simulation.runFor(5e6);
  const during = run(seconds * 1e6);
  const newcomers = pair(6000);
  simulation.runFor(5e6);
  const newGoodput = run(seconds * 1e6, newcomers);
  const established = hoarder.hoards.filter((each) => each.isOpen && !each.isReset).length;
  const kept = server.pool.outstanding - inUse;
  const peakPackets = server.pool.peak;
  const { resets } = hoarder;
  isOver = true;
  for (const transfer of newcomers) transfer.client?.connection.abort(client.now());
  for (const victim of victims) victim.abort();
  simulation.runFor(5e6);
  const after = run(seconds * 1e6);
  for (const transfer of streams) transfer.client?.connection.abort(client.now());
  simulation.runFor(5e6);
  simulation.assertClean();
  return {
    goodput: { before, during, after },
    established,
    resets,
    peakPackets,
    kept,
    newcomers: newGoodput,
    realSeconds: (performance.now() - started) / 1000,
  };
}
