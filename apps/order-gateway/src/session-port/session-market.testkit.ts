import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, type Link } from '@prism-net/link';
import { SpscRing } from '@prism-net/rings';
import type { AccountOptions, TimingOptions } from '@prism-net/soup-bin-tcp';
import { createStack, type Stack } from '@prism-net/stack';
import { createHashKey, SeededRandom } from '@prism-net/tables';
import { ManualClock } from '@prism-net/time';
import { BookService } from '../book/book-service.js';
import { OrderBook } from '../book/order-book.js';
import { SessionDesk } from '../book/session-desk.js';
import { ORDER_WORDS, REPORT_WORDS } from '../gateway/book-messages.js';
import { ClientTable } from '../gateway/client-table.js';
import { OrderGateway } from '../gateway/order-gateway.js';
import { RiskCheck } from '../risk/risk-check.js';
import { SessionPort } from './session-port.js';

export const GATEWAY = '10.0.0.1';
export const SESSION_PORT = 9001;
export const DATAGRAM_PORT = 9000;
export const SYMBOL = 'PRISM';
export const ACCOUNT: AccountOptions = { username: 'TRADER', password: 'secret', session: 'DAY1' };

export interface SessionMarketOptions extends TimingOptions {
  readonly accounts?: readonly AccountOptions[];
  readonly orderRing?: number;
  readonly reportRing?: number;
  readonly executionLimit?: number;
  readonly maximumConnections?: number;
  readonly frames?: number;
  readonly debug?: boolean;
  /** Of the clock. Default: a second before it passes 2^31. */
  readonly startsAt?: number;
  /** Of the cable: small ones cut messages. */
  readonly mtu?: number;
}

function ring(capacity: number, wordsPerItem: number): SpscRing {
  const buffer = new SharedArrayBuffer(SpscRing.byteLength(capacity, wordsPerItem));
  return new SpscRing({ buffer, byteOffset: 0, capacity, wordsPerItem });
}

/** Both ports of the gateway, the book and a client's stack in one thread and in virtual time. */
export class SessionMarket {
  readonly clock: ManualClock;
  readonly memory: PacketMemory;
  readonly pools: PacketPool[] = [];
  readonly gatewayStack: Stack;
  readonly clientStack: Stack;
  readonly gateway: OrderGateway;
  readonly port: SessionPort;
  readonly book: OrderBook;
  readonly service: BookService;
  /** Called once per round for clients. */
  readonly clients: ((now: number) => void)[] = [];
  /** False: nothing passes the cable, in either direction. */
  isConnected = true;

  constructor(options: SessionMarketOptions = {}) {
    const frames = options.frames ?? 2048;
    this.clock = new ManualClock(options.startsAt ?? 2 ** 31 - 1_000_000);
    const random = new SeededRandom(7);
    this.memory = PacketMemory.create({ frames: 2 * frames, debug: options.debug ?? false });
    const pool = (name: string) => {
      const created = PacketPool.create(this.memory, frames, { name });
      this.pools.push(created);
      return created;
    };
    const [left, right] = createPipe({ capacity: 1024, mtu: options.mtu ?? 1500 });
    const common = { mode: 'manual', clock: this.clock, random } as const;
    this.gatewayStack = createStack({
      ...common,
      link: this.#pluggable(left),
      address: `${GATEWAY}/24`,
      pool: pool('gateway'),
    });
    this.clientStack = createStack({
      ...common,
      link: this.#pluggable(right),
      address: '10.0.0.2/24',
      pool: pool('client'),
    });
    this.book = new OrderBook({ executionLimit: options.executionLimit ?? 1024 });
    const orderRing = options.orderRing ?? 4096;
    const reportRing = options.reportRing ?? 8192;
    const toBook = ring(orderRing, ORDER_WORDS);
    const fromBook = ring(reportRing, REPORT_WORDS);
    const desk = new SessionDesk(this.book, fromBook, createHashKey(random));
    this.service = new BookService(this.book, toBook, fromBook, desk);
    const risk = new RiskCheck({ hashKey: createHashKey(random), referenceTicks: 10_000 });
    this.port = new SessionPort({
      ...options,
      stack: this.gatewayStack,
      port: SESSION_PORT,
      accounts: options.accounts ?? [ACCOUNT],
      symbol: SYMBOL,
      risk,
      toBook,
      underWay: orderRing + reportRing,
      ringBook() {},
      nanosecondsSinceMidnight: 34_200e9,
      nanoseconds: { now: () => Math.imul(this.clock.now(), 1000) },
    });
    this.gateway = new OrderGateway({
      stack: this.gatewayStack,
      port: DATAGRAM_PORT,
      clients: new ClientTable(16, random),
      risk,
      toBook,
      fromBook,
      ringBook() {},
      sessions: this.port,
    });
    void this.clientStack.ping(GATEWAY).catch(() => {});
    this.rounds(4);
  }

  round(microseconds = 20): void {
    this.clock.advance(microseconds);
    const now = this.clock.now();
    for (const client of this.clients) client(now);
    this.clientStack.poll(now);
    this.gateway.sendReports();
    this.gatewayStack.poll(now);
    this.port.poll(now);
    this.service.poll(64);
  }

  rounds(count: number, microseconds = 20): void {
    for (let n = 0; n < count; n++) this.round(microseconds);
  }

  /** Lets the promises of sockets go on, too. */
  async until(isDone: () => boolean, microseconds = 20): Promise<void> {
    for (let n = 0; !isDone(); n++) {
      if (n > 20_000) throw new Error('nothing moves any more');
      this.round(microseconds);
      if (n % 8 === 7) await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** @throws Error when a packet leaked or a frame is unaccounted for. */
  close(): void {
    this.port.close();
    this.clientStack.close();
    this.gatewayStack.close();
    for (const pool of this.pools) pool.assertNoLeaks();
  }

  #pluggable(link: Link): Link {
    const receive = link.receive.bind(link);
    link.receive = (burst, maximum) => {
      const count = receive(burst, maximum);
      if (this.isConnected) return count;
      for (let n = 0; n < count; n++) burst[n]!.release();
      return 0;
    };
    return link;
  }
}
