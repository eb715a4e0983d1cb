import type { Packet } from '@prism-net/buffers';
import type { SpscRing } from '@prism-net/rings';
import type { DatagramSocket } from '@prism-net/socket';
import type { Stack } from '@prism-net/stack';
import { sourceAddress, sourcePort } from '@prism-net/udp';
import {
  carriesOrderId,
  checkOrder,
  orderIdHigh,
  orderIdLow,
  orderPriceTicks,
  orderQuantityLots,
  orderSide,
} from '../orders/order-message.js';
import { REJECT_REASON_COUNT, RejectReason } from '../orders/reject-reason.js';
import { REPLY_BYTES, type ReplyKind, writeReject, writeReply } from '../orders/reply-message.js';
import type { RiskCheck } from '../risk/risk-check.js';
import { FIRST_SESSION_OWNER, OrderWord, ReportWord } from './book-messages.js';
import type { ClientTable } from './client-table.js';

const BURST = 64;
/** Neither replies nor further orders are taken while so many frames wait for the link: every order needs room for its answer. */
const TRANSMIT_BACKLOG = 256;

/** Takes the reports to sessions. */
export interface SessionReports {
  /** The report's record is at `at`. */
  report(words: Int32Array, at: number): void;
}

export interface OrderGatewayOptions {
  readonly stack: Stack;
  /** Of the order datagrams; `undefined`: there is no datagram port. */
  readonly port: number | undefined;
  readonly risk: RiskCheck;
  readonly clients: ClientTable;
  readonly toBook: SpscRing;
  readonly fromBook: SpscRing;
  /** Called once per burst of orders put on the ring. */
  readonly ringBook: () => void;
  /** The session port, if there is one. */
  readonly sessions?: SessionReports;
}

/**
 * Order datagrams in, checks, the ring to the book; reports of the book back out as reply datagrams. Every datagram that
 * reaches the port gets exactly one answer. Works in packet memory: a reject is written over the order it answers.
 */
export class OrderGateway {
  readonly #options: OrderGatewayOptions;
  readonly #socket: DatagramSocket;
  readonly #interface: Stack['interfaces'][number];
  readonly #burst: Packet[] = [];
  /** Room in the ring to the book, at least; looked up once per burst. */
  #room = 0;
  /** orders, replies, refused sends, unanswerable orders */
  readonly #counts = new Float64Array(4);
  /** Orders refused by the gateway and its risk check, by {@link RejectReason}. */
  readonly rejects = new Float64Array(REJECT_REASON_COUNT);

  constructor(options: OrderGatewayOptions) {
    this.#options = options;
    this.#interface = options.stack.interfaces[options.stack.interfaces.length - 1]!;
    const { port, stack } = options;
    // Without a port it is never bound: nothing reaches it.
    this.#socket = stack.udpSocket(port === undefined ? {} : { port, receiveQueue: 65_536 });
    if (port !== undefined) this.#socket.onReadable(() => this.#receiveOrders());
  }

  /** Order datagrams received. */
  get orders(): number {
    return this.#counts[0]!;
  }

  /** Answers and later fills sent. */
  get replies(): number {
    return this.#counts[1]!;
  }

  /** Replies the stack refused to send. */
  get refusedSends(): number {
    return this.#counts[2]!;
  }

  /** Orders from port 0, dropped. */
  get unanswerable(): number {
    return this.#counts[3]!;
  }

