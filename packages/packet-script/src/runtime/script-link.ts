import { type Packet, type PacketPool, TimestampSource } from '@prism-net/buffers';
import { type Link, type LinkCapabilities, LinkStatistics } from '@prism-net/link';
import { arp, ethernet } from '@prism-net/wire';
import { Difference } from '../values/unsupported.js';

const HOST_MAC = { high: 0x0200, low: 0x0000_0001 } as const;
const PEER_MAC = { high: 0x0200, low: 0x0000_0002 } as const;
const ETHERNET_OVERHEAD = ethernet.HEADER_LENGTH;
/** IPv4's and TCP's, without options. */
const HEADERS = 40;

/**
 * A cable whose other end is the script: frames put in by {@link inject} are received by the host, frames the host sends
 * are handed to a listener. Every address but the host's own answers ARP.
 */
export class ScriptLink implements Link {
  readonly name = 'script';
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  readonly hostMac = HOST_MAC;
  readonly peerMac = PEER_MAC;

  readonly #ownAddress: number;
  readonly #sent: (frame: Uint8Array) => void;
  #pool: PacketPool | null = null;
  #waiting: Packet[] = [];
  #isClosed = false;

  constructor(mtu: number, ownAddress: number, sent: (frame: Uint8Array) => void) {
    this.#ownAddress = ownAddress;
    this.#sent = sent;
    this.capabilities = {
      mtu,
      macAddress: HOST_MAC,
      mode: 'script',
      loopback: false,
      receiveChecksum: false,
      transmitChecksum: false,
      segmentation: 0,
      maximumSegments: 65_535,
      timestamps: TimestampSource.NONE,
      queues: 1,
    };
  }

  /** Whose packets carry the frames that come in: the host's. */
  attach(pool: PacketPool): void {
    this.#pool = pool;
  }

  /** Queues a frame for the host. @throws Difference when the host's pool is empty: packets were lost track of */
  inject(frame: Uint8Array): void {
    let first: Packet | null = null;
    let last: Packet | null = null;
    for (let at = 0; at < frame.length; ) {
      const packet = this.#pool?.take() ?? null;
      if (packet === null) {
        first?.release();
        throw new Difference('the packet pool of the host is empty');
      }
      // The IP header starts on a 4-byte boundary.
      if (first === null) packet.offset = (packet.offset + 2) | 0;
      const length = Math.min(packet.tailroom, frame.length - at);
      packet.memory.write(packet.offset, frame, at, length);
      packet.length = length;
      at += length;
      if (last !== null) last.nextSegment = packet;
      last = packet;
      first ??= packet;
    }
    if (first === null) return;
    // Longer than the wire takes: as if a card had put it together (large receive offload), which scripts count on.
    if (frame.length > this.capabilities.mtu + ETHERNET_OVERHEAD) first.gsoSize = this.capabilities.mtu - HEADERS;
    this.#waiting.push(first);
  }

  receive(burst: Packet[], maximum: number): number {
    const count = Math.min(this.#waiting.length, maximum);
    for (let i = 0; i < count; i++) {
      burst[i] = this.#waiting[i]!;
      this.statistics.countReceived(1, burst[i]!.totalLength);
    }
    this.#waiting = this.#waiting.slice(count);
    return count;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    for (let i = from; i < from + count; i++) {
      const packet = burst[i]!;
      const frame = packet.toBytes();
      packet.release();
      this.statistics.countTransmitted(1, frame.length);
      if (this.#isClosed) continue;
      if (frame.length > this.capabilities.mtu + ETHERNET_OVERHEAD) {
        throw new Difference(`the host sent ${frame.length} bytes over a link with an MTU of ${this.capabilities.mtu}`);
      }
      if (!this.#answerArp(frame)) this.#sent(frame);
    }
    return count;
  }

  arm(): boolean {
    return this.#waiting.length === 0;
  }

  nextReceive(): number {
    return this.#waiting.length > 0 ? 0 : -1;
  }

  close(): void {
    this.#isClosed = true;
    for (const packet of this.#waiting) packet.release();
    this.#waiting = [];
  }

  #answerArp(frame: Uint8Array): boolean {
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    if (ethernet.etherType(view, 0) !== ethernet.EtherType.ARP) return false;
    const at = ethernet.HEADER_LENGTH;
    const target = arp.targetProtocol(view, at);
    // Announcements and probes of the host's own address are for nobody.
    if (arp.operation(view, at) !== arp.Operation.REQUEST || target === this.#ownAddress) return true;
    const reply = new Uint8Array(at + arp.PACKET_LENGTH);
    const out = new DataView(reply.buffer);
    ethernet.write(out, 0, HOST_MAC.high, HOST_MAC.low, PEER_MAC.high, PEER_MAC.low, ethernet.EtherType.ARP);
    const sender = arp.senderProtocol(view, at);
    const { REPLY } = arp.Operation;
    arp.write(out, at, REPLY, PEER_MAC.high, PEER_MAC.low, target, HOST_MAC.high, HOST_MAC.low, sender);
    this.inject(reply);
    return true;
  }
}
