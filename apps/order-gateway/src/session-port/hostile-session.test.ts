import { CL_ORD_ID_BYTES, EnterOrder, OuchSide } from '@prism-net/ouch';
import { Ending } from '@prism-net/soup-bin-tcp';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ACCOUNT, GATEWAY, SESSION_PORT, SessionMarket } from './session-market.testkit.js';
import { enterOrder, letters, SessionTrader } from './session-trader.testkit.js';

const PRICE = 1_000_000;
const OTHER = { username: 'OTHER', password: 'secret', session: 'DAY1' };

function frame(type: string, payload: Uint8Array): Uint8Array {
  const length = payload.length + 1;
  return Uint8Array.from([length >> 8, length & 0xff, type.charCodeAt(0), ...payload]);
}

/** Orders, replacements, cancels and queries, as bytes of a stream. */
const validFrames = fc
  .array(fc.tuple(fc.constantFrom('O', 'U', 'X', 'Q', 'R'), fc.integer({ min: 1, max: 40 })), { maxLength: 40 })
  .map((list) => {
    let last = 0;
    return list.map(([type, n]) => {
      if (type === 'R') return frame('R', new Uint8Array());
      if (type === 'Q') return frame('U', Uint8Array.of(0x51));
      if (type === 'X') return frame('U', Uint8Array.of(0x58, 0, 0, 0, n, 0, 0, 0, 0));
      last += n;
      const order = enterOrder(last, n % 2 === 0 ? OuchSide.buy : OuchSide.sell, n * 10, PRICE + (n % 5) * 100);
      if (type === 'O') return frame('U', order);
      const replacement = Uint8Array.from([0x55, 0, 0, 0, n, ...order.subarray(1, 5), ...order.subarray(6, 10)]);
      const terms = [
        ...order.subarray(18, 28),
        0x4e,
        ...order.subarray(EnterOrder.clOrdId, EnterOrder.clOrdId + CL_ORD_ID_BYTES),
      ];
      return frame('U', Uint8Array.from([...replacement, ...terms, 0, 0]));
    });
  });

