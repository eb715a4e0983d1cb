export type { PacketLinkCounters } from './link-counters.js';
export { openPacketLink, packetRingBytes } from './open-packet-link.js';
export type { PacketLink } from './packet-link.js';
export type { FanoutOptions, PacketLinkOptions, RingOptions } from './packet-link-options.js';
