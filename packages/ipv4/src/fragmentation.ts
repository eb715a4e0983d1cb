import { HEADROOM, type Packet, type PacketPool, PacketQueue } from '@prism-net/buffers';
import { ipv4 } from '@prism-net/wire';
import { completeChecksum } from './checksum-completion.js';

/** The bit of an option's type that has it copied into every fragment (RFC 791 §3.1, "Options"). */
const COPIED = 0x80;

/**
 * Cuts datagrams into fragments (RFC 791 §3.2). The first fragment stays in the datagram's own frame; the data of the
 * others is copied, the one place on the way out where that happens.
 */
export class Fragmenter {
  /** The fragments of the last call, in order; the caller empties it. */
  readonly fragments = new PacketQueue();
  readonly #pool: PacketPool;

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /**
   * Takes a packet whose data starts at its IPv4 header and which is longer than `mtu` (at least 68), and fills
   * {@link fragments}. False when the pool runs out: then the packet is still the caller's.
   */
  fragment(packet: Packet, mtu: number): boolean {
    completeChecksum(packet);
    const { view, offset } = packet;
    const header = ipv4.headerLength(view, offset);
    const payload = packet.totalLength - header;
    const firstUnit = ipv4.fragmentOffset(view, offset) >>> 3;
    const flags = view.getUint16(offset + 6) & (ipv4.DONT_FRAGMENT | ipv4.MORE_FRAGMENTS);
    // All but the last carry a multiple of 8 bytes, and a copy must fit one frame.
    const size = Math.min(mtu - header, packet.frameSize - HEADROOM - header) & ~7;

    this.fragments.push(packet);
    let segment: Packet = packet;
    let at = header;
    for (let done = 0; done < payload; done += size) {
      const length = Math.min(size, payload - done);
      const last = done + length === payload;
      let fragment = packet;
      if (done > 0) {
        const taken = this.#pool.take();
        if (taken === null) {
          this.#abandon();
          return false;
        }
        fragment = taken;
        fragment.length = copyHeader(packet, fragment, header);
        fragment.flags = packet.flags;
        fragment.interfaceIndex = packet.interfaceIndex;
        this.fragments.push(fragment);
      }
      const word = ((firstUnit + (done >>> 3)) & 0x1fff) | flags | (last ? 0 : ipv4.MORE_FRAGMENTS);
      let left = length;
      while (left > 0) {
        const part = Math.min(left, segment.length - at);
        if (done > 0) {
          copy(segment, at, fragment, part);
          fragment.length += part;
        }
        at += part;
        left -= part;
        if (at === segment.length && segment.nextSegment !== null) {
          segment = segment.nextSegment;
          at = 0;
        }
      }
      // The first fragment's header is the pattern for the others: it is changed only at the end.
      if (done > 0) finishHeader(fragment, fragment.length, word);
    }
    packet.trim(header + Math.min(size, payload));
    finishHeader(packet, packet.totalLength, firstUnit | flags | ipv4.MORE_FRAGMENTS);
    return true;
  }

  /** Gives back the fragments, but not the first: that is the caller's packet. */
  #abandon(): void {
    this.fragments.shift();
    this.fragments.clear();
  }
}

function copy(from: Packet, at: number, to: Packet, length: number): void {
  if (from.memory === to.memory) to.memory.copy(to.end, from.offset + at, length);
  else to.memory.write(to.end, from.memory.bytes, from.offset + at, length);
}

function finishHeader(fragment: Packet, totalLength: number, flagsAndOffset: number): void {
  const { view, offset } = fragment;
  fragment.networkOffset = offset;
  ipv4.setTotalLength(view, offset, totalLength);
  ipv4.setFlagsAndOffset(view, offset, flagsAndOffset);
  ipv4.updateChecksum(view, offset);
}

/** Writes the header of a later fragment: without the options that only the first carries. Returns its length. */
function copyHeader(from: Packet, to: Packet, headerLength: number): number {
  const { view } = from;
  const target = to.view;
  const start = from.offset;
  const base = to.offset;
  for (let i = 0; i < ipv4.MINIMUM_HEADER_LENGTH; i += 4) target.setInt32(base + i, view.getInt32(start + i));
  let length = ipv4.MINIMUM_HEADER_LENGTH;
  for (let i = length; i < headerLength; ) {
    const type = view.getUint8(start + i);
    if (type === 0) break;
    // The options were checked when the packet came in: lengths are at least 2 and end within the header.
    const optionLength = type === 1 ? 1 : Math.max(2, view.getUint8(start + i + 1));
    const end = Math.min(i + optionLength, headerLength);
    for (; i < end; i++) if ((type & COPIED) !== 0) target.setUint8(base + length++, view.getUint8(start + i));
  }
  while ((length & 3) !== 0) target.setUint8(base + length++, 0);
  target.setUint8(base, 0x40 | (length >>> 2));
  return length;
}
