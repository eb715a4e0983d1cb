import { createHash } from 'node:crypto';
import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, type Link } from '@prism-net/link';
import { SpscRing } from '@prism-net/rings';
import type { DatagramSocket } from '@prism-net/socket';
import { createStack, type Stack } from '@prism-net/stack';
import { createHashKey, SeededRandom } from '@prism-net/tables';
import { ManualClock } from '@prism-net/time';
import { BookService } from './book/book-service.js';
import { OrderBook } from './book/order-book.js';
import { LoadClient } from './client/load-client.js';
import { Pacer } from './client/pacer.js';
import { OrderFlow } from './flow/order-flow.js';
import { ORDER_WORDS, REPORT_WORDS } from './gateway/book-messages.js';
import { ClientTable } from './gateway/client-table.js';
import { OrderGateway } from './gateway/order-gateway.js';
import { ORDER_BYTES, type Side, writeOrder } from './orders/order-message.js';
import { RejectReason } from './orders/reject-reason.js';
import {
  isReply,
  REPLY_BYTES,
  ReplyKind,
  replyExecutions,
  replyFilledLots,
  replyIdHigh,
  replyIdLow,
  replyKind,
  replyLastPriceTicks,
  replyReason,
  replyRemainingLots,
  replySequence,
} from './orders/reply-message.js';
import { LatencyHistogram } from './report/latency-histogram.js';
import { RiskCheck } from './risk/risk-check.js';
import { ReplyTracker } from './session/reply-tracker.js';

export const GATEWAY = '10.0.0.1';
export const PORT = 9000;
const REFERENCE_TICKS = 10_000;
/** Ethernet, IPv4 and UDP headers. */
const HEADERS = 42;

export interface MarketOptions {
  readonly debug?: boolean;
  readonly orderRing?: number;
  readonly reportRing?: number;
  readonly gatewayFrames?: number;
  readonly clientFrames?: number;
  readonly pipeCapacity?: number;
  readonly knownClients?: number;
  readonly killAfterOrders?: number;
  readonly collarPermille?: number;
  readonly executionLimit?: number;
  /** Orders the book works on per round. */
  readonly bookOrdersPerRound?: number;
  /** False: no datagram port, as with `--ports session`. */
  readonly datagrams?: boolean;
}

export function ring(capacity: number, wordsPerItem: number): SpscRing {
  const buffer = new SharedArrayBuffer(SpscRing.byteLength(capacity, wordsPerItem));
  return new SpscRing({ buffer, byteOffset: 0, capacity, wordsPerItem });
}

/** What the three workers wire up, in one thread and in virtual time: same options, same course. */
export class Market {
  readonly clock = new ManualClock(1_000_000);
  readonly memory: PacketMemory;
  readonly gatewayPool: PacketPool;
  readonly clientPool: PacketPool;
  readonly gatewayStack: Stack;
  readonly clientStack: Stack;
  readonly gateway: OrderGateway;
  readonly book: OrderBook;
  readonly service: BookService;
  readonly clients: ClientTable;
  readonly killSwitch = new Int32Array(1);
  readonly loads: Load[] = [];
  readonly #bookOrdersPerRound: number;
  #replies = createHash('sha256');
  /** False: the gateway's thread stands still. */
  gatewayRuns = true;
  /** False: the clients' thread stands still. */
  clientsRun = true;
  /** False: the clients send, but do not take what comes back. */
  clientsListen = true;
  bookRings = 0;

