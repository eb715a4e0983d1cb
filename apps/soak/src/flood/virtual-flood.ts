import { type SimulatedHost, Simulation, Transfer } from '@prism-net/sim';
import { SeededRandom } from '@prism-net/tables';
import { DEFAULT_SETTINGS } from '@prism-net/tcp';
import { type MacAddress, parseIpv4Address } from '@prism-net/wire';
import { FloodFrame, type FloodKind } from './flood-frame.js';
import { Flooder } from './flooder.js';
import { collectGarbage, type MemoryFigures, memoryFigures } from './memory.js';
import { EchoService, Visitor } from './visitor.js';

export interface VirtualFloodOptions {
  readonly kind: FloodKind;
  /** Where the sources seem to be: anywhere behind the gateway, or on the network itself. */
  readonly from: 'gateway' | 'neighbours';
  readonly segments: number;
  readonly perSecond: number;
  readonly seed: number;
}

export interface VirtualFloodReport {
  /** Mbit/s of text, to the attacked host and from it, before, during and after the flood. */
  readonly goodput: Readonly<Record<'before' | 'during' | 'after', readonly [number, number]>>;
  readonly memory: Readonly<Record<'before' | 'during' | 'after', MemoryFigures>>;
  readonly visitors: number;
  readonly answered: number;
  /** The same for those on the network of the flood. */
  readonly neighbours: number;
  readonly neighboursAnswered: number;
  readonly slowestMicroseconds: number;
  readonly cookiesSent: number;
  readonly cookiesAccepted: number;
  readonly challenges: number;
  readonly peakHalfOpen: number;
  readonly peakConnections: number;
  /** Packets of the host in use at most. */
  readonly peakPackets: number;
  readonly sent: number;
  readonly sentBytes: number;
  readonly answers: number;
  readonly answerBytes: number;
  readonly resets: number;
  readonly arpRequests: number;
  readonly neighbourEntries: number;
  /** Half-open connections and packets in use, a while after. */
  readonly halfOpenAfter: number;
  /** Of the flood. */
  readonly seconds: number;
  readonly realSeconds: number;
}

const SERVER = '10.0.0.1';
const FLOODED = '10.128.0.1';
const GATEWAY = '10.128.0.2';
const PORT = 80;
const STREAM_PORT = 5000;
const RATE = 100e6;
const VISIT_EVERY = 50_000;
const NEIGHBOURS = 8;
/** Frames the flooder sends at a time: what a network card hands over at once. */
const BURST = 50;
const FLOODER: MacAddress = { high: 0x0200, low: 0x00ff_0001 };
const ENDLESS = 2 ** 45;

/**
 * A host with a stream each way over a line of its own, and another line by which a flood comes. The line of the flood is
 * as fast as it likes, time is virtual: what suffers, suffers from the stack.
 */
class FloodedNetwork {
  readonly simulation: Simulation;
  readonly server: SimulatedHost;
  readonly client: SimulatedHost;
  /** Hosts on the network of the flood; each is new there when it calls first. */
  readonly neighbours: readonly SimulatedHost[];
  readonly flooder: Flooder;
  readonly streams: readonly Transfer[];
  readonly service: EchoService;

  constructor(seed: number) {
    const simulation = new Simulation({ seed, networkFrames: 16_384 });
    this.simulation = simulation;
    // The limits that stacks have.
    const tcp = { ...DEFAULT_SETTINGS };
    this.server = simulation.host('server', {
      interfaces: [{ address: `${SERVER}/24` }, { address: `${FLOODED}/9`, gateway: GATEWAY }],
      frames: 4096,
      // Forgeries for the stream come by the line of the flood.
      stack: { tcp, ipv4: { strongHost: false } },
    });
    const visiting = { tcp: { ...tcp, maximumConnections: 1024 } };
    this.client = simulation.host('client', { address: '10.0.0.2/24', frames: 4096, stack: visiting });
    this.neighbours = Array.from({ length: NEIGHBOURS }, (_, i) =>
      simulation.host(`neighbour ${i}`, { address: `10.128.0.${3 + i}/9`, frames: 512, stack: visiting }),
    );
    const line = { rateBitsPerSecond: RATE, delayMicroseconds: 5000, queueLimit: 200 };
    simulation.connect(this.client, this.server.port(0), line);
    const segment = simulation.switch('segment', { ports: 2 + NEIGHBOURS });
    this.flooder = new Flooder(FLOODER, parseIpv4Address(GATEWAY), simulation.network);
    simulation.connect(this.server.port(1), segment);
    simulation.connect(this.flooder, segment);
    for (const neighbour of this.neighbours) simulation.connect(neighbour, segment);
    const ends = { client: this.client, server: this.server, address: SERVER };
    const bytes = { bytes: ENDLESS, zeroCopy: true };
    this.streams = [
      new Transfer(simulation, { ...ends, port: STREAM_PORT, fromClient: bytes }),
      new Transfer(simulation, { ...ends, port: STREAM_PORT + 1, fromServer: bytes }),
    ];
    this.service = new EchoService(this.server, PORT);
  }

