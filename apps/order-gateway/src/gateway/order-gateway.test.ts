import { steadyStateBytes } from '@prism-net/measure';
import { SeededRandom } from '@prism-net/tables';
import { describe, expect, it } from 'vitest';
import { Side } from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import { ReplyKind } from '../orders/reply-message.js';
import { isFlawless, ReplyTracker } from '../session/reply-tracker.js';
import { GATEWAY, Market, PORT, Trader } from '../single-thread.testkit.js';

const { accepted, fill, filled, partiallyFilled, rejected } = ReplyKind;
const { buy, sell } = Side;

describe('order gateway, book and load client in one thread', () => {
  it('answers each of 200,000 orders exactly once and as the flow expects, with every frame explained', () => {
    const market = new Market();
    const { client, tracker } = market.addLoad(1, 256, 20);
    market.run(200_000);
    const totals = tracker.totals();
    expect(totals.sent).toBeGreaterThanOrEqual(200_000);
    expect(totals.answered).toBe(totals.sent);
    expect(isFlawless(totals)).toBe(true);
    expect(tracker.mismatches).toEqual([]);
    expect(tracker.compares).toBe(totals.sent);
    expect(client.faults).toEqual({ sequenceGaps: 0, malformed: 0, refused: 0 });
    // Every kind of answer, every reject the flow can provoke, and a fill for each trade.
    for (const count of Object.values(totals.answersByKind)) expect(count).toBeGreaterThan(1000);
    for (const reason of [1, 2, 3, 4, 6, 17, 18, 20] as RejectReason[]) {
      expect(tracker.answersFor(reason), `reason ${reason}`).toBeGreaterThan(100);
    }
    expect(totals.fills).toBe(market.service.executions);
    expect(market.gateway).toMatchObject({ orders: totals.sent, replies: totals.sent + totals.fills, refusedSends: 0 });
    expect(market.service.hasOrders).toBe(false);
    expect(market.gateway.hasReports).toBe(false);
    expect(market.unexplainedFrames).toBe(0);
    market.close();
  });

  it('gives the same replies for the same seed, byte by byte, and others for another', () => {
    const replies = (seed: number): string => {
      const market = new Market();
      const { tracker } = market.addLoad(seed);
      market.run(5000);
      expect(tracker.answeredOrders).toBeGreaterThanOrEqual(5000);
      market.close();
      return market.replyHash;
    };
    const first = replies(7);
    expect(replies(7)).toBe(first);
    expect(replies(8)).not.toBe(first);
  });

  it('leaks nothing and uses nothing after its release, checked by the debug memory', () => {
    const market = new Market({ debug: true });
    const { tracker } = market.addLoad(3, 128, 100);
    market.run(2000);
    expect(isFlawless(tracker.totals())).toBe(true);
    market.close();
  });

  it('allocates nothing per order', () => {
    const market = new Market();
    const load = market.addLoad(5, 128);
    // Without the test's own observers, which allocate: the plain tracker's methods, the plain link's receive.
    const { answered, sent } = ReplyTracker.prototype;
    Object.assign(load.tracker, { answered, sent });
    Reflect.deleteProperty(market.clientStack.links.at(-1)!, 'receive');
    load.limit = Number.POSITIVE_INFINITY;
    market.rounds(15_000);
    let orders = 0;
    const bytes = steadyStateBytes(() => {
      const before = market.gateway.orders;
      market.rounds(1000);
      orders = market.gateway.orders - before;
    });
    expect(market.gateway.orders).toBeGreaterThan(400_000);
    // One number per order would be 12 bytes or more; what is left are the measurement's own objects.
    expect(bytes / orders).toBeLessThan(0.5);
    load.limit = 0;
    market.rounds(100);
    market.close();
  });
});

