import { type Packet, type PacketPool, sumBytes } from '@prism-net/buffers';
import type { Jack, Line } from '@prism-net/sim';
import { ethernet, ipv4, type MacAddress, tcp, tcpOptions } from '@prism-net/wire';
import { makeArpReply } from './arp-reply.js';

/**
 * What a hoarder wants the host to keep: text nobody reads, text ahead of gaps, text it does not let the host send, or text
 * it does not acknowledge.
 */
export const HOARD_KINDS = ['unread', 'gaps', 'zero-window', 'unacknowledged'] as const;
export type HoardKind = (typeof HOARD_KINDS)[number];

const { ACK, RST, SYN } = tcp.Flag;
const NETWORK = ethernet.HEADER_LENGTH;
const TRANSPORT = NETWORK + ipv4.MINIMUM_HEADER_LENGTH;
const FIRST_PORT = 10_000;
const SEGMENT = 1400;

interface Hoard {
  readonly kind: HoardKind;
  readonly port: number;
  /** Their next byte, and ours; both initial sequence numbers are known. */
  theirNext: number;
  next: number;
  /** Behind the last byte the host allows. */
  edge: number;
  scale: number;
  isOpen: boolean;
  isReset: boolean;
}

/** Hundreds of peers in one machine, each of which keeps as much of a host's memory as it can. */
export class Hoarder implements Jack {
  readonly name = 'hoarder';
  line: Line | null = null;
  /** Connections that were reset. */
  resets = 0;
  readonly hoards: Hoard[] = [];
  readonly #own: number;
  readonly #macAddress: MacAddress;
  readonly #pool: PacketPool;
  readonly #target: { readonly macAddress: MacAddress; readonly address: number };

  constructor(
    own: number,
    macAddress: MacAddress,
    pool: PacketPool,
    target: { readonly macAddress: MacAddress; readonly address: number },
  ) {
    this.#own = own;
    this.#macAddress = macAddress;
    this.#pool = pool;
    this.#target = target;
  }

  /** Opens one more connection, to the port of its kind. */
  open(kind: HoardKind): void {
    const port = FIRST_PORT + this.hoards.length;
    const hoard = { kind, port, theirNext: 0, next: 0, edge: 0, scale: 0, isOpen: false, isReset: false };
    this.hoards.push(hoard);
    this.#send(hoard, SYN, 0, 0);
  }

  /** Everybody sends what the host may have to keep. */
  press(): void {
    // The line is full of what others send: a SYN may be lost, and is sent again.
    for (const hoard of this.hoards) if (!hoard.isOpen && !hoard.isReset) this.#send(hoard, SYN, 0, 0);
    for (const hoard of this.hoards) if (hoard.isOpen && !hoard.isReset) this.#press(hoard);
  }

  arrive(packet: Packet): boolean {
    const { view, offset } = packet;
    if (ethernet.etherType(view, offset) === ethernet.EtherType.ARP) {
      this.#resolve(packet);
      return true;
    }
    const at = offset + TRANSPORT;
    const hoard = this.hoards[tcp.destinationPort(view, at) - FIRST_PORT];
    if (hoard !== undefined) this.#receive(hoard, view, at, packet.end);
    packet.release();
    return true;
  }

