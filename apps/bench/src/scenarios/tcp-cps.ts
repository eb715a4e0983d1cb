import { type AddressInfo, createServer, Socket } from 'node:net';
import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { createStack } from '@prism-net/stack';
import { createMonotonicClock } from '@prism-net/time';
import { CYCLE_SETTINGS, CycleClient, CycleServer } from '../lab/roles/prism-cycles.js';
import { summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';

const PAYLOAD = 64;
const CONCURRENCY = 64;
const SERVER = '10.0.0.2';

/** Two stacks over the pipe in one thread, which open and close connections to each other. */
class CyclePair {
  readonly #clock = createMonotonicClock();
  readonly #client;
  readonly #server;
  readonly #asking: CycleClient;
  readonly #answering: CycleServer;

  constructor() {
    const memory = PacketMemory.create({ frames: 8192 });
    const [left, right] = createPipe({ mtu: 1500 });
    const common = { mode: 'manual', clock: this.#clock, memory, tcp: CYCLE_SETTINGS } as const;
    const pool = () => PacketPool.create(memory, 4096);
    this.#client = createStack({ ...common, link: left, address: '10.0.0.1/24', pool: pool() });
    this.#server = createStack({ ...common, link: right, address: `${SERVER}/24`, pool: pool() });
    this.#answering = new CycleServer(this.#server, PAYLOAD);
    this.#asking = new CycleClient(this.#client, SERVER, PAYLOAD, CONCURRENCY);
  }

  /** Cycles per second over about `seconds`. */
  run(seconds: number): number {
    const { meter } = this.#asking;
    const before = meter.items;
    const start = performance.now();
    let elapsed = 0;
    while (elapsed < seconds * 1000) {
      for (let i = 0; i < 64; i++) this.#round();
      elapsed = performance.now() - start;
    }
    return ((meter.items - before) * 1000) / elapsed;
  }

  get failed(): number {
    return this.#asking.failed;
  }

  close(): void {
    this.#asking.close();
    this.#answering.close();
    this.#client.close();
    this.#server.close();
    for (const { accounts } of [this.#client, this.#server]) {
      const { unexplained } = accounts.snapshot();
      if (unexplained !== 0) throw new Error(`tcp-cps: ${unexplained} frames unexplained`);
    }
  }

  #round(): void {
    const now = this.#clock.now();
    this.#client.poll(now);
    this.#asking.round(now);
    this.#server.poll(now);
    this.#answering.round(now);
  }
}

export const tcpCps: RunScenario = async ({ seconds, runs }) => {
  const pair = new CyclePair();
  const share = Math.max(0.05, seconds / runs / 3);
  pair.run(Math.min(1, seconds / 4));
  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push({ cyclesPerSecond: pair.run(share) });
    theirs.push({ cyclesPerSecond: await netOverLoopback(share) });
  }
  const { failed } = pair;
  pair.close();
  const { medians, spread } = summarise(ours);
  return {
    figures: { ...medians, failed },
    baseline: summarise(theirs).medians,
    baselineName: 'node:net over the loopback interface of the kernel, both ends in this process',
    spread,
    runs,
    conditions: { link: 'pipe', mtu: 1500, payload: PAYLOAD, inFlight: CONCURRENCY, checksums: 'software, both ends' },
  };
};

async function netOverLoopback(seconds: number): Promise<number> {
  const block = Buffer.alloc(PAYLOAD, 7);
  const server = createServer({ noDelay: true }, (socket) => socket.on('data', () => socket.end(block)));
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 1024 }, resolve));
  const { port } = server.address() as AddressInfo;
  let cycles = 0;
  const start = performance.now();
  const until = start + seconds * 1000;
  const ask = async (): Promise<void> => {
    while (performance.now() < until) {
      await new Promise<void>((resolve, reject) => {
        const socket = new Socket();
        socket.on('connect', () => socket.write(block));
        socket.on('error', reject).on('close', () => resolve());
        socket.resume().connect({ port, host: '127.0.0.1', noDelay: true });
      });
      cycles++;
    }
  };
  await Promise.all(Array.from({ length: CONCURRENCY }, ask));
  const rate = (cycles * 1000) / (performance.now() - start);
  await new Promise((resolve) => server.close(resolve));
  return rate;
}