describe('order gateway answers', () => {
  it('sums up the trades of an order in its answer, and reports each to the resting side', () => {
    const market = new Market({ debug: true });
    const trader = new Trader(market);
    trader.order(1, sell, 10_000, 300);
    trader.order(2, sell, 10_001, 300);
    market.rounds(4);
    expect(trader.take()).toMatchObject([
      { kind: accepted, id: 1, sequence: 1, filledLots: 0, remainingLots: 300, lastPriceTicks: 0, executions: 0 },
      { kind: accepted, id: 2, sequence: 2, filledLots: 0, remainingLots: 300, lastPriceTicks: 0, executions: 0 },
    ]);
    trader.order(3, buy, 10_001, 400);
    market.rounds(4);
    expect(trader.take()).toMatchObject([
      { kind: filled, id: 3, sequence: 3, filledLots: 400, remainingLots: 0, lastPriceTicks: 10_001, executions: 2 },
      { kind: fill, id: 1, sequence: 4, filledLots: 300, remainingLots: 0, lastPriceTicks: 10_000, executions: 1 },
      { kind: fill, id: 2, sequence: 5, filledLots: 100, remainingLots: 200, lastPriceTicks: 10_001, executions: 1 },
    ]);
    trader.order(4, buy, 10_001, 500);
    market.rounds(4);
    expect(trader.take()).toMatchObject([
      { kind: partiallyFilled, id: 4, filledLots: 200, remainingLots: 300 },
      { kind: fill, id: 2, filledLots: 200, remainingLots: 0 },
    ]);
    market.close();
  });

  it('refuses in place: the reject names the reason, the order and its quantity, and the book hears nothing', () => {
    const market = new Market({ debug: true });
    const trader = new Trader(market);
    trader.order(1, buy, 10_000, 100);
    trader.order(1, buy, 10_000, 100);
    trader.order(2, buy, 20_000, 100);
    trader.order(3, buy, 10_000, 5_000_001);
    trader.socket.send(new Uint8Array(3));
    trader.socket.send(new Uint8Array(0));
    trader.socket.send(new Uint8Array(25).fill(9));
    const bookRings = market.bookRings;
    market.rounds(4);
    const { duplicateOrderId, priceOutsideCollar, quantityAboveLimit, wrongLength } = RejectReason;
    // Rejects leave at once, the answer of the book follows.
    expect(trader.take()).toMatchObject([
      { kind: rejected, id: 1, reason: duplicateOrderId, remainingLots: 100, sequence: 1 },
      { kind: rejected, id: 2, reason: priceOutsideCollar, remainingLots: 100, sequence: 2 },
      { kind: rejected, id: 3, reason: quantityAboveLimit, remainingLots: 5_000_001, sequence: 3 },
      { kind: rejected, id: 0, reason: wrongLength, sequence: 4 },
      { kind: rejected, id: 0, reason: wrongLength, sequence: 5 },
      { kind: accepted, id: 1, sequence: 7 },
    ]);
    // The sixth: its id is beyond what the trader reads as a number.
    expect(trader.malformed).toBe(1);
    expect(market.gateway.rejects[RejectReason.unknownSide]).toBe(1);
    expect(market.service.orders).toBe(1);
    expect(market.bookRings - bookRings).toBe(1);
    market.close();
  });

  it('takes no orders where the datagram port is closed: its host says that nobody is there', () => {
    const market = new Market({ debug: true, datagrams: false });
    const trader = new Trader(market);
    const errors: unknown[] = [];
    trader.socket.onError((error) => errors.push(error));
    trader.order(1, buy, 10_000, 100);
    market.rounds(4);
    expect(trader.take()).toEqual([]);
    expect(errors).toMatchObject([{ code: 'ECONNREFUSED' }]);
    expect(market.gateway).toMatchObject({ orders: 0, replies: 0 });
    trader.socket.close();
    market.close();
  });

  it('answers a datagram that came in fragments by a single reject, without its rest', () => {
    const market = new Market({ debug: true });
    const trader = new Trader(market);
    trader.socket.send(new Uint8Array(4000));
    market.rounds(6);
    expect(trader.take()).toMatchObject([{ kind: rejected, reason: RejectReason.wrongLength, id: 0 }]);
    expect(trader.malformed).toBe(0);
    market.close();
  });

  it('rejects everything once the kill switch is thrown in mid-run, and still answers each order once', () => {
    const market = new Market();
    const { client, tracker } = market.addLoad(11, 64, 20);
    market.run(2000);
    expect(tracker.answersFor(RejectReason.killSwitch)).toBe(0);
    const before = market.service.orders;
    market.killSwitch[0] = 1;
    market.run(6000);
    expect(market.service.orders).toBe(before);
    const totals = tracker.totals();
    expect(isFlawless(totals)).toBe(true);
    expect(totals.answered).toBeGreaterThanOrEqual(6000);
    // The rest: datagrams that were not even orders.
    expect(tracker.answersFor(RejectReason.killSwitch)).toBeGreaterThan(3800);
    expect(client.faults.sequenceGaps).toBe(0);
    market.close();
  });

  it('throws the switch itself after so many orders', () => {
    const market = new Market({ killAfterOrders: 1000 });
    const { tracker } = market.addLoad(11, 64, 0);
    market.run(3000);
    expect(market.killSwitch[0]).toBe(1);
    expect(market.service.orders).toBe(1000);
    expect(tracker.answersFor(RejectReason.killSwitch)).toBe(tracker.answeredOrders - 1000);
    expect(isFlawless(tracker.totals())).toBe(true);
    market.close();
  });
});

