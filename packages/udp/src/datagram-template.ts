import { ChecksumState, type Packet, PacketFlag, PatchedBytes } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { EthernetInterface } from '@prism-net/ethernet';
import type { Instant } from '@prism-net/time';
import { udp } from '@prism-net/wire';
import type { UdpEndpoint } from './udp-endpoint.js';
import type { UdpLayer } from './udp-layer.js';

/** From the start of the UDP header. */
const CHECKSUM = 6;

/**
 * A datagram that is ready to leave: the whole frame with all its headers stands in a packet, patches change its payload
 * and its checksum by the difference (RFC 1624), and a send hands it to the interface without a look at routes or
 * headers. Behind each send the next frame is copied from the one that is kept, so that a patch and a send are all that
 * lies between a decision and the link.
 *
 *     kept     | Ethernet | IPv4 | UDP | payload |   made by a rehearsed send, patched, never sent
 *     loaded   | Ethernet | IPv4 | UDP | payload |   the copy that leaves with the next send, patched likewise
 *
 * What the frame was made from is compared at every send: routes, addresses and path MTU (by the generation of the IPv4
 * layer), the neighbour's address and state, the endpoint's own address, peer and options. Whatever has changed is taken
 * up first; what cannot leave as it stands — its neighbour must be asked for, or the path has become too narrow — goes
 * the way of any other datagram, and fails as it would.
 */
export class DatagramTemplate {
  readonly payload: PatchedBytes;
  /** The last send left something to be done by a poll: packets wait for the link, or for a neighbour. */
  needsPoll = false;
  readonly #endpoint: UdpEndpoint;
  readonly #layer: UdpLayer;
  /** Both 0: to the connected peer, whoever that is. */
  readonly #address: number;
  readonly #port: number;
  /** Null once closed. */
  #kept: Packet | null;
  #loaded: Packet | null = null;
  /** What the frame was made from. */
  #interface: EthernetInterface | null = null;
  #nextHop = 0;
  #asksNeighbour = false;
  #macHigh = 0;
  #macLow = 0;
  #generation = 0;
  #revision = 0;
  #timeToLive = 0;
  #multicastTimeToLive = 0;
  #trafficClass = 0;
  /** From the start of the frame; -1: the link completes it. */
  #checksumAt = -1;

  /** Takes the packet, whose data is the payload; made by `UdpEndpoint.template`. */
  constructor(endpoint: UdpEndpoint, layer: UdpLayer, packet: Packet, address: number, port: number) {
    this.#endpoint = endpoint;
    this.#layer = layer;
    this.#kept = packet;
    this.#address = address;
    this.#port = port;
    this.payload = new PatchedBytes(packet.memory);
    this.payload.at = packet.offset;
    this.payload.length = packet.length;
    this.#prepare(0);
  }

  get isClosed(): boolean {
    return this.#kept === null;
  }

