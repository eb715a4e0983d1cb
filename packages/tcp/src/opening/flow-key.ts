import { sipHash24 } from '@prism-net/tables';

/** The words of both addresses, big-endian, as `IpAddress` holds them. */
export interface FlowWords {
  localA: number;
  localB: number;
  localC: number;
  localD: number;
  remoteA: number;
  remoteB: number;
  remoteC: number;
  remoteD: number;
}

/** A connection's name (RFC 9293 §3.3.1): both addresses and both ports. */
export interface FlowAddresses extends FlowWords {
  localPort: number;
  remotePort: number;
}

const addresses = new Int32Array(8);
const hash = new Int32Array(2);

/**
 * What identifies a connection in a `KeyedTable`: four int32 words. One object is made once and filled again and again.
 *
 * `a`, `b` and `d` stand for the pair of hosts, `c` for the ports.
 */
export class FlowKey {
  a = 0;
  b = 0;
  /** `localPort << 16 | remotePort`. */
  c = 0;
  /** The family: 4 or 6; 0 in a key not yet filled. */
  d = 0;

  /** Addresses as int32 in host order. The key is the name itself: different connections have different keys. */
  setIpv4(local: number, remote: number, localPort: number, remotePort: number): void {
    this.a = remote;
    this.b = local;
    this.c = (localPort << 16) | remotePort;
    this.d = 4;
  }

  /**
   * Eight words of address do not fit: their keyed 64-bit hash stands for them. Without the secret nobody can make two
   * pairs of hosts that share a key; among 2^20 pairs two do by chance with probability 2^-25.
   *
   * @param secret four words, the same for all keys of a layer
   */
  setIpv6(flow: FlowAddresses, secret: Int32Array): void {
    addresses[0] = flow.localA;
    addresses[1] = flow.localB;
    addresses[2] = flow.localC;
    addresses[3] = flow.localD;
    addresses[4] = flow.remoteA;
    addresses[5] = flow.remoteB;
    addresses[6] = flow.remoteC;
    addresses[7] = flow.remoteD;
    sipHash24(secret, addresses, 8, hash);
    this.a = hash[0]!;
    this.b = hash[1]!;
    this.c = (flow.localPort << 16) | flow.remotePort;
    this.d = 6;
  }

  clear(): void {
    this.a = 0;
    this.b = 0;
    this.c = 0;
    this.d = 0;
  }

  copy(from: FlowKey): void {
    this.a = from.a;
    this.b = from.b;
    this.c = from.c;
    this.d = from.d;
  }

  equals(other: FlowKey): boolean {
    return this.a === other.a && this.b === other.b && this.c === other.c && this.d === other.d;
  }
}
