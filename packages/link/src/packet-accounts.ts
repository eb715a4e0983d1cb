import { type Packet, PacketFlag } from '@prism-net/buffers';
import { DROP_REASON_LIMIT, type DropReason, dropReasonName } from '@prism-net/wire';

/** What became of every received frame. `unexplained` is zero, always; tests assert it. */
export interface ReceiveAccount {
  readonly received: number;
  /** Handed to a socket. */
  readonly delivered: number;
  /** Consumed by the stack itself: ARP, echo requests, ICMP errors, fragments that became part of a datagram. */
  readonly handled: number;
  readonly forwarded: number;
  /** Waiting inside the stack: fragments of incomplete datagrams. */
  readonly held: number;
  readonly dropped: Readonly<Record<string, number>>;
  readonly unexplained: number;
}

/**
 * The books of one stack: nothing vanishes. A frame taken from a link is counted as received once, and leaves by exactly
 * one of `deliver`, `handle`, `forward` or `drop`; a frame on the way out that does not reach its link leaves by
 * `dropTransmit`. Where several frames went into one packet, each is counted (`deliverFrames`, `handleFrames`,
 * `holdFrames`, `countDrops`); a virtual segment is one frame until it is cut.
 */
export class PacketAccounts {
  readonly #receiveDrops = new Float64Array(DROP_REASON_LIMIT);
  readonly #transmitDrops = new Float64Array(DROP_REASON_LIMIT);
  /** received, delivered, handled, forwarded, held */
  readonly #counts = new Float64Array(5);

  receive(frames: number): void {
    this.#counts[0]! += frames;
  }
  deliver(): void {
    this.#counts[1]! += 1;
  }
  deliverFrames(frames: number): void {
    this.#counts[1]! += frames;
  }
  /** The stack consumed the frame. The caller releases the packet (or sends it back as a reply). */
  handle(): void {
    this.#counts[2]! += 1;
  }
  handleFrames(frames: number): void {
    this.#counts[2]! += frames;
  }
  forward(): void {
    this.#counts[3]! += 1;
  }
  /** Frames kept for later; each leaves again by {@link unhold} and then one of the other ways. */
  hold(): void {
    this.#counts[4]! += 1;
  }
  holdFrames(frames: number): void {
    this.#counts[4]! += frames;
  }
  unhold(): void {
    this.#counts[4]! -= 1;
  }
  unholdFrames(frames: number): void {
    this.#counts[4]! -= frames;
  }
  /** Takes (and releases) the packet. */
  drop(packet: Packet, reason: DropReason): void {
    this.#receiveDrops[reason]! += 1;
    packet.release();
  }
  /** Frames dropped whose packets the caller releases, or has released. */
  countDrops(frames: number, reason: DropReason): void {
    this.#receiveDrops[reason]! += frames;
  }
  /** Takes (and releases) a packet that was on its way out. A rehearsal is not counted: it would not have left. */
  dropTransmit(packet: Packet, reason: DropReason): void {
    if ((packet.flags & PacketFlag.REHEARSAL) === 0) this.#transmitDrops[reason]! += 1;
    packet.release();
  }

  /** Frames on their way out dropped whose packets the caller releases, or that were never made. */
  countTransmitDrops(frames: number, reason: DropReason): void {
    this.#transmitDrops[reason]! += frames;
  }

  dropped(reason: DropReason): number {
    return this.#receiveDrops[reason]!;
  }
  transmitDropped(reason: DropReason): number {
    return this.#transmitDrops[reason]!;
  }

  /** The receive side in plain numbers, drops by name. */
  snapshot(): ReceiveAccount {
    const [received = 0, delivered = 0, handled = 0, forwarded = 0, held = 0] = this.#counts;
    const dropped = byName(this.#receiveDrops);
    let unexplained = received - delivered - handled - forwarded - held;
    for (const count of this.#receiveDrops) unexplained -= count;
    return { received, delivered, handled, forwarded, held, dropped, unexplained };
  }

  /** Packets that did not leave, by reason. */
  transmitSnapshot(): Readonly<Record<string, number>> {
    return byName(this.#transmitDrops);
  }
}

function byName(counts: Float64Array): Record<string, number> {
  const named: Record<string, number> = {};
  for (const [reason, count] of counts.entries()) if (count !== 0) named[dropReasonName(reason)] = count;
  return named;
}
