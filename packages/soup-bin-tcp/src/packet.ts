/*
 * A SoupBinTCP packet, big-endian:
 *
 *   offset  field    type
 *        0  length   u16   of what follows: type and payload, so at least 1
 *        2  type     u8    ASCII
 *        3  payload
 */
export const LENGTH_BYTES = 2;
/** Length and type. */
export const PACKET_HEADER_BYTES = 3;

export const PacketType = {
  /** '+', both ways: text for people, to be ignored by programs. */
  debug: 0x2b,
  /** 'A', to the client: session, and the number of the first sequenced message that follows. */
  loginAccepted: 0x41,
  /** 'J', to the client: one of {@link LoginRejectReason}. */
  loginRejected: 0x4a,
  /** 'S', to the client: one message; its number is counted, not carried. */
  sequencedData: 0x53,
  /** 'H', to the client. */
  serverHeartbeat: 0x48,
  /** 'Z', to the client: there will be no further messages in this session. */
  endOfSession: 0x5a,
  /** 'L', to the server. */
  loginRequest: 0x4c,
  /** 'U', to the server (or from it): one message without a number, lost when the connection is. */
  unsequencedData: 0x55,
  /** 'R', to the server. */
  clientHeartbeat: 0x52,
  /** 'O', to the server: goodbye. */
  logoutRequest: 0x4f,
} as const;
export type PacketType = (typeof PacketType)[keyof typeof PacketType];

export const LoginRejectReason = {
  /** 'A': user name or password. */
  notAuthorised: 0x41,
  /** 'S': the session, or the messages asked for, are not there. */
  sessionNotAvailable: 0x53,
} as const;
export type LoginRejectReason = (typeof LoginRejectReason)[keyof typeof LoginRejectReason];

/** Writes length and type in front of a payload of `payloadLength` bytes at `at + PACKET_HEADER_BYTES`. Returns the packet's whole length. */
export function writePacketHeader(view: DataView, at: number, type: number, payloadLength: number): number {
  view.setUint16(at, payloadLength + 1);
  view.setUint8(at + LENGTH_BYTES, type);
  return (payloadLength + PACKET_HEADER_BYTES) | 0;
}

/** Copies `length` bytes between two views, four at a time: for short runs no typed array's view has to be made. */
export function copyBytes(to: DataView, toAt: number, from: DataView, fromAt: number, length: number): void {
  const words = length & ~3;
  let n = 0;
  for (; n < words; n = (n + 4) | 0) to.setInt32(toAt + n, from.getInt32(fromAt + n));
  for (; n < length; n = (n + 1) | 0) to.setUint8(toAt + n, from.getUint8(fromAt + n));
}
