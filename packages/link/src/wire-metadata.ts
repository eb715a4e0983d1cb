import { ChecksumState, type Packet, TimestampSource } from '@prism-net/buffers';

/**
 * Nothing but bytes crosses a wire: what the sender knew about the packet is forgotten, and `flags` (of PacketFlag) is
 * all the receiver learns. With checksum offload the state of the checksum crosses too: PARTIAL
 * stays PARTIAL, so that whoever forwards the packet to a real wire knows that the field is unfinished. With
 * segmentation a virtual segment stays one.
 */
export function enterWire(packet: Packet, flags: number, checksumOffload: boolean, segmentation: boolean): void {
  packet.flags = flags;
  if (!checksumOffload) packet.checksumState = ChecksumState.UNKNOWN;
  if (!segmentation) packet.gsoSize = 0;
  packet.rssHash = 0;
  packet.timestampSource = TimestampSource.NONE;
}
