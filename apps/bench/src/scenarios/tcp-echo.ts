import { type AddressInfo, createServer, Socket } from 'node:net';
import { allocatedBytes } from '@prism-net/measure';
import { createNanosecondClock } from '@prism-net/time';
import { quantile, summarise } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';
import { TcpPair } from './tcp-pair.js';

const PAYLOAD = 64;
const ALLOCATION_PASSES = 5;

/** A question of 64 bytes and its answer, one at a time, between two applications. */
class Echo {
  readonly pair = new TcpPair({ mtu: 1500, frames: 512, frameSize: 2048 });
  readonly #clock = createNanosecondClock();
  readonly #question = new Uint8Array(PAYLOAD).map((_, i) => i);
  readonly #server = new Uint8Array(PAYLOAD);
  readonly #answer = new Uint8Array(PAYLOAD);

  exchange(): void {
    const { pair } = this;
    const { near, far } = pair;
    near.write(this.#question, 0, PAYLOAD);
    pair.poll();
    if (far.read(this.#server, 0, PAYLOAD) !== PAYLOAD) throw new Error('tcp-echo: the question did not arrive');
    far.write(this.#server, 0, PAYLOAD);
    const now = pair.clock.now();
    pair.server.poll(now);
    pair.client.poll(now);
    if (near.read(this.#answer, 0, PAYLOAD) !== PAYLOAD) throw new Error('tcp-echo: the answer did not arrive');
  }

  time(exchanges: number): Float64Array {
    const samples = new Float64Array(exchanges);
    for (let i = 0; i < exchanges; i++) {
      const start = this.#clock.now();
      this.exchange();
      samples[i] = ((this.#clock.now() - start) | 0) / 1000;
    }
    return samples;
  }
}

export const tcpEcho: RunScenario = async ({ seconds, runs }) => {
  const echo = new Echo();
  echo.time(100_000);
  const exchanges = Math.max(2000, Math.min(100_000, Math.floor((seconds / 2 / runs) * 200_000)));
  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push(quantiles(echo.time(exchanges)));
    theirs.push(quantiles(await netOverLoopback(Math.max(200, Math.floor(exchanges / 50)))));
  }
  const passes = Array.from({ length: ALLOCATION_PASSES }, () => ({
    bytesAllocatedPerRoundTrip: allocatedBytes(() => exchangeMany(echo, 100_000)) / 100_000,
  }));
  echo.pair.close();
  const { medians, spread } = summarise(ours);
  const allocation = summarise(passes);
  return {
    figures: { ...medians, ...allocation.medians },
    baseline: summarise(theirs).medians,
    baselineName: 'node:net over the loopback interface of the kernel, both ends in this process',
    spread: { ...spread, ...allocation.spread },
    runs,
    conditions: {
      link: 'pipe',
      mtu: 1500,
      payload: PAYLOAD,
      checksums: 'software, both ends',
      clock: 'µs, read twice',
    },
  };
};

function exchangeMany(echo: Echo, count: number): void {
  for (let i = 0; i < count; i++) echo.exchange();
}

function quantiles(samples: Float64Array): Figures {
  return {
    roundTripP50Us: quantile(samples, 0.5),
    roundTripP99Us: quantile(samples, 0.99),
    roundTripP999Us: quantile(samples, 0.999),
  };
}

async function netOverLoopback(exchanges: number): Promise<Float64Array> {
  const server = createServer({ noDelay: true }, (socket) => socket.on('data', (data) => socket.write(data)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const client = new Socket();
  const { port } = server.address() as AddressInfo;
  await new Promise<void>((resolve) => client.connect({ port, host: '127.0.0.1', noDelay: true }, resolve));
  const question = Buffer.alloc(PAYLOAD, 7);
  const samples = new Float64Array(exchanges);
  for (let i = 0; i < exchanges; i++) {
    const start = performance.now();
    await new Promise<void>((resolve) => {
      client.once('data', () => resolve());
      client.write(question);
    });
    samples[i] = (performance.now() - start) * 1000;
  }
  client.destroy();
  await new Promise((resolve) => server.close(resolve));
  return samples;
}
