import { createSocket } from 'node:dgram';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { createNanosecondClock } from '@prism-net/time';
import { quantile } from '../measure.js';
import { PAYLOAD } from './send-path.js';

/** What is sent in a row before the other side reads. */
const BURST = 16;

/** Times the call by which Node passes 64 bytes, of which two fields are new, to a socket of the kernel. */
export class KernelSender {
  readonly #clock = createNanosecondClock();
  readonly #message = Buffer.alloc(PAYLOAD);
  readonly #send: (message: Buffer) => void;
  readonly close: () => void;

  constructor(send: (message: Buffer) => void, close: () => void) {
    this.#send = send;
    this.close = close;
  }

  time(): number {
    const start = this.#clock.now();
    this.#message.writeInt32BE(start, 8);
    this.#message.writeInt32BE(~start, 40);
    this.#send(this.#message);
    return (this.#clock.now() - start) | 0;
  }

  async hot(sends: number): Promise<number> {
    const samples = new Float64Array(sends);
    for (let i = 0; i < sends; i++) {
      samples[i] = this.time();
      if (i % BURST === 0) await this.drain();
    }
    return quantile(samples, 0.5);
  }

  drain(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }
}

export async function openKernelDatagrams(): Promise<KernelSender> {
  const sender = createSocket('udp4');
  const receiver = createSocket('udp4');
  await new Promise<void>((resolve) => receiver.bind(0, '127.0.0.1', resolve));
  await new Promise<void>((resolve) => sender.connect(receiver.address().port, '127.0.0.1', resolve));
  receiver.on('message', () => {});
  const made = new KernelSender(
    (message) => sender.send(message),
    () => {
      sender.close();
      receiver.close();
    },
  );
  await made.hot(5000);
  return made;
}

export async function openKernelStream(): Promise<KernelSender> {
  const server = createServer({ noDelay: true }, (socket) => socket.on('data', () => {}));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const socket = await new Promise<Socket>((resolve) => {
    const made = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(made));
  });
  const made = new KernelSender(
    (message) => void socket.write(message),
    () => {
      socket.destroy();
      server.close();
    },
  );
  await made.hot(5000);
  return made;
}
