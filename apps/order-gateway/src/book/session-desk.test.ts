import { SpscRing } from '@prism-net/rings';
import { createHashKey, SeededRandom } from '@prism-net/tables';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  Command,
  FIRST_SESSION_OWNER,
  ORDER_WORDS,
  OrderWord,
  packCommand,
  REPORT_WORDS,
  ReportWord,
  SessionReport,
} from '../gateway/book-messages.js';
import { BookService } from './book-service.js';
import { OrderBook } from './order-book.js';
import { SessionDesk } from './session-desk.js';

function ring(capacity: number, wordsPerItem: number): SpscRing {
  const buffer = new SharedArrayBuffer(SpscRing.byteLength(capacity, wordsPerItem));
  return new SpscRing({ buffer, byteOffset: 0, capacity, wordsPerItem });
}

interface Order {
  owner: number;
  id: number;
  side: number;
  price: number;
  left: number;
  executed: number;
}

const step = fc.record({
  command: fc.constantFrom<(0 | 1 | 2)[]>(0, 0, 0, 1, 2, 2),
  owner: fc.nat(1),
  side: fc.nat(1),
  price: fc.integer({ min: 98, max: 102 }),
  quantity: fc.integer({ min: 1, max: 60 }),
  isImmediate: fc.boolean(),
  which: fc.nat(50),
});

it('enters, replaces and cancels as plain lists do, report by report, whatever comes', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200, size: 'max' }), (steps) => {
      const book = new OrderBook({ lowestTicks: 1, levels: 1024, capacity: 1024, executionLimit: 256 });
      const toBook = ring(64, ORDER_WORDS);
      const reports = ring(1024, REPORT_WORDS);
      const desk = new SessionDesk(book, reports, createHashKey(new SeededRandom(1)));
      const service = new BookService(book, toBook, reports, desk);
      const resting: Order[] = [];
      let lastId = 0;

      /** Matches and rests; returns the reports. */
      const enter = (order: Order, isImmediate: boolean): string[] => {
        const lines: string[] = [];
        while (order.left > 0) {
          const crossing = resting.filter((other) =>
            order.side === 0
              ? other.side === 1 && other.price <= order.price
              : other.side === 0 && other.price >= order.price,
          );
          // The best price first; among equals the one that came first.
          const best = crossing.sort((a, b) => (order.side === 0 ? a.price - b.price : b.price - a.price))[0];
          if (best === undefined) break;
          const quantity = Math.min(best.left, order.left);
          for (const each of [best, order]) {
            each.left -= quantity;
            each.executed += quantity;
          }
          lines.push(`added ${best.owner}/${best.id} ${quantity}@${best.price}`);
          lines.push(`removed ${order.owner}/${order.id} ${quantity}@${best.price}`);
          if (best.left === 0) resting.splice(resting.indexOf(best), 1);
        }
        if (order.left === 0) return lines;
        if (isImmediate) lines.push(`cancelled ${order.owner}/${order.id} ${order.left}`);
        else resting.push(order);
        return lines;
      };

      for (const { command, isImmediate, owner, price, quantity, side, which } of steps) {
        const target = resting[which % Math.max(1, resting.length)];
        // Half of the cancels take the whole order: out of the front, the middle or the end of its level.
        const size = which % 2 === 0 ? 0 : quantity - 1;
        const id = command === Command.cancel ? (target?.id ?? 999) : ++lastId;
        const record = toBook.reserve();
        toBook.words[record + OrderWord.owner] = FIRST_SESSION_OWNER + owner;
        toBook.words[record + OrderWord.idLow] = id;
        toBook.words[record + OrderWord.idHigh] = command === Command.replace ? (target?.id ?? 999) : 0;
        toBook.words[record + OrderWord.side] = packCommand(command, side, isImmediate, 0x5042);
        toBook.words[record + OrderWord.priceTicks] = price;
        toBook.words[record + OrderWord.quantityLots] = command === Command.cancel ? size : quantity;
        toBook.commit();
        service.poll(1);

        const expected: string[] = [];
        const own = target !== undefined && target.owner === owner ? target : undefined;
        if (command === Command.enter) {
          expected.push(`accepted ${owner}/${id} ${quantity}`);
          expected.push(...enter({ owner, id, side, price, left: quantity, executed: 0 }, isImmediate));
        } else if (command === Command.cancel) {
          const left = own === undefined ? 0 : Math.min(own.left, Math.max(0, size - own.executed));
          if (own !== undefined && left < own.left) {
            expected.push(`cancelled ${owner}/${id} ${own.left - left}`);
            own.left = left;
            if (left === 0) resting.splice(resting.indexOf(own), 1);
          }
        } else if (own === undefined) {
          expected.push(`rejected ${owner}/${id}`);
        } else {
          resting.splice(resting.indexOf(own), 1);
          const open = quantity - own.executed;
          if (open <= 0) {
            expected.push(`nothing ${owner}/${own.id} ${own.left}`);
          } else {
            expected.push(`replaced ${owner}/${id} ${open} ${own.side} ${0x5042}`);
            const next = { owner, id, side: own.side, price, left: open, executed: own.executed };
            expected.push(...enter(next, isImmediate));
          }
        }
        expect(take(reports)).toEqual(expected);
        expect(book.restingOrders).toBe(resting.length);
        expect(desk.restingOrders).toBe(resting.length);
        const bids = resting.filter((each) => each.side === 0).map((each) => each.price);
        expect(book.bestBidTicks).toBe(Math.max(0, ...bids));
      }
    }),
    { numRuns: 150 },
  );
});

/** The reports as text; both sides of a trade have the same number, and no other trade has it. */
function take(reports: SpscRing): string[] {
  const lines: string[] = [];
  const matches: number[] = [];
  for (let at = reports.peek(); at >= 0; at = reports.peek()) {
    const word = (name: keyof typeof ReportWord): number => reports.words[at + ReportWord[name]]!;
    const order = `${word('owner') - FIRST_SESSION_OWNER}/${word('idLow')}`;
    const lots = word('filledLots');
    const kind = word('kind');
    if (kind === SessionReport.executedAdding) lines.push(`added ${order} ${lots}@${word('lastPriceTicks')}`);
    else if (kind === SessionReport.executedRemoving) lines.push(`removed ${order} ${lots}@${word('lastPriceTicks')}`);
    else if (kind === SessionReport.accepted) lines.push(`accepted ${order} ${lots}`);
    else if (kind === SessionReport.cancelled) lines.push(`cancelled ${order} ${lots}`);
    else if (kind === SessionReport.rejected) lines.push(`rejected ${order}`);
    else if (kind === SessionReport.replacedByNothing) lines.push(`nothing ${order} ${lots}`);
    else lines.push(`replaced ${order} ${lots} ${word('remainingLots')} ${word('idHigh')}`);
    if (kind === SessionReport.executedAdding || kind === SessionReport.executedRemoving)
      matches.push(word('executions'));
    reports.consume();
  }
  reports.release();
  for (let n = 0; n < matches.length; n += 2) expect(matches[n]).toBe(matches[n + 1]);
  expect(new Set(matches).size).toBe(matches.length / 2);
  return lines;
}
