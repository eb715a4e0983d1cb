import { type AddressInfo, createServer, Socket } from 'node:net';
import type { RunScenario } from '../scenario.js';
import { type Echo, measureEcho } from './in-process-echo.js';
import { TcpPair } from './tcp-pair.js';

const PAYLOAD = 64;

/** A question of 64 bytes and its answer, one at a time, between two applications. */
class TcpEcho implements Echo {
  readonly pair = new TcpPair({ mtu: 1500, frames: 512, frameSize: 2048 });
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

  close(): void {
    this.pair.close();
  }
}

export const tcpEcho: RunScenario = async (options) => {
  const result = await measureEcho(new TcpEcho(), { kernel: netOverLoopback, exchangesPerSecond: 200_000 }, options);
  return {
    ...result,
    baselineName: 'node:net over the loopback interface of the kernel, both ends in this process',
    conditions: {
      link: 'pipe',
      mtu: 1500,
      payload: PAYLOAD,
      checksums: 'software, both ends',
      clock: 'µs, read twice',
    },
  };
};

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
