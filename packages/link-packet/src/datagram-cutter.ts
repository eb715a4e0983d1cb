import { ChecksumState, foldSum, type Packet, type PacketPool } from '@prism-net/buffers';
import { ipv4, udp } from '@prism-net/wire';
import { TransportHeader } from './transport-header.js';

const { UDP } = ipv4.Protocol;
const IPV6_HEADER = 40;
const IPV6_PAYLOAD_LENGTH = 4;
const IPV6_ADDRESSES = 8;
const IPV6_ADDRESSES_LENGTH = 32;
const UDP_LENGTH = 4;

/**
 * Cuts what a sender gave its kernel by UDP_SEGMENT, or GRO put together, into the datagrams it stands for: one call may
 * carry many, each of which is a message of its own. (TCP's super-segments stay whole: a stream has no borders.)
 */
export class DatagramCutter {
  readonly #pool: PacketPool;
  readonly #header = new TransportHeader();
  /** Datagrams that were cut and not taken yet, from `#first` on. */
  readonly #packets: Packet[] = [];
  #first = 0;
  #end = 0;
  /** What is copied next: a segment of the packet, and where in its frame. */
  #source: Packet | null = null;
  #at = 0;

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** Datagrams that can be taken. */
  get waiting(): number {
    return (this.#end - this.#first) | 0;
  }

  /** Takes a packet of datagrams with `size` bytes of payload each, the last one perhaps with fewer. Returns how many were lost. */
  cut(packet: Packet, size: number): number {
    const header = this.#header;
    let total = packet.totalLength;
    if (!header.read(packet) || header.isTcp || size <= 0) {
      packet.release();
      return 1;
    }
    const headers = header.end;
    total = (total - headers) | 0;
    this.#source = packet;
    this.#at = (packet.offset + headers) | 0;
    let done = 0;
    let index = 0;
    let lost = 0;
    while (done < total) {
      const payload = Math.min(size, (total - done) | 0);
      const datagram = this.#copy(packet, headers, payload);
      if (datagram === null) {
        lost = Math.ceil((total - done) / size);
        break;
      }
      this.#finish(datagram, payload, index);
      this.#packets[this.#end] = datagram;
      this.#end = (this.#end + 1) | 0;
      done = (done + payload) | 0;
      index = (index + 1) | 0;
    }
    this.#source = null;
    packet.release();
    return lost;
  }

  /** Puts a packet behind those that wait, and takes the first of them. */
  exchange(packet: Packet | null): Packet | null {
    if (packet !== null) {
      this.#packets[this.#end] = packet;
      this.#end = (this.#end + 1) | 0;
    }
    return this.takeOne();
  }

  /** The next datagram; null when there is none. */
  takeOne(): Packet | null {
    if (this.#first === this.#end) return null;
    const packet = this.#packets[this.#first]!;
    this.#first = (this.#first + 1) | 0;
    if (this.#first === this.#end) {
      this.#first = 0;
      this.#end = 0;
    }
    return packet;
  }

  /** Puts datagrams into `burst`, from index `from` and up to `maximum`; returns the index behind them. */
  take(burst: Packet[], from: number, maximum: number): number {
    let at = from;
    while (at < maximum && this.#first !== this.#end) {
      burst[at] = this.takeOne()!;
      at = (at + 1) | 0;
    }
    return at;
  }

  close(): void {
    for (let packet = this.takeOne(); packet !== null; packet = this.takeOne()) packet.release();
  }

  /** The headers, and the next `payload` bytes, in frames of the pool; null when they run out. */
  #copy(packet: Packet, headers: number, payload: number): Packet | null {
    const first = this.#pool.take();
    if (first === null) return null;
    first.offset = (first.offset + 2) | 0; // the IP header on a 4-byte boundary
    first.memory.copy(first.offset, packet.offset, headers);
    first.length = headers;
    first.timestampSource = packet.timestampSource;
    first.timestampSeconds = packet.timestampSeconds;
    first.timestampNanoseconds = packet.timestampNanoseconds;
    let target = first;
    let left = payload;
    while (left > 0) {
      if (target.tailroom === 0) {
        const next = this.#pool.take();
        if (next === null) {
          first.release();
          return null;
        }
        target.nextSegment = next;
        target = next;
      }
      const source = this.#source!;
      const part = Math.min(left, target.tailroom, (source.end - this.#at) | 0);
      target.memory.copy(target.end, this.#at, part);
      target.length = (target.length + part) | 0;
      left = (left - part) | 0;
      this.#at = (this.#at + part) | 0;
      if (this.#at === source.end && source.nextSegment !== null) {
        this.#source = source.nextSegment;
        this.#at = source.nextSegment.offset;
      }
    }
    return first;
  }

  /** Lengths, identification, and checksums: that of UDP is PARTIAL, it has not crossed a wire like this. */
  #finish(datagram: Packet, payload: number, index: number): void {
    const { view, offset } = datagram;
    const header = this.#header;
    const transport = (offset + header.start) | 0;
    const length = (udp.HEADER_LENGTH + payload) | 0;
    view.setUint16((transport + UDP_LENGTH) | 0, length);
    const network = (offset + header.network) | 0;
    let sum = 0;
    if (header.isIpv6) {
      view.setUint16((network + IPV6_PAYLOAD_LENGTH) | 0, (transport - network - IPV6_HEADER + length) | 0);
      sum = datagram.memory.sum((network + IPV6_ADDRESSES) | 0, IPV6_ADDRESSES_LENGTH, foldSum((UDP + length) | 0));
    } else {
      ipv4.setTotalLength(view, network, (transport - network + length) | 0);
      ipv4.setIdentification(view, network, (ipv4.identification(view, network) + index) & 0xffff);
      ipv4.updateChecksum(view, network);
      sum = ipv4.pseudoHeaderSum(ipv4.source(view, network), ipv4.destination(view, network), UDP, length);
    }
    udp.setChecksum(view, transport, foldSum(sum));
    datagram.checksumState = ChecksumState.PARTIAL;
  }
}