describe('order gateway under pressure', () => {
  it('rejects what finds no room on the ring to the book, and answers every order once all the same', () => {
    const market = new Market({ orderRing: 4, bookOrdersPerRound: 1 });
    const { client, tracker } = market.addLoad(13, 128, 50);
    market.run(20_000);
    const totals = tracker.totals();
    expect(isFlawless(totals)).toBe(true);
    expect(totals.answered).toBe(totals.sent);
    expect(tracker.answersFor(RejectReason.gatewayOverloaded)).toBeGreaterThan(10_000);
    expect(market.service.orders).toBeGreaterThan(500);
    expect(client.faults).toEqual({ sequenceGaps: 0, malformed: 0, refused: 0 });
    expect(market.unexplainedFrames).toBe(0);
    market.close();
  });

  it('does not hold an id for used whose order was refused for want of room', () => {
    const market = new Market({ orderRing: 1, debug: true });
    const trader = new Trader(market);
    trader.order(1, buy, 10_000, 100);
    trader.order(2, buy, 10_000, 100);
    market.rounds(4);
    expect(trader.take()).toMatchObject([
      { id: 2, kind: rejected, reason: RejectReason.gatewayOverloaded },
      { id: 1, kind: accepted },
    ]);
    trader.order(2, buy, 10_000, 100);
    market.rounds(4);
    expect(trader.take()).toMatchObject([{ id: 2, kind: accepted }]);
    market.close();
  });

  it('delays replies, but loses none, when its pool runs out', () => {
    const market = new Market({ gatewayFrames: 8, debug: true });
    const { client, tracker } = market.addLoad(17, 128);
    market.run(2000);
    const totals = tracker.totals();
    expect(market.gatewayPool.statistics.exhausted).toBeGreaterThan(100);
    expect(isFlawless(totals)).toBe(true);
    expect(totals.fills).toBe(market.service.executions);
    expect(client.faults).toEqual({ sequenceGaps: 0, malformed: 0, refused: 0 });
    expect(market.gateway.refusedSends).toBe(0);
    market.close();
  });

  it('loses neither orders nor replies while the other side stands still and the link fills up', () => {
    const market = new Market({ pipeCapacity: 64, clientFrames: 8192, gatewayFrames: 8192 });
    const { client, tracker } = market.addLoad(19, 4096, 300);
    const { gatewayStack, clientStack } = market;
    const refusals = (): number[] => [
      gatewayStack.links.at(-1)!.statistics.snapshot().transmitRefused,
      clientStack.links.at(-1)!.statistics.snapshot().transmitRefused,
    ];
    for (let turn = 0; turn < 20; turn++) {
      for (const load of market.loads) load.limit = (turn + 1) * 2000;
      market.gatewayRuns = false;
      market.rounds(200);
      market.gatewayRuns = true;
      market.rounds(40);
      market.clientsRun = false;
      market.rounds(200);
      market.clientsRun = true;
    }
    market.run(40_000);
    for (const refused of refusals()) expect(refused).toBeGreaterThan(0);
    expect(isFlawless(tracker.totals())).toBe(true);
    expect(client.faults).toEqual({ sequenceGaps: 0, malformed: 0, refused: 0 });
    expect(market.gateway.refusedSends).toBe(0);
    for (const stack of [gatewayStack, clientStack]) expect(stack.accounts.transmitSnapshot()).toEqual({});
    expect(market.unexplainedFrames).toBe(0);
    market.close();
  });
});

describe('order gateway whose client does not listen', () => {
  it('takes no more orders than it can answer, and answers all once the client listens again', () => {
    // Nothing but rejects, which never see the book.
    const market = new Market({ pipeCapacity: 64, clientFrames: 8192 });
    const { client, tracker } = market.addLoad(37, 4096, 1000);
    market.run(1000);
    market.clientsListen = false;
    for (const load of market.loads) load.limit = 10_000;
    market.rounds(500);
    expect(tracker.outstanding).toBe(4096);
    expect(market.gateway.orders - tracker.answeredOrders).toBeLessThan(512);
    market.clientsListen = true;
    market.run(10_000);
    expect(tracker.totals()).toMatchObject({ lost: 0, doubled: 0, unknown: 0, late: 0, outstanding: 0 });
    expect(client.faults).toEqual({ sequenceGaps: 0, malformed: 0, refused: 0 });
    expect(market.gateway.refusedSends).toBe(0);
    expect(market.unexplainedFrames).toBe(0);
    market.close();
  });
});

