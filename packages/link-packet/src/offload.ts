import { ChecksumState, type Packet } from '@prism-net/buffers';
import { TransportHeader } from './transport-header.js';

// <linux/virtio_net.h>
export const NEEDS_CHECKSUM = 1;
export const DATA_VALID = 2;
export const GsoType = { NONE: 0, TCP_IPV4: 1, TCP_IPV6: 4, UDP: 5, ECN: 0x80 } as const;

/** Ethernet header and one VLAN tag: what a frame may have beyond the MTU. */
export const FRAME_OVERHEAD = 18;

/** Up to here a packet goes in one piece: that takes a fifth less than pages, but of a longer one the kernel may have none. */
const ONE_PIECE = 16_000;
/** More than the headers of any packet. */
const LONGEST_HEADERS = 128;

/** The virtio-net header of a packet to be sent: what is left to the kernel, or its card, to do. */
export class Offload {
  flags = 0;
  gsoType = 0;
  /** Of the packet, what the kernel copies in one piece; the rest goes on pages of its own. */
  headerLength = 0;
  gsoSize = 0;
  checksumStart = 0;
  checksumOffset = 0;

  readonly #header = new TransportHeader();
  readonly #longest: number;
  readonly #longestVirtual: number;
  readonly #mtu: number;

  /** `mtu` and `maximumVirtual`, the longest virtual segment, count IP datagrams. */
  constructor(mtu: number, maximumVirtual: number) {
    this.#mtu = mtu;
    this.#longest = mtu + FRAME_OVERHEAD;
    this.#longestVirtual = maximumVirtual + FRAME_OVERHEAD;
  }

  /** Fills the fields for a packet of `length` bytes. False: the link cannot send it. */
  describe(packet: Packet, length: number): boolean {
    const { gsoSize } = packet;
    this.gsoSize = gsoSize;
    if (gsoSize === 0) {
      if (length > this.#longest) return false;
      this.gsoType = GsoType.NONE;
      this.headerLength = length <= ONE_PIECE ? length : LONGEST_HEADERS;
      if (packet.checksumState !== ChecksumState.PARTIAL) {
        this.flags = 0;
        this.checksumStart = 0;
        this.checksumOffset = 0;
        return true;
      }
    }
    const header = this.#header;
    if (!header.read(packet)) return false;
    this.flags = packet.checksumState === ChecksumState.PARTIAL ? NEEDS_CHECKSUM : 0;
    this.checksumStart = header.start;
    this.checksumOffset = header.checksum;
    if (gsoSize === 0) return true;
    if (!header.isTcp || gsoSize < 0 || gsoSize > this.#mtu || length > this.#longestVirtual) return false;
    const type = header.isIpv6 ? GsoType.TCP_IPV6 : GsoType.TCP_IPV4;
    this.headerLength = length <= ONE_PIECE ? length : header.end;
    // RFC 3168 §6.1.2: "CWR" is said once; whoever cuts the packet leaves it to the first segment.
    this.gsoType = header.isCongestionWindowReduced ? type | GsoType.ECN : type;
    return true;
  }
}
