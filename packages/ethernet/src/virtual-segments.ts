import { ChecksumState, type Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { LinkCapabilities, PacketAccounts, Segmenter } from '@prism-net/link';
import { DropReason } from '@prism-net/wire';
import type { TransmitQueue } from './transmit-queue.js';

/** How virtual segments leave an interface: whole where the link takes them, else in parts. */
export class VirtualSegments {
  /** Longest IP datagram the link takes whole, in bytes; 0: none. */
  readonly whole: number;
  readonly segmenter: Segmenter;
  readonly #queue: TransmitQueue;
  readonly #accounts: PacketAccounts;
  readonly #mtu: number;
  readonly #completesChecksum: boolean;
  readonly #maximumSegments: number;

  constructor(
    capabilities: LinkCapabilities,
    mtu: number,
    segmenter: Segmenter,
    queue: TransmitQueue,
    accounts: PacketAccounts,
  ) {
    this.segmenter = segmenter;
    this.#queue = queue;
    this.#accounts = accounts;
    this.#mtu = mtu;
    this.#completesChecksum = capabilities.transmitChecksum;
    this.#maximumSegments = capabilities.maximumSegments;
    // Only whoever cuts the segment can complete the checksums of the parts.
    this.whole = capabilities.transmitChecksum ? capabilities.segmentation : 0;
  }

  /** Whether the link takes a packet, with its data at the network header, as it is. */
  passWhole(packet: Packet): boolean {
    return (
      packet.totalLength <= this.whole &&
      packet.checksumState === ChecksumState.PARTIAL &&
      countSegments(packet) <= this.#maximumSegments
    );
  }

  /** Takes a packet with its data at the Ethernet header and sends it in parts. */
  send(packet: Packet): Errno {
    const { segmenter } = this;
    const reason = segmenter.segment(packet, this.#mtu, this.#completesChecksum);
    const { segments, count, lost } = segmenter;
    if (lost !== 0) this.#accounts.countTransmitDrops(lost, reason);
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const segment = segments[i]!;
      if (segment.nextSegment !== null && countSegments(segment) > this.#maximumSegments) {
        return this.#dropFrom(i, DropReason.TRANSMIT_TOO_LONG, Errno.EMSGSIZE);
      }
      // What there is no room for now there is none for a moment later.
      if (!this.#queue.push(segment)) return this.#dropFrom(i, DropReason.TRANSMIT_QUEUE_FULL, Errno.ENOBUFS);
    }
    if (reason === DropReason.NONE) return Errno.NONE;
    return reason === DropReason.OUT_OF_PACKETS ? Errno.ENOBUFS : Errno.EMSGSIZE;
  }

  #dropFrom(first: number, reason: DropReason, errno: Errno): Errno {
    const { segments, count } = this.segmenter;
    for (let i = first; i < count; i = (i + 1) | 0) this.#accounts.dropTransmit(segments[i]!, reason);
    return errno;
  }
}

/** How many frames a packet is made of. */
export function countSegments(packet: Packet): number {
  let count = 1;
  for (let segment = packet.nextSegment; segment !== null; segment = segment.nextSegment) count++;
  return count;
}
