import { sumBytes } from '@prism-net/buffers';
import type { SeededRandom } from '@prism-net/tables';
import { ethernet, ipv4, type MacAddress, tcp, tcpOptions } from '@prism-net/wire';

/** Frames of a flood. */
export const FLOOD_KINDS = ['syn', 'ack-closed', 'ack-listening', 'in-window', 'mixed'] as const;
export type FloodKind = (typeof FLOOD_KINDS)[number];
const SIMPLE_KINDS = ['syn', 'ack-closed', 'ack-listening', 'in-window'] as const;

export interface FloodTarget {
  readonly macAddress: MacAddress;
  readonly address: number;
  /** A port that listens. */
  readonly port: number;
  /** A connection that lives: its names at both ends. */
  readonly peerAddress: number;
  readonly peerPort: number;
  readonly ownAddress: number;
  readonly ownPort: number;
}

/** Addresses the sources are drawn from: `base` and `bits` bits behind it, each of which comes once before any comes again. */
export interface FloodSources {
  readonly base: number;
  readonly bits: number;
}

const { ACK, RST, SYN } = tcp.Flag;
const NETWORK = ethernet.HEADER_LENGTH;
const TRANSPORT = NETWORK + ipv4.MINIMUM_HEADER_LENGTH;
const OPTIONS = TRANSPORT + tcp.MINIMUM_HEADER_LENGTH;
const FROM: MacAddress = { high: 0x0200, low: 0x00ff_0001 };
/** Odd: all numbers of so many bits come, in an order that no table likes. */
const STRIDE = 0x9e37_79b1;

/** Writes one frame after the other, each from another source. */
export class FloodFrame {
  readonly bytes = new Uint8Array(128);
  length = 0;
  readonly #view = new DataView(this.bytes.buffer);
  readonly #target: FloodTarget;
  readonly #sources: FloodSources;
  readonly #random: SeededRandom;
  #count = 0;

  constructor(target: FloodTarget, sources: FloodSources, random: SeededRandom, from: MacAddress = FROM) {
    this.#target = target;
    this.#sources = sources;
    this.#random = random;
    const { high, low } = target.macAddress;
    ethernet.write(this.#view, 0, high, low, from.high, from.low, ethernet.EtherType.IPV4);
  }

  /** The next frame, into {@link bytes}. */
  next(kind: FloodKind): void {
    const random = this.#random;
    const { address, port, peerAddress, peerPort, ownAddress, ownPort } = this.#target;
    const simple = kind === 'mixed' ? SIMPLE_KINDS[random.nextInt32() & 3]! : kind;
    const word = random.nextInt32();
    const sourcePort = 1024 + (word & 0x7fff);
    const sequence = random.nextInt32();
    switch (simple) {
      case 'syn':
        this.#write(this.#source(), address, sourcePort, port, sequence, 0, SYN);
        return;
      case 'ack-closed':
        this.#write(this.#source(), address, sourcePort, 1 + ((word >>> 16) & 63), sequence, random.nextInt32(), ACK);
        return;
      case 'ack-listening':
        this.#write(this.#source(), address, sourcePort, port, sequence, random.nextInt32(), ACK);
        return;
      case 'in-window': {
        // Somebody who knows the names of the connection, but not where its windows are.
        const flags = (word & 3) === 0 ? RST : (word & 3) === 1 ? SYN : ACK;
        this.#write(peerAddress, ownAddress, peerPort, ownPort, sequence, random.nextInt32(), flags);
      }
    }
  }

  #source(): number {
    const { base, bits } = this.#sources;
    this.#count = (this.#count + 1) | 0;
    // Neither the first addresses, where routers and hosts are, nor the broadcast address.
    const host = Math.imul(this.#count, STRIDE) >>> (32 - bits);
    return base | Math.min(Math.max(host, 256), 2 ** bits - 2) | 0;
  }

  #write(
    source: number,
    destination: number,
    sourcePort: number,
    destinationPort: number,
    sequence: number,
    acknowledgement: number,
    flags: number,
  ): void {
    const view = this.#view;
    let at = OPTIONS;
    if (flags === SYN) {
      // What a usual SYN has.
      at += tcpOptions.writeMaximumSegmentSize(view, at, 1460);
      at += tcpOptions.writeSackPermittedTimestamps(view, at, sequence ^ 0x1234_5678, 0);
      at += tcpOptions.writeWindowScale(view, at, 7);
    }
    this.length = at;
    const header = at - TRANSPORT;
    ipv4.write(view, NETWORK, 0, at - NETWORK, 0, ipv4.DONT_FRAGMENT, 64, ipv4.Protocol.TCP, source, destination);
    tcp.write(view, TRANSPORT, sourcePort, destinationPort, sequence, acknowledgement, header, flags, 64_240);
    tcp.setChecksum(view, TRANSPORT, 0);
    const pseudo = tcp.pseudoHeaderSum(source, destination, header);
    tcp.setChecksum(view, TRANSPORT, ~sumBytes(view, TRANSPORT, header, pseudo) & 0xffff);
  }
}
