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
import { ClientTable } from '../gateway/client-table.js';
import { OrderGateway } from '../gateway/order-gateway.js';
import { LatencyHistogram } from '../report/latency-histogram.js';
import { RiskCheck } from '../risk/risk-check.js';
import {
  EXECUTION_LIMIT,
  ORDER_RING_CAPACITY,
  REFERENCE_TICKS,
  REPORT_RING_CAPACITY,
  SYMBOL,
} from '../runtime/run-plan.js';
import { SessionPort } from './session-port.js';

const FRAMES = 4096;
const PORT = 9001;

export interface InProcessSessionOptions {
  readonly window: number;
  readonly seed: number;
}

/** Load client, gateway and book in one thread, two stacks over a pipe: one session over one TCP connection. */
export class InProcessSession {
  readonly journal: OrderJournal;
  readonly client: SessionClient;
  readonly port: SessionPort;
  readonly latencies = new LatencyHistogram();
  readonly #clock = createMonotonicClock();
  readonly #clientStack: Stack;
  readonly #gatewayStack: Stack;
  readonly #gateway: OrderGateway;
  readonly #service: BookService;

  constructor({ seed, window }: InProcessSessionOptions) {
    const random = new CryptoRandom();
    const nanoseconds = createNanosecondClock();
    const memory = PacketMemory.create({ frames: 2 * FRAMES });
    const [left, right] = createPipe({ capacity: 4096 });
    const common = { mode: 'manual', clock: this.#clock } as const;
    const pool = () => PacketPool.create(memory, FRAMES);
    this.#gatewayStack = createStack({ ...common, link: left, address: '10.0.0.1/24', pool: pool() });
    this.#clientStack = createStack({ ...common, link: right, address: '10.0.0.2/24', pool: pool() });
    const toBook = ring(ORDER_RING_CAPACITY, ORDER_WORDS);
    const fromBook = ring(REPORT_RING_CAPACITY, REPORT_WORDS);
    const book = new OrderBook({ executionLimit: EXECUTION_LIMIT });
    this.#service = new BookService(book, toBook, fromBook, new SessionDesk(book, fromBook, createHashKey(random)));
    const risk = new RiskCheck({ hashKey: createHashKey(random), referenceTicks: REFERENCE_TICKS });
    const ringBook = (): void => {};
    const account = { username: 'LOAD', password: 'prism', session: 'BENCH' };
    this.port = new SessionPort({
      stack: this.#gatewayStack,
      port: PORT,
      accounts: [account],
      symbol: SYMBOL,
      risk,
      toBook,
      underWay: ORDER_RING_CAPACITY + REPORT_RING_CAPACITY,
      ringBook,
      nanosecondsSinceMidnight: 0,
      nanoseconds,
    });
    const clients = new ClientTable(16, random);
    const ports = { risk, clients, toBook, fromBook, ringBook, sessions: this.port };
    this.#gateway = new OrderGateway({ ...ports, stack: this.#gatewayStack, port: PORT - 1 });
    this.journal = new OrderJournal(2 ** Math.ceil(Math.log2(16 * window)));
    this.client = new SessionClient({
      username: account.username,
      password: account.password,
      stack: this.#clientStack,
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
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** One round of everything; the client sends up to so many messages. */
  round(orders: number): void {
    const now = this.#clock.now();
    this.client.poll(now, orders);
    this.#clientStack.poll(now);
    this.#gatewayStack.poll(now);
    this.port.poll(now);
    this.#service.poll(256);
    while (this.#gateway.sendReports() > 0);
    this.port.poll(now);
    this.#gatewayStack.poll(now);
    this.#clientStack.poll(now);
  }

  close(): void {
    this.client.close();
    this.port.close();
    this.#clientStack.close();
    this.#gatewayStack.close();
  }
}

function ring(capacity: number, wordsPerItem: number): SpscRing {
  const buffer = new SharedArrayBuffer(SpscRing.byteLength(capacity, wordsPerItem));
  return new SpscRing({ buffer, byteOffset: 0, capacity, wordsPerItem });
}
