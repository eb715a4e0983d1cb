import { sumBytes } from '@prism-net/buffers';
import { State } from '@prism-net/tcp';
import { ethernet, icmpv4, ipv4, seq, TcpOptions, tcp } from '@prism-net/wire';
import type { SimulatedHost } from '../simulated-host.js';
import type { Target } from './target.js';

/** What a forged frame may do to the connections under attack, if TCP is what the RFCs say. */
export const Effect = {
  /** Nothing at all: it is dropped, answered at most. */
  NONE: 0,
  /** Something, but nothing that breaks a connection: it says what the peer could have said, or lies about windows, blocks … */
  LAWFUL: 1,
  /** What only the peer should be able to do: the sequence number is right, and TCP has no other protection. */
  DECISIVE: 2,
} as const;
export type Effect = (typeof Effect)[keyof typeof Effect];

const { ACK, FIN, RST, SYN } = tcp.Flag;
const NETWORK = ethernet.HEADER_LENGTH;
/** How far numbers may move between the judgement and the arrival, where that is not known exactly. */
const SLACK = 1 << 24;

/**
 * An independent opinion on what a segment may do, by the rules of RFC 9293 §3.10.7.4, RFC 5961 and RFC 7323. It knows the
 * connections at both ends, and so what a blind attacker cannot: this is how exactly forged segments that TCP must obey are
 * told from all others.
 */
export class Judge {
  /** Connections are only followed once both ends are established; segments to these ports of servers are not judged before. */
  readonly openingPorts = new Set<number>();
  /** The connection that the last frame was for. */
  target: Target | null = null;
  readonly #targets: readonly Target[];
  readonly #options = new TcpOptions();

  constructor(targets: readonly Target[]) {
    this.#targets = targets;
  }

  /**
   * `isExact`: the frame will be processed before anything else can change the connection; otherwise whatever it might do
   * within the next moments counts.
   */
  judge(bytes: Uint8Array, view: DataView, length: number, host: SimulatedHost, isExact: boolean): Effect {
    this.target = null;
    if (length < NETWORK + ipv4.MINIMUM_HEADER_LENGTH) return Effect.NONE;
    if (ethernet.etherType(view, 0) !== ethernet.EtherType.IPV4 || ipv4.version(view, NETWORK) !== 4)
      return Effect.NONE;
    const headerLength = ipv4.headerLength(view, NETWORK);
    const total = ipv4.totalLength(view, NETWORK);
    if (headerLength < ipv4.MINIMUM_HEADER_LENGTH || total < headerLength || NETWORK + total > length)
      return Effect.NONE;
    if (sumBytes(view, NETWORK, headerLength, 0) !== 0xffff || ipv4.isFragment(view, NETWORK)) return Effect.NONE;
    const at = NETWORK + headerLength;
    const segmentLength = total - headerLength;
    switch (ipv4.protocol(view, NETWORK)) {
      case ipv4.Protocol.TCP:
        return this.#judgeTcp(bytes, view, at, segmentLength, host, isExact);
      case ipv4.Protocol.ICMP:
        return this.#judgeIcmp(view, at, segmentLength, host, isExact);
      default:
        return Effect.NONE;
    }
  }

