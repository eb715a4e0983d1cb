/**
 * Why a packet was dropped. Every received frame that is not delivered, handled or forwarded increments exactly one of
 * these; a snapshot lists them by name. Zero means "keep it". New reasons are added at the end of their layer's block.
 */
export const DropReason = {
  NONE: 0,

  // Link and Ethernet
  FRAME_TOO_SHORT: 2,
  FRAME_TOO_LONG: 3,
  FRAME_FRAGMENTED_HEADERS: 4,
  ETHERNET_NOT_FOR_US: 5,
  ETHERNET_SOURCE_INVALID: 6,
  ETHERTYPE_UNKNOWN: 7,
  VLAN_MALFORMED: 8,
  VLAN_NOT_OURS: 9,
  VLAN_DOUBLE_TAGGED: 10,

  // ARP
  ARP_MALFORMED: 16,
  ARP_SENDER_INVALID: 17,
  ARP_NOT_FOR_US: 18,
  ARP_UNSOLICITED: 19,
  ARP_CONFLICT: 20,

  // IPv4
  IPV4_TRUNCATED: 32,
  IPV4_VERSION: 33,
  IPV4_HEADER_LENGTH: 34,
  IPV4_TOTAL_LENGTH: 35,
  IPV4_CHECKSUM: 36,
  IPV4_OPTIONS_MALFORMED: 37,
  IPV4_SOURCE_ROUTED: 38,
  IPV4_SOURCE_INVALID: 39,
  IPV4_DESTINATION_INVALID: 40,
  IPV4_NOT_FOR_US: 41,
  IPV4_GROUP_NOT_JOINED: 42,
  IPV4_PROTOCOL_UNKNOWN: 43,
  IPV4_TIME_TO_LIVE_EXCEEDED: 44,
  IPV4_NO_ROUTE: 45,
  IPV4_FORWARD_NEEDS_FRAGMENTING: 46,

  // IPv4 reassembly
  FRAGMENT_MALFORMED: 56,
  FRAGMENT_OVERLAP: 57,
  FRAGMENT_DUPLICATE: 58,
  FRAGMENT_TOO_LARGE: 59,
  FRAGMENT_TOO_SMALL: 60,
  FRAGMENT_LIMIT: 61,
  FRAGMENT_TIMEOUT: 62,

  // ICMPv4
  ICMP_TRUNCATED: 72,
  ICMP_CHECKSUM: 73,
  ICMP_TYPE_UNKNOWN: 74,
  ICMP_ERROR_MALFORMED: 75,
  ICMP_ERROR_UNMATCHED: 76,
  ICMP_RATE_LIMITED: 77,
  ICMP_BROADCAST_ECHO: 78,
  ICMP_REDIRECT_IGNORED: 79,

  // UDP
  UDP_TRUNCATED: 88,
  UDP_LENGTH: 89,
  UDP_CHECKSUM: 90,
  UDP_PORT_ZERO: 91,
  UDP_PORT_UNREACHABLE: 92,
  SOCKET_BUFFER_FULL: 94,

  // On the way out
  TRANSMIT_NEIGHBOUR_UNREACHABLE: 104,
  TRANSMIT_NEIGHBOUR_QUEUE_FULL: 105,
  TRANSMIT_QUEUE_FULL: 106,
  TRANSMIT_TOO_LONG: 107,
  TRANSMIT_NO_ROUTE: 108,
  TRANSMIT_LINK_CLOSED: 109,
  /** Refused before it was a datagram: no peer, not permitted, a pending error; the caller got the error number. */
  TRANSMIT_REFUSED: 110,

  // Any layer
  OUT_OF_PACKETS: 120,
  STACK_CLOSED: 121,

  // TCP: the segment itself
  TCP_TRUNCATED: 128,
  TCP_HEADER_LENGTH: 129,
  TCP_CHECKSUM: 130,
  TCP_PORT_ZERO: 131,
  /** A combination no sender makes: none at all, SYN with FIN or RST, FIN without ACK. */
  TCP_FLAGS_INVALID: 132,
  /** Sent to a broadcast or multicast address (RFC 9293 §3.9.2.3). */
  TCP_NOT_UNICAST: 133,

  // TCP: judged by a connection
  TCP_NO_CONNECTION: 136,
  TCP_OUT_OF_WINDOW: 137,
  TCP_DUPLICATE: 138,
  TCP_ACKNOWLEDGEMENT_INVALID: 139,
  TCP_ACKNOWLEDGEMENT_MISSING: 140,
  /** An old duplicate by its timestamp (RFC 7323 §5). */
  TCP_TIMESTAMP_OLD: 141,
  TCP_TIMESTAMP_MISSING: 142,
  /** In the window but not exact (RFC 5961 §3). */
  TCP_RESET_INVALID: 143,
  TCP_SYN_UNEXPECTED: 144,
  TCP_AFTER_CLOSE: 145,
  TCP_OUT_OF_ORDER_LIMIT: 146,
  TCP_RECEIVE_BUFFER_FULL: 147,
  TCP_TIME_WAIT: 148,

  // TCP: opening connections
  TCP_ACCEPT_QUEUE_FULL: 152,
  TCP_CONNECTION_LIMIT: 153,
  TCP_COOKIE_INVALID: 154,
  TCP_SYN_RATE: 155,
} as const;

export type DropReason = (typeof DropReason)[keyof typeof DropReason];

/** Size of an array indexed by drop reason; IPv6 has its block from 160 on. */
export const DROP_REASON_LIMIT = 256;

const names: (string | undefined)[] = [];
for (const [name, value] of Object.entries(DropReason)) names[value] = name;

/** The name of a reason, for reports: `UDP_CHECKSUM`. */
export function dropReasonName(reason: number): string {
  return names[reason] ?? `UNKNOWN_${reason}`;
}
