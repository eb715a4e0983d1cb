import { type Packet, PacketQueue } from '@prism-net/buffers';
import { Holding, type Holdings, RECEIVING } from '../layer/holdings.js';

/** Text up to this long is copied behind the text before, rather than keeping a frame of its own. */
const SHORT = 512;

/** Text received in order and not read yet: packets whose data is the text. Their number is bounded by the window. */
export class ReceiveBuffer extends Holding {
  /** Bytes that can be read. */
  length = 0;
  readonly #queue = new PacketQueue();
  /** The newest packet of the queue; null when there is none. */
  #last: Packet | null = null;

  constructor(holdings: Holdings) {
    super(holdings, RECEIVING);
  }

  get packets(): number {
    return this.#queue.length;
  }

  /**
   * Takes the packet and the segments behind it. A short text moves into the frame before, so that a peer which sends
   * bytes one by one does not take a frame for each (CVE-2018-5390).
   */
  push(packet: Packet): void {
    let segment: Packet | null = packet;
    while (segment !== null) {
      const next: Packet | null = segment.nextSegment;
      segment.nextSegment = null;
      const length = segment.length;
      const last = this.#last;
      if (length <= SHORT && last !== null && canHold(last, segment)) {
        if (length > 0) segment.memory.copy(last.end, segment.offset, length);
        last.length = (last.length + length) | 0;
        segment.release();
      } else if (length === 0) {
        segment.release();
      } else {
        this.#queue.push(segment);
        this.hold(1);
        this.#last = segment;
      }
      this.length = (this.length + length) | 0;
      segment = next;
    }
  }

  /** The oldest packet, now the caller's; null when nothing waits. */
  shift(): Packet | null {
    const packet = this.#queue.shift();
    if (packet === null) return null;
    if (packet === this.#last) this.#last = null;
    this.unhold(1);
    this.length = (this.length - packet.length) | 0;
    return packet;
  }

  /** Copies up to `length` bytes out; returns how many. */
  read(target: Uint8Array, start: number, length: number): number {
    let done = 0;
    while (done < length) {
      const packet = this.#queue.peek();
      if (packet === null) break;
      const part = Math.min(packet.length, length - done);
      packet.memory.read(packet.offset, target, start + done, part);
      done += part;
      if (part === packet.length) {
        this.shift()!.release();
      } else {
        packet.consume(part);
        this.length = (this.length - part) | 0;
      }
    }
    return done;
  }

  /** Releases everything. */
  clear(): void {
    this.#queue.clear();
    this.forget();
    this.#last = null;
    this.length = 0;
  }
}

/** There is room behind the text, in a frame of the same memory that nobody else has a share in. */
function canHold(last: Packet, segment: Packet): boolean {
  return last.tailroom >= segment.length && last.references === 1 && last.memory === segment.memory;
}
