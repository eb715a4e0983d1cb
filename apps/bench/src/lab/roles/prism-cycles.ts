import { Errno } from '@prism-net/socket';
import type { Stack } from '@prism-net/stack';
import type { Connection, ConnectionHandler, Listener, ListenerHandler } from '@prism-net/tcp';
import type { Instant } from '@prism-net/time';
import { IpAddress } from '@prism-net/wire';
import { RateMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { type Application, PrismHost } from '../prism-host.js';

const BUFFERS = { receiveBuffer: 4096, sendBuffer: 4096 } as const;
/** Cycles leave connections in TIME-WAIT behind: the oldest make room. */
export const CYCLE_SETTINGS = {
  maximumConnections: 4096,
  timeWaitSize: 4096,
  ephemeralPorts: { first: 10_000, last: 65_535 },
} as const;

export async function prismCycleServer(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job, { tcp: CYCLE_SETTINGS });
  const server = new CycleServer(host.stack, job.payload);
  host.settle();
  channel.ready(host.conditions);
  await host.run(channel, server);
  server.close();
  host.close();
  channel.done({ served: server.served });
}

export async function prismCycleClient(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job, { tcp: CYCLE_SETTINGS });
  const client = new CycleClient(host.stack, job.peer, job.payload, job.concurrency ?? 1);
  host.settle();
  channel.ready(host.conditions);
  client.meter.measure(job).then(({ itemsPerSecond }) => channel.measured({ cyclesPerSecond: itemsPerSecond }));
  await host.run(channel, client);
  const figures = { cycles: client.meter.items, failed: client.failed };
  client.close();
  host.close();
  channel.done(figures);
}

/** Reads a question from each connection, answers it, and closes. */
export class CycleServer implements Application, ConnectionHandler, ListenerHandler {
  served = 0;
  readonly #stack: Stack;
  readonly #listener: Listener;
  readonly #buffer: Uint8Array;
  readonly #ready: Connection[] = [];

  constructor(stack: Stack, payload: number) {
    this.#stack = stack;
    this.#buffer = new Uint8Array(payload);
    const listener = stack.tcp.listen(null, PORT, { noDelay: true, backlog: 1024, ...BUFFERS }, this);
    if (typeof listener === 'number') throw new Error(`cannot listen: error ${listener}`);
    this.#listener = listener;
  }

  round(now: Instant): void {
    const ready = this.#ready;
    for (let i = 0; i < ready.length; i++) this.#answer(ready[i]!, now);
    ready.length = 0;
  }

  acceptable(): void {
    for (let connection = this.#listener.accept(); connection !== null; connection = this.#listener.accept()) {
      connection.handler = this;
      if (connection.readableBytes > 0) this.#ready.push(connection);
    }
  }

  readable(connection: Connection): void {
    this.#ready.push(connection);
  }

  connected(): void {}
  writable(): void {}
  ended(): void {}

  close(): void {
    this.#listener.close(this.#stack.lastPoll);
  }

  #answer(connection: Connection, now: Instant): void {
    if (connection.isClosed || connection.readableBytes < this.#buffer.length) return;
    connection.read(this.#buffer, 0, this.#buffer.length);
    connection.write(this.#buffer, 0, this.#buffer.length);
    connection.close(now);
    this.served++;
  }
}

/** Keeps so many connections under way: each asks a question, reads the answer and the end behind it, and closes. */
export class CycleClient implements Application, ConnectionHandler {
  readonly meter = new RateMeter();
  failed = 0;
  readonly #stack: Stack;
  readonly #peer: IpAddress;
  readonly #question: Uint8Array;
  readonly #answer: Uint8Array;
  readonly #concurrency: number;
  readonly #ready: Connection[] = [];
  #open = 0;
  #isClosed = false;

  constructor(stack: Stack, peer: string, payload: number, concurrency: number) {
    this.#stack = stack;
    this.#peer = IpAddress.parse(peer);
    this.#question = new Uint8Array(payload).map((_, i) => i);
    this.#answer = new Uint8Array(payload);
    this.#concurrency = concurrency;
  }

  round(now: Instant): void {
    const ready = this.#ready;
    for (let i = 0; i < ready.length; i++) this.#read(ready[i]!, now);
    ready.length = 0;
    while (this.#open < this.#concurrency && !this.#isClosed) this.#start(now);
  }

  readable(connection: Connection): void {
    this.#ready.push(connection);
  }

  connected(): void {}
  writable(): void {}

  ended(connection: Connection): void {
    // After an orderly cycle it was closed before, and is no longer ours.
    if (connection.isClosed) return;
    this.failed++;
    this.#open--;
  }

  close(): void {
    this.#isClosed = true;
  }

  #start(now: Instant): void {
    const connection = this.#stack.tcp.open(this);
    connection.apply({ noDelay: true, ...BUFFERS });
    this.#open++;
    const errno = connection.connect(this.#peer, PORT, now);
    if (errno !== Errno.NONE) throw new Error(`cannot connect: error ${errno}`);
    // Sent when the handshake is done (RFC 9293 §3.10.2).
    connection.write(this.#question, 0, this.#question.length);
  }

  #read(connection: Connection, now: Instant): void {
    if (connection.isClosed) return;
    connection.read(this.#answer, 0, this.#answer.length);
    if (!connection.isEndOfStream) return;
    connection.close(now);
    this.#open--;
    this.meter.count(1, this.#answer.length);
  }
}
