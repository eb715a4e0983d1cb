import { Accepted, isOutbound, OutboundType, Rejected, Replaced } from '@prism-net/ouch';
import type { StreamSocket } from '@prism-net/socket';
import {
  copyBytes,
  Ending,
  PACKET_HEADER_BYTES,
  PacketType,
  type SequencedReceiver,
  SoupClient,
  type SoupClientOptions,
  writePacketHeader,
} from '@prism-net/soup-bin-tcp';
import type { Stack } from '@prism-net/stack';
import type { Clock } from '@prism-net/time';
import type { LatencyHistogram } from '../report/latency-histogram.js';
import type { OrderJournal } from './order-journal.js';
import type { Pacer } from './pacer.js';
import type { SessionFlow } from './session-flow.js';

/** Bytes committed at a time, and what the longest message needs of them. */
const SEGMENT_BYTES = 1400;
const LONGEST_BYTES = 64;
/** Orders sent between two polls at most. */
const SEND_BURST = 64;
/** After a failed attempt to connect, or a connection that was lost. */
const RECONNECT_MICROSECONDS = 20_000;
const ADVANCE_MICROSECONDS = 50_000;
/** Every message that is no system event names its order here. */
const USER_REF_NUM = Accepted.userRefNum;

/** One more than the greatest of OUCH's reasons that are counted. */
const REJECT_CODES = 64;

export interface SessionClientOptions extends Omit<SoupClientOptions, 'receiver'> {
  readonly stack: Stack;
  readonly gatewayAddress: string;
  readonly gatewayPort: number;
  readonly flow: SessionFlow;
  readonly journal: OrderJournal;
  readonly pacer: Pacer;
  /** Round-trip times in nanoseconds: order handed to the socket to answer taken from the socket. */
  readonly latencies: LatencyHistogram;
  /** Orders that may wait for their answer. */
  readonly window: number;
  readonly nanoseconds: Clock;
  /** Sees every message of the session, once each. */
  readonly onMessage?: (view: DataView, at: number, length: number) => void;
}

/**
 * Sends the session's order flow and checks the answers. A connection that is lost is made anew: the session goes on with
 * the next message, and orders without an answer are sent again under their old numbers, which the gateway ignores if it
 * knows them.
 */
export class SessionClient implements SequencedReceiver {
  readonly soup: SoupClient;
  readonly faults = { malformed: 0, reconnects: 0, connectErrors: 0 };
  /** Rejected orders by OUCH's reason. */
  readonly rejectsByCode = new Float64Array(REJECT_CODES);
  readonly #options: SessionClientOptions;
  #socket: StreamSocket | null = null;
  #isConnecting = false;
  #retryAt: number;
  #advancedAt: number;
  /** The next order to be sent again; the journal's next: none. */
  #resend = 1;
  #now = 0;
  /** executions, cancellations, rejects, cancels sent */
  readonly #counts = new Float64Array(4);

  constructor(options: SessionClientOptions) {
    this.#options = options;
    // The clock may be anywhere in its 2^32 microseconds.
    this.#retryAt = options.stack.now();
    this.#advancedAt = this.#retryAt;
    this.soup = new SoupClient({ ...options, receiver: this });
  }

  get executions(): number {
    return this.#counts[0]!;
  }

  get cancellations(): number {
    return this.#counts[1]!;
  }

  get rejects(): number {
    return this.#counts[2]!;
  }

  get cancelsSent(): number {
    return this.#counts[3]!;
  }

  get socket(): StreamSocket | null {
    return this.#socket;
  }

  /** The session is over, or its login was refused: there is no use in another attempt. */
  get isOver(): boolean {
    const { ending } = this.soup;
    return (
      ending === Ending.endOfSession ||
      ending === Ending.notAuthorised ||
      ending === Ending.sessionNotAvailable ||
      ending === Ending.gap
    );
  }

