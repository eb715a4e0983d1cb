import { ChecksumState, type Packet, type PacketPool } from '@prism-net/buffers';
import { DropReason } from '@prism-net/wire';
import { SegmentTemplate } from './segment-template.js';
import { SegmentationStatistics } from './segmentation-statistics.js';

/** Largest virtual segment, as an IP datagram: what the length field of IPv4 can say (RFC 791 §3.1). */
export const MAXIMUM_VIRTUAL_SEGMENT = 65_535;
/** Most wire segments of one virtual segment: 64 KiB in pieces of 32 bytes. Less would be somebody's attack. */
export const MAXIMUM_WIRE_SEGMENTS = 2048;

/**
 * Cuts virtual TCP segments (packets with a `gsoSize`) into wire segments, where the link does not do it.
 *
 *     | headers, at most gsoSize bytes | ─▶ |   (headroom)  gsoSize bytes | ─▶ |   (headroom)  the rest |
 *
 * A chain like this, as TCP makes it, is cut without touching the payload: each frame gets a copy of the headers into
 * its own headroom and is a packet by itself. Where gsoSize is more than a frame holds, each part may have several frames,
 * the first with headroom; and the first frame of all may hold the headers alone. Every other layout, and packets that
 * have a second owner, are copied into frames of the pool.
 *
 * Sequence numbers, lengths, IPv4 identification and checksum follow; FIN and PSH stay with the last segment, CWR with
 * the first (RFC 3168 §6.1.2), the urgent pointer points to the same byte. Belongs to one thread.
 */
export class Segmenter {
  /**
   * The wire segments of the last call, in order, of which the first {@link count} are the caller's: ordinary packets
   * with data at the Ethernet header and `linkOffset`, `networkOffset`, `transportOffset` set.
   */
  readonly segments: Packet[] = [];
  count = 0;
  /** Wire segments that the last call could not make; 1 when it refused the whole. */
  lost = 0;
  readonly statistics = new SegmentationStatistics();

  readonly #pool: PacketPool;
  readonly #template = new SegmentTemplate();
  /** Of the packet looked at: bytes of payload, and whether its frames can be used as they are. */
  #payload = 0;
  #isCutAlready = false;
  /** What is copied next: a segment of the packet, and where in its frame. */
  #source: Packet | null = null;
  #at = 0;

  /** Copies, where they are needed, are taken from `pool`. */
  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /**
   * Takes a packet (data at the Ethernet header) and fills {@link segments}. With `leavesChecksum` the segments are
   * PARTIAL, for a link that completes checksums; else their checksums are complete. What the packet's checksum field
   * says does not matter, except in state UNKNOWN: then it is verified first, so that no damage is signed.
   *
   * Returns NONE; OUT_OF_PACKETS when the pool ran out and the last {@link lost} segments are missing; or why the packet
   * was dropped as a whole: FRAME_FRAGMENTED_HEADERS, TCP_CHECKSUM, TRANSMIT_TOO_LONG (no TCP, an IP fragment, SYN or RST,
   * wire segments longer than `mtu`, too many).
   */
  segment(packet: Packet, mtu: number, leavesChecksum: boolean): DropReason {
    const template = this.#template;
    this.count = 0;
    this.lost = 0;
    let reason = template.read(packet, leavesChecksum);
    if (reason !== DropReason.NONE) return this.#refuse(packet, reason);
    const { gsoSize } = packet;
    const header = template.headerLength;
    this.#survey(packet, header, gsoSize);
    const payload = this.#payload;
    if (
      gsoSize <= 0 ||
      header - template.networkAt + Math.min(gsoSize, payload) > mtu ||
      header - template.networkAt + payload > MAXIMUM_VIRTUAL_SEGMENT ||
      payload > Math.imul(gsoSize, MAXIMUM_WIRE_SEGMENTS)
    ) {
      return this.#refuse(packet, DropReason.TRANSMIT_TOO_LONG);
    }
    if (packet.checksumState === ChecksumState.UNKNOWN && !template.verify(packet)) {
      return this.#refuse(packet, DropReason.TCP_CHECKSUM);
    }
    if (this.#isCutAlready) this.#cut(packet, header, gsoSize);
    else if (!this.#copy(packet, header, gsoSize)) reason = DropReason.OUT_OF_PACKETS;
    this.statistics.countCut(this.count);
    return reason;
  }

  #refuse(packet: Packet, reason: DropReason): DropReason {
    this.lost = 1;
    this.statistics.countRefused();
    packet.release();
    return reason;
  }

  /** Finds the bytes of payload, and whether the frames are those of the parts, with room for headers. */
  #survey(packet: Packet, header: number, gsoSize: number): void {
    const { memory } = packet;
    let total = (packet.length - header) | 0;
    let payload = total;
    let isCut = packet.references === 1 && payload <= gsoSize;
    // Behind the first frame only: TCP may have sent the beginning of it before.
    let mayBeShort = true;
    for (let segment = packet.nextSegment; segment !== null; segment = segment.nextSegment) {
      const { length } = segment;
      if (segment.references !== 1 || segment.memory !== memory || length === 0) isCut = false;
      total = (total + length) | 0;
      if (payload !== 0 && payload + length <= gsoSize) {
        payload = (payload + length) | 0;
      } else {
        if ((payload !== gsoSize && !mayBeShort) || length > gsoSize || segment.headroom < header) isCut = false;
        payload = length;
      }
      mayBeShort = false;
    }
    this.#payload = total;
    this.#isCutAlready = isCut;
  }