  #find(host: SimulatedHost, address: number, port: number, peerAddress: number, peerPort: number): Target | null {
    for (const target of this.#targets) {
      if (target.host === host && target.isOf(address, port, peerAddress, peerPort)) return target;
    }
    return null;
  }

  #judgeTcp(
    bytes: Uint8Array,
    view: DataView,
    at: number,
    length: number,
    host: SimulatedHost,
    isExact: boolean,
  ): Effect {
    if (length < tcp.MINIMUM_HEADER_LENGTH) return Effect.NONE;
    const source = ipv4.source(view, NETWORK);
    const destination = ipv4.destination(view, NETWORK);
    if (sumBytes(view, at, length, tcp.pseudoHeaderSum(source, destination, length)) !== 0xffff) return Effect.NONE;
    const headerLength = tcp.headerLength(view, at);
    if (headerLength < tcp.MINIMUM_HEADER_LENGTH || headerLength > length) return Effect.NONE;
    const sourcePort = tcp.sourcePort(view, at);
    const port = tcp.destinationPort(view, at);
    if (this.openingPorts.has(port) || this.openingPorts.has(sourcePort)) return Effect.DECISIVE;
    const target = this.#find(host, destination, port, source, sourcePort);
    this.target = target;
    const flags = tcp.flags(view, at);
    if (target === null) return Effect.NONE;
    if (target.connection.state < State.ESTABLISHED) {
      // A cookie is as good as it was: what completed the handshake would do so again.
      const isThird = (flags & (ACK | SYN | RST)) === ACK;
      return isThird && host.tcp.settings.synCookies !== 'never' ? Effect.DECISIVE : Effect.NONE;
    }
    const optionsLength = headerLength - tcp.MINIMUM_HEADER_LENGTH;
    this.#options.parse(view, at + tcp.MINIMUM_HEADER_LENGTH, optionsLength);
    return this.#judgeSegment(
      target,
      tcp.sequence(view, at),
      tcp.acknowledgement(view, at),
      flags,
      bytes,
      at + headerLength,
      length - headerLength,
      isExact,
    );
  }

  #judgeSegment(
    target: Target,
    sequence: number,
    acknowledgement: number,
    flags: number,
    bytes: Uint8Array,
    textAt: number,
    textLength: number,
    isExact: boolean,
  ): Effect {
    const { connection } = target;
    const { receiveNext, receiveWindow } = connection.wake();
    const isSyn = (flags & SYN) !== 0;
    // No host sends SYN with FIN or RST, or none of SYN, RST and ACK.
    if (isSyn ? (flags & (FIN | RST)) !== 0 : (flags & (ACK | RST)) === 0) return Effect.NONE;
    if (connection.wake().hasTimestamps && (flags & RST) === 0) {
      const { hasTimestamps, timestampValue } = this.#options;
      // RFC 7323 §3.2, and §5.3 R1.
      if (!hasTimestamps && !isSyn) return Effect.NONE;
      const age = (connection.wake().timestampRecent - timestampValue) | 0;
      // What is half round the clock behind may be ahead a moment later.
      if (hasTimestamps && age > 0 && (isExact || age < 1 << 30)) return Effect.NONE;
    }
    // Relative to RCV.NXT; text that was sent may arrive before this does.
    const start = (sequence - receiveNext) | 0;
    const end = (start + textLength + (isSyn ? 1 : 0) + (flags & FIN)) | 0;
    const sent = isExact ? 0 : Math.max(0, (target.sentEnd - receiveNext + 2) | 0);
    const offered = (receiveWindow.edge - receiveNext) | 0;
    const window = isExact ? offered : Math.max(offered, receiveWindow.maximum) + SLACK;
    if ((flags & RST) !== 0) return start >= 0 && start <= sent ? Effect.DECISIVE : Effect.NONE; // RFC 5961 §3.2
    if (isSyn) return Effect.NONE; // RFC 5961 §4.2
    // RFC 7323 §4.3: a timestamp of the future would make everything that the peer sends look old.
    const isRemembered = !isExact || seq.isLessOrEqual(sequence, connection.wake().lastAcknowledgementSent);
    const isFuture = connection.wake().hasTimestamps && isRemembered && this.#isFuture(target);
    const answer = this.#judgeAcknowledgement(target, acknowledgement, isExact);
    if (!isAcceptable(start, end, window)) {
      if (end > 0 || answer === Effect.NONE) return Effect.NONE;
      return isFuture && !isExact ? Effect.DECISIVE : answer;
    }
    if (!this.#isBelievable(target, acknowledgement, isExact)) return Effect.NONE; // RFC 5961 §5.2
    if (isFuture || answer === Effect.DECISIVE) return Effect.DECISIVE;
    if (!isGenuine(target, bytes, textAt, start, textLength, window, isExact)) return Effect.DECISIVE;
    if ((flags & FIN) !== 0 && !isHarmlessFin(target, (start + textLength) | 0, window)) return Effect.DECISIVE;
    return Effect.LAWFUL;
  }

  /** The peer has not sent this timestamp yet. */
  #isFuture({ latestTimestamp, connection }: Target): boolean {
    const { timestampValue } = this.#options;
    return (
      seq.isGreater(timestampValue, latestTimestamp) || seq.isLess(timestampValue, connection.wake().timestampRecent)
    );
  }

  /** The acknowledgement lies where RFC 5961 §5.2 accepts it. */
  #isBelievable({ connection }: Target, acknowledgement: number, isExact: boolean): boolean {
    const { recovery, maximumSendWindow } = connection.wake();
    const ahead = (acknowledgement - recovery.next) | 0;
    const behind = (recovery.unacknowledged - acknowledgement) | 0;
    if (isExact) {
      const isOfProbe =
        connection.wake().isProbeOutstanding && acknowledgement === ((connection.wake().probeSequence + 1) | 0);
      return (ahead <= 0 || isOfProbe) && behind <= maximumSendWindow;
    }
    return ahead <= SLACK && behind <= 1 << 30;
  }

  /** Only what has arrived at the peer may be acknowledged. */
  #judgeAcknowledgement(target: Target, acknowledgement: number, isExact: boolean): Effect {
    if (!this.#isBelievable(target, acknowledgement, isExact)) return Effect.NONE;
    const { unacknowledged } = target.connection.wake().recovery;
    if (seq.isLess(acknowledgement, unacknowledged)) return Effect.NONE;
    return seq.isGreater(acknowledgement, seq.maximum(unacknowledged, target.other.wake().receiveNext))
      ? Effect.DECISIVE
      : Effect.LAWFUL;
  }

  /** RFC 5927 §4: an error counts when the segment it quotes is on its way. */
  #judgeIcmp(view: DataView, at: number, length: number, host: SimulatedHost, isExact: boolean): Effect {
    const quote = at + icmpv4.HEADER_LENGTH;
    const quoted = length - icmpv4.HEADER_LENGTH;
    if (quoted < ipv4.MINIMUM_HEADER_LENGTH + icmpv4.MINIMUM_QUOTED_DATA) return Effect.NONE;
    if (!icmpv4.isError(icmpv4.type(view, at)) || ipv4.protocol(view, quote) !== ipv4.Protocol.TCP) return Effect.NONE;
    const transport = quote + ipv4.headerLength(view, quote);
    if (transport + icmpv4.MINIMUM_QUOTED_DATA > at + length) return Effect.NONE;
    const sourcePort = tcp.sourcePort(view, transport);
    const destinationPort = tcp.destinationPort(view, transport);
    if (this.openingPorts.has(sourcePort) || this.openingPorts.has(destinationPort)) return Effect.DECISIVE;
    const own = ipv4.source(view, quote);
    const target = this.#find(host, own, sourcePort, ipv4.destination(view, quote), destinationPort);
    this.target = target;
    if (target === null) return Effect.NONE;
    const { recovery } = target.connection.wake();
    const sequence = tcp.sequence(view, transport);
    const isInFlight =
      seq.isLessOrEqual(recovery.unacknowledged, sequence) &&
      seq.isLess(sequence, isExact ? recovery.next : (recovery.next + SLACK) | 0);
    return isInFlight ? Effect.LAWFUL : Effect.NONE;
  }
}

