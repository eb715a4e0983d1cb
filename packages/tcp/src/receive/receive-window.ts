import { elapsed, type Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';
import type { StateCursor } from '../parking/state-cursor.js';

/** The window field holds 16 bits. */
const FIELD_MAXIMUM = 65_535;
/** RFC 7323 §2.3. */
const LARGEST_SCALE = 14;
/** Frames beyond which a share of the packets is no limit. */
const LARGEST_SHARE = 1 << 14;

/**
 * How much the peer may send: RCV.WND, kept as the sequence number behind its last byte, which never moves back
 * (RFC 9293 §3.8.6, SHLD-14), and closed for as long as the application does not read (§3.8.6.1, MAY-8). Grows with what
 * the application reads in a round trip, so that the window is about twice what is on the way (dynamic right-sizing).
 */
export class ReceiveWindow {
  /** Bytes kept for the application, at most. */
  limit: number;
  /** The limit does not grow beyond this. */
  maximum: number;
  /** Right edge: RCV.NXT + RCV.WND as the peer knows it. */
  edge = 0;
  /** Rcv.Wind.Shift (RFC 7323 §2.2). */
  scale = 0;

  /** Bytes the application took since {@link #measuredAt}. */
  #taken = 0;
  #measuredAt: Instant = 0;
  #isMeasuring = false;

  constructor(limit: number, maximum: number) {
    this.limit = limit;
    this.maximum = Math.max(limit, maximum);
  }

  exchange(state: StateCursor): void {
    this.limit = state.number(this.limit);
    this.maximum = state.rare(this.maximum);
    this.edge = state.number(this.edge);
    this.scale = state.number(this.scale);
    this.#taken = state.number(this.#taken);
    this.#measuredAt = state.number(this.#measuredAt);
    this.#isMeasuring = state.flag(this.#isMeasuring);
  }

  /** The user asked for this size: it stays (SO_RCVBUF). */
  fix(bytes: number): void {
    this.limit = bytes;
    this.maximum = bytes;
  }

  /** The shift to offer in our SYN: enough for the window at its largest (RFC 7323 §2.2). */
  offeredScale(): number {
    let scale = 0;
    while (scale < LARGEST_SCALE && FIELD_MAXIMUM << scale < this.maximum) scale++;
    return scale;
  }

  /** The field of a segment with SYN, which is never scaled (RFC 7323 §2.2); the edge with it. */
  initial(receiveNext: number): number {
    const window = Math.min(this.limit, FIELD_MAXIMUM);
    this.edge = (receiveNext + window) | 0;
    return window;
  }

  /** The field of the segment about to be sent; moves the edge. */
  advertise(block: ControlBlock): number {
    const field = this.#field(block, this.#room(block));
    const edge = (block.receiveNext + (field << this.scale)) | 0;
    if (((edge - this.edge) | 0) > 0) this.edge = edge;
    return field;
  }

  /** The field that {@link advertise} would give; moves nothing. */
  preview(block: ControlBlock): number {
    if (block.layer.isShortOfPackets()) return this.#field(block, 0);
    return this.#field(block, Math.max(0, (this.limit - block.receiveBuffer.length) | 0));
  }

  #field(block: ControlBlock, room: number): number {
    const next = block.receiveNext;
    let window = (this.edge - next) | 0;
    if (window < 0) window = 0;
    // RFC 9293 §3.8.6.2.2, MUST-39: the edge moves by a segment, or half the buffer, or not at all.
    if (((room - window) | 0) >= this.#step(block)) window = room;
    const { scale } = this;
    const fraction = ((1 << scale) - 1) | 0;
    // Rounded up, or the window would shrink; but beyond the buffer by less than a unit of the field, or a peer that sends
    // less than that at a time would fill the memory. RFC 7323 §2.4: it may then seem to shrink; what was offered is taken.
    let field = (window + fraction) >>> scale;
    if ((((field << scale) - room) | 0) > fraction) field = window >>> scale;
    return Math.min(field, FIELD_MAXIMUM);
  }

  /** The application took `bytes`: perhaps the peer should be told that the window is open again. */
  consumed(block: ControlBlock, bytes: number): void {
    this.#taken = (this.#taken + bytes) | 0;
    const { layer } = block;
    if (this.limit < this.maximum) this.#grow(block, layer.now);
    if (block.isFinReceived || !block.canReceiveText) return;
    const window = (this.edge - block.receiveNext) | 0;
    const gain = (this.#room(block) - window) | 0;
    // Half of the window, or two segments when it is nearly closed: not an update for every read.
    if (gain < this.#step(block) || (gain < this.limit >> 1 && window > block.segmentSize << 1)) return;
    block.mustAcknowledge = true;
    layer.markPending(block);
  }

  #room(block: ControlBlock): number {
    const room = (this.limit - block.receiveBuffer.length) | 0;
    if (room <= 0) return 0;
    const { layer, receiveBuffer } = block;
    const { holdings } = layer;
    if (holdings.isPlenty) return room;
    const allowance = layer.isShortOfPackets() ? 0 : holdings.allowance(receiveBuffer);
    const frames = (allowance - receiveBuffer.frames) | 0;
    const perFrame = Math.min(block.segmentSize, layer.pool.memory.layout.frameSize);
    const allowed = frames > LARGEST_SHARE ? room : Math.imul(Math.max(frames, 0), perFrame);
    if (allowed >= room) return room;
    // The peer is told once there are packets again.
    layer.shortage.noteWindow(block);
    return allowed;
  }

  #step(block: ControlBlock): number {
    const half = this.limit >> 1;
    return Math.min(block.segmentSize, half);
  }

  #grow(block: ControlBlock, now: Instant): void {
    if (!this.#isMeasuring) {
      this.#isMeasuring = true;
      this.#measuredAt = now;
      this.#taken = 0;
      return;
    }
    const roundTrip = block.recovery.estimator.smoothed;
    const passed = elapsed(now, this.#measuredAt);
    if (passed < roundTrip && passed >= 0) return;
    const wanted = Math.min(this.#taken << 1, this.maximum);
    if (wanted > this.limit && this.#taken < 1 << 29) this.limit = wanted;
    this.#measuredAt = now;
    this.#taken = 0;
  }
}
