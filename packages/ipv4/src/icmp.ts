import { ChecksumState, type Packet, PacketFlag, type PacketPool, updateChecksum16 } from '@prism-net/buffers';
import { Errno, posixError } from '@prism-net/errors';
import type { PacketAccounts } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import { type Instant, TokenBucket } from '@prism-net/time';
import { DropReason, icmpv4, ipv4 } from '@prism-net/wire';
import { AnswerLimiter } from './answer-limiter.js';
import { errnoOf, IcmpErrors, type IcmpLayer, judgeQuote } from './icmp-errors.js';
import { Ipv4Route } from './ipv4-route.js';
import type { PathMtu } from './path-mtu.js';
import type { TransportHandler } from './transport-handler.js';

export interface IcmpOptions {
  /** ICMP errors sent to one destination: rate and burst. Defaults 1 per second, 6. */
  readonly errorsPerDestinationPerSecond?: number;
  readonly errorsPerDestinationBurst?: number;
  /** Destinations whose rate is remembered. Default 256. */
  readonly errorDestinations?: number;
  /** ICMP errors sent in all: rate and burst, on average. Defaults 1,000 per second, 50. */
  readonly errorsPerSecond?: number;
  readonly errorsBurst?: number;
  /** Answer echo requests. Default true. */
  readonly echo?: boolean;
  /** Longest echo request in bytes of ICMP message that is answered; longer ones count as ICMP_RATE_LIMITED. Default 8,192. */
  readonly echoMaximumLength?: number;
  /** Echo requests answered: rate and burst. Defaults 10,000 per second, 1,000. */
  readonly echoesPerSecond?: number;
  readonly echoesBurst?: number;
}

/** Who sent echo requests with {@link Icmp.ping}. */
export interface EchoHandler {
  /** An answer; the packet is not taken, its data starts at the echo data. True when it was expected. */
  echoReply(packet: Packet, source: number, identifier: number, sequence: number, now: Instant): boolean;
  /** An ICMP error about one of our requests. True when it was expected. */
  echoError(errno: Errno, destination: number, identifier: number, sequence: number, now: Instant): boolean;
}

/** What ICMP needs of the layer beside sending. */
export interface IcmpHost extends IcmpLayer {
  transportOf(protocol: number): TransportHandler | null;
}

const { Type } = icmpv4;
/** What IPv4 and an Ethernet header with its tag need in front of an ICMP message. */
const HEADERS = ipv4.MINIMUM_HEADER_LENGTH + 18;
/** RFC 791: 65,535 less the header. */
const MAXIMUM_MESSAGE = 65_515;

/** The Internet Control Message Protocol: answers echoes, sends errors, and carries received errors to their transports. */
export class Icmp {
  /** Gets the answers to {@link ping}. */
  echoHandler: EchoHandler | null = null;
  readonly errors: IcmpErrors;
  readonly #host: IcmpHost;
  readonly #pool: PacketPool;
  readonly #accounts: PacketAccounts;
  readonly #pathMtu: PathMtu;
  readonly #answersEcho: boolean;
  readonly #echoMaximumLength: number;
  readonly #echoBucket: TokenBucket;
  readonly #route = new Ipv4Route();

