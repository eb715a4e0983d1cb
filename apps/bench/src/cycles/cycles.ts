import { Errno } from '@prism-net/socket';
import type { Stack } from '@prism-net/stack';
import type { Connection, ConnectionHandler, Listener, ListenerHandler } from '@prism-net/tcp';
import type { Instant } from '@prism-net/time';
import { IpAddress } from '@prism-net/wire';
import { RateMeter } from '../lab/meters.js';
import { PORT } from '../lab/peer-job.js';
import type { Application } from '../lab/prism-host.js';

const BUFFERS = { receiveBuffer: 4096, sendBuffer: 4096 } as const;
/** Cycles leave connections in TIME-WAIT behind: the oldest make room. */
export const CYCLE_SETTINGS = {
  maximumConnections: 4096,
  timeWaitSize: 4096,
  ephemeralPorts: { first: 10_000, last: 65_535 },
} as const;

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
  /** Cycles under way at a time; 0: those that are go on, no others begin. */
  concurrency: number;
  readonly #ready: Connection[] = [];
  #open = 0;

  constructor(stack: Stack, peer: string, payload: number, concurrency: number) {
    this.#stack = stack;
    this.#peer = IpAddress.parse(peer);
    this.#question = new Uint8Array(payload).map((_, i) => i);
    this.#answer = new Uint8Array(payload);
    this.concurrency = concurrency;
  }

  round(now: Instant): void {
    const ready = this.#ready;
    for (let i = 0; i < ready.length; i++) this.#read(ready[i]!, now);
    ready.length = 0;
    while (this.#open < this.concurrency) this.#start(now);
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
    this.concurrency = 0;
  }

  /** Cycles under way. */
  get open(): number {
    return this.#open;
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
