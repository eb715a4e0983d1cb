import { addWord32, ChecksumState, foldSum, type Packet } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { IpAddress, ipv4, tcp } from '@prism-net/wire';
import { expect } from 'vitest';
import type { FlowKey } from './opening/index.js';
import type { Network } from './path/network.js';
import type { Path } from './path/path.js';
import type { Addresses } from './segment.js';
import { readSegment, type SentSegment } from './segments.testkit.js';

export const HERE = IpAddress.parse('10.0.0.1');
/** The third word of an IPv4 address written as an IPv6 one (RFC 4291 §2.5.5.2). */
export const MAPPED = 0xffff;

/** A network layer without a network: what TCP sends is read, checked, and given to `onSent`. */
export class FakeNetwork implements Network {
  readonly family = 4;
  readonly headerLength = 20;
  readonly minimumMtu = 68;
  index = 0;
  /** Path MTU to everywhere. The interface takes 1,500 bytes, or as much as the path. */
  mtu = 1500;
  /** What the interface takes. */
  interfaceMtu = 1500;
  isReachable = true;
  /** Frames the interface takes; each segment that is sent takes its share. */
  freeFrames = 1 << 20;
  /** Whoever sends completes the checksums. */
  completesChecksum = false;
  takesVirtualSegments = false;
  sendsViews = false;
  /** Own addresses. */
  readonly local: IpAddress[] = [HERE];
  /** Segments sent, virtual ones once. */
  sentCount = 0;
  /** Bytes of IP datagrams sent. */
  sentBytes = 0;
  clock: () => number = () => 0;
  onSent: (segment: SentSegment, remote: number) => void = () => {};

  keyOf(addresses: Addresses, key: FlowKey): void {
    key.setIpv4(addresses.localD, addresses.remoteD, addresses.localPort, addresses.remotePort);
  }

  resolve(path: Path): Errno {
    if (!this.isReachable) return Errno.ENETUNREACH;
    if (path.remoteD >>> 28 === 14 || path.remoteD === -1) return Errno.EACCES;
    path.localC = MAPPED;
    if (path.localD === 0) path.localD = this.local[0]!.d;
    path.pseudoHeader = foldSum(addWord32(addWord32(ipv4.Protocol.TCP, path.localD), path.remoteD));
    path.mtu = this.mtu;
    path.interfaceMtu = this.interfaceMtu;
    path.interfaceMtu = Math.max(1500, this.mtu);
    path.completesChecksum = this.completesChecksum;
    path.takesVirtualSegments = this.takesVirtualSegments;
    path.sendsViews = this.sendsViews;
    return Errno.NONE;
  }

  isCurrent(): boolean {
    return true;
  }

  refresh(path: Path): boolean {
    return this.resolve(path) === Errno.NONE;
  }

  room(): number {
    return this.freeFrames;
  }

  isLocalAddress(address: IpAddress): boolean {
    return this.local.some((each) => each.equals(address));
  }

  send(packet: Packet, path: Path, trafficClass: number, timeToLive: number): Errno {
    this.#check(packet, path);
    const bytes = packet.toBytes();
    const { gsoSize } = packet;
    this.sentCount++;
    this.sentBytes += bytes.length + this.headerLength;
    const segment = readSegment(bytes, { gsoSize, trafficClass, timeToLive, at: this.clock() });
    this.freeFrames -= gsoSize === 0 ? 1 : Math.ceil(segment.data.length / gsoSize);
    packet.release();
    this.onSent(segment, path.remoteD);
    return Errno.NONE;
  }

  /** What every segment keeps to: its checksum, and the size of the path. */
  #check(packet: Packet, path: Path): void {
    const length = packet.totalLength;
    const pseudo = foldSum(tcp.pseudoHeaderSum(path.localD, path.remoteD, length));
    const isPartial = packet.checksumState === ChecksumState.PARTIAL;
    // RFC 9293 §3.1, MUST-2: whole, or ready for somebody to complete.
    if (isPartial) expect(tcp.checksum(packet.view, packet.offset)).toBe(pseudo);
    else expect(packet.sum(pseudo), 'checksum').toBe(0xffff);
    if (packet.gsoSize > 0 || path.completesChecksum) expect(isPartial).toBe(true);
    const header = tcp.headerLength(packet.view, packet.offset);
    const text = packet.gsoSize > 0 ? packet.gsoSize : length - header;
    expect(this.headerLength + header + text, 'length on the wire').toBeLessThanOrEqual(this.mtu);
    expect(this.headerLength + length).toBeLessThanOrEqual(65_535);
  }
}