  /** Bytes that have arrived, to the server and from it. */
  get delivered(): [number, number] {
    const [to, from] = this.streams;
    return [to!.server?.received ?? 0, from!.client?.received ?? 0];
  }

  /** Lets time pass, and says what arrived in it. */
  run(microseconds: number): readonly [number, number] {
    const before = this.delivered;
    this.simulation.runFor(microseconds);
    const after = this.delivered;
    return [megabits(after[0] - before[0], microseconds), megabits(after[1] - before[1], microseconds)];
  }
}

function megabits(bytes: number, microseconds: number): number {
  return (bytes * 8) / microseconds;
}

/** Floods a host in virtual time. */
export function runVirtualFlood(options: VirtualFloodOptions): VirtualFloodReport {
  const started = performance.now();
  const { kind, from, segments, perSecond, seed } = options;
  const network = new FloodedNetwork(seed);
  const { simulation, server, client, flooder, streams, service } = network;
  const duration = (segments / perSecond) * 1e6;
  const measured = Math.max(duration, 1e6);
  simulation.runFor(3e6);
  const beforeGoodput = network.run(measured);
  const beforeMemory = memoryFigures();

  const visitors: Visitor[] = [];
  /** Of the hosts on the flooded network. */
  const neighbours: Visitor[] = [];
  const stream = streams[0]!.client!.connection;
  const target = {
    macAddress: server.port(1).capabilities.macAddress,
    address: parseIpv4Address(FLOODED),
    port: PORT,
    peerAddress: parseIpv4Address('10.0.0.2'),
    peerPort: stream.localPort,
    ownAddress: parseIpv4Address(SERVER),
    ownPort: STREAM_PORT,
  };
  const sources =
    from === 'gateway'
      ? { base: parseIpv4Address('11.0.0.0'), bits: 24 }
      : { base: parseIpv4Address('10.128.0.0'), bits: 23 };
  const frame = new FloodFrame(target, sources, new SeededRandom(seed));
  const end = simulation.time + duration;
  let left = segments;
  let peakHalfOpen = 0;
  let peakConnections = 0;
  const flood = (): void => {
    for (let i = Math.min(BURST, left); i > 0; i--) flooder.send(frame, kind);
    left -= BURST;
    if (left > 0) simulation.after((BURST * 1e6) / perSecond, flood);
  };
  const look = (): void => {
    const { halfOpen, connections } = server.tcp.statistics;
    peakHalfOpen = Math.max(peakHalfOpen, halfOpen);
    peakConnections = Math.max(peakConnections, connections);
    if (simulation.time < end) simulation.after(10_000, look);
  };
  const visit = (): void => {
    visitors.push(new Visitor(simulation, client, SERVER, PORT));
    // In turns, so that for a while every one comes from a host never seen before.
    const host = network.neighbours[neighbours.length % NEIGHBOURS]!;
    neighbours.push(new Visitor(simulation, host, FLOODED, PORT));
    if (simulation.time + VISIT_EVERY < end) simulation.after(VISIT_EVERY, visit);
  };
  server.pool.peak = server.pool.outstanding;
  simulation.after(0, flood);
  simulation.after(0, look);
  // Those who come first would find room: the flood is well under way.
  simulation.after(Math.min(100_000, duration / 2), visit);
  const duringGoodput = network.run(duration);
  const duringMemory = memoryFigures();
  const statistics = server.tcp.statistics;
  const neighbourEntries = server.interfaces[1]!.neighbours.size;
  const peakPackets = server.pool.peak;
  const afterGoodput = network.run(measured);
  // The last visitors have their time, and half-open connections end.
  for (const transfer of streams) {
    transfer.client?.connection.abort(client.now());
    transfer.server?.connection.abort(server.now());
  }
  simulation.runFor(90e6);
  const halfOpenAfter = server.tcp.statistics.halfOpen;
  collectGarbage();
  const afterMemory = memoryFigures();
  if (service.size > 0) throw new Error(`${service.size} connections of visitors are left`);
  simulation.assertClean();
  const took = [...visitors, ...neighbours].map((each) => each.took);
  return {
    goodput: { before: beforeGoodput, during: duringGoodput, after: afterGoodput },
    memory: { before: beforeMemory, during: duringMemory, after: afterMemory },
    visitors: visitors.length,
    answered: visitors.filter((each) => each.took >= 0).length,
    neighbours: neighbours.length,
    neighboursAnswered: neighbours.filter((each) => each.took >= 0).length,
    slowestMicroseconds: Math.max(...took),
    cookiesSent: statistics.cookiesSent,
    cookiesAccepted: statistics.cookiesAccepted,
    challenges: statistics.challengeAcknowledgements,
    peakHalfOpen,
    peakConnections,
    peakPackets,
    sent: flooder.sent,
    sentBytes: flooder.sentBytes,
    answers: flooder.answers,
    answerBytes: flooder.answerBytes,
    resets: flooder.resets,
    arpRequests: flooder.arpRequests,
    neighbourEntries,
    halfOpenAfter,
    seconds: duration / 1e6,
    realSeconds: (performance.now() - started) / 1000,
  };
}
