import { arp, BROADCAST_MAC } from '@prism-net/wire';
import type { Family } from './family.js';
import { bytes16, bytes32, EXTREMES_16, type Forge } from './forge.js';

const { REQUEST, REPLY } = arp.Operation;
/** 802.1Q, 802.1ad and what was used for it before. */
const TAGS = [0x8100, 0x88a8, 0x9100] as const;
const ETHER_TYPES = [
  0, 1, 0x002e, 0x05dc, 0x05dd, 0x8035, 0x86dd, 0x8847, 0x8863, 0x8864, 0x8870, 0x88cc, 0x88e5, 0xffff,
];

/** Frames and what finds neighbours: rows 1 to 4. */
export const ETHERNET_FAMILIES: readonly Family[] = [
  {
    // Few: the kernel refuses to send them, at the cost of a line each. None is empty: tcpreplay ends there.
    name: 'frames shorter than a header',
    rows: [1],
    weight: 0.2,
    make: (forge) => valid(forge).subarray(0, forge.between(1, 13)),
  },
  {
    name: 'frames cut in their headers',
    rows: [1, 5],
    weight: 10,
    make: (forge) => valid(forge).subarray(0, forge.between(14, 60)),
  },
  {
    name: 'frames longer than the MTU',
    rows: [1],
    weight: 5,
    make(forge) {
      const { mtu, cableMtu } = forge.target;
      // Rarely more than the cable takes: it costs the sender a line each.
      const longest = forge.oneIn(64) ? cableMtu + 200 : cableMtu;
      const length = forge.between(Math.min(mtu + 1, longest), longest);
      return forge.udp(forge.bytes(length - 28));
    },
  },
  {
    name: 'VLAN tags',
    rows: [1],
    weight: 10,
    make(forge) {
      const frame = valid(forge);
      const tags: number[] = [];
      for (let left = forge.between(1, forge.oneIn(8) ? 9 : 3); left > 0; left--) {
        const identifier = forge.pick([0, 1, 2, 4094, 4095, forge.below(4096)]);
        tags.push(...bytes16(forge.pick(TAGS)), ...bytes16((forge.below(16) << 12) | identifier));
      }
      const tagged = new Uint8Array(frame.length + tags.length);
      tagged.set(frame.subarray(0, 12));
      tagged.set(tags, 12);
      tagged.set(frame.subarray(12), 12 + tags.length);
      return forge.oneIn(4) ? tagged.subarray(0, forge.between(14, 18 + tags.length)) : tagged;
    },
  },
  {
    name: 'bytes behind the packet',
    rows: [1, 5],
    weight: 10,
    make(forge) {
      const frame = valid(forge);
      const padded = new Uint8Array(frame.length + forge.between(1, 46));
      padded.set(forge.oneIn(2) ? forge.bytes(padded.length) : new Uint8Array(padded.length));
      padded.set(frame);
      return padded;
    },
  },
  {
    name: 'other EtherTypes and lengths',
    rows: [1, 3, 9],
    weight: 10,
    make(forge) {
      const etherType = forge.oneIn(4) ? forge.below(65_536) : forge.pick(ETHER_TYPES);
      if (etherType !== 0x86dd || forge.oneIn(4)) return forge.frame(forge.bytes(forge.length()), { etherType });
      return forge.frame(ipv6Chain(forge), { etherType });
    },
  },
  {
    name: 'hardware addresses',
    rows: [1],
    weight: 10,
    make(forge) {
      const { macAddress, peerMacAddress } = forge.target;
      const group = { high: 0x0100, low: 0x5e00_0001 };
      const none = { high: 0, low: 0 };
      const data = forge.bytes(forge.length());
      return forge.udp(data, {
        to: forge.pick([forge.macAddress(), none, BROADCAST_MAC, group, peerMacAddress, macAddress]),
        from: forge.pick([forge.macAddress(), none, BROADCAST_MAC, group, peerMacAddress, macAddress]),
      });
    },
  },
  {
    name: 'ARP fields',
    rows: [2],
    weight: 15,
    make(forge) {
      const frame = forge.arp(forge.pick([REQUEST, REPLY]), forge.macAddress(), forge.neighbourAddress());
      const view = new DataView(frame.buffer);
      for (let left = forge.between(1, 2); left > 0; left--) {
        switch (forge.below(4)) {
          case 0:
            view.setUint16(14, forge.pick([0, 2, 6, 0x0100, forge.below(65_536)]));
            break;
          case 1:
            view.setUint16(16, forge.pick([0, 0x0806, 0x86dd, forge.below(65_536)]));
            break;
          case 2:
            view.setUint8(forge.pick([18, 19]), forge.pick([0, 1, 4, 5, 6, 7, 16, 255]));
            break;
          default:
            view.setUint16(20, forge.pick([0, 3, 4, 8, 9, 25, ...EXTREMES_16]));
        }
      }
      return forge.oneIn(4) ? frame.subarray(0, forge.between(14, 42)) : frame;
    },
  },
  {
    name: 'ARP senders that cannot be',
    rows: [2, 4, 7],
    weight: 15,
    make(forge) {
      const { address, macAddress, peerMacAddress } = forge.target;
      const sender = forge.pick([
        forge.macAddress(),
        BROADCAST_MAC,
        { high: 0x0100, low: 0x5e00_0001 },
        { high: 0, low: 0 },
        macAddress,
      ]);
      const from = forge.pick([sender, peerMacAddress, forge.macAddress()]);
      const senderAddress = forge.pick([0, -1, 0x7f00_0001, 0xe000_0001 | 0, address, address | 255, forge.stranger()]);
      const target = forge.pick([address, senderAddress, 0, forge.neighbourAddress()]);
      return forge.arp(forge.pick([REQUEST, REPLY]), sender, senderAddress, { from, target });
    },
  },
  {
    name: 'ARP from many neighbours',
    rows: [2, 11, 35],
    weight: 30,
    make(forge) {
      const operation = forge.oneIn(3) ? REPLY : REQUEST;
      const { address, macAddress } = forge.target;
      const target = forge.oneIn(4) ? forge.neighbourAddress() : address;
      const to = forge.oneIn(2) ? macAddress : BROADCAST_MAC;
      return forge.arp(operation, forge.macAddress(), forge.neighbourAddress(), { target, to });
    },
  },
];

