import type { Packet } from '@prism-net/buffers';
import type { DatagramSocket } from '@prism-net/socket';
import type { Stack } from '@prism-net/stack';
import type { Clock } from '@prism-net/time';
import type { OrderFlow } from '../flow/order-flow.js';
import { isReply, replyIdHigh, replyIdLow, replyKind, replyReason, replySequence } from '../orders/reply-message.js';
import type { LatencyHistogram } from '../report/latency-histogram.js';
import type { ReplyTracker } from '../session/reply-tracker.js';
import type { Pacer } from './pacer.js';

const BURST = 64;
/** Orders sent between two polls at most: a burst of the link. */
const SEND_BURST = 32;
/** Orders are held back while so many frames wait for the link. */
const TRANSMIT_BACKLOG = 256;

export interface LoadClientOptions {
  readonly stack: Stack;
  readonly gatewayAddress: string;
  readonly gatewayPort: number;
  readonly flow: OrderFlow;
  readonly tracker: ReplyTracker;
  readonly pacer: Pacer;
  /** Round-trip times in nanoseconds: order handed to the socket to answer taken from the socket. */
  readonly latencies: LatencyHistogram;
  /** Orders that may wait for their answer. */
  readonly window: number;
  readonly nanoseconds: Clock;
}

/** Sends the order flow and checks the answers: one socket, up to `window` orders unanswered, at the pacer's rate. */
export class LoadClient {
  readonly #options: LoadClientOptions;
  readonly #socket: DatagramSocket;
  readonly #interface: Stack['interfaces'][number];
  readonly #burst: Packet[] = [];
  #lastSequence = 0;
  /** Replies missing or out of order by their sequence numbers, datagrams that were no replies, orders the stack refused. */
  readonly faults = { sequenceGaps: 0, malformed: 0, refused: 0 };

  constructor(options: LoadClientOptions) {
    this.#options = options;
    this.#interface = options.stack.interfaces[options.stack.interfaces.length - 1]!;
    this.#socket = options.stack.udpSocket({ receiveQueue: 65_536 });
    this.#socket.connect(options.gatewayPort, options.gatewayAddress);
    this.#socket.onReadable(() => this.#receiveReplies());
  }

  /** Sends as many orders as window and pacer allow. Returns their number; they leave with the stack's next poll. */
  sendOrders(): number {
    const { flow, nanoseconds, pacer, tracker, window } = this.#options;
    let room = (window - tracker.outstanding) | 0;
    if (room <= 0 || this.#interface.transmitQueued >= TRANSMIT_BACKLOG) return 0;
    const now = nanoseconds.now();
    room = Math.min(room, SEND_BURST, pacer.allowed(now, flow.intensityPermille));
    let sent = 0;
    while (sent < room) {
      const packet = this.#socket.reserve();
      if (packet === null) break;
      packet.length = flow.next(packet.view, packet.offset);
      tracker.sent(flow.idLow, flow.idHigh, flow.isDuplicate, now);
      if (this.#socket.commit(packet) !== 0) this.faults.refused++;
      sent = (sent + 1) | 0;
    }
    pacer.used(sent);
    return sent;
  }

  #receiveReplies(): void {
    const { latencies, nanoseconds, tracker } = this.#options;
    const count = this.#socket.receiveBurst(this.#burst, BURST);
    const now = nanoseconds.now();
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const packet = this.#burst[i]!;
      const { view, offset } = packet;
      if (isReply(view, offset, packet.length)) {
        const sequence = replySequence(view, offset);
        if (sequence !== ((this.#lastSequence + 1) | 0)) this.faults.sequenceGaps++;
        this.#lastSequence = sequence;
        const answers = tracker.answered(
          replyKind(view, offset),
          replyReason(view, offset),
          replyIdLow(view, offset),
          replyIdHigh(view, offset),
        );
        if (answers) latencies.record((now - tracker.sentAt) | 0);
      } else {
        this.faults.malformed++;
      }
      packet.release();
    }
  }
}
