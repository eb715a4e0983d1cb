import type { Packet } from '@prism-net/buffers';
import { arp, ethernet, type MacAddress } from '@prism-net/wire';

/** Turns a frame that asks where `address` is into the answer. False, and nothing is changed, when it asks for something else. */
export function makeArpReply(packet: Packet, address: number, { high, low }: MacAddress): boolean {
  const { view } = packet;
  const at = packet.offset + ethernet.HEADER_LENGTH;
  if (arp.operation(view, at) !== arp.Operation.REQUEST || arp.targetProtocol(view, at) !== address) return false;
  const sender = arp.senderProtocol(view, at);
  const senderHigh = arp.senderHardwareHigh(view, at);
  const senderLow = arp.senderHardwareLow(view, at);
  ethernet.write(view, packet.offset, senderHigh, senderLow, high, low, ethernet.EtherType.ARP);
  arp.write(view, at, arp.Operation.REPLY, high, low, address, senderHigh, senderLow, sender);
  return true;
}
