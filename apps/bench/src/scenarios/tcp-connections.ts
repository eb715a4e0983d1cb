import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import type { StreamSocket } from '@prism-net/socket';
import { createStack, type Stack } from '@prism-net/stack';
import { createMonotonicClock } from '@prism-net/time';
import { quantile } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';

const DEFAULT_CONNECTIONS = 100_000;
/** What one port of the server takes: ephemeral ports stay plentiful. */
const CONNECTIONS_PER_PORT = 32_768;
const FIRST_PORT = 7000;
const SERVER = '10.0.0.2';
/** Handshakes under way at a time. */
const BATCH = 256;
const FRAMES = 8192;
const PAYLOAD = 64;
/** Of the connections is active in the last phase. */
const ACTIVE_SHARE = 0.01;
/** Connections of the baseline: two file descriptors each. */
const BASELINE_CONNECTIONS = 5000;
const PATIENCE_MILLISECONDS = 60_000;

interface Memory {
  readonly heap: number;
  readonly arrayBuffers: number;
  readonly resident: number;
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** After all garbage is gone. */
function memory(): Memory {
  for (let i = 0; i < 3; i++) collect();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, arrayBuffers, resident: rss };
}

/** Two stacks over the pipe in one thread, and a great many connections between them: both ends are here. */
class ConnectionField {
  readonly clients: StreamSocket[] = [];
  readonly servers: StreamSocket[] = [];
  readonly #clock = createMonotonicClock();
  readonly #client: Stack;
  readonly #server: Stack;
  readonly #pools: readonly PacketPool[];
  readonly #ports: number;

