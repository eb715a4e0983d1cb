import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { SpscRing } from '@prism-net/rings';
import { createStack, type Stack } from '@prism-net/stack';
import { CryptoRandom, createHashKey } from '@prism-net/tables';
import { createMonotonicClock, createNanosecondClock } from '@prism-net/time';
import { BookService } from '../book/book-service.js';
import { OrderBook } from '../book/order-book.js';
import { SessionDesk } from '../book/session-desk.js';
import { OrderJournal } from '../client/order-journal.js';
import { Pacer } from '../client/pacer.js';
import { SessionClient } from '../client/session-client.js';
import { SessionFlow } from '../client/session-flow.js';
import { ORDER_WORDS, REPORT_WORDS } from '../gateway/book-messages.js';
import { LatencyHistogram } from '../report/latency-histogram.js';
import { RiskCheck } from '../risk/risk-check.js';
import {
  EXECUTION_LIMIT,
  ORDER_RING_CAPACITY,
  REFERENCE_TICKS,
  REPORT_RING_CAPACITY,
  SYMBOL,
} from '../runtime/run-plan.js';
import { NetTransport } from './net-transport.js';
import { SessionPort } from './session-port.js';

const FRAMES = 4096;
const PORT = 9001;

export interface InProcessSessionOptions {
  readonly window: number;
  readonly seed: number;
  /** Over node:net and the kernel's loopback instead. */
  readonly isOverNet: boolean;
}

/** Load client, gateway and book in one thread, two stacks over a pipe: one session over one TCP connection. */
export class InProcessSession {
  readonly journal: OrderJournal;
  readonly client: SessionClient;
  readonly port: SessionPort;
  readonly latencies = new LatencyHistogram();
  readonly #clock = createMonotonicClock();
  readonly #stacks: Stack[] = [];
  readonly #net: NetTransport | undefined;
  readonly #fromBook = ring(REPORT_RING_CAPACITY, REPORT_WORDS);
  readonly #service: BookService;

  constructor({ isOverNet, seed, window }: InProcessSessionOptions) {
    const random = new CryptoRandom();
    const nanoseconds = createNanosecondClock();
    this.#net = isOverNet ? new NetTransport() : undefined;
    if (!isOverNet) this.#addStacks();
    const [gatewayStack = this.#net!.stack, clientStack = this.#net!.stack] = this.#stacks;
    const toBook = ring(ORDER_RING_CAPACITY, ORDER_WORDS);
    const book = new OrderBook({ executionLimit: EXECUTION_LIMIT });
    const desk = new SessionDesk(book, this.#fromBook, createHashKey(random));
    this.#service = new BookService(book, toBook, this.#fromBook, desk);
    const account = { username: 'LOAD', password: 'prism', session: 'BENCH' };
    this.port = new SessionPort({
      stack: gatewayStack,
      port: PORT,
      accounts: [account],
      symbol: SYMBOL,
      risk: new RiskCheck({ hashKey: createHashKey(random), referenceTicks: REFERENCE_TICKS }),
      toBook,
      underWay: ORDER_RING_CAPACITY + REPORT_RING_CAPACITY,
      ringBook() {},
      nanosecondsSinceMidnight: 0,
      nanoseconds,
    });
    this.journal = new OrderJournal(2 ** Math.ceil(Math.log2(16 * window)));
    this.client = new SessionClient({
      username: account.username,
      password: account.password,
      stack: clientStack,
      gatewayAddress: '10.0.0.1',
      gatewayPort: PORT,
      flow: new SessionFlow({ seed, symbol: SYMBOL, referenceTicks: REFERENCE_TICKS, maximumQuantityLots: 0 }),
      journal: this.journal,
      pacer: new Pacer(0, 0),
      latencies: this.latencies,
      window,
      nanoseconds,
    });
  }

  async login(): Promise<void> {
    for (let n = 0; !this.client.soup.isLoggedIn; n++) {
      if (n > 100_000) throw new Error('the session port does not let its client log in');
      this.round(0);
      await turn();
    }
  }

  /** Rounds with up to so many orders each; over node:net each needs a turn of the event loop. */
  async rounds(count: number, orders: number): Promise<void> {
    for (let n = 0; n < count; n = (n + 1) | 0) {
      this.round(orders);
      if (this.#net !== undefined) await turn();
    }
  }

  /** One round of everything; the client sends up to so many messages. */
  round(orders: number): void {
    const now = this.#clock.now();
    const [gatewayStack, clientStack] = this.#stacks;
    this.client.poll(now, orders);
    this.#net?.flush();
    clientStack?.poll(now);
    gatewayStack?.poll(now);
    this.port.poll(now);
    while (this.#service.poll(256) > 0) this.#takeReports();
    this.port.poll(now);
    this.#net?.flush();
    gatewayStack?.poll(now);
    clientStack?.poll(now);
  }

  close(): void {
    this.client.close();
    this.port.close();
    for (const stack of this.#stacks) stack.close();
  }

  #addStacks(): void {
    const memory = PacketMemory.create({ frames: 2 * FRAMES });
    const [left, right] = createPipe({ capacity: 4096 });
    const common = { mode: 'manual', clock: this.#clock } as const;
    const pool = () => PacketPool.create(memory, FRAMES);
    this.#stacks.push(
      createStack({ ...common, link: left, address: '10.0.0.1/24', pool: pool() }),
      createStack({ ...common, link: right, address: '10.0.0.2/24', pool: pool() }),
    );
  }

  /** There is no datagram port here: every report is a session's. */
  #takeReports(): void {
    const fromBook = this.#fromBook;
    for (let at = fromBook.peek(); at >= 0; at = fromBook.peek()) {
      this.port.report(fromBook.words, at);
      fromBook.consume();
    }
    fromBook.release();
  }
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function ring(capacity: number, wordsPerItem: number): SpscRing {
  const buffer = new SharedArrayBuffer(SpscRing.byteLength(capacity, wordsPerItem));
  return new SpscRing({ buffer, byteOffset: 0, capacity, wordsPerItem });
}
