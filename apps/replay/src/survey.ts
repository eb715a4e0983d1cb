import { openCapture } from '@prism-net/link';
import {
  DropReason,
  ethernet,
  ipv4,
  isLoopbackAddress,
  isMulticastAddress,
  isReservedAddress,
  type MacAddress,
  udp,
  vlan,
} from '@prism-net/wire';

/** An address and port that datagrams of a capture were sent to. */
export interface Destination {
  readonly address: number;
  readonly port: number;
}

/** What a stack must be to receive a capture. */
export interface Survey {
  readonly frames: number;
  /** The host most unicast frames were sent to, if any. */
  readonly host: { readonly address: number; readonly macAddress: MacAddress } | undefined;
  /** Where UDP datagrams went: to groups, to broadcast, and to the host. */
  readonly destinations: readonly Destination[];
}

const LINKTYPE_ETHERNET = 1;
/** Hosts, and destinations, that are told apart: a capture may hold millions. */
const MAXIMUM_ENTRIES = 65_536;

/** Looks through a capture once. Frames it does not understand are left to the stack to judge. */
export function survey(capture: Uint8Array): Survey {
  const reader = openCapture(capture);
  const view = new DataView(capture.buffer, capture.byteOffset, capture.byteLength);
  const hosts = new Map<string, { frames: number; address: number; macAddress: MacAddress }>();
  const destinations = new Map<string, Destination & { readonly isGroup: boolean }>();
  let frames = 0;
  while (reader.next()) {
    frames++;
    if (reader.linkType !== LINKTYPE_ETHERNET) continue;
    const packet = findIpv4(view, reader.offset, reader.capturedLength);
    if (packet === undefined) continue;
    const address = ipv4.destination(view, packet.at);
    const macAddress = {
      high: ethernet.destinationHigh(view, reader.offset),
      low: ethernet.destinationLow(view, reader.offset),
    };
    const isGroup = ethernet.isMulticast(macAddress.high);
    if (!isGroup && isHost(address)) {
      const key = `${address} ${macAddress.high} ${macAddress.low}`;
      const host = hosts.get(key) ?? { frames: 0, address, macAddress };
      host.frames++;
      if (host.frames > 1 || hosts.size < MAXIMUM_ENTRIES) hosts.set(key, host);
    }
    if (ipv4.protocol(view, packet.at) !== ipv4.Protocol.UDP || ipv4.fragmentOffset(view, packet.at) !== 0) continue;
    const transport = packet.at + ipv4.headerLength(view, packet.at);
    if (transport + udp.HEADER_LENGTH > packet.end) continue;
    const port = udp.destinationPort(view, transport);
    const key = `${address}:${port}`;
    const known = destinations.get(key);
    if (port === 0 || (known === undefined && destinations.size >= MAXIMUM_ENTRIES)) continue;
    destinations.set(key, { address, port, isGroup: isGroup || known?.isGroup === true });
  }
  const host = [...hosts.values()].sort((a, b) => b.frames - a.frames)[0];
  return {
    frames,
    host: host === undefined ? undefined : { address: host.address, macAddress: host.macAddress },
    destinations: [...destinations.values()].filter(({ address, isGroup }) => isGroup || address === host?.address),
  };
}

/** Whether a host can have the address: forged frames, and frames to a broadcast address of who knows what network, say otherwise. */
function isHost(address: number): boolean {
  return (
    address >>> 24 !== 0 && !isMulticastAddress(address) && !isReservedAddress(address) && !isLoopbackAddress(address)
  );
}

/** The IPv4 header of a frame, behind at most one VLAN tag. */
function findIpv4(view: DataView, at: number, length: number): { at: number; end: number } | undefined {
  if (ethernet.check(view, at, length) !== DropReason.NONE) return undefined;
  let header = at + ethernet.HEADER_LENGTH;
  let etherType = ethernet.etherType(view, at);
  if (etherType === ethernet.EtherType.VLAN) {
    if (vlan.check(view, header, at + length - header) !== DropReason.NONE) return undefined;
    etherType = vlan.etherType(view, header);
    header += vlan.TAG_LENGTH;
  }
  const isIpv4 = etherType === ethernet.EtherType.IPV4;
  if (!isIpv4 || ipv4.check(view, header, at + length - header) !== DropReason.NONE) return undefined;
  return { at: header, end: header + ipv4.totalLength(view, header) };
}

/** For reports and checks: is it a group? */
export function isGroup({ address }: Destination): boolean {
  return isMulticastAddress(address);
}