  constructor(options: MarketOptions = {}) {
    const gatewayFrames = options.gatewayFrames ?? 2048;
    const clientFrames = options.clientFrames ?? 2048;
    this.#bookOrdersPerRound = options.bookOrdersPerRound ?? 64;
    const random = new SeededRandom(99);
    this.memory = PacketMemory.create({ frames: gatewayFrames + clientFrames, debug: options.debug ?? false });
    this.gatewayPool = PacketPool.create(this.memory, gatewayFrames, { name: 'gateway' });
    this.clientPool = PacketPool.create(this.memory, clientFrames, { name: 'client' });
    const [gatewayEnd, clientEnd] = createPipe({ capacity: options.pipeCapacity ?? 1024 });
    const common = { mode: 'manual', clock: this.clock, random } as const;
    this.gatewayStack = createStack({
      ...common,
      link: gatewayEnd,
      address: `${GATEWAY}/24`,
      pool: this.gatewayPool,
    });
    this.clientStack = createStack({
      ...common,
      link: this.#watched(clientEnd),
      address: '10.0.0.2/24',
      pool: this.clientPool,
    });
    this.book = new OrderBook({ executionLimit: options.executionLimit ?? 1024 });
    const toBook = ring(options.orderRing ?? 4096, ORDER_WORDS);
    const fromBook = ring(options.reportRing ?? 8192, REPORT_WORDS);
    this.service = new BookService(this.book, toBook, fromBook);
    this.clients = new ClientTable(options.knownClients ?? 1024, random);
    this.gateway = new OrderGateway({
      stack: this.gatewayStack,
      port: options.datagrams === false ? undefined : PORT,
      clients: this.clients,
      risk: new RiskCheck({
        hashKey: createHashKey(random),
        referenceTicks: REFERENCE_TICKS,
        collarPermille: options.collarPermille ?? 50,
        killAfterOrders: options.killAfterOrders ?? 0,
        killSwitch: this.killSwitch,
      }),
      toBook,
      fromBook,
      ringBook: () => {
        this.bookRings++;
      },
    });
    // ARP lets few packets wait for their neighbour: the addresses are resolved first.
    void this.clientStack.ping(GATEWAY).catch(() => {});
    this.rounds(4);
  }

  /** A load client as `client.worker.ts` makes it, that also compares each answer with what the flow expects. */
  addLoad(seed: number, window = 64, badPermille = 5): Load {
    const load = new Load(this, seed, window, badPermille);
    this.loads.push(load);
    return load;
  }

  round(): void {
    this.clock.advance(20);
    const now = this.clock.now();
    if (this.clientsRun) {
      for (const load of this.loads) load.send();
      this.clientStack.poll(now);
    }
    if (this.gatewayRuns) {
      this.gateway.sendReports();
      this.gatewayStack.poll(now);
    }
    this.service.poll(this.#bookOrdersPerRound);
  }

  rounds(count: number): void {
    for (let i = 0; i < count; i++) this.round();
  }

  /** Until the loads have sent `orders` each and nothing moves any more. */
  run(orders: number): void {
    for (const load of this.loads) load.limit = orders;
    for (let left = 200 + orders; left > 0; left--) {
      this.rounds(16);
      if (this.loads.every((load) => load.tracker.sentOrders >= orders && load.tracker.outstanding === 0)) break;
    }
    this.rounds(64);
  }

  /** Of all reply datagrams so far, byte by byte and in order. */
  get replyHash(): string {
    return this.#replies.copy().digest('hex');
  }

  get unexplainedFrames(): number {
    return this.gatewayStack.accounts.snapshot().unexplained + this.clientStack.accounts.snapshot().unexplained;
  }

  /** @throws Error when a packet leaked (its name and, in debug mode, where it was taken). */
  close(): void {
    this.clientStack.close();
    this.gatewayStack.close();
    this.gatewayPool.assertNoLeaks();
    this.clientPool.assertNoLeaks();
  }

  #watched(link: Link): Link {
    const receive = link.receive.bind(link);
    link.receive = (burst, maximum) => {
      const count = this.clientsListen ? receive(burst, maximum) : 0;
      for (let i = 0; i < count; i++) this.#hash(burst[i]!);
      return count;
    };
    return link;
  }

  #hash(packet: Packet): void {
    if (packet.length !== HEADERS + REPLY_BYTES) return;
    this.#replies.update(packet.memory.bytes.slice(packet.offset + HEADERS, packet.offset + packet.length));
  }
}

/** Keeps what the flow expects of each order, and counts answers that differ. */
class ComparingTracker extends ReplyTracker {
  mismatches: string[] = [];
  compares = 0;
  readonly #flow: OrderFlow;
  readonly #expected = new Map<number, RejectReason[]>();

