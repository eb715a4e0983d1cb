// TPACKET_V2 of <linux/if_packet.h>: the header of a slot, in words of 32 bits. The first is the status: who owns the
// slot, and in a slot of the receive ring what is known about the packet.

export const LENGTH = 1;
export const CAPTURED_LENGTH = 2;
/** Two halves: where the Ethernet header is, and the network header, from the start of the slot. */
export const OFFSETS = 3;
export const SECONDS = 4;
export const NANOSECONDS = 5;
/** Two halves: control information and protocol of the VLAN tag. */
export const VLAN = 6;
/** Of this header, in bytes. What is sent starts behind it. */
export const HEADER_BYTES = 32;
/** Header, struct sockaddr_ll and alignment: nothing that was received starts before. */
export const FIRST_BYTE = 52;

export const ReceiveStatus = {
  KERNEL: 0,
  USER: 1,
  CSUM_NOT_READY: 1 << 3,
  VLAN_VALID: 1 << 4,
  VLAN_TPID_VALID: 1 << 6,
  CSUM_VALID: 1 << 7,
  HARDWARE_TIME: 1 << 31,
} as const;

export const TransmitStatus = {
  AVAILABLE: 0,
  SEND_REQUEST: 1,
  SENDING: 2,
  WRONG_FORMAT: 4,
} as const;
