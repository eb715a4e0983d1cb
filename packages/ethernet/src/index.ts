export { type AddressConflictHandler, Arp, type ArpInterface, type ArpOptions } from './arp.js';
export { EthernetInterface } from './ethernet-interface.js';
export type { EthernetInterfaceOptions, PacketHandler, UnreachableHandler } from './ethernet-options.js';
export { type NeighbourActions, type NeighbourOptions, NeighbourState } from './neighbour.js';
export { NeighbourCache } from './neighbour-cache.js';
export { PreparedFrame } from './prepared-frame.js';
