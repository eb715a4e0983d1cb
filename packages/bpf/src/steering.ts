/**
 * Which frames of an interface Prism takes, and which stay with the kernel.
 *
 * redirect: to the AF_XDP socket of the receive queue, or to the kernel where that queue has none;
 * pass: to the kernel, as if there were no program; drop: to nobody.
 */
export type SteeringAction = 'redirect' | 'pass' | 'drop';

/**
 * What a frame must have for the action; what is left out does not matter. A rule with none of the fields matches every
 * frame. A rule that names an address, a protocol or a port matches IP packets only.
 *
 * A rule that names ports, or a protocol with ports, also matches ICMP errors about its flows: those that quote a packet
 * to which the rule would match the answer.
 */
export interface SteeringRule {
  /** Of IPv4, or the first next header of IPv6; 'icmp' means ICMP for IPv4 and ICMPv6 for IPv6. */
  readonly protocol?: 'udp' | 'tcp' | 'icmp' | number;
  /** Destination, IPv4 or IPv6: an address or a prefix, '10.0.0.1', '239.0.0.0/8', '2001:db8::/32'. */
  readonly address?: string;
  /** Destination port, or the first and the last one of a range: of TCP, UDP, UDP-Lite, SCTP and DCCP. */
  readonly port?: number | readonly [from: number, to: number];
  /** As `address`. */
  readonly sourceAddress?: string;
  /** As `port`. */
  readonly sourcePort?: number | readonly [from: number, to: number];
  /** The identifier of the frame's 802.1Q tag, 0 to 4094, or 'untagged'. A second tag counts as the payload. */
  readonly vlan?: number | 'untagged';
  /** What the frame carries, behind its tag if it has one: 0x0800 IPv4, 0x0806 ARP, 0x86dd IPv6 … */
  readonly etherType?: number;
  readonly action: SteeringAction;
}

/** The first rule that matches decides. */
export interface Steering {
  /** At most 256. */
  readonly rules: readonly SteeringRule[];
  /** What becomes of frames that no rule matches. */
  readonly otherwise: SteeringAction;
  /**
   * Prism's own addresses, IPv4 and IPv6, at most 256. Neighbour resolution is then steered before the rules: ARP whose
   * target protocol address is one of them, neighbour solicitations for them, and neighbour advertisements for or to them
   * are redirected. ARP and neighbour discovery of others pass to the kernel unless a rule matches; never `otherwise`.
   * Left out: ARP and neighbour discovery are frames like others.
   */
  readonly addresses?: readonly string[];
  /**
   * The kernel has the same addresses: it resolves and answers, and Prism hears a copy over a packet socket. What would
   * be redirected because of `addresses` passes. Default false.
   */
  readonly sharedAddress?: boolean;
}

export const MAXIMUM_RULES = 256;
export const MAXIMUM_ADDRESSES = 256;
