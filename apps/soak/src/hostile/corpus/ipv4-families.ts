import { BROADCAST_MAC } from '@prism-net/wire';
import { valid } from './ethernet-families.js';
import type { Family } from './family.js';
import { bytes16, bytes32, EXTREMES_16, type Forge, ICMP, IGMP, IPIP, IPV6, SYN, TCP, UDP } from './forge.js';

/** This network, loopback, a group, everybody, class E, and the target's own network's broadcast addresses. */
function impossible(forge: Forge): number {
  const { address, prefixLength } = forge.target;
  const hosts = 2 ** (32 - prefixLength) - 1;
  return forge.pick([0, 1, 0x7f00_0001, 0xe000_0001 | 0, 0xf000_0001 | 0, -1, address | hosts, address & ~hosts]);
}

/** A payload of a protocol, right by itself. */
function payload(forge: Forge, source?: number, destination?: number): [number, Uint8Array] {
  const addresses = {
    ...(source === undefined ? {} : { source }),
    ...(destination === undefined ? {} : { destination }),
  };
  const data = forge.bytes(forge.length());
  switch (forge.below(3)) {
    case 0:
      return [ICMP, forge.icmpMessage(8, 0, forge.word(), data)];
    case 1:
      return [TCP, forge.segment(data, addresses)];
    default:
      return [UDP, forge.datagram(data, addresses)];
  }
}

/** Options that lie about their length, routes of the sender, pointers past the end. */
function hostileOptions(forge: Forge): number[] {
  const room = forge.pick([4, 8, 12, 24, 40]);
  const routes = [...bytes32(forge.word()), ...bytes32(forge.target.address)];
  const option = forge.pick<() => number[]>([
    () => [forge.pick([7, 68, 131, 137, 148, 130, 255]), forge.pick([0, 1, 2, 3])],
    () => [forge.pick([7, 68, 131, 137, 148]), forge.pick([41, 64, 255])],
    () => [131, 11, forge.pick([0, 3, 4, 8, 12, 255]), ...routes],
    () => [137, 11, forge.pick([0, 3, 4, 8, 12, 255]), ...routes],
    () => [7, 11, forge.pick([0, 1, 3, 4, 5, 11, 12, 40, 255]), ...routes],
    () => [7, 39, 4, ...new Array<number>(36).fill(0)],
    () => [68, 12, forge.pick([0, 1, 4, 5, 9, 13, 255]), forge.below(256), ...routes],
    () => [148, forge.pick([3, 4, 5]), ...bytes16(forge.below(65_536))],
    () => new Array<number>(room).fill(forge.pick([0, 1])),
    () => [...forge.bytes(room)],
  ])();
  const options = [...new Array<number>(forge.pick([0, 0, 0, 1, 3])).fill(1), ...option].slice(0, 40);
  return options;
}

/** The header, options, addresses, and protocols inside: rows 5 to 8, 40. */
export const IPV4_FAMILIES: readonly Family[] = [
  {
    name: 'IPv4 versions and header lengths',
    rows: [5],
    weight: 20,
    make(forge) {
      const [protocol, data] = payload(forge);
      const version = forge.oneIn(2) ? forge.below(16) : 4;
      const headerWords = forge.below(16);
      return forge.ipv4(protocol, data, { version, headerWords, options: forge.oneIn(2) ? [...forge.bytes(20)] : [] });
    },
  },
  {
    name: 'IPv4 total lengths',
    rows: [5],
    weight: 30,
    make(forge) {
      const [protocol, data] = payload(forge);
      const right = 20 + data.length;
      const totalLength = forge.pick([
        0,
        1,
        19,
        20,
        21,
        27,
        28,
        39,
        right - 1,
        right + 1,
        forge.below(right),
        right + forge.below(1500),
        0xffff,
      ]);
      return forge.ipv4(protocol, data, { totalLength });
    },
  },
  {
    name: 'IPv4 checksums, lives and reserved bits',
    rows: [5],
    weight: 10,
    make(forge) {
      const [protocol, data] = payload(forge);
      switch (forge.below(3)) {
        case 0:
          return forge.ipv4(protocol, data, { checksum: forge.pick([0, 0xffff, forge.below(65_536)]) });
        case 1:
          return forge.ipv4(protocol, data, { timeToLive: forge.below(2) });
        default:
          return forge.ipv4(protocol, data, { flagsAndOffset: 0x8000, trafficClass: forge.below(256) });
      }
    },
  },
  {
    name: 'IPv4 options',
    rows: [6],
    weight: 40,
    make(forge) {
      const [protocol, data] = payload(forge);
      return forge.ipv4(protocol, data, { options: hostileOptions(forge) });
    },
  },
  {
    name: 'sources that cannot be',
    rows: [7],
    weight: 30,
    make(forge) {
      const source = forge.oneIn(3) ? forge.target.address : impossible(forge);
      const [protocol, data] = payload(forge, source);
      return forge.ipv4(protocol, data, { source });
    },
  },
  {
    name: 'destinations that are not ours',
    rows: [7],
    weight: 20,
    make(forge) {
      const destination = forge.oneIn(3) ? forge.stranger() : impossible(forge);
      const source = forge.source();
      const [protocol, data] = payload(forge, source, destination);
      const to = forge.oneIn(2) ? BROADCAST_MAC : forge.target.macAddress;
      return forge.ipv4(protocol, data, { source, destination, to });
    },
  },
  {
    name: 'LAND',
    rows: [7, 21],
    weight: 15,
    make(forge) {
      const { address, macAddress, peerMacAddress, tcpPort, udpPort } = forge.target;
      const same = { source: address, destination: address, from: forge.pick([peerMacAddress, macAddress]) };
      if (forge.oneIn(3)) return forge.udp(forge.bytes(8), { ...same, sourcePort: udpPort });
      return forge.tcp(new Uint8Array(0), { ...same, sourcePort: tcpPort, flags: SYN });
    },
  },
  {
    name: 'packets in packets',
    rows: [8],
    weight: 15,
    make(forge) {
      let [protocol, packet] = payload(forge);
      for (let left = forge.between(1, forge.oneIn(8) ? 12 : 2); left > 0; left--) {
        packet = forge.packet(protocol, packet, forge.oneIn(4) ? { totalLength: forge.pick(EXTREMES_16) } : {});
        protocol = IPIP;
      }
      return forge.ipv4(forge.pick([IPIP, IPIP, IPV6, 47, 94, 137]), packet);
    },
  },
  {
    name: 'other protocols',
    rows: [8, 40],
    weight: 10,
    make(forge) {
      const source = forge.source();
      if (forge.oneIn(2)) return forge.ipv4(forge.below(256), forge.bytes(forge.length()), { source });
      // IGMP: queries with impossible times, reports of groups and sources that do not end.
      const type = forge.pick([0x11, 0x12, 0x16, 0x17, 0x22, forge.below(256)]);
      const message = forge.icmpMessage(
        type,
        forge.pick([0, 1, 0x7f, 0xff]),
        forge.word(),
        forge.bytes(forge.below(64)),
      );
      return forge.ipv4(IGMP, message, {
        source,
        timeToLive: forge.pick([1, 64]),
        options: forge.oneIn(2) ? [148, 4, 0, 0] : [],
      });
    },
  },
  {
    name: 'nothing wrong',
    rows: [],
    weight: 15,
    make: valid,
  },
];
