import { ChecksumState, type Packet, TimestampSource } from '@prism-net/buffers';

/**
 * Nothing but bytes crosses a wire: what the sender knew about the packet is forgotten, and `flags` (of PacketFlag) is
 * all the receiver learns. With checksum offload a PARTIAL checksum becomes VERIFIED: memory does not flip bits.
 */
export function enterWire(packet: Packet, flags: number, checksumOffload: boolean): void {
  packet.flags = flags;
  if (!checksumOffload) packet.checksumState = ChecksumState.UNKNOWN;
  else if (packet.checksumState === ChecksumState.PARTIAL) packet.checksumState = ChecksumState.VERIFIED;
  packet.gsoSize = 0;
  packet.rssHash = 0;
  packet.timestampSource = TimestampSource.NONE;
}
