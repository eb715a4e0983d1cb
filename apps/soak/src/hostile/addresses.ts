/** The network of the attack: a stack of Prism, and the kernel that is its neighbour and its router to everywhere else. */
export const PRISM = { address: '10.0.0.1', macAddress: '02:00:00:00:00:01' } as const;
export const KERNEL = { address: '10.0.0.2', macAddress: '02:00:00:00:00:02' } as const;
export const PREFIX_LENGTH = 24;
/** Of the stack. The cable carries more, so that what is too long for the stack gets there. */
export const MTU = 1500;
export const CABLE_MTU = 1600;
/** UDP and TCP: the echo service (RFC 862). */
export const ECHO_PORT = 7;
/** Ports of the kernel's client, which tell its traffic from the corpus. */
export const UDP_CLIENT_PORT = 40_001;
export const STREAM_CLIENT_PORT = 40_002;
/** Connections that come and go. */
export const SHORT_CLIENT_PORTS = { first: 41_000, last: 41_999 } as const;
/** Idle connections for the corpus to be about. */
export const VICTIM_PORTS = { first: 42_000, last: 42_099 } as const;
