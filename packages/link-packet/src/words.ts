/** Most packets of one system call. */
export const MAXIMUM_MESSAGES = 64;
/** Most frames of one burst. */
export const MAXIMUM_FRAMES = 1024;

/** Where what lies, in words of the array shared with the addon; native/packet_socket.h says the same. */
export const Words = {
  /** Why no more was received: the error's number. */
  STATUS: 0,
  /** Frames to receive into: the offset of each. */
  FRAMES: 1,
  /** For each packet received: bytes, frames, flags, gsoSize, VLAN tag, timestamp, start and place of the checksum. */
  RECEIVED: 1 + MAXIMUM_FRAMES,
  RECEIVED_WORDS: 10,
  /** For each packet to send: parts, flags, length of the headers, gsoSize, start and place of the checksum. */
  TRANSMIT: 1 + MAXIMUM_FRAMES + 10 * MAXIMUM_MESSAGES,
  TRANSMIT_WORDS: 6,
  /** Offset and length of every part. */
  PARTS: 1 + MAXIMUM_FRAMES + 16 * MAXIMUM_MESSAGES,
  TOTAL: 1 + 3 * MAXIMUM_FRAMES + 16 * MAXIMUM_MESSAGES,
} as const;
