import type { Packet } from '@prism-net/buffers';

/** True when any segment of the packet has a second owner. */
export function isShared(packet: Packet): boolean {
  for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
    if (segment.references !== 1) return true;
  }
  return false;
}

/**
 * Takes a packet and returns one whose frames have no other owner: the same, or a copy in the same pool when somebody
 * (a retransmission queue) kept a reference. Null, and the packet is released, when there was no frame for the copy.
 */
export function takeExclusive(packet: Packet): Packet | null {
  if (!isShared(packet)) return packet;
  const copy = packet.copyTo(packet.pool);
  packet.release();
  return copy;
}