/** Something the target would take if nothing were done to it. */
export function valid(forge: Forge): Uint8Array {
  const { target } = forge;
  switch (forge.below(5)) {
    case 0:
      return forge.arp(REQUEST, target.peerMacAddress, target.peerAddress);
    case 1:
      return forge.icmp(8, 0, forge.word(), forge.bytes(forge.length()));
    case 2:
      return forge.say(forge.bytes(forge.length()));
    case 3:
      return forge.tcp(new Uint8Array(0), { tcpOptions: [2, 4, 5, 0xb4, 4, 2, 1, 3, 3, 7] });
    default:
      return forge.udp(forge.bytes(forge.length()));
  }
}

/** A chain of extension headers, neighbour discovery at its end: nothing for a host without IPv6. */
function ipv6Chain(forge: Forge): Uint8Array {
  const chain: number[] = [];
  const headers = forge.below(forge.oneIn(8) ? 100 : 4);
  for (let i = 0; i < headers; i++) {
    const next = i === headers - 1 ? 58 : forge.pick([0, 43, 44, 60, 59]);
    chain.push(
      next,
      forge.oneIn(8) ? 255 : 0,
      forge.pick([0, 1, 194, 5]),
      forge.pick([0, 4, 255]),
      ...bytes32(forge.word()),
    );
  }
  const body = forge.icmpMessage(forge.between(133, 137), 0, 0, forge.bytes(forge.below(64)));
  const packet = new Uint8Array(40 + chain.length + body.length);
  const view = new DataView(packet.buffer);
  view.setInt32(0, 0x6000_0000);
  view.setUint16(4, forge.oneIn(4) ? forge.pick(EXTREMES_16) : packet.length - 40);
  view.setUint8(6, headers === 0 ? 58 : 0);
  view.setUint8(7, forge.pick([255, 64, 1, 0]));
  packet.set(forge.bytes(32), 8);
  packet.set(chain, 40);
  packet.set(body, 40 + chain.length);
  return packet;
}
