import { randomBytes } from 'node:crypto';
import { createSocket, type Socket as DatagramSocket } from 'node:dgram';
import { connect, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import {
  ECHO_PORT,
  PRISM,
  SHORT_CLIENT_PORTS,
  STREAM_CLIENT_PORT,
  UDP_CLIENT_PORT,
  VICTIM_PORTS,
} from './addresses.js';

/** What the client got. It uses the kernel's own sockets. */
export interface ClientReport {
  readonly datagrams: { readonly sent: number; readonly echoed: number };
  readonly stream: { readonly bytes: number; readonly wrong: number; readonly error: string };
  readonly connections: { readonly opened: number; readonly failed: number; readonly wrong: number };
}

/** Answers of a server that is left alone: 'ok', or what went wrong. */
export interface ClientCheck {
  readonly udp: string;
  readonly tcp: string;
}

export type ClientQuestion = 'check' | 'report' | 'end';
export type ClientAnswer =
  | { readonly ready: number }
  | { readonly check: ClientCheck }
  | { readonly report: ClientReport };

const ANSWER_MILLISECONDS = 200;
const CONNECTION_MILLISECONDS = 2000;

class Datagrams {
  sent = 0;
  echoed = 0;
  readonly #socket: DatagramSocket;
  #expected: Buffer = Buffer.alloc(0);
  #arrived: () => void = () => {};

  constructor() {
    this.#socket = createSocket('udp4');
    this.#socket.bind(UDP_CLIENT_PORT);
    this.#socket.on('error', () => {});
    // Others send in this one's name, and it gets the answers.
    this.#socket.on('message', (data) => {
      if (data.equals(this.#expected)) this.#arrived();
    });
  }

  async exchange(): Promise<boolean> {
    const data = randomBytes(64);
    this.#expected = data;
    const arrival = new Promise<true>((resolve) => {
      this.#arrived = () => resolve(true);
    });
    this.sent++;
    this.#socket.send(data, ECHO_PORT, PRISM.address);
    const isEchoed = await Promise.race([arrival, delay(ANSWER_MILLISECONDS, false)]);
    if (isEchoed) this.echoed++;
    return isEchoed;
  }
}

/** One connection that lives as long as the attack. */
class Stream {
  bytes = 0;
  wrong = 0;
  error = '';
  readonly #socket: Socket;
  #expected = Buffer.alloc(0);

  constructor() {
    this.#socket = connect({ host: PRISM.address, port: ECHO_PORT, localPort: STREAM_CLIENT_PORT });
    this.#socket.on('error', (error) => {
      this.error = error.message;
    });
    this.#socket.on('close', () => {
      this.error ||= 'closed';
    });
    this.#socket.on('data', (data) => {
      const part = this.#expected.subarray(0, data.length);
      if (!part.equals(data)) this.wrong++;
      this.bytes += data.length;
      this.#expected = this.#expected.subarray(data.length);
      if (this.#expected.length === 0) setTimeout(() => this.write(), 1);
    });
    this.write();
  }

  write(): void {
    this.#expected = randomBytes(1000);
    this.#socket.write(this.#expected);
  }
}

class Connections {
  opened = 0;
  failed = 0;
  wrong = 0;
  #port: number = SHORT_CLIENT_PORTS.first;

  /** Opens one, sends, gets the same back, ends it. 'ok', or what went wrong. */
  async exchange(): Promise<string> {
    const localPort = this.#port++;
    if (this.#port > SHORT_CLIENT_PORTS.last) this.#port = SHORT_CLIENT_PORTS.first;
    const socket = connect({ host: PRISM.address, port: ECHO_PORT, localPort });
    socket.setTimeout(CONNECTION_MILLISECONDS, () => socket.destroy(new Error('timeout')));
    const data = randomBytes(200);
    let got = Buffer.alloc(0);
    const result = await new Promise<string>((resolve) => {
      socket.on('error', (error) => resolve(error.message));
      socket.on('close', () => resolve('closed'));
      socket.on('data', (part) => {
        got = Buffer.concat([got, part]);
        if (got.length >= data.length) resolve(got.equals(data) ? 'ok' : 'other bytes came back');
      });
      socket.write(data);
    });
    if (result === 'ok') this.opened++;
    else this.failed++;
    if (result.startsWith('other')) this.wrong++;
    socket.end();
    setTimeout(() => socket.destroy(), 500).unref();
    return result;
  }
}

/** Connections that say nothing; what becomes of them is the corpus's affair. */
async function openVictims(count: number): Promise<number> {
  let open = 0;
  for (let i = 0; i < count; i++) {
    const socket = connect({ host: PRISM.address, port: ECHO_PORT, localPort: VICTIM_PORTS.first + i });
    socket.on('error', () => {});
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('close', () => resolve(false));
    });
    if (isOpen) open++;
  }
  return open;
}

async function retried(attempt: () => Promise<string>): Promise<string> {
  let result = '';
  for (let left = 10; left > 0 && result !== 'ok'; left--) {
    result = await attempt();
    if (result !== 'ok') await delay(100);
  }
  return result;
}

function tell(answer: ClientAnswer): void {
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}

async function main(victims: number): Promise<void> {
  tell({ ready: await openVictims(victims) });
  const datagrams = new Datagrams();
  const stream = new Stream();
  const connections = new Connections();
  let isBusy = true;
  const loops = Promise.all([
    (async () => {
      while (isBusy) {
        await datagrams.exchange();
        await delay(1);
      }
    })(),
    (async () => {
      while (isBusy) {
        await connections.exchange();
        await delay(20);
      }
    })(),
  ]);
  for await (const line of createInterface({ input: process.stdin })) {
    switch (line as ClientQuestion) {
      case 'report': {
        const { sent, echoed } = datagrams;
        const { bytes, wrong, error } = stream;
        const { opened, failed } = connections;
        tell({
          report: {
            datagrams: { sent, echoed },
            stream: { bytes, wrong, error },
            connections: { opened, failed, wrong: connections.wrong },
          },
        });
        break;
      }
      case 'check': {
        isBusy = false;
        await loops;
        const udp = await retried(async () => ((await datagrams.exchange()) ? 'ok' : 'no answer'));
        tell({ check: { udp, tcp: await retried(() => connections.exchange()) } });
        break;
      }
      default:
        process.exit();
    }
  }
  process.exit();
}

if (process.argv[1]?.endsWith('kernel-client.js')) void main(Number(process.argv[2]));
