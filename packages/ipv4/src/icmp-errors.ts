import { type Packet, PacketFlag, type PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { DropReason, icmpv4, ipv4 } from '@prism-net/wire';
import type { AnswerLimiter } from './answer-limiter.js';
import { Ipv4Route } from './ipv4-route.js';

const { Type, Code } = icmpv4;

/** RFC 1812 §4.3.2.3: an error quotes as much of the datagram as fits 576 bytes. */
const MAXIMUM_ERROR = 576;
const MAXIMUM_QUOTE = MAXIMUM_ERROR - ipv4.MINIMUM_HEADER_LENGTH - icmpv4.HEADER_LENGTH;
/** RFC 1812 §4.3.2.5: precedence "internetwork control". */
const TRAFFIC_CLASS = 0xc0;

/** What sending ICMP needs of the layer. */
export interface IcmpLayer {
  readonly timeToLive: number;
  resolve(destination: number, source: number, route: Ipv4Route, interfaceIndex: number): Errno;
  send(
    packet: Packet,
    route: Ipv4Route,
    protocol: number,
    trafficClass: number,
    timeToLive: number,
    dontFragment: boolean,
    now: Instant,
  ): Errno;
  isLocalAddress(address: number): boolean;
  isUnicastSource(address: number, interfaceIndex: number): boolean;
  isBroadcastAddress(address: number, interfaceIndex: number): boolean;
  primaryAddress(interfaceIndex: number): number;
}

/** Sends ICMP errors about received packets, within the rules and the limits. */
export class IcmpErrors {
  /** Errors sent, and errors not sent because of the limits. */
  readonly statistics = { sent: 0, limited: 0 };
  readonly #layer: IcmpLayer;
  readonly #pool: PacketPool;
  readonly #limiter: AnswerLimiter;
  readonly #route = new Ipv4Route();

  constructor(layer: IcmpLayer, pool: PacketPool, limiter: AnswerLimiter) {
    this.#layer = layer;
    this.#pool = pool;
    this.#limiter = limiter;
  }

  /** The packet is not taken. False when no error was sent. */
  send(packet: Packet, type: number, code: number, rest: number, now: Instant): boolean {
    if (!this.#isAllowed(packet)) return false;
    const { view, networkOffset: at, interfaceIndex } = packet;
    const layer = this.#layer;
    const route = this.#route;
    const offender = ipv4.source(view, at);
    // From the address that was spoken to, if it is ours; else we are a router, and speak from the side it came in by.
    const spokenTo = ipv4.destination(view, at);
    const source = layer.isLocalAddress(spokenTo) ? spokenTo : layer.primaryAddress(interfaceIndex);
    if (
      layer.resolve(offender, source, route, -1) !== Errno.NONE &&
      layer.resolve(offender, 0, route, -1) !== Errno.NONE
    ) {
      return false;
    }
    if (!this.#limiter.allow(offender, now)) {
      this.statistics.limited = (this.statistics.limited + 1) | 0;
      return false;
    }
    const error = this.#pool.take();
    if (error === null) return false;
    const quoted = Math.min(
      packet.end - at,
      MAXIMUM_QUOTE,
      ipv4.totalLength(view, at),
      error.tailroom - icmpv4.HEADER_LENGTH,
    );
    const start = error.offset;
    icmpv4.writeHeader(error.view, start, type, code, rest);
    error.length = icmpv4.HEADER_LENGTH;
    if (packet.memory === error.memory) error.memory.copy(error.end, at, quoted);
    else error.memory.write(error.end, packet.memory.bytes, at, quoted);
    error.length += quoted;
    icmpv4.setChecksum(error.view, start, ~error.sum(0) & 0xffff);
    this.statistics.sent = (this.statistics.sent + 1) | 0;
    error.flags |= PacketFlag.PROVOKED;
    layer.send(error, route, ipv4.Protocol.ICMP, TRAFFIC_CLASS, layer.timeToLive, false, now);
    return true;
  }

  /** RFC 1122 §3.2.2: what no error may be about. */
  #isAllowed(packet: Packet): boolean {
    const { view, networkOffset: at } = packet;
    if ((packet.flags & (PacketFlag.LINK_BROADCAST | PacketFlag.LINK_MULTICAST)) !== 0) return false;
    if (ipv4.fragmentOffset(view, at) !== 0) return false;
    if (!this.#layer.isUnicastSource(ipv4.source(view, at), packet.interfaceIndex)) return false;
    const destination = ipv4.destination(view, at);
    if (destination >>> 28 >= 14 || this.#layer.isBroadcastAddress(destination, packet.interfaceIndex)) return false;
    if (ipv4.protocol(view, at) !== ipv4.Protocol.ICMP) return true;
    const message = at + ipv4.headerLength(view, at);
    return message < packet.end && !icmpv4.isError(icmpv4.type(view, message));
  }
}

/** The error a transport reports to its user, for an ICMP error; NONE for what is none. */
export function errnoOf(type: number, code: number): Errno {
  switch (type) {
    case Type.TIME_EXCEEDED:
      return Errno.EHOSTUNREACH;
    case Type.PARAMETER_PROBLEM:
      return Errno.EIO;
    case Type.DESTINATION_UNREACHABLE:
      break;
    default:
      return Errno.NONE;
  }
  switch (code) {
    case Code.NETWORK_UNREACHABLE:
    case Code.DESTINATION_NETWORK_UNKNOWN:
    case Code.NETWORK_PROHIBITED:
    case 11: // network unreachable for this type of service (RFC 1122 §3.2.2.1)
      return Errno.ENETUNREACH;
    case Code.PROTOCOL_UNREACHABLE:
      return Errno.EPROTONOSUPPORT;
    case Code.PORT_UNREACHABLE:
      return Errno.ECONNREFUSED;
    case Code.FRAGMENTATION_NEEDED:
      return Errno.EMSGSIZE;
    case Code.SOURCE_ROUTE_FAILED:
      return Errno.EOPNOTSUPP;
    default:
      return Errno.EHOSTUNREACH;
  }
}

/** What to say of a quote that cannot be matched, before any transport is asked. */
export function judgeQuote(packet: Packet, layer: IcmpLayer): DropReason {
  const { view, offset } = packet;
  const reason = icmpv4.checkQuote(view, offset, packet.length);
  if (reason !== DropReason.NONE) return reason;
  const quote = icmpv4.quoteOffset(offset);
  // Not ours, or a later fragment, which does not show whose it was.
  if (!layer.isLocalAddress(ipv4.source(view, quote)) || ipv4.fragmentOffset(view, quote) !== 0) {
    return DropReason.ICMP_ERROR_UNMATCHED;
  }
  return DropReason.NONE;
}
