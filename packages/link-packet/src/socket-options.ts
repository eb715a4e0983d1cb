// Levels and options of setsockopt, as <asm/socket.h> and <linux/if_packet.h> number them.
export const SOL_SOCKET = 1;
export const SO_SNDBUF = 7;
export const SO_RCVBUF = 8;
export const SO_SNDBUFFORCE = 32;
export const SO_RCVBUFFORCE = 33;
export const SO_TIMESTAMPING = 37;

export const SOL_PACKET = 263;
export const PACKET_RX_RING = 5;
export const PACKET_AUXDATA = 8;
export const PACKET_VERSION = 10;
export const PACKET_TX_RING = 13;
export const PACKET_LOSS = 14;
export const PACKET_VNET_HDR = 15;
export const PACKET_TIMESTAMP = 17;
export const PACKET_FANOUT = 18;
export const PACKET_IGNORE_OUTGOING = 23;

export const TPACKET_V2 = 1;

/** Of PACKET_FANOUT: how packets are spread. */
export const FANOUT = { hash: 0, 'round-robin': 1, cpu: 2, queue: 5 } as const;
export const FANOUT_FLAG_IGNORE_OUTGOING = 0x4000;
export const FANOUT_FLAG_DEFRAG = 0x8000;

// Flags of SO_TIMESTAMPING and PACKET_TIMESTAMP, <linux/net_tstamp.h>.
export const SOF_TIMESTAMPING_RX_HARDWARE = 1 << 2;
export const SOF_TIMESTAMPING_RX_SOFTWARE = 1 << 3;
export const SOF_TIMESTAMPING_SOFTWARE = 1 << 4;
export const SOF_TIMESTAMPING_RAW_HARDWARE = 1 << 6;

/** What poll(2) says: packets can be read. */
export const POLLIN = 1;