describe('order gateway with several clients', () => {
  it('numbers the replies of each, and sends a fill to the one whose order rested', () => {
    const market = new Market({ debug: true });
    const maker = new Trader(market);
    const taker = new Trader(market);
    for (let id = 1; id <= 50; id++) maker.order(id, sell, 10_000 + (id % 5), 100);
    market.rounds(6);
    expect(maker.take().map(({ sequence }) => sequence)).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
    for (let id = 1001; id <= 1020; id++) taker.order(id, buy, 10_004, 100);
    market.rounds(6);
    const answers = taker.take();
    expect(answers.map(({ id }) => id)).toEqual(Array.from({ length: 20 }, (_, i) => 1001 + i));
    expect(answers.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    expect(answers.every(({ kind, filledLots }) => kind === filled && filledLots === 100)).toBe(true);
    const fills = maker.take();
    expect(fills.every(({ kind, remainingLots }) => kind === fill && remainingLots === 0)).toBe(true);
    expect(fills.map(({ sequence }) => sequence)).toEqual(Array.from({ length: 20 }, (_, i) => 51 + i));
    // Best price first, and within a price the oldest.
    const best = [5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 1, 6, 11, 16, 21, 26, 31, 36, 41, 46];
    expect(fills.map(({ id }) => id)).toEqual(best);
    // And the other way round: now the second client's order rests.
    taker.order(2000, buy, 9_999, 100);
    market.rounds(4);
    maker.order(60, sell, 9_999, 100);
    market.rounds(4);
    expect(taker.take()).toMatchObject([
      { kind: accepted, id: 2000, sequence: 21 },
      { kind: fill, id: 2000, sequence: 22 },
    ]);
    expect(maker.take()).toMatchObject([{ kind: filled, id: 60, sequence: 71 }]);
    market.close();
  });

  it('keeps two loads apart: each gets every answer of its own, in sequence', () => {
    const market = new Market({ collarPermille: 0 });
    // Both number their orders from 1, and ids are unique per gateway: of each id one order is a duplicate.
    const first = market.addLoad(23, 64, 0);
    const second = market.addLoad(29, 64, 0);
    market.run(5000);
    const duplicates: number[] = [];
    for (const { client, tracker } of [first, second]) {
      const { answered, doubled, falseDuplicates, late, lost, outstanding, sent, unknown } = tracker.totals();
      expect({ doubled, late, lost, outstanding, unknown }).toEqual({
        doubled: 0,
        late: 0,
        lost: 0,
        outstanding: 0,
        unknown: 0,
      });
      expect(answered).toBe(sent);
      expect(client.faults).toEqual({ sequenceGaps: 0, malformed: 0, refused: 0 });
      duplicates.push(falseDuplicates);
    }
    expect(duplicates[0]! + duplicates[1]!).toBeGreaterThanOrEqual(5000);
    expect(market.unexplainedFrames).toBe(0);
    market.close();
  });

  it('survives a flood of nonsense from more strangers than it can know, and serves its client meanwhile', () => {
    const market = new Market({ knownClients: 16, debug: true });
    const { client, tracker } = market.addLoad(31, 16);
    market.run(200);
    const random = new SeededRandom(1);
    const strangers = 64;
    let replies = 0;
    let sent = 0;
    const sockets = Array.from({ length: strangers }, () => {
      const socket = market.clientStack.udpSocket({ receiveQueue: 256 });
      socket.onReadable(() => {
        for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
          // No amplification: one small datagram per datagram.
          expect(packet.totalLength).toBe(40);
          expect(packet.view.getUint8(packet.offset)).toBe(rejected);
          packet.release();
          replies++;
        }
      });
      return socket.connect(PORT, GATEWAY);
    });
    for (let turn = 0; turn < 40; turn++) {
      for (const load of market.loads) load.limit = 200 + turn * 50;
      for (const socket of sockets) {
        const length = (random.nextInt32() >>> 0) % 80;
        const bytes = Uint8Array.from({ length }, () => random.nextInt32() & 255);
        // Never by chance a good order: the side is no side.
        if (length === 25) bytes[24] = 7;
        socket.send(bytes);
        sent++;
      }
      market.rounds(3);
    }
    market.run(2500);
    expect(replies).toBe(sent);
    expect(market.clients.size).toBe(16);
    expect(isFlawless(tracker.totals())).toBe(true);
    expect(tracker.mismatches).toEqual([]);
    expect(client.faults).toEqual({ sequenceGaps: 0, malformed: 0, refused: 0 });
    // A good order of one more stranger finds no place, and is told so.
    const late = new Trader(market);
    late.order(1_000_000, buy, 10_000, 100);
    market.rounds(4);
    expect(late.take()).toMatchObject([
      { kind: rejected, reason: RejectReason.gatewayOverloaded, id: 1_000_000, sequence: 0 },
    ]);
    expect(market.unexplainedFrames).toBe(0);
    market.close();
  });
});