  #receive(hoard: Hoard, view: DataView, at: number, end: number): void {
    const flags = tcp.flags(view, at);
    if ((flags & RST) !== 0) {
      if (!hoard.isReset) this.resets += 1;
      hoard.isReset = true;
      return;
    }
    const sequence = tcp.sequence(view, at);
    const header = tcp.headerLength(view, at);
    const length = end - at - header;
    if ((flags & SYN) !== 0 && hoard.isOpen) {
      this.#send(hoard, ACK, hoard.next, 0);
      return;
    }
    if ((flags & SYN) !== 0) {
      hoard.theirNext = (sequence + 1) | 0;
      hoard.next = 1;
      hoard.isOpen = true;
      hoard.scale = this.#scaleOf(view, at, header);
      hoard.edge = (hoard.next + tcp.window(view, at)) | 0;
      this.#send(hoard, ACK, hoard.next, 0);
      return;
    }
    const edge = (tcp.acknowledgement(view, at) + (tcp.window(view, at) << hoard.scale)) | 0;
    if (((edge - hoard.edge) | 0) > 0) hoard.edge = edge;
    const acknowledged = tcp.acknowledgement(view, at);
    // What was dropped is sent again, but never what is in a gap.
    if (hoard.kind === 'unread' && acknowledged !== hoard.next && length === 0) hoard.next = acknowledged;
    if (length > 0 && hoard.kind !== 'unacknowledged') {
      if (hoard.kind !== 'zero-window' && sequence === hoard.theirNext) hoard.theirNext = (sequence + length) | 0;
      // A probe is answered, so that the connection lives: the window is still shut.
      this.#send(hoard, ACK, hoard.next, 0);
    }
  }

  #press(hoard: Hoard): void {
    if (hoard.kind === 'unread') {
      for (let i = 0; i < 8 && ((hoard.edge - hoard.next) | 0) >= SEGMENT; i++) {
        this.#send(hoard, ACK, hoard.next, SEGMENT);
        hoard.next = (hoard.next + SEGMENT) | 0;
      }
    } else if (hoard.kind === 'gaps') {
      for (let i = 0; i < 8; i++) {
        const at = (hoard.next + 1 + 2 * SEGMENT * i) | 0;
        if (((hoard.edge - at) | 0) < SEGMENT) return;
        this.#send(hoard, ACK, at, SEGMENT);
      }
    }
  }

  #scaleOf(view: DataView, at: number, header: number): number {
    for (let i = at + 20; i < at + header; ) {
      const kind = view.getUint8(i);
      if (kind === 3) return view.getUint8(i + 2);
      i += kind <= 1 ? 1 : view.getUint8(i + 1);
    }
    return 0;
  }

  #send(hoard: Hoard, flags: number, sequence: number, length: number): void {
    const packet = this.#pool.take();
    if (packet === null) throw new Error('the network is out of frames');
    const { view, offset } = packet;
    const { macAddress, address } = this.#target;
    const own = this.#own;
    ethernet.write(
      view,
      offset,
      macAddress.high,
      macAddress.low,
      this.#macAddress.high,
      this.#macAddress.low,
      ethernet.EtherType.IPV4,
    );
    const at = offset + TRANSPORT;
    let header = tcp.MINIMUM_HEADER_LENGTH;
    if (flags === SYN) {
      header += tcpOptions.writeMaximumSegmentSize(view, at + header, 1460);
      header += tcpOptions.writeWindowScale(view, at + header, 7);
    }
    // The window is open until there is something to keep.
    const isShut = hoard.kind === 'zero-window' && hoard.isOpen && flags !== SYN && sequence !== 1;
    const window = isShut || (hoard.kind === 'zero-window' && flags !== SYN) ? 0 : 65_535;
    const total = ipv4.MINIMUM_HEADER_LENGTH + header + length;
    ipv4.write(view, offset + NETWORK, 0, total, 0, ipv4.DONT_FRAGMENT, 64, ipv4.Protocol.TCP, own, address);
    const port = PORTS[hoard.kind];
    tcp.write(view, at, hoard.port, port, sequence, flags === SYN ? 0 : hoard.theirNext, header, flags, window);
    view.setUint8(at + header, 0);
    packet.length = TRANSPORT + header + length;
    tcp.setChecksum(view, at, 0);
    const pseudo = tcp.pseudoHeaderSum(own, address, header + length);
    tcp.setChecksum(view, at, ~sumBytes(view, at, header + length, pseudo) & 0xffff);
    this.line!.send(packet);
  }

  #resolve(packet: Packet): void {
    if (makeArpReply(packet, this.#own, this.#macAddress)) this.line!.send(packet);
    else packet.release();
  }
}

/** Where the host has an application that lets itself be treated so. */
export const PORTS: Readonly<Record<HoardKind, number>> = {
  unread: 81,
  gaps: 82,
  'zero-window': 83,
  unacknowledged: 84,
};
