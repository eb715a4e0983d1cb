import { sumBytes } from '@prism-net/buffers';
import { ethernet, icmpv4, ipv4, tcp, udp } from '@prism-net/wire';
import { valid } from './ethernet-families.js';
import type { Family } from './family.js';
import type { Forge } from './forge.js';

const IP = 14;
/** 16-bit fields that lengths, offsets, types and bits are read from. */
const FIELDS = [
  12,
  16,
  18,
  20,
  ...[0, 2, 4, 6, 8].map((at) => IP + at),
  34,
  36,
  38,
  40,
  42,
  44,
  46,
  48,
  50,
  52,
  54,
  56,
];
const EXTREMES = [
  0, 1, 4, 7, 8, 19, 20, 21, 28, 0x4500, 0x4f00, 0x5010, 0xf010, 0x1fff, 0x2000, 0x3fff, 0x7fff, 0x8000, 0xffff,
];

/** A valid frame with a few things wrong, mostly with right checksums, so that what is wrong is looked at. */
export function mutated(forge: Forge, original: Uint8Array = valid(forge)): Uint8Array {
  let frame = original.slice();
  for (let left = forge.between(1, 4); left > 0; left--) frame = mutate(forge, frame);
  if (!forge.oneIn(3)) repair(frame);
  return frame;
}

function mutate(forge: Forge, frame: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const { length } = frame;
  switch (forge.below(9)) {
    case 0:
    case 1: // one bit
      if (length > 0) frame[forge.below(length)]! ^= 1 << forge.below(8);
      return frame;
    case 2: // one byte among the headers
      if (length > 0) frame[forge.below(Math.min(length, 74))] = forge.word();
      return frame;
    case 3: // a field at its limits
    case 4:
    case 5: {
      const at = forge.pick(FIELDS);
      if (at + 2 <= length) new DataView(frame.buffer, frame.byteOffset).setUint16(at, forge.pick(EXTREMES));
      return frame;
    }
    case 6: // cut short, but not below what a cable carries
      return length > 14 ? frame.slice(0, forge.between(14, length)) : frame;
    case 7: {
      // bytes behind the end
      const longest = forge.target.cableMtu + 14;
      const longer = new Uint8Array(Math.max(length, Math.min(longest, length + forge.below(200))));
      longer.set(forge.bytes(longer.length));
      longer.set(frame);
      return longer;
    }
    default: {
      // the tail of another frame
      const other = valid(forge).slice();
      const cut = forge.below(Math.min(length, other.length) + 1);
      other.set(frame.subarray(0, cut));
      return other;
    }
  }
}

/** Checksums as they should be, of what can be understood. */
function repair(frame: Uint8Array<ArrayBuffer>): void {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  if (frame.length < IP + 20 || ethernet.etherType(view, 0) !== ethernet.EtherType.IPV4) return;
  const header = ipv4.headerLength(view, IP);
  if (header < 20 || IP + header > frame.length) return;
  ipv4.updateChecksum(view, IP);
  const at = IP + header;
  const length = Math.min(ipv4.totalLength(view, IP) - header, frame.length - at);
  if (length < 8 || ipv4.isFragment(view, IP)) return;
  const source = ipv4.source(view, IP);
  const destination = ipv4.destination(view, IP);
  switch (ipv4.protocol(view, IP)) {
    case ipv4.Protocol.UDP: {
      const datagram = Math.min(udp.length(view, at), length);
      if (datagram < 8) return;
      udp.setChecksum(view, at, 0);
      const sum = sumBytes(view, at, datagram, udp.pseudoHeaderSum(source, destination, datagram));
      udp.setChecksum(view, at, udp.finishChecksum(sum));
      break;
    }
    case ipv4.Protocol.TCP:
      if (length < 20) return;
      tcp.setChecksum(view, at, 0);
      tcp.setChecksum(view, at, ~sumBytes(view, at, length, tcp.pseudoHeaderSum(source, destination, length)) & 0xffff);
      break;
    case ipv4.Protocol.ICMP:
      icmpv4.setChecksum(view, at, 0);
      icmpv4.setChecksum(view, at, ~sumBytes(view, at, length, 0) & 0xffff);
      break;
    default:
  }
}

export const MUTATION_FAMILIES: readonly Family[] = [
  {
    name: 'mutations of valid frames',
    rows: [1, 2, 5, 6, 10, 13, 17, 18, 19],
    weight: 200,
    make: (forge) => mutated(forge),
  },
];
