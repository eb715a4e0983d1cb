import type { SequenceRange } from '../language/syntax.js';
import { Difference } from '../values/unsupported.js';

/** An end of a conversation: an IPv4 address in host order, and a port. */
export interface Endpoint {
  address: number;
  port: number;
}

/** How far the handshake of a flow has come, as far as packets show it. */
export type FlowState =
  | 'new'
  | 'listening'
  | 'connecting'
  | 'syn-sent'
  | 'syn-received'
  | 'syn-ack-sent'
  | 'established';

/**
 * One conversation of the host under test with the peer the script plays: what its numbers in the script are on the wire.
 *
 * Numbers of packets with SYN are taken as they stand. Those of other packets count from the initial sequence number: the
 * first byte of data is 1, as tcpdump shows it. The peer's initial sequence number is the script's own; that of the host
 * is learnt from its SYN.
 */
export class Flow {
  readonly protocol: 'tcp' | 'udp';
  state: FlowState = 'new';
  readonly local: Endpoint = { address: 0, port: 0 };
  readonly remote: Endpoint = { address: 0, port: 0 };
  /** Initial sequence number of the host: in the script, and on the wire. */
  scriptLocalStart = 0;
  liveLocalStart = 0;
  remoteStart = 0;
  /** Sequence number of the last SYN of the peer, which begins a connection once it is answered; null: there was none. */
  lastSyn: number | null = null;

  /** Wire values of the timestamps that the host sent, by what the script calls them. */
  readonly #timestamps = new Map<number, number>();
  #firstScriptTimestamp: number | null = null;
  #firstLiveTimestamp = 0;

  constructor(protocol: 'tcp' | 'udp') {
    this.protocol = protocol;
  }

  // ---- from the script to the wire

  remoteSequence({ start, isAbsolute }: SequenceRange, isSyn: boolean): number {
    return (start + (isSyn || isAbsolute ? 0 : this.remoteStart)) | 0;
  }

  /** Of the host's numbers: what the peer acknowledges, and edges of SACK blocks. */
  localSequence(value: number, isSyn: boolean): number {
    return (value + this.liveLocalStart - (isSyn ? this.scriptLocalStart : 0)) | 0;
  }

  /**
   * What the host's timestamp was that the script echoes: one it expected before, else as far from the first as the
   * script says. @throws Difference when the host sent none yet
   */
  timestampEcho(value: number, mayInterpolate: boolean): number {
    const known = this.#timestamps.get(value);
    if (known !== undefined) return known;
    if (mayInterpolate && this.#firstScriptTimestamp !== null) {
      return (value - this.#firstScriptTimestamp + this.#firstLiveTimestamp) | 0;
    }
    throw new Difference(
      `the timestamp echo ${value} answers no timestamp value that an outbound packet of the script had before`,
    );
  }

  // ---- from the wire to the script

  scriptLocalSequence(value: number, isSyn: boolean): number {
    return (value - this.liveLocalStart + (isSyn ? this.scriptLocalStart : 0)) >>> 0;
  }

  scriptRemoteSequence(value: number, isSyn: boolean): number {
    return (value - (isSyn ? 0 : this.remoteStart)) >>> 0;
  }

  /** Learns what a timestamp of the host is called in the script, and returns its value as the script counts. */
  scriptTimestamp(expected: number, live: number): number {
    this.#timestamps.set(expected, live);
    if (this.#firstScriptTimestamp === null) {
      this.#firstScriptTimestamp = expected;
      this.#firstLiveTimestamp = live;
    }
    return (live - this.#firstLiveTimestamp + this.#firstScriptTimestamp) >>> 0;
  }
}