describe('the session port against hostile clients, over TCP', () => {
  it('takes valid streams cut anywhere, and mutated ones, without a throw; every order is answered, others are served', async () => {
    const market = new SessionMarket({ accounts: [ACCOUNT, OTHER], frames: 4096 });
    const other = new SessionTrader(market, OTHER);
    await other.login();
    let userRefNum = 0;
    await fc.assert(
      fc.asyncProperty(
        validFrames,
        fc.array(fc.nat(2000), { maxLength: 40 }),
        fc.array(fc.tuple(fc.nat(4000), fc.integer({ min: 1, max: 255 })), { maxLength: 2 }),
        async (frames, cuts, mutations) => {
          const stream = Uint8Array.from(frames.flatMap((each) => [...each]));
          for (const [at, mask] of mutations) if (stream.length > 0) stream[at % stream.length]! ^= mask;
          const trader = new SessionTrader(market, { nextNumber: 0 });
          await trader.login();
          const { answers, entry, server } = market.port;
          let from = 0;
          for (const cut of [...cuts.map((each) => each % (stream.length + 1)).sort((a, b) => a - b), stream.length]) {
            if (cut > from) trader.socket!.tryWrite(stream, from, cut - from);
            from = Math.max(from, cut);
            market.rounds(1);
          }
          market.rounds(30);
          // Every order with a new number has its answer: from the book, or a reject from before it.
          expect(answers.answers + entry.rejected).toBe(entry.orders);
          trader.socket!.abort();
          market.rounds(4);
          market.clients.splice(1);
          userRefNum++;
          other.enter(userRefNum, OuchSide.buy, 10, PRICE - 40_000);
          market.rounds(8);
          expect(letters(other.take().slice(-1))).toMatch(/[AE]/);
          expect(server.connections).toBe(1);
        },
      ),
      { numRuns: 60 },
    );
    other.socket!.close();
    market.rounds(20);
    expect(market.gatewayStack.accounts.snapshot().unexplained).toBe(0);
    market.close();
  });

  it('ignores and counts messages OUCH has not, says so in a debug packet, and goes on', async () => {
    const market = new SessionMarket();
    const trader = new SessionTrader(market);
    await trader.login();
    const short = enterOrder(1, OuchSide.buy, 100, PRICE).subarray(0, 46);
    const appendage = Uint8Array.from([...enterOrder(2, OuchSide.buy, 100, PRICE).subarray(0, 45), 0, 2, 9, 2]);
    for (const message of [short, appendage, Uint8Array.of(0x4d, 0, 0, 0, 1), new Uint8Array(0), new Uint8Array(200)]) {
      trader.send(message);
    }
    trader.enter(3, OuchSide.buy, 100, PRICE);
    market.rounds(20);
    expect(letters(trader.take())).toBe('SA');
    expect([market.port.entry.malformed, market.port.entry.orders]).toEqual([5, 1]);
    market.close();
  });

  it('cuts off a client that sends orders and never reads, with bounded memory, and serves the others', async () => {
    const store = { bytes: 65_536, messages: 1024 };
    const market = new SessionMarket({ accounts: [{ ...ACCOUNT, store }, OTHER], frames: 1024 });
    const other = new SessionTrader(market, OTHER);
    await other.login();
    const slow = new SessionTrader(market);
    await slow.login();
    market.clients.pop();
    // From now on nobody reads what comes back.
    let next = 1;
    let written = 0;
    for (let n = 0; n < 20_000 && market.port.server.endings[Ending.slowReader] === 0; n++) {
      const order = frame('U', enterOrder(next, next % 2 === 0 ? OuchSide.buy : OuchSide.sell, 10, PRICE));
      for (let burst = 0; burst < 8; burst++) {
        order.set(enterOrder(next, next % 2 === 0 ? OuchSide.buy : OuchSide.sell, 10, PRICE), 3);
        // Packets may be short before the buffer is full: the rest of an order follows when it can.
        written += Math.max(0, slow.socket!.tryWrite(order, written));
        if (written < order.length) break;
        written = 0;
        next++;
      }
      market.round(5000);
    }
    expect(market.port.server.endings[Ending.slowReader]).toBe(1);
    expect(market.port.connections).toBe(1);
    market.rounds(20);
    other.enter(1, OuchSide.buy, 10, PRICE - 40_000);
    market.rounds(20);
    expect(letters(other.take())).toMatch(/A$/);
    // It comes back in time for what is kept, or is told that it does not.
    slow.socket!.abort();
    market.close();
  });

  it('cuts off who floods it with connections and never logs in; a client logs in when they are gone', async () => {
    const market = new SessionMarket({ maximumConnections: 4, loginMicroseconds: 1_000_000 });
    let open = 0;
    for (let n = 0; n < 12; n++) {
      const connecting = market.clientStack.connect({ address: GATEWAY, port: SESSION_PORT });
      connecting.then((socket) => socket.onError(() => {})).catch(() => {});
      open++;
    }
    await market.until(() => market.port.server.refused === open - 4);
    expect(market.port.connections).toBe(4);
    market.rounds(300, 5000);
    expect(market.port.connections).toBe(0);
    expect(market.port.server.endings[Ending.loginTimeout]).toBe(4);
    const trader = new SessionTrader(market);
    await trader.login();
    expect(trader.client.isLoggedIn).toBe(true);
    market.close();
  });

  it('resets a connection that has gone silent after 15 seconds, and keeps one that sends heartbeats', async () => {
    const market = new SessionMarket({ accounts: [ACCOUNT, OTHER] });
    const alive = new SessionTrader(market, OTHER);
    await alive.login();
    const silent = new SessionTrader(market);
    await silent.login();
    market.clients.pop();
    market.rounds(1600, 10_000);
    expect(market.port.server.endings[Ending.heartbeatTimeout]).toBe(1);
    expect([alive.client.ending, market.port.connections]).toEqual([Ending.none, 1]);
    market.close();
  });
});