  /** Makes packets of the frames of a packet. */
  #cut(packet: Packet, header: number, gsoSize: number): void {
    const template = this.#template;
    const { segments } = this;
    const { kernels } = packet.memory;
    const from = packet.offset;
    let first = packet;
    let next = packet.nextSegment;
    let payload = (packet.length - header) | 0;
    let done = 0;
    let count = 0;
    // Headers alone are the pattern for the others, and no part.
    const isPattern = payload === 0 && next !== null;
    if (isPattern) packet.nextSegment = null;
    for (;;) {
      if (count !== 0 || isPattern) {
        first = next!;
        next = first.nextSegment;
        payload = first.length;
        // Not by `memory.copy`, which counts copies of payload. The fields that differ are written afterwards.
        kernels.copy(first.push(header), from, header);
      }
      let last = first;
      while (next !== null && payload + next.length <= gsoSize) {
        payload = (payload + next.length) | 0;
        last = next;
        next = next.nextSegment;
      }
      last.nextSegment = null;
      template.finish(first, payload, done, count, next === null);
      segments[count] = first;
      count = (count + 1) | 0;
      done = (done + payload) | 0;
      if (next === null) break;
    }
    this.count = count;
    if (isPattern) packet.release();
  }

  /** Copies the payload into fresh frames. False when they run out; {@link lost} says how many are missing. */
  #copy(packet: Packet, header: number, gsoSize: number): boolean {
    const template = this.#template;
    const total = this.#payload;
    this.#source = packet;
    this.#at = (packet.offset + header) | 0;
    let done = 0;
    let count = 0;
    do {
      const payload = Math.min(gsoSize, total - done);
      const segment = this.#copyPayload(payload);
      if (segment === null) break;
      const at = segment.push(header);
      if (segment.memory === packet.memory) segment.memory.kernels.copy(at, packet.offset, header);
      else segment.memory.write(at, packet.memory.bytes, packet.offset, header);
      segment.flags = packet.flags;
      done = (done + payload) | 0;
      template.finish(segment, payload, (done - payload) | 0, count, done === total);
      this.segments[count] = segment;
      count = (count + 1) | 0;
    } while (done < total);
    this.count = count;
    const isWhole = count > 0 && done === total;
    if (!isWhole) this.lost = Math.max(1, Math.ceil((total - done) / gsoSize));
    this.statistics.countCopied(this.lost);
    this.#source = null;
    packet.release();
    return isWhole;
  }

  /** The next `bytes` of payload in fresh frames, as few as they need; null when there is none. */
  #copyPayload(bytes: number): Packet | null {
    const first = this.#pool.take();
    if (first === null) return null;
    let target = first;
    let left = bytes;
    while (left > 0) {
      if (target.tailroom === 0) {
        const next = this.#pool.take();
        if (next === null) {
          first.release();
          return null;
        }
        target.nextSegment = next;
        target = next;
      }
      const source = this.#source!;
      const part = Math.min(left, target.tailroom, source.end - this.#at);
      if (source.memory === target.memory) target.memory.copy(target.end, this.#at, part);
      else target.memory.write(target.end, source.memory.bytes, this.#at, part);
      target.length = (target.length + part) | 0;
      left = (left - part) | 0;
      this.#at = (this.#at + part) | 0;
      if (this.#at === source.end && source.nextSegment !== null) {
        this.#source = source.nextSegment;
        this.#at = source.nextSegment.offset;
      }
    }
    return first;
  }
}
