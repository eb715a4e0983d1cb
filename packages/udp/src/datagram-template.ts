import { ChecksumState, type Packet, type PatchedBytes } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { PreparedFrame } from '@prism-net/ethernet';
import type { Instant } from '@prism-net/time';
import { udp } from '@prism-net/wire';
import type { UdpEndpoint } from './udp-endpoint.js';
import type { UdpLayer } from './udp-layer.js';

/** From the start of the UDP header. */
const CHECKSUM = 6;

/**
 * A datagram that is ready to leave: the whole frame with all its headers is prepared, patches change its payload and its
 * checksum by the difference (RFC 1624), and a send hands it to the interface without a look at routes or headers.
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
  readonly #frame: PreparedFrame;
  /** What the frame was made from. */
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
    this.#address = address;
    this.#port = port;
    this.#frame = new PreparedFrame(packet, layer.pool);
    this.payload = this.#frame.payload;
    this.#prepare(0);
  }

  get isClosed(): boolean {
    return this.#frame.isClosed;
  }

  /**
   * Sends the datagram as it stands, and hands it to the link before it returns, behind what waits there already; with
   * `flush` false it waits for the next poll with the rest. Errors are those of a send of the same payload, and EBADF
   * once the template or its socket is closed.
   */
  send(flush: boolean, now: Instant): Errno {
    if (!this.#isCurrent() && !this.#renew(now)) return this.#sendPlain(flush, now);
    const frame = this.#frame;
    const packet = this.#stamped();
    if (packet === null) return Errno.ENOBUFS;
    this.#layer.countSent();
    const errno = frame.send(packet, flush);
    this.needsPoll = frame.interface!.transmitQueued !== 0;
    frame.load();
    return errno;
  }

  /** Does what {@link send} would, up to the link, where nothing arrives; and says what it would have said. */
  warm(now: Instant): Errno {
    if (!this.#isCurrent() && !this.#renew(now)) return this.#rehearse(now);
    const packet = this.#stamped();
    return packet === null ? Errno.ENOBUFS : this.#frame.rehearse(packet);
  }

  /** Gives the packets back. Idempotent. */
  close(): void {
    if (this.#frame.isClosed) return;
    this.#frame.close();
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
      this.#frame.isNeighbourAsBefore
    );
  }

  /** The frame that leaves next, its checksum complete. */
  #stamped(): Packet | null {
    const packet = this.#frame.next();
    if (packet !== null && this.#checksumAt >= 0) {
      packet.view.setUint16((packet.offset + this.#checksumAt) | 0, udp.finishChecksum(this.payload.sum));
    }
    return packet;
  }

  /** Makes the frame anew. False when it cannot leave by itself. */
  #renew(now: Instant): boolean {
    return this.#prepare(now) && this.#isCurrent();
  }

  /** Lets a rehearsed send write the headers, and keeps the frame. False when there is none, for whatever reason. */
  #prepare(now: Instant): boolean {
    const frame = this.#frame;
    const { kept } = frame;
    if (kept === null) return false;
    const errno = this.#rehearse(now);
    const { payload } = this;
    const isFrame = errno === Errno.NONE && frame.isWhole;
    const endpoint = this.#endpoint;
    const { route } = endpoint;
    const { ipv4: ipv4Layer } = this.#layer;
    if (!isFrame || route.generation !== ipv4Layer.generation) {
      this.#generation = (ipv4Layer.generation - 1) | 0;
      return false;
    }
    frame.follow(route.interface!, route.nextHop, route.macHigh >= 0);
    this.#generation = ipv4Layer.generation;
    this.#revision = endpoint.revision;
    this.#timeToLive = endpoint.timeToLive;
    this.#trafficClass = endpoint.trafficClass;
    this.#multicastTimeToLive = endpoint.multicastTimeToLive;
    const { view, offset } = kept;
    const header = (payload.at - udp.HEADER_LENGTH) | 0;
    const isPartial = kept.checksumState === ChecksumState.PARTIAL;
    this.#checksumAt = isPartial ? -1 : (header + CHECKSUM - offset) | 0;
    const checksum = udp.checksum(view, header);
    // Of a datagram whose pseudo-header is not zero the sum never is: 0xffff, sent for 0, can only be its complement.
    payload.sum = checksum === 0xffff ? 0xffff : ~checksum & 0xffff;
    frame.load();
    return true;
  }

  /** The way of an ordinary send with the payload that is kept, up to the link; the packet stays here. */
  #rehearse(now: Instant): Errno {
    return this.#frame.isClosed ? Errno.EBADF : this.#dispatch(this.#frame.beginRehearsal(), now);
  }

  /** Takes the packet. */
  #dispatch(packet: Packet, now: Instant): Errno {
    const endpoint = this.#endpoint;
    return this.#port === 0 ? endpoint.send(packet, now) : endpoint.sendTo(packet, this.#address, this.#port, now);
  }

  #sendPlain(flush: boolean, now: Instant): Errno {
    if (this.#frame.isClosed) return Errno.EBADF;
    const packet = this.#layer.pool.take();
    if (packet === null) return Errno.ENOBUFS;
    packet.memory.copy(packet.offset, this.payload.at, this.payload.length);
    packet.length = this.payload.length;
    this.needsPoll = true;
    const errno = this.#dispatch(packet, now);
    if (flush && errno === Errno.NONE) this.#endpoint.route.interface?.flush();
    return errno;
  }
}
