import { sumBytes } from '@prism-net/buffers';
import type { SeededRandom } from '@prism-net/tables';
import { ethernet, icmpv4, ipv4, udp } from '@prism-net/wire';

/** Longer than the host's MTU allows. */
export const LONGEST = 1600;

const IP = 14;
/** 16-bit fields that lengths, offsets and types are read from: EtherType, ARP lengths, IPv4 and UDP. */
const FIELDS = [12, 18, 20, IP, IP + 2, IP + 4, IP + 6, IP + 8, 34, 36, 38, 40, 42] as const;
const EXTREMES = [0, 1, 4, 7, 8, 19, 20, 21, 27, 28, 0x4500, 0x1fff, 0x2000, 0x3fff, 0x7fff, 0x8000, 0xffff] as const;

/** Spoils valid frames, mostly a little, so that what is wrong lies deep: below is `bytes`, of `length`, the frame made last. */
export class Mutator {
  readonly bytes = new Uint8Array(LONGEST);
  length = 0;
  readonly #view = new DataView(this.bytes.buffer);
  readonly #random: SeededRandom;
  readonly #seeds: readonly Uint8Array[];

  constructor(seeds: readonly Uint8Array[], random: SeededRandom) {
    this.#seeds = seeds;
    this.#random = random;
  }

  next(): void {
    const seed = this.#pick();
    this.bytes.set(seed);
    this.length = seed.length;
    this.#vary();
    for (let left = this.#random.nextBelow(4); left > 0; left--) this.#mutate();
    // Half of them get right checksums again, or hardly any would be looked at more closely.
    if (this.#random.nextBelow(2) === 0) this.#repair();
  }

  #pick(): Uint8Array {
    return this.#seeds[this.#random.nextBelow(this.#seeds.length)]!;
  }

  /** Other hosts, ports and datagrams: tables fill. */
  #vary(): void {
    const random = this.#random;
    if (this.length < 34 || ethernet.etherType(this.#view, 0) !== ethernet.EtherType.IPV4) return;
    if (random.nextBelow(4) === 0) this.bytes[IP + 15] = random.nextBelow(256);
    if (random.nextBelow(4) === 0) ipv4.setIdentification(this.#view, IP, random.nextBelow(64));
    if (random.nextBelow(64) === 0) this.#view.setInt32(IP + 12, random.nextInt32());
  }

  #mutate(): void {
    const random = this.#random;
    switch (random.nextBelow(9)) {
      case 0:
      case 1: // one bit
        if (this.length > 0) this.bytes[random.nextBelow(this.length)]! ^= 1 << random.nextBelow(8);
        break;
      case 2: // one byte among the headers
        this.bytes[random.nextBelow(64)] = random.nextInt32();
        break;
      case 3: // a field at its limits
      case 4:
        this.#view.setUint16(FIELDS[random.nextBelow(FIELDS.length)]!, EXTREMES[random.nextBelow(EXTREMES.length)]!);
        break;
      case 5: // cut short
        this.length = random.nextBelow(this.length + 1);
        break;
      case 6: {
        // bytes behind the end
        const end = Math.min(LONGEST, this.length + random.nextBelow(200));
        for (let at = this.length; at < end; at++) this.bytes[at] = random.nextInt32();
        this.length = end;
        break;
      }
      case 7: {
        // the tail of another frame
        const other = this.#pick();
        const cut = random.nextBelow(Math.min(this.length, other.length) + 1);
        this.bytes.set(other.subarray(cut), cut);
        this.length = other.length;
        break;
      }
      default: // noise
        if (random.nextBelow(8) !== 0) break;
        for (let at = random.nextBelow(15); at < this.length; at++) this.bytes[at] = random.nextInt32();
    }
  }

  #repair(): void {
    const view = this.#view;
    if (this.length < 34 || ethernet.etherType(view, 0) !== ethernet.EtherType.IPV4) return;
    const header = ipv4.headerLength(view, IP);
    if (header < 20 || IP + header > this.length) return;
    ipv4.updateChecksum(view, IP);
    const at = IP + header;
    const length = Math.min(ipv4.totalLength(view, IP) - header, this.length - at);
    if (length < 8 || ipv4.isFragment(view, IP)) return;
    switch (ipv4.protocol(view, IP)) {
      case ipv4.Protocol.UDP: {
        const datagram = Math.min(udp.length(view, at), length);
        if (datagram < 8) return;
        udp.setChecksum(view, at, 0);
        const pseudoHeader = udp.pseudoHeaderSum(ipv4.source(view, IP), ipv4.destination(view, IP), datagram);
        udp.setChecksum(view, at, udp.finishChecksum(sumBytes(view, at, datagram, pseudoHeader)));
        break;
      }
      case ipv4.Protocol.ICMP:
        icmpv4.setChecksum(view, at, 0);
        icmpv4.setChecksum(view, at, ~sumBytes(view, at, length, 0) & 0xffff);
        break;
      default:
    }
  }
}
