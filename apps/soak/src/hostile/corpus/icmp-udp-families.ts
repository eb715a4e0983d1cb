import { BROADCAST_MAC } from '@prism-net/wire';
import type { Family } from './family.js';
import { ACK, EXTREMES_16, type Forge, ICMP, TCP, UDP } from './forge.js';

const MTUS = [0, 1, 67, 68, 296, 552, 576, 1280, 1499, 1500, 1501, 9000, 65_535] as const;
const CODES = [0, 1, 2, 3, 4, 4, 4, 5, 6, 9, 13, 15, 16, 255] as const;
const ERRORS = [3, 3, 3, 3, 4, 5, 11, 12] as const;

/** A packet the target has sent, or could have, or never did. */
function quoted(forge: Forge): Uint8Array {
  const { address, peerAddress, udpPort } = forge.target;
  const way = { source: address, destination: forge.oneIn(8) ? forge.stranger() : peerAddress };
  if (forge.oneIn(4)) {
    return forge.packet(
      UDP,
      forge.datagram(forge.bytes(8), { ...way, sourcePort: udpPort, destinationPort: forge.port() }),
      way,
    );
  }
  if (forge.oneIn(8)) return forge.packet(ICMP, forge.icmpMessage(forge.pick([0, 3, 8]), 0, 0, forge.bytes(8)), way);
  const conversation = forge.conversation();
  const segment = forge.segment(forge.bytes(8), {
    ...way,
    sourcePort: conversation.port,
    destinationPort: forge.oneIn(8) ? forge.port() : conversation.peerPort,
    sequence: forge.acknowledgement(conversation),
    acknowledgement: conversation.sequence,
    flags: ACK,
  });
  return forge.packet(TCP, segment, way);
}

/** Rows 13 to 17. */
export const ICMP_UDP_FAMILIES: readonly Family[] = [
  {
    name: 'ICMP errors with forged quotes',
    rows: [13, 14],
    weight: 50,
    make(forge) {
      const quote = quoted(forge).subarray(0, forge.oneIn(4) ? 576 : 28);
      const type = forge.pick(ERRORS);
      const rest = forge.oneIn(8) ? forge.word() : forge.pick(MTUS);
      return forge.icmp(type, forge.pick(CODES), rest, quote, { source: forge.source() });
    },
  },
  {
    name: 'ICMP errors with damaged quotes',
    rows: [13, 15],
    weight: 15,
    make(forge) {
      let quote = quoted(forge).slice();
      switch (forge.below(4)) {
        case 0:
          quote = quote.slice(0, forge.below(28));
          break;
        case 1:
          quote[0] = forge.below(256);
          break;
        case 2:
          quote[forge.below(28)] = forge.word();
          break;
        default: // an error about an error
          quote = forge.packet(ICMP, forge.icmpMessage(forge.pick(ERRORS), 0, 0, quote.subarray(0, 28)), {
            source: forge.target.address,
            destination: forge.target.peerAddress,
          }) as Uint8Array<ArrayBuffer>;
      }
      return forge.icmp(forge.pick(ERRORS), forge.pick(CODES), forge.word(), quote, { source: forge.source() });
    },
  },
  {
    name: 'pings of all sizes',
    rows: [15, 16],
    weight: 20,
    make(forge) {
      const data = forge.bytes(forge.oneIn(8) ? forge.target.mtu - 28 : forge.length());
      const { address } = forge.target;
      if (forge.oneIn(4)) {
        const destination = forge.pick([-1, address | 255, 0xe000_0001 | 0]);
        return forge.icmp(8, 0, forge.word(), data, { destination, to: BROADCAST_MAC, source: forge.source() });
      }
      return forge.icmp(8, forge.oneIn(4) ? forge.below(256) : 0, forge.word(), data, { source: forge.source() });
    },
  },
  {
    name: 'ICMP types, cuts and checksums',
    rows: [15],
    weight: 20,
    make(forge) {
      const source = forge.source();
      switch (forge.below(3)) {
        case 0:
          return forge.icmp(forge.below(256), forge.below(256), forge.word(), forge.bytes(forge.length()), { source });
        case 1:
          return forge.ipv4(ICMP, forge.bytes(forge.below(8)), { source });
        default: {
          const checksum = forge.pick([0, 0xffff, forge.below(65_536)]);
          return forge.ipv4(ICMP, forge.icmpMessage(8, 0, forge.word(), forge.bytes(8), checksum), { source });
        }
      }
    },
  },
  {
    name: 'what ICMP says to routers and to clocks',
    rows: [15, 16],
    weight: 8,
    make(forge) {
      const type = forge.pick([5, 9, 10, 13, 14, 15, 16, 17, 18]);
      const data = type === 5 ? quoted(forge).subarray(0, 28) : forge.bytes(forge.pick([0, 4, 12]));
      return forge.icmp(type, forge.below(4), forge.stranger(), data, { source: forge.source() });
    },
  },
  {
    name: 'UDP lengths',
    rows: [17],
    weight: 25,
    make(forge) {
      const data = forge.bytes(forge.length());
      const right = data.length + 8;
      const length = forge.pick([
        0,
        1,
        7,
        8,
        right - 1,
        right + 1,
        forge.below(right),
        right + forge.below(1500),
        0xffff,
      ]);
      return forge.udp(data, { source: forge.source(), length });
    },
  },
  {
    name: 'UDP cut in its header',
    rows: [17],
    weight: 8,
    make: (forge) => forge.ipv4(UDP, forge.bytes(forge.below(8)), { source: forge.source() }),
  },
  {
    name: 'UDP checksums',
    rows: [17],
    weight: 15,
    make(forge) {
      const udpChecksum = forge.pick([0, 0xffff, forge.below(65_536)]);
      return forge.udp(forge.bytes(forge.length()), { source: forge.source(), udpChecksum });
    },
  },
  {
    name: 'UDP ports',
    rows: [16, 17, 35],
    weight: 25,
    make(forge) {
      const { udpPort } = forge.target;
      // Port 0, echo to echo, and a scan that looks for the answers of the limiter of errors.
      const sourcePort = forge.pick([0, 7, 19, udpPort, forge.port()]);
      const destinationPort = forge.oneIn(4) ? forge.pick([0, udpPort]) : forge.port();
      const source = forge.source();
      return forge.udp(forge.bytes(forge.below(32)), { source, sourcePort, destinationPort });
    },
  },
  {
    name: 'UDP to everybody',
    rows: [7, 17],
    weight: 8,
    make(forge) {
      const destination = forge.pick([
        -1,
        forge.target.address | 255,
        0xe000_0001 | 0,
        0xeffe_fdfc | 0,
        EXTREMES_16[0],
      ]);
      return forge.udp(forge.bytes(forge.length()), { destination, to: BROADCAST_MAC, source: forge.source() });
    },
  },
];