  constructor(packets: PacketMemory, connections: number) {
    const [left, right] = createPipe({ mtu: 1500 });
    const tcp = { maximumConnections: connections + 16, ephemeralPorts: { first: 1024, last: 65_535 } };
    const common = { mode: 'manual', clock: this.#clock, memory: packets, tcp } as const;
    this.#pools = [PacketPool.create(packets, FRAMES), PacketPool.create(packets, FRAMES)];
    this.#client = createStack({ ...common, link: left, address: '10.0.0.1/24', pool: this.#pools[0]! });
    this.#server = createStack({ ...common, link: right, address: `${SERVER}/24`, pool: this.#pools[1]! });
    this.#ports = Math.ceil(connections / CONNECTIONS_PER_PORT);
    const bytes = new Uint8Array(PAYLOAD);
    const echo = (socket: StreamSocket) => {
      const count = socket.readInto(bytes);
      if (count > 0) socket.tryWrite(bytes, 0, count);
    };
    for (let i = 0; i < this.#ports; i++) {
      this.#server.listen({ port: FIRST_PORT + i, backlog: 1024 }).onConnection((socket) => {
        this.servers.push(socket);
        socket.onReadable(echo);
      });
    }
  }

  async open(connections: number): Promise<void> {
    while (this.clients.length < connections) {
      const port = FIRST_PORT + (((this.clients.length / BATCH) | 0) % this.#ports);
      const count = Math.min(BATCH, connections - this.clients.length);
      const opening = Array.from({ length: count }, () => this.#client.connect({ address: SERVER, port }));
      let isOpen = false;
      const all = Promise.all(opening).then((sockets) => {
        for (const socket of sockets) this.clients.push(socket);
        isOpen = true;
      });
      while (!isOpen) {
        this.poll();
        await Promise.resolve();
      }
      await all;
    }
    for (let i = 0; i < 10; i++) this.poll();
  }

  /** Until all but the warm ones are parked. */
  async rest(): Promise<void> {
    const until = performance.now() + PATIENCE_MILLISECONDS;
    const { warmConnections } = this.#client.tcp.settings;
    while (performance.now() < until) {
      this.poll();
      await new Promise((resolve) => setTimeout(resolve, 1));
      if (Math.max(this.#client.tcp.blocks.used, this.#server.tcp.blocks.used) <= warmConnections) return;
    }
  }

  get parked(): number {
    return this.#client.tcp.blocks.parked + this.#server.tcp.blocks.parked;
  }

  /** Bytes of packet memory that connections hold. */
  get packetBytes(): number {
    let frames = 0;
    for (const pool of this.#pools) frames += pool.region.frames - pool.available;
    return frames * this.#pools[0]!.memory.layout.frameSize;
  }

  poll(): void {
    const now = this.#clock.now();
    this.#client.poll(now);
    this.#server.poll(now);
  }

  /** There and back over one connection; microseconds. */
  exchange(socket: StreamSocket, bytes: Uint8Array): number {
    const start = performance.now();
    socket.tryWrite(bytes);
    while (socket.readableBytes < bytes.length) this.poll();
    socket.readInto(bytes);
    return (performance.now() - start) * 1000;
  }

  close(): void {
    this.#client.close();
    this.#server.close();
    for (const { accounts } of [this.#client, this.#server]) {
      const { unexplained } = accounts.snapshot();
      if (unexplained !== 0) throw new Error(`tcp-connections: ${unexplained} frames unexplained`);
    }
  }
}

function perEnd(before: Memory, after: Memory, packetBytes: number, ends: number) {
  const heap = (after.heap - before.heap) / ends;
  const arrayBuffers = (after.arrayBuffers - before.arrayBuffers) / ends;
  const packets = packetBytes / ends;
  return { heap, arrayBuffers, packets, all: heap + arrayBuffers + packets };
}

export const tcpConnections: RunScenario = async ({ connections = DEFAULT_CONNECTIONS, seconds }) => {
  const ends = 2 * connections;
  const packets = PacketMemory.create({ frames: 2 * FRAMES });
  const before = memory();
  const field = new ConnectionField(packets, connections);
  const start = performance.now();
  await field.open(connections);
  const openSeconds = (performance.now() - start) / 1000;
  const established = field.clients.filter((socket) => socket.state === 'ESTABLISHED').length;
  await field.rest();
  const idle = memory();
  const idleEach = perEnd(before, idle, field.packetBytes, ends);
  const { parked } = field;

  // Spread over all of them.
  const active = Math.max(1, Math.round(connections * ACTIVE_SHARE));
  const chosen = Array.from({ length: active }, (_, i) => field.clients[Math.floor((i * connections) / active)]!);
  const bytes = new Uint8Array(PAYLOAD).fill(7);
  const first = Float64Array.from(chosen, (socket) => field.exchange(socket, bytes));
  const samples: number[] = [];
  const until = performance.now() + Math.min(10, seconds / 4) * 1000;
  for (let i = 0; performance.now() < until; i = (i + 1) % active) samples.push(field.exchange(chosen[i]!, bytes));
  const again = Float64Array.from(samples);
  const afterwards = perEnd(before, memory(), field.packetBytes, ends);
  const figures: Figures = {
    established,
    bytesPerIdleConnection: idleEach.all,
    heapBytesPerIdleConnection: idleEach.heap,
    arrayBufferBytesPerIdleConnection: idleEach.arrayBuffers,
    packetBytesPerIdleConnection: idleEach.packets,
    residentBytesPerIdleConnection: (idle.resident - before.resident) / ends,
    parkedShare: parked / ends,
    openedPerSecond: connections / openSeconds,
    activeConnections: active,
    activeRoundTrips: active + samples.length,
    firstRoundTripOfParkedP50Us: quantile(first, 0.5),
    firstRoundTripOfParkedP99Us: quantile(first, 0.99),
    roundTripP50Us: quantile(again, 0.5),
    roundTripP99Us: quantile(again, 0.99),
    bytesPerConnectionWhileActive: afterwards.all,
    totalMebibytes: (idle.heap - before.heap + idle.arrayBuffers - before.arrayBuffers) / 2 ** 20,
  };
  // A million goodbyes would take longer than everything else.
  if (connections <= DEFAULT_CONNECTIONS) field.close();
  const baseline = await netOverLoopback(Math.min(BASELINE_CONNECTIONS, connections));
  return {
    figures,
    baseline: baseline.figures,
    baselineName: `node:net over the loopback interface, ${baseline.connections} connections; what the kernel holds for them is not in its bytes (${baseline.kernel})`,
    spread: {},
    runs: 1,
    conditions: {
      link: 'pipe',
      connections,
      ends,
      counted:
        'per end: JS heap, ArrayBuffers and packets in use, of both stacks with all their tables, after collection',
      packetMemoryMebibytes: packets.bytes.byteLength / 2 ** 20,
      activeShare: ACTIVE_SHARE,
    },
  };
};

async function netOverLoopback(wanted: number): Promise<{ figures: Figures; connections: number; kernel: string }> {
  const before = memory();
  const ends: Socket[] = [];
  const server = createServer((socket) => ends.push(socket.on('error', () => {})));
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4096 }, resolve));
  const { port } = server.address() as AddressInfo;
  const { connect } = await import('node:net');
  let connections = 0;
  try {
    while (connections < wanted) {
      const count = Math.min(BATCH, wanted - connections);
      const batch = Array.from({ length: count }, () => open(connect, port));
      ends.push(...(await Promise.all(batch)));
      connections += count;
    }
  } catch {
    // As far as the limit of file descriptors allows.
  }
  while (ends.length < 2 * connections) await new Promise((resolve) => setTimeout(resolve, 5));
  const after = memory();
  const kernel = readFileSync('/proc/net/sockstat', 'utf8').split('\n')[1]!;
  for (const each of ends) each.destroy();
  await new Promise((resolve) => server.close(resolve));
  const each = perEnd(before, after, 0, ends.length);
  return {
    figures: {
      established: connections,
      bytesPerIdleConnection: each.all,
      heapBytesPerIdleConnection: each.heap,
      arrayBufferBytesPerIdleConnection: each.arrayBuffers,
    },
    connections,
    kernel,
  };
}

function open(connect: typeof import('node:net').connect, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' }, () => resolve(socket));
    socket.on('error', reject);
  });
}
