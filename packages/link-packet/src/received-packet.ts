import { HEADROOM, type Packet } from '@prism-net/buffers';
import { vlan } from '@prism-net/wire';

/** In front of a received packet: as much as in front of a fresh one, and 2, so that its IP header is on a 4-byte boundary. */
export const ROOM = HEADROOM + 2;
/** Longest packet that is received: an IP datagram of 64 KiB behind an Ethernet header and a VLAN tag. */
export const LONGEST_PACKET = 65_535 + 18;
export const ETHERNET_HEADER = 14;
const MAC_ADDRESSES = 12;

/** Most frames that a received packet takes. */
export function mostFrames(frameSize: number): number {
  return 1 + Math.max(0, Math.ceil((LONGEST_PACKET - (frameSize - ROOM)) / frameSize));
}

/** Puts the VLAN tag that the kernel took out (`tag`: its protocol in the upper 16 bits, then its control information) back. */
export function putBackTag(packet: Packet, tag: number): void {
  const at = packet.push(vlan.TAG_LENGTH);
  packet.memory.kernels.copy(at, (at + vlan.TAG_LENGTH) | 0, MAC_ADDRESSES);
  packet.view.setInt32((at + MAC_ADDRESSES) | 0, tag);
}