  /** One round: connects if need be, takes what has come, sends up to `maximum` orders. Returns the work done. */
  poll(now: number, maximum: number): number {
    const socket = this.#socket;
    if (socket === null) {
      if (!this.#isConnecting && !this.isOver && ((now - this.#retryAt) | 0) >= 0) this.#connect();
      return 0;
    }
    let work = this.#receive(socket, now);
    if (((now - this.#advancedAt) | 0) >= ADVANCE_MICROSECONDS) {
      this.#advancedAt = now;
      this.soup.advance(now);
    }
    if (this.soup.ending !== Ending.none) {
      this.drop(now);
      return work;
    }
    if (this.soup.hasOutput) this.#transmit(socket, now);
    if (this.soup.isLoggedIn) work = (work + this.#send(socket, maximum, now)) | 0;
    return work;
  }

  /** Gives the connection up, as one that died; the next rounds make another. */
  drop(now: number): void {
    this.#socket?.abort();
    this.#socket = null;
    this.soup.disconnected();
    this.faults.reconnects++;
    this.#retryAt = (now + RECONNECT_MICROSECONDS) | 0;
  }

  logout(now: number): void {
    this.soup.logout();
    if (this.#socket !== null) this.#transmit(this.#socket, now);
  }

  close(): void {
    this.#socket?.close();
    this.#socket = null;
  }

  loggedIn(): void {
    this.#resend = this.#options.journal.oldest;
  }

  receiveMessage(view: DataView, at: number, length: number): boolean {
    this.#options.onMessage?.(view, at, length);
    const type = view.getUint8(at);
    if (!isOutbound(view, at, length)) {
      this.faults.malformed++;
      return true;
    }
    const { journal } = this.#options;
    switch (type) {
      case OutboundType.accepted:
      case OutboundType.rejected:
        if (type === OutboundType.rejected) this.#rejected(view.getUint16(at + Rejected.reason));
        this.#answered(view.getInt32(at + USER_REF_NUM));
        break;
      case OutboundType.replaced:
        this.#answered(view.getInt32(at + Replaced.userRefNum));
        break;
      case OutboundType.executed:
        this.#counts[0]! += 1;
        journal.mentioned(view.getInt32(at + USER_REF_NUM));
        break;
      case OutboundType.cancelled:
        this.#counts[1]! += 1;
        journal.mentioned(view.getInt32(at + USER_REF_NUM));
        break;
    }
    return true;
  }

  #rejected(code: number): void {
    this.#counts[2]! += 1;
    if (code < REJECT_CODES) this.rejectsByCode[code]! += 1;
  }

  #answered(userRefNum: number): void {
    const { journal, latencies } = this.#options;
    if (journal.answered(userRefNum)) latencies.record((this.#now - journal.sentAt) | 0);
  }

  #connect(): void {
    const { gatewayAddress: address, gatewayPort: port, stack } = this.#options;
    this.#isConnecting = true;
    stack.connect({ address, port, noDelay: true, timeoutMilliseconds: 2000 }).then(
      (socket) => {
        this.#isConnecting = false;
        this.#socket = socket;
        this.soup.connected(stack.now());
      },
      () => {
        this.#isConnecting = false;
        this.faults.connectErrors++;
        this.#retryAt = (stack.now() + RECONNECT_MICROSECONDS) | 0;
      },
    );
  }

  #receive(socket: StreamSocket, now: number): number {
    if (socket.readableBytes === 0) {
      if (socket.isClosed || socket.isEndOfStream) this.soup.disconnected();
      return 0;
    }
    this.#now = this.#options.nanoseconds.now();
    let taken = 0;
    for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
      this.soup.receive(packet.view, packet.offset, packet.length, now);
      packet.release();
      taken = (taken + 1) | 0;
    }
    return taken;
  }

  #transmit(socket: StreamSocket, now: number): void {
    const packet = socket.reserve();
    if (packet === null) return;
    packet.length = this.soup.transmit(packet.view, packet.offset, SEGMENT_BYTES, now);
    if (packet.length === 0) packet.release();
    else socket.commit(packet);
  }

  /** Orders without an answer from before the connection first, then new ones. */
  #send(socket: StreamSocket, maximum: number, now: number): number {
    const { flow, journal, nanoseconds, pacer, window } = this.#options;
    const isResending = this.#resend !== journal.nextUserRefNum;
    const nanosecondsNow = nanoseconds.now();
    const allowed = isResending
      ? SEND_BURST
      : Math.min(
          maximum,
          SEND_BURST,
          window - journal.outstanding,
          pacer.allowed(nanosecondsNow, flow.intensityPermille),
        );
    let sent = 0;
    while (sent < allowed) {
      const packet = socket.reserve();
      if (packet === null) break;
      let length = 0;
      while (sent < allowed && length + LONGEST_BYTES <= SEGMENT_BYTES) {
        const at = packet.offset + length;
        const bytes = isResending ? this.#again(packet.view, at) : this.#next(packet.view, at, nanosecondsNow);
        if (bytes === 0) break;
        length = (length + bytes) | 0;
        sent = (sent + 1) | 0;
      }
      packet.length = length;
      if (length === 0) {
        packet.release();
        break;
      }
      socket.commit(packet);
    }
    if (!isResending) pacer.used(sent);
    if (sent > 0) this.soup.sent(now);
    return sent;
  }

  /** Writes a new message as a packet and returns its length; 0 when the journal has no room. */
  #next(view: DataView, at: number, now: number): number {
    const { flow, journal } = this.#options;
    if (!journal.hasRoom) return 0;
    const from = journal.at(journal.nextUserRefNum);
    const length = flow.next(journal.view, from, journal.nextUserRefNum);
    copyBytes(view, at + PACKET_HEADER_BYTES, journal.view, from, length);
    if (flow.isCancel) {
      this.#counts[3]! += 1;
    } else {
      journal.open(length, now);
      this.#resend = journal.nextUserRefNum;
    }
    return writePacketHeader(view, at, PacketType.unsequencedData, length);
  }

  /** Writes the next order without an answer once more; 0 when there is none. */
  #again(view: DataView, at: number): number {
    const { journal } = this.#options;
    while (this.#resend !== journal.nextUserRefNum) {
      const userRefNum = this.#resend;
      this.#resend = (userRefNum + 1) | 0;
      if (!journal.isWaiting(userRefNum)) continue;
      const length = journal.lengthOf(userRefNum);
      copyBytes(view, at + PACKET_HEADER_BYTES, journal.view, journal.at(userRefNum), length);
      journal.resent();
      return writePacketHeader(view, at, PacketType.unsequencedData, length);
    }
    return 0;
  }
}