  /**
   * Sends the datagram as it stands, and hands it to the link before it returns, behind what waits there already; with
   * `flush` false it waits for the next poll with the rest. Errors are those of a send of the same payload, and EBADF
   * once the template or its socket is closed.
   */
  send(flush: boolean, now: Instant): Errno {
    if (!this.#isCurrent() && !this.#renew(now)) return this.#sendPlain(flush, now);
    const packet = this.#loaded ?? this.#load();
    if (packet === null) return Errno.ENOBUFS;
    const networkInterface = this.#interface!;
    this.#loaded = null;
    this.payload.mirror = -1;
    if (this.#checksumAt >= 0) {
      packet.view.setUint16((packet.offset + this.#checksumAt) | 0, udp.finishChecksum(this.payload.sum));
    }
    this.#layer.countSent();
    const errno = networkInterface.sendFrame(packet);
    if (flush) networkInterface.flush();
    this.needsPoll = networkInterface.transmitQueued !== 0;
    this.#load();
    return errno;
  }

  /** Does what {@link send} would, up to the link, where nothing arrives; and says what it would have said. */
  warm(now: Instant): Errno {
    if (!this.#isCurrent() && !this.#renew(now)) return this.#rehearse(now);
    const packet = this.#loaded ?? this.#load();
    if (packet === null) return Errno.ENOBUFS;
    if (this.#checksumAt >= 0) {
      packet.view.setUint16((packet.offset + this.#checksumAt) | 0, udp.finishChecksum(this.payload.sum));
    }
    packet.retain();
    packet.flags = PacketFlag.REHEARSAL;
    const errno = this.#interface!.sendFrame(packet);
    packet.flags = 0;
    this.#rehearseLoading();
    return errno;
  }

  /** Gives the packets back. Idempotent. */
  close(): void {
    if (this.#kept === null) return;
    this.payload.forget();
    this.#unload();
    this.#kept.release();
    this.#kept = null;
    this.#revision = (this.#endpoint.revision - 1) | 0;
    this.#endpoint.forgetTemplate(this);
  }

  #isCurrent(): boolean {
    const endpoint = this.#endpoint;
    return (
      this.#generation === this.#layer.ipv4.generation &&
      this.#revision === endpoint.revision &&
      this.#timeToLive === endpoint.timeToLive &&
      this.#trafficClass === endpoint.trafficClass &&
      this.#multicastTimeToLive === endpoint.multicastTimeToLive &&
      (this.#port !== 0 || !endpoint.hasError) &&
      (!this.#asksNeighbour || this.#isNeighbourAsBefore())
    );
  }

  /** Ready to be sent to, at the address the frame has. */
  #isNeighbourAsBefore(): boolean {
    const { neighbours } = this.#interface!;
    const slot = neighbours.lookup(this.#nextHop);
    return (
      slot >= 0 &&
      neighbours.isUsable(slot) &&
      neighbours.macLow(slot) === this.#macLow &&
      neighbours.macHigh(slot) === this.#macHigh
    );
  }

  /** Makes the frame anew. False when it cannot leave by itself. */
  #renew(now: Instant): boolean {
    return this.#prepare(now) && this.#isCurrent();
  }

  /** Lets a rehearsed send write the headers, and keeps the frame. False when there is none, for whatever reason. */
  #prepare(now: Instant): boolean {
    const kept = this.#kept;
    if (kept === null) return false;
    this.#unload();
    const errno = this.#rehearse(now);
    const { payload } = this;
    const isFrame = errno === Errno.NONE && kept.linkOffset === kept.offset && kept.end === payload.at + payload.length;
    const endpoint = this.#endpoint;
    const { route } = endpoint;
    const { ipv4: ipv4Layer } = this.#layer;
    if (!isFrame || route.generation !== ipv4Layer.generation) {
      this.#generation = (ipv4Layer.generation - 1) | 0;
      return false;
    }
    const networkInterface = route.interface!;
    const { view, offset } = kept;
    this.#interface = networkInterface;
    this.#nextHop = route.nextHop;
    this.#asksNeighbour = route.macHigh < 0 && !networkInterface.isLoopback;
    this.#macHigh = view.getUint16(offset);
    this.#macLow = view.getInt32((offset + 2) | 0);
    this.#generation = ipv4Layer.generation;
    this.#revision = endpoint.revision;
    this.#timeToLive = endpoint.timeToLive;
    this.#trafficClass = endpoint.trafficClass;
    this.#multicastTimeToLive = endpoint.multicastTimeToLive;
    const header = (payload.at - udp.HEADER_LENGTH) | 0;
    const isPartial = kept.checksumState === ChecksumState.PARTIAL;
    this.#checksumAt = isPartial ? -1 : (header + CHECKSUM - offset) | 0;
    const checksum = udp.checksum(view, header);
    // Of a datagram whose pseudo-header is not zero the sum never is: 0xffff, sent for 0, can only be its complement.
    payload.sum = checksum === 0xffff ? 0xffff : ~checksum & 0xffff;
    this.#load();
    return true;
  }

  /** The way of an ordinary send with the payload that is kept, up to the link; the packet stays here. */
  #rehearse(now: Instant): Errno {
    const kept = this.#kept;
    if (kept === null) return Errno.EBADF;
    kept.offset = this.payload.at;
    kept.length = this.payload.length;
    kept.linkOffset = -1;
    kept.flags = PacketFlag.REHEARSAL;
    kept.retain();
    return this.#dispatch(kept, now);
  }

  /** Takes the packet. */
  #dispatch(packet: Packet, now: Instant): Errno {
    const endpoint = this.#endpoint;
    return this.#port === 0 ? endpoint.send(packet, now) : endpoint.sendTo(packet, this.#address, this.#port, now);
  }

  #sendPlain(flush: boolean, now: Instant): Errno {
    if (this.#kept === null) return Errno.EBADF;
    const packet = this.#layer.pool.take();
    if (packet === null) return Errno.ENOBUFS;
    packet.memory.copy(packet.offset, this.payload.at, this.payload.length);
    packet.length = this.payload.length;
    this.needsPoll = true;
    const errno = this.#dispatch(packet, now);
    if (flush && errno === Errno.NONE) this.#endpoint.route.interface?.flush();
    return errno;
  }

  /** A copy of the frame that is kept, to be the next that leaves; null when the pool is exhausted. */
  #load(): Packet | null {
    const { pool } = this.#layer;
    if (pool.available === 0) return null;
    const packet = pool.take()!;
    this.#copyFrame(packet);
    this.payload.mirror = (packet.offset + this.payload.at - this.#kept!.offset) | 0;
    return (this.#loaded = packet);
  }

  #copyFrame(packet: Packet): void {
    const kept = this.#kept!;
    packet.offset = (packet.base + kept.offset - kept.base) | 0;
    packet.length = kept.length;
    packet.linkOffset = packet.offset;
    packet.networkOffset = (packet.offset + kept.networkOffset - kept.offset) | 0;
    packet.checksumState = kept.checksumState;
    packet.memory.copy(packet.offset, kept.offset, kept.length);
  }

  /** The next send will leave a copy in this frame: it comes to the caches, and goes back without a trace. */
  #rehearseLoading(): void {
    const { pool } = this.#layer;
    if (pool.available === 0) return;
    const { peak } = pool;
    const packet = pool.take()!;
    this.#copyFrame(packet);
    const { copies } = packet.memory;
    copies[0]! -= 1;
    copies[1]! -= packet.length;
    packet.release();
    pool.peak = peak;
  }

  #unload(): void {
    this.payload.mirror = -1;
    if (this.#loaded === null) return;
    this.#loaded.release();
    this.#loaded = null;
  }
}