/** The table of RFC 9293 §3.10.7.4, relative to RCV.NXT. */
function isAcceptable(start: number, end: number, window: number): boolean {
  if (window <= 0) return start === 0;
  if (end === start) return start >= 0 && start < window;
  return (start >= 0 && start < window) || (end > 0 && end <= window);
}

/** What a connection would take of this text, the peer has sent. */
function isGenuine(
  target: Target,
  bytes: Uint8Array,
  textAt: number,
  start: number,
  length: number,
  window: number,
  isExact: boolean,
): boolean {
  const { connection } = target;
  const { receiveNext, reassembly } = connection.wake();
  // When packets run low, what came ahead of a gap may be given up.
  const { available, region } = target.host.pool;
  const ranges = isExact || available > region.frames >> 1 ? reassembly.count : 0;
  const limit = Math.min(start + length, window);
  const sent = (target.sentEnd - receiveNext) | 0;
  let at = Math.max(start, 0);
  for (let range = 0; at < limit; range++) {
    // From gap to gap between what has come already.
    const isLast = range >= ranges;
    const known = isLast ? limit : (reassembly.starts[range]! - receiveNext) | 0;
    const stop = Math.min(known, limit);
    if (stop > at) {
      if (stop > sent || connection.wake().isOrphan || !connection.wake().canReceiveText) return false;
      const position = target.positionOf((receiveNext + at) | 0);
      if (target.content.match(bytes, textAt + at - start, stop - at, position) !== stop - at) return false;
    }
    if (isLast) return true;
    at = Math.max(at, (reassembly.ends[range]! - receiveNext) | 0);
  }
  return true;
}

/** A FIN that came before, that the peer has sent, or that is beyond the window. `at` is relative to RCV.NXT. */
function isHarmlessFin({ connection, other }: Target, at: number, window: number): boolean {
  if (at < 0 || at > window) return true;
  return other.wake().isFinSent && ((connection.wake().receiveNext + at) | 0) === other.wake().sendBuffer.end;
}
