import type { MacAddress } from '@prism-net/wire';

/** A connection that is open while the corpus is played, as its peer sees it. */
export interface Conversation {
  readonly peerPort: number;
  readonly port: number;
  /** What the peer would send next, and what it would acknowledge: int32. */
  readonly sequence: number;
  readonly acknowledgement: number;
  /** The peer's next timestamp and the last it got, where they were negotiated. */
  readonly timestamps?: { readonly value: number; readonly echo: number };
}

/** Who is attacked: a host, and the neighbour it talks to meanwhile, on a network of theirs. */
export interface Target {
  readonly macAddress: MacAddress;
  /** int32, as all addresses. */
  readonly address: number;
  readonly peerMacAddress: MacAddress;
  readonly peerAddress: number;
  readonly prefixLength: number;
  /** Largest IPv4 packet of the target; the cable may carry larger ones, up to `cableMtu`. */
  readonly mtu: number;
  readonly cableMtu: number;
  /** Ports that answer: echo servers. */
  readonly udpPort: number;
  readonly tcpPort: number;
  readonly conversations: readonly Conversation[];
}
