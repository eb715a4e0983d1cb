export { PacketLinkCounters } from './link-counters.js';
export { openPacketLink } from './open-packet-link.js';
export { PacketLink } from './packet-link.js';
export type { FanoutOptions, PacketLinkOptions, RingOptions } from './packet-link-options.js';