  constructor(
    host: IcmpHost,
    pool: PacketPool,
    accounts: PacketAccounts,
    pathMtu: PathMtu,
    random: RandomSource,
    now: Instant,
    options: IcmpOptions,
  ) {
    this.#host = host;
    this.#pool = pool;
    this.#accounts = accounts;
    this.#pathMtu = pathMtu;
    this.#answersEcho = options.echo ?? true;
    this.#echoMaximumLength = options.echoMaximumLength ?? 8192;
    if (!(this.#echoMaximumLength >= 0 && this.#echoMaximumLength <= 65_535)) {
      throw posixError(Errno.EINVAL, 'icmp', `echoMaximumLength cannot be ${this.#echoMaximumLength}`);
    }
    this.#echoBucket = new TokenBucket({
      ratePerSecond: options.echoesPerSecond ?? 10_000,
      burst: options.echoesBurst ?? 1000,
      now,
    });
    const limits = {
      errorsPerDestinationPerSecond: options.errorsPerDestinationPerSecond ?? 1,
      errorsPerDestinationBurst: options.errorsPerDestinationBurst ?? 6,
      errorDestinations: options.errorDestinations ?? 256,
      errorsPerSecond: options.errorsPerSecond ?? 1000,
      errorsBurst: options.errorsBurst ?? 50,
    };
    for (const [name, value] of Object.entries(limits)) {
      // Not below 0.01 per second: the interval times the burst must stay far below the wrap of the clock.
      if (!(value >= 0.01 && value <= 1_000_000)) throw posixError(Errno.EINVAL, 'icmp', `${name} cannot be ${value}`);
    }
    if (limits.errorsPerDestinationBurst / limits.errorsPerDestinationPerSecond > 1000) {
      throw posixError(Errno.EINVAL, 'icmp', 'errorsPerDestinationBurst takes more than 1,000 s to refill');
    }
    const limiter = new AnswerLimiter(
      {
        perDestinationPerSecond: limits.errorsPerDestinationPerSecond,
        perDestinationBurst: limits.errorsPerDestinationBurst,
        destinations: limits.errorDestinations,
        perSecond: limits.errorsPerSecond,
        burst: limits.errorsBurst,
      },
      random,
      now,
    );
    this.errors = new IcmpErrors(host, pool, limiter);
  }

  /**
   * Sends an ICMP error about a received packet, which is not taken; its `networkOffset` must be set. False when the
   * rules (RFC 1122 §3.2.2), the rate limits or a lack of packets or of a route forbid it.
   */
  sendError(packet: Packet, type: number, code: number, rest: number, now: Instant): boolean {
    return this.errors.send(packet, type, code, rest, now);
  }

  /** Sends an echo request with `payloadLength` bytes of data. EMSGSIZE when they do not fit one frame. */
  ping(destination: number, identifier: number, sequence: number, payloadLength: number, now: Instant): Errno {
    const host = this.#host;
    const route = this.#route;
    const errno = host.resolve(destination, 0, route, -1);
    if (errno !== Errno.NONE) return errno;
    const packet = this.#pool.take();
    if (packet === null) return Errno.ENOBUFS;
    if (!(payloadLength >= 0 && payloadLength <= packet.tailroom - icmpv4.HEADER_LENGTH)) {
      packet.release();
      return Errno.EMSGSIZE;
    }
    const { view, offset } = packet;
    const rest = ((identifier & 0xffff) << 16) | (sequence & 0xffff);
    icmpv4.writeHeader(view, offset, Type.ECHO_REQUEST, 0, rest);
    const data = offset + icmpv4.HEADER_LENGTH;
    for (let i = 0; i < payloadLength; i = (i + 1) | 0) view.setUint8(data + i, i & 0xff);
    packet.length = icmpv4.HEADER_LENGTH + payloadLength;
    icmpv4.setChecksum(view, offset, ~packet.sum(0) & 0xffff);
    return host.send(packet, route, ipv4.Protocol.ICMP, 0, host.timeToLive, false, now);
  }

  /** Takes a packet whose data starts at the ICMP header. */
  receive(packet: Packet, now: Instant): void {
    const { view, offset } = packet;
    const reason = icmpv4.check(view, offset, packet.length);
    if (reason !== DropReason.NONE) {
      this.#accounts.drop(packet, reason);
      return;
    }
    if (packet.sum(0) !== 0xffff) {
      this.#accounts.drop(packet, DropReason.ICMP_CHECKSUM);
      return;
    }
    switch (icmpv4.type(view, offset)) {
      case Type.ECHO_REQUEST:
        this.#receiveEchoRequest(packet, now);
        return;
      case Type.ECHO_REPLY:
        this.#receiveEchoReply(packet, now);
        return;
      case Type.DESTINATION_UNREACHABLE:
      case Type.TIME_EXCEEDED:
      case Type.PARAMETER_PROBLEM:
        this.#receiveError(packet, now);
        return;
      case Type.REDIRECT:
        // A host may be sent anywhere by whoever forges one; routes are configured here.
        this.#accounts.drop(packet, DropReason.ICMP_REDIRECT_IGNORED);
        return;
      default: // source quench (RFC 6633; RFC 9293 §3.9.2.2, MUST-55), timestamps (RFC 1122 §3.2.2.8: optional) …
        this.#accounts.drop(packet, DropReason.ICMP_TYPE_UNKNOWN);
    }
  }

  #receiveEchoRequest(packet: Packet, now: Instant): void {
    const reason = this.#judgeEcho(packet, now);
    if (reason !== DropReason.NONE) {
      this.#accounts.drop(packet, reason);
      return;
    }
    const host = this.#host;
    const route = this.#route;
    const { view, networkOffset } = packet;
    const peer = ipv4.source(view, networkOffset);
    const trafficClass = ipv4.trafficClass(view, networkOffset) & 0xfc; // RFC 1122 §3.2.2.6, without the ECN field
    if (host.resolve(peer, ipv4.destination(view, networkOffset), route, -1) !== Errno.NONE) {
      this.#accounts.drop(packet, DropReason.IPV4_NO_ROUTE);
      return;
    }
    const reply = packet.headroom >= HEADERS ? packet : packet.copyTo(this.#pool);
    if (reply === null) {
      this.#accounts.drop(packet, DropReason.OUT_OF_PACKETS);
      return;
    }
    // In place: request and reply differ in one byte.
    const at = reply.offset;
    const before = reply.view.getUint16(at);
    const after = (Type.ECHO_REPLY << 8) | (before & 0xff);
    reply.view.setUint16(at, after);
    icmpv4.setChecksum(reply.view, at, updateChecksum16(icmpv4.checksum(reply.view, at), before, after));
    reply.checksumState = ChecksumState.UNKNOWN;
    reply.gsoSize = 0;
    reply.flags |= PacketFlag.PROVOKED;
    this.#accounts.handle();
    if (reply !== packet) packet.release();
    host.send(reply, route, ipv4.Protocol.ICMP, trafficClass, host.timeToLive, false, now);
  }

  #judgeEcho(packet: Packet, now: Instant): DropReason {
    if (!this.#answersEcho) return DropReason.ICMP_TYPE_UNKNOWN;
    // RFC 1122 §3.2.2.6 allows answering broadcasts; it makes amplifiers (smurf).
    if (
      (packet.flags & (PacketFlag.LINK_BROADCAST | PacketFlag.LINK_MULTICAST)) !== 0 ||
      !this.#host.isLocalAddress(ipv4.destination(packet.view, packet.networkOffset))
    ) {
      return DropReason.ICMP_BROADCAST_ECHO;
    }
    const length = packet.totalLength;
    if (length > this.#echoMaximumLength || length > MAXIMUM_MESSAGE || !this.#echoBucket.take(now)) {
      return DropReason.ICMP_RATE_LIMITED;
    }
    return DropReason.NONE;
  }

  #receiveEchoReply(packet: Packet, now: Instant): void {
    const { view, offset } = packet;
    const source = ipv4.source(view, packet.networkOffset);
    const identifier = icmpv4.identifier(view, offset);
    const sequence = icmpv4.sequenceNumber(view, offset);
    packet.consume(icmpv4.HEADER_LENGTH);
    const expected = this.echoHandler?.echoReply(packet, source, identifier, sequence, now) ?? false;
    this.#settle(packet, expected);
  }

  /** An error reaches a transport only if it quotes something this host sent; what it says is believed only if that matched. */
  #receiveError(packet: Packet, now: Instant): void {
    const reason = judgeQuote(packet, this.#host);
    if (reason !== DropReason.NONE) {
      this.#accounts.drop(packet, reason);
      return;
    }
    const { view, offset } = packet;
    const type = icmpv4.type(view, offset);
    const errno = errnoOf(type, icmpv4.code(view, offset));
    const quote = icmpv4.quoteOffset(offset);
    let mtu = 0;
    if (errno === Errno.EMSGSIZE) {
      mtu = this.#pathMtu.judge(icmpv4.nextHopMtu(view, offset), ipv4.totalLength(view, quote));
    }
    const matched = this.report(errno, mtu, packet, quote, now);
    if (matched && mtu !== 0) this.#pathMtu.update(ipv4.destination(view, quote), mtu, now);
    this.#settle(packet, matched);
  }

  /**
   * Tells whoever sent the datagram at `quote` (its header and 8 bytes are there) what became of it. False when nobody
   * says that it did. The packet is not taken.
   */
  report(errno: Errno, mtu: number, packet: Packet, quote: number, now: Instant): boolean {
    const { view } = packet;
    const protocol = ipv4.protocol(view, quote);
    if (protocol !== ipv4.Protocol.ICMP) {
      return this.#host.transportOf(protocol)?.receiveError(errno, mtu, packet, quote, now) ?? false;
    }
    const message = quote + ipv4.headerLength(view, quote);
    if (this.echoHandler === null || icmpv4.type(view, message) !== Type.ECHO_REQUEST) return false;
    const identifier = icmpv4.identifier(view, message);
    const sequence = icmpv4.sequenceNumber(view, message);
    return this.echoHandler.echoError(errno, ipv4.destination(view, quote), identifier, sequence, now);
  }

  #settle(packet: Packet, matched: boolean): void {
    if (!matched) {
      this.#accounts.drop(packet, DropReason.ICMP_ERROR_UNMATCHED);
      return;
    }
    this.#accounts.handle();
    packet.release();
  }
}
