import { createSocket } from 'node:dgram';
import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { createStack, type Stack } from '@prism-net/stack';
import { createMonotonicClock } from '@prism-net/time';
import type { RunScenario } from '../scenario.js';
import { type Echo, measureEcho } from './in-process-echo.js';

const PAYLOAD = 64;
const FRAMES = 256;
const PORT = 7;

/** A question of 64 bytes and its answer, one at a time, between two stacks over the pipe in one thread. */
class UdpEcho implements Echo {
  readonly #client: Stack;
  readonly #server: Stack;
  readonly #asking;
  readonly #clock = createMonotonicClock();
  readonly #question = new Uint8Array(PAYLOAD).map((_, i) => i);

  constructor() {
    const memory = PacketMemory.create({ frames: 2 * FRAMES });
    const [left, right] = createPipe();
    const common = { mode: 'manual', clock: this.#clock, memory } as const;
    const pool = () => PacketPool.create(memory, FRAMES);
    this.#client = createStack({ ...common, link: left, address: '10.0.0.1/24', pool: pool() });
    this.#server = createStack({ ...common, link: right, address: '10.0.0.2/24', pool: pool() });
    const answering = this.#server.udpSocket({ port: PORT });
    answering.onReadable(() => {
      for (let packet = answering.receivePacket(); packet !== null; packet = answering.receivePacket()) {
        answering.reply(packet);
      }
    });
    this.#asking = this.#client.udpSocket().connect(PORT, '10.0.0.2');
    // The first question waits for the neighbour's address.
    this.#asking.send(this.#question);
    for (let i = 0; i < 100 && this.#asking.readable === 0; i++) this.#poll();
    this.#asking.receivePacket()!.release();
  }

  exchange(): void {
    const packet = this.#asking.reserve()!;
    packet.memory.write(packet.offset, this.#question, 0, PAYLOAD);
    packet.length = PAYLOAD;
    this.#asking.commit(packet);
    this.#poll();
    this.#client.poll(this.#clock.now());
    const answer = this.#asking.receivePacket();
    if (answer?.length !== PAYLOAD) throw new Error('udp-echo: the answer did not arrive');
    answer.release();
  }

  close(): void {
    this.#client.close();
    this.#server.close();
    for (const { accounts } of [this.#client, this.#server]) {
      const { unexplained } = accounts.snapshot();
      if (unexplained !== 0) throw new Error(`udp-echo: ${unexplained} frames unexplained`);
    }
  }

  #poll(): void {
    const now = this.#clock.now();
    this.#client.poll(now);
    this.#server.poll(now);
  }
}

export const udpEcho: RunScenario = async (options) => {
  const result = await measureEcho(new UdpEcho(), { kernel: dgramOverLoopback, exchangesPerSecond: 400_000 }, options);
  return {
    ...result,
    baselineName: 'node:dgram over the loopback interface of the kernel, both ends in this process',
    conditions: { link: 'pipe', mtu: 1500, payload: PAYLOAD, checksums: 'software, both ends' },
  };
};

async function dgramOverLoopback(exchanges: number): Promise<Float64Array> {
  const server = createSocket('udp4');
  const client = createSocket('udp4');
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => client.connect(server.address().port, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => server.connect(client.address().port, '127.0.0.1', resolve));
  server.on('message', (question) => server.send(question));
  const question = Buffer.alloc(PAYLOAD, 7);
  const samples = new Float64Array(exchanges);
  for (let i = 0; i < exchanges; i++) {
    const start = performance.now();
    await new Promise<void>((resolve) => {
      client.once('message', () => resolve());
      client.send(question);
    });
    samples[i] = (performance.now() - start) * 1000;
  }
  server.close();
  client.close();
  return samples;
}
