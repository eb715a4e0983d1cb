import { Errno, type PosixError, posixError } from '@prism-net/errors';

/** Numbers of the capture formats (draft-ietf-opsawg-pcap, draft-ietf-opsawg-pcapng). */
export const LINKTYPE_ETHERNET = 1;

/** Classic pcap, as read in the file's own byte order. */
export const PCAP_MAGIC_MICROSECONDS = 0xa1b2c3d4 | 0;
export const PCAP_MAGIC_NANOSECONDS = 0xa1b23c4d | 0;

export const PCAPNG_BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** The same in both byte orders. */
export const SECTION_HEADER_BLOCK = 0x0a0d0d0a;
export const INTERFACE_DESCRIPTION_BLOCK = 1;
/** Obsolete, but found in old files. */
export const PACKET_BLOCK = 2;
export const SIMPLE_PACKET_BLOCK = 3;
export const ENHANCED_PACKET_BLOCK = 6;

export const OPTION_END = 0;
export const OPTION_INTERFACE_NAME = 2;
export const OPTION_PACKET_FLAGS = 2;
export const OPTION_TIMESTAMP_RESOLUTION = 9;
export const OPTION_TIMESTAMP_OFFSET = 14;

/** What is wrong with a capture, and where. */
export function captureError(offset: number, detail: string): PosixError {
  return posixError(Errno.EINVAL, 'capture', `byte ${offset}: ${detail}`);
}
