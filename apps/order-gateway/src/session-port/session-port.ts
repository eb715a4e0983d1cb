import type { SpscRing } from '@prism-net/rings';
import type { StreamListener } from '@prism-net/socket';
import { type AccountOptions, SoupServer, type TimingOptions } from '@prism-net/soup-bin-tcp';
import type { Stack } from '@prism-net/stack';
import type { Clock } from '@prism-net/time';
import type { SessionReports } from '../gateway/order-gateway.js';
import type { RiskCheck } from '../risk/risk-check.js';
import { OrderAnswers } from './order-answers.js';
import { OrderEntry } from './order-entry.js';
import { PendingRequests } from './pending-requests.js';
import { SessionConnection } from './session-connection.js';
import { TimeOfDay } from './time-of-day.js';

/** How often time is looked after. */
const ADVANCE_MICROSECONDS = 50_000;

export interface SessionPortOptions extends TimingOptions {
  readonly stack: Stack;
  readonly port: number;
  readonly accounts: readonly AccountOptions[];
  readonly symbol: string;
  readonly risk: RiskCheck;
  readonly toBook: SpscRing;
  /** Commands and reports that may be under way at the same time: what the rings hold. */
  readonly underWay: number;
  /** Called once per round in which orders were put on the ring. */
  readonly ringBook: () => void;
  readonly nanosecondsSinceMidnight: number;
  readonly nanoseconds: Clock;
  readonly maximumConnections?: number;
}

/** The gateway's TCP port: SoupBinTCP sessions that carry OUCH 5.0, beside the datagram port, on the same risk check and book. */
export class SessionPort implements SessionReports {
  readonly server: SoupServer;
  readonly entry: OrderEntry;
  readonly answers: OrderAnswers;
  readonly #options: SessionPortOptions;
  readonly #listener: StreamListener;
  readonly #time: TimeOfDay;
  readonly #connections: SessionConnection[] = [];
  #advancedAt: number;

  constructor(options: SessionPortOptions) {
    const { accounts, nanoseconds, risk, stack, symbol, toBook } = options;
    this.#options = options;
    this.#advancedAt = stack.now();
    this.#time = new TimeOfDay(options.nanosecondsSinceMidnight, nanoseconds.now());
    const time = this.#time;
    const pending = new PendingRequests(2 ** Math.ceil(Math.log2(options.underWay)));
    this.entry = new OrderEntry({ toBook, risk, pending, time, symbol, sessions: accounts.length });
    this.server = new SoupServer({ ...options, receiver: this.entry });
    this.answers = new OrderAnswers(this.server.sessions, pending, time, this.entry.symbol);
    for (const session of this.server.sessions) this.answers.systemEvent(session, true);
    this.#listener = stack.listen({ port: options.port, noDelay: true });
    this.#listener.onConnection((socket) => {
      const connection = this.server.open(stack.now());
      if (connection === null) socket.abort();
      else this.#connections.push(new SessionConnection(socket, connection, this.entry));
    });
  }

  /** Messages of clients that were orders or cancels, and messages to clients. */
  get messages(): number {
    return this.entry.orders + this.entry.cancels + this.sentMessages;
  }

  /** Messages to clients. */
  get sentMessages(): number {
    let sent = 0;
    for (const { store } of this.server.sessions) sent += store.total;
    return sent;
  }

  /** Connections that are open. */
  get connections(): number {
    return this.#connections.length;
  }

  report(words: Int32Array, at: number): void {
    this.answers.report(words, at);
  }

  /** One round, once the book's reports were taken; `now` as the stack counts. Returns how many packets moved. */
  poll(now: number): number {
    const connections = this.#connections;
    this.#time.advance(this.#options.nanoseconds.now());
    const isDue = ((now - this.#advancedAt) | 0) >= ADVANCE_MICROSECONDS;
    if (isDue) this.#advancedAt = now;
    let moved = 0;
    for (let n = connections.length - 1; n >= 0; n = (n - 1) | 0) {
      const each = connections[n]!;
      moved = (moved + each.receive(now)) | 0;
      if (isDue) each.connection.advance(now);
      moved = (moved + each.transmit(now)) | 0;
      if (each.connection.ending !== 0) this.#closeIfOver(each, n);
    }
    if (this.entry.publish()) this.#options.ringBook();
    return moved;
  }

  /** Tells every client that the day is over; what waits is still sent. */
  endDay(): void {
    for (const session of this.server.sessions) {
      if (session.hasEnded) continue;
      this.answers.systemEvent(session, false);
      session.end();
    }
  }

  /** Resets every connection; the sessions go on when their clients come back. */
  abortConnections(): void {
    for (const each of this.#connections) each.abort();
  }

  close(): void {
    this.#listener.close();
    for (const each of this.#connections) each.close();
    this.#connections.length = 0;
  }

  #closeIfOver(each: SessionConnection, index: number): void {
    if (!each.isOver && !each.connection.mustAbort) return;
    each.close();
    this.#connections.splice(index, 1);
  }
}