  constructor(capacity: number, flow: OrderFlow) {
    super(capacity);
    this.#flow = flow;
  }

  override sent(idLow: number, idHigh: number, duplicate: boolean, now: number): void {
    super.sent(idLow, idHigh, duplicate, now);
    const waiting = this.#expected.get(idLow);
    if (waiting === undefined) this.#expected.set(idLow, [this.#flow.expectedReason]);
    else waiting.push(this.#flow.expectedReason);
  }

  override answered(kind: number, reason: number, idLow: number, idHigh: number): boolean {
    const answers = super.answered(kind, reason, idLow, idHigh);
    if (kind === ReplyKind.fill) return answers;
    const expected = this.#expected.get(idLow) ?? [];
    const at = expected.indexOf(reason as RejectReason);
    const wrongKind = (kind === ReplyKind.rejected) !== (reason !== RejectReason.none);
    if (at < 0 || wrongKind) this.mismatches.push(`order ${idLow}: expected ${expected}, got ${reason} (kind ${kind})`);
    else expected.splice(at, 1);
    if (expected.length === 0) this.#expected.delete(idLow);
    this.compares++;
    return answers;
  }
}

export class Load {
  readonly flow: OrderFlow;
  readonly tracker: ComparingTracker;
  readonly client: LoadClient;
  /** Orders to be sent; a burst is not cut. */
  limit = 0;

  constructor(market: Market, seed: number, window: number, badPermille: number) {
    this.flow = new OrderFlow({ seed, referenceTicks: REFERENCE_TICKS, badPermille, ordersPerDay: 100_000 });
    this.tracker = new ComparingTracker(65_536, this.flow);
    this.client = new LoadClient({
      stack: market.clientStack,
      gatewayAddress: GATEWAY,
      gatewayPort: PORT,
      flow: this.flow,
      tracker: this.tracker,
      pacer: new Pacer(0, 0),
      latencies: new LatencyHistogram(),
      window,
      nanoseconds: market.clock,
    });
  }

  send(): void {
    if (this.tracker.sentOrders < this.limit) this.client.sendOrders();
  }
}

export interface Reply {
  readonly kind: number;
  readonly reason: number;
  readonly executions: number;
  readonly sequence: number;
  readonly id: number;
  readonly filledLots: number;
  readonly remainingLots: number;
  readonly lastPriceTicks: number;
}

/** A socket that sends single orders, or anything else, and keeps what comes back. */
export class Trader {
  readonly socket: DatagramSocket;
  readonly replies: Reply[] = [];
  malformed = 0;

  constructor(market: { readonly clientStack: Stack }) {
    this.socket = market.clientStack.udpSocket({ receiveQueue: 4096 }).connect(PORT, GATEWAY);
    this.socket.onReadable(() => this.#receive());
  }

  order(id: number, side: Side, priceTicks: number, quantityLots: number): void {
    const bytes = new Uint8Array(ORDER_BYTES);
    writeOrder(new DataView(bytes.buffer), 0, id, 0, priceTicks, quantityLots, side);
    this.socket.send(bytes);
  }

  /** Answers and fills since the last call. */
  take(): Reply[] {
    return this.replies.splice(0);
  }

  #receive(): void {
    for (let packet = this.socket.receivePacket(); packet !== null; packet = this.socket.receivePacket()) {
      const { view, offset } = packet;
      if (packet.nextSegment !== null || !isReply(view, offset, packet.length) || replyIdHigh(view, offset) !== 0) {
        this.malformed++;
      } else {
        this.replies.push({
          kind: replyKind(view, offset),
          reason: replyReason(view, offset),
          executions: replyExecutions(view, offset),
          sequence: replySequence(view, offset),
          id: replyIdLow(view, offset),
          filledLots: replyFilledLots(view, offset),
          remainingLots: replyRemainingLots(view, offset),
          lastPriceTicks: replyLastPriceTicks(view, offset),
        });
      }
      packet.release();
    }
  }
}