  /** Sends what the book has reported. Returns the number of replies; they leave with the stack's next poll. */
  sendReports(): number {
    const { fromBook, risk } = this.#options;
    const { words } = fromBook;
    const networkInterface = this.#interface;
    let sent = 0;
    const sessions = this.#options.sessions;
    while (sent < BURST && networkInterface.transmitQueued < TRANSMIT_BACKLOG) {
      const at = fromBook.peek();
      if (at < 0) break;
      if (sessions !== undefined && words[at + ReportWord.owner]! >= FIRST_SESSION_OWNER) {
        sessions.report(words, at);
        const tradeTicks = words[at + ReportWord.lastPriceTicks]!;
        if (tradeTicks !== 0) risk.followTrade(tradeTicks);
        fromBook.consume();
        sent = (sent + 1) | 0;
        continue;
      }
      const packet = this.#socket.reserve();
      // The pool is exhausted until the link gives frames back: the report waits in its ring.
      if (packet === null) break;
      const client = words[at + ReportWord.owner]!;
      const lastPriceTicks = words[at + ReportWord.lastPriceTicks]!;
      writeReply(
        packet.view,
        packet.offset,
        words[at + ReportWord.kind]! as ReplyKind,
        words[at + ReportWord.reason]!,
        words[at + ReportWord.executions]!,
        this.#options.clients.nextSequence(client),
        words[at + ReportWord.idLow]!,
        words[at + ReportWord.idHigh]!,
        words[at + ReportWord.filledLots]!,
        words[at + ReportWord.remainingLots]!,
        lastPriceTicks,
      );
      if (lastPriceTicks !== 0) risk.followTrade(lastPriceTicks);
      fromBook.consume();
      this.#send(packet, this.#options.clients.addresses[client]!, this.#options.clients.ports[client]!);
      sent = (sent + 1) | 0;
    }
    if (sent > 0) fromBook.release();
    return sent;
  }

  get hasReports(): boolean {
    return this.#options.fromBook.length > 0;
  }

  #receiveOrders(): void {
    if (this.#interface.transmitQueued >= TRANSMIT_BACKLOG) return;
    const count = this.#socket.receiveBurst(this.#burst, BURST);
    let passed = 0;
    this.#room = this.#options.toBook.free;
    for (let i = 0; i < count; i = (i + 1) | 0) passed = (passed + this.#order(this.#burst[i]!)) | 0;
    this.#counts[0]! += count;
    if (passed === 0) return;
    this.#options.toBook.commit();
    this.#options.ringBook();
  }

  /** Takes the packet. Returns 1 when its order went to the book, 0 when it was answered with a reject. */
  #order(packet: Packet): number {
    const { clients, risk, toBook } = this.#options;
    const { view, offset } = packet;
    const length = packet.nextSegment === null ? packet.length : cutToFirstSegment(packet);
    const address = sourceAddress(packet);
    const port = sourcePort(packet);
    if (port === 0) {
      // RFC 768: a source port of zero expects no reply, and an order that cannot be answered must not be taken.
      this.#counts[3]! += 1;
      packet.release();
      return 0;
    }
    const client = clients.numberOf(address, port);
    let idLow = 0;
    let idHigh = 0;
    if (carriesOrderId(length)) {
      idLow = orderIdLow(view, offset);
      idHigh = orderIdHigh(view, offset);
    }
    let quantity = 0;
    let reason = checkOrder(view, offset, length);
    if (reason === RejectReason.none) {
      const price = orderPriceTicks(view, offset);
      quantity = orderQuantityLots(view, offset);
      // The room comes first: the id of an order refused for want of it must not count as used.
      if (client < 0 || this.#room === 0) reason = RejectReason.gatewayOverloaded;
      else reason = risk.check(idLow, idHigh, price, quantity);
      if (reason === RejectReason.none) {
        this.#room = (this.#room - 1) | 0;
        const record = toBook.reserve();
        const { words } = toBook;
        words[record + OrderWord.owner] = client;
        words[record + OrderWord.idLow] = idLow;
        words[record + OrderWord.idHigh] = idHigh;
        words[record + OrderWord.side] = orderSide(view, offset);
        words[record + OrderWord.priceTicks] = price;
        words[record + OrderWord.quantityLots] = quantity;
        packet.release();
        return 1;
      }
    }
    this.rejects[reason]! += 1;
    // In place: the reply takes the order's room in its own frame, which goes back to the client as data.
    const sequence = client < 0 ? 0 : clients.nextSequence(client);
    writeReject(view, offset, reason, sequence, idLow, idHigh, quantity);
    this.#send(packet, address, port);
    return 0;
  }

  #send(packet: Packet, address: number, port: number): void {
    packet.length = REPLY_BYTES;
    const errno = this.#socket.commitTo(packet, address, port);
    if (errno === 0) this.#counts[1]! += 1;
    else this.#counts[2]! += 1;
  }
}

/** A datagram that came in fragments is no order, and its answer must not carry the rest along. Returns its whole length. */
function cutToFirstSegment(packet: Packet): number {
  const length = packet.totalLength;
  packet.nextSegment?.release();
  packet.nextSegment = null;
  return length;
}
