import { PACKET_HEADER_BYTES } from '@prism-net/soup-bin-tcp';
import { SeededRandom } from '@prism-net/tables';
import { describe, expect, it } from 'vitest';
import { OrderJournal } from '../client/order-journal.js';
import { Pacer } from '../client/pacer.js';
import { SessionClient } from '../client/session-client.js';
import { SessionFlow } from '../client/session-flow.js';
import { LatencyHistogram } from '../report/latency-histogram.js';
import { ACCOUNT, GATEWAY, SESSION_PORT, SessionMarket, SYMBOL } from './session-market.testkit.js';
import { enterOrder } from './session-trader.testkit.js';

const ORDERS = 2000;
const CUTS = 12;
/** Runs for each kind of cut. */
const SEEDS = 8;

/** How a connection can end without a logout. */
const cuts = {
  /** What the client had not sent yet is lost with the connection, and the server is told. */
  'reset by the client': (run: Run) => run.client.drop(run.now),
  /** Answers on their way are lost. */
  'reset by the server': (run: Run) => run.market.port.abortConnections(),
  /** The server hears nothing, and thinks the old connection is alive when the client is back. */
  'silent death': (run: Run) => {
    run.market.isConnected = false;
    run.market.rounds(run.random.nextInt32() & 31);
    run.client.drop(run.now);
    run.market.rounds(2);
    run.market.isConnected = true;
  },
  /** The server has the beginning of an order, and never gets the rest. */
  'in the middle of a frame': (run: Run) => {
    const order = enterOrder(0x7fff_ffff, 0x42, 100, 1_000_000);
    const frame = new Uint8Array(PACKET_HEADER_BYTES + order.length);
    frame.set([0, order.length + 1, 0x55]);
    frame.set(order, PACKET_HEADER_BYTES);
    run.client.socket?.tryWrite(frame, 0, 1 + ((run.random.nextInt32() >>> 1) % (frame.length - 1)));
    run.isPaused = true;
    run.market.rounds(4, 1);
    run.client.drop(run.now);
    run.isPaused = false;
  },
  /** Orders are on the cable when it breaks: some arrive, their answers do not. */
  'with orders on the way': (run: Run) => {
    run.poll();
    run.market.clientStack.poll(run.now);
    if ((run.random.nextInt32() & 1) === 0) run.market.gatewayStack.poll(run.now);
    run.market.isConnected = false;
    run.client.drop(run.now);
    run.market.rounds(8);
    run.market.isConnected = true;
  },
} as const;
const kinds = Object.keys(cuts) as (keyof typeof cuts)[];

class Run {
  readonly market: SessionMarket;
  readonly client: SessionClient;
  readonly journal = new OrderJournal(256);
  readonly random: SeededRandom;
  readonly seen: Uint8Array[] = [];
  isPaused = false;

  constructor(seed: number, startsAt = 2 ** 31 - 1_000_000) {
    this.random = new SeededRandom(seed);
    // Small frames cut messages at segments' ends.
    this.market = new SessionMarket({ startsAt, mtu: seed % 3 === 0 ? 300 : 1500 });
    this.client = new SessionClient({
      ...ACCOUNT,
      session: '',
      stack: this.market.clientStack,
      gatewayAddress: GATEWAY,
      gatewayPort: SESSION_PORT,
      flow: new SessionFlow({ seed, symbol: SYMBOL, referenceTicks: 10_000, maximumQuantityLots: 0 }),
      journal: this.journal,
      pacer: new Pacer(0, 0),
      latencies: new LatencyHistogram(),
      window: 64,
      nanoseconds: this.market.clock,
      onMessage: (view, at, length) => {
        expect(this.client.soup.nextNumber).toBe(this.seen.length + 1);
        this.seen.push(new Uint8Array(view.buffer, view.byteOffset + at, length).slice());
      },
    });
    this.market.clients.push(() => this.poll());
  }

  get now(): number {
    return this.market.clock.now();
  }

  poll(): void {
    if (!this.isPaused) this.client.poll(this.now, Math.max(0, ORDERS - this.journal.sentOrders));
  }

  get isDone(): boolean {
    return this.journal.sentOrders >= ORDERS && this.journal.outstanding === 0;
  }

  /** Goes on for a random while of orders. */
  async go(): Promise<void> {
    const goal = this.journal.answeredOrders + 1 + ((this.random.nextInt32() >>> 1) % 100);
    await this.market.until(() => this.isDone || this.journal.answeredOrders >= goal);
    this.market.rounds(this.random.nextInt32() & 7, 1);
  }
}

/** All that the server has ever sequenced. */
function sequenced({ port }: SessionMarket): Uint8Array[] {
  const { store } = port.server.sessions[0]!;
  const messages: Uint8Array[] = [];
  const packet = new DataView(new ArrayBuffer(512));
  expect(store.oldestNumber).toBe(1);
  for (let cursor = store.start; cursor !== store.end; cursor = (cursor + 1) | 0) {
    const length = store.copyPacket(cursor, packet, 0);
    messages.push(new Uint8Array(packet.buffer, PACKET_HEADER_BYTES, length - PACKET_HEADER_BYTES).slice());
  }
  return messages;
}

describe('after a connection was cut the session loses and repeats nothing', () => {
  it.each([...kinds, 'all of them'] as const)('%s, at random points', async (kind) => {
    let resent = 0;
    let duplicates = 0;
    let reconnects = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = new Run(seed);
      for (let n = 0; n < CUTS; n++) {
        await run.go();
        const name = kind === 'all of them' ? kinds[(run.random.nextInt32() >>> 1) % kinds.length]! : kind;
        cuts[name](run);
      }
      await run.market.until(() => run.isDone);
      run.market.rounds(50);
      const { entry, server } = run.market.port;
      const context = `seed ${seed}`;
      // Every message exactly once, in order, byte for byte.
      expect(Buffer.concat(run.seen).equals(Buffer.concat(sequenced(run.market))), context).toBe(true);
      const totals = run.journal.totals();
      expect(totals, context).toMatchObject({ sent: ORDERS, answered: ORDERS, lost: 0, doubled: 0, unknown: 0 });
      expect(entry.orders, context).toBe(ORDERS);
      expect(run.client.faults.malformed, context).toBe(0);
      expect(server.connections, context).toBe(1);
      resent += totals.resent;
      duplicates += entry.duplicates;
      reconnects += run.client.faults.reconnects;
      run.market.close();
    }
    expect(reconnects).toBeGreaterThanOrEqual(SEEDS * (CUTS - 3));
    // The cuts did what they are for.
    expect(resent).toBeGreaterThan(0);
    if (kind === 'reset by the server' || kind === 'all of them') expect(duplicates).toBeGreaterThan(0);
  });
});

it.each([-(2 ** 31), -1_000_000_000, -1000, 0, 1_000_000_000])(
  'a session begins, lives on heartbeats and resumes when the clock starts at %i',
  async (startsAt) => {
    const run = new Run(1, startsAt);
    await run.go();
    run.isPaused = true;
    run.market.clients.push((now) => run.client.poll(now, 0));
    await run.market.until(() => run.journal.outstanding === 0);
    run.market.rounds(2000, 10_000);
    expect([run.client.soup.ending, run.client.faults.reconnects]).toEqual([0, 0]);
    run.client.drop(run.now);
    run.market.clients.pop();
    run.isPaused = false;
    await run.go();
    expect(run.client.soup.isLoggedIn).toBe(true);
    expect(run.journal.totals()).toMatchObject({ lost: 0, doubled: 0, unknown: 0 });
    run.market.close();
  },
);
