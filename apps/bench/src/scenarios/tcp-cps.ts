import { type AddressInfo, createServer, Socket } from 'node:net';
import { createMonotonicClock } from '@prism-net/time';
import { CyclePair } from '../cycles/cycle-pair.js';
import { summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';

const PAYLOAD = 64;
const CONCURRENCY = 64;

export const tcpCps: RunScenario = async ({ seconds, runs }) => {
  const pair = new CyclePair(createMonotonicClock(), PAYLOAD, CONCURRENCY);
  const share = Math.max(0.05, seconds / runs / 3);
  cyclesPerSecond(pair, Math.min(1, seconds / 4));
  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push({ cyclesPerSecond: cyclesPerSecond(pair, share) });
    theirs.push({ cyclesPerSecond: await netOverLoopback(share) });
  }
  const { failed } = pair.client;
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

/** Over about `seconds`. */
function cyclesPerSecond(pair: CyclePair, seconds: number): number {
  const { meter } = pair.client;
  const before = meter.items;
  const start = performance.now();
  let elapsed = 0;
  while (elapsed < seconds * 1000) {
    for (let i = 0; i < 64; i++) pair.round();
    elapsed = performance.now() - start;
  }
  return ((meter.items - before) * 1000) / elapsed;
}

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
