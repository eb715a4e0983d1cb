export { type AddressConflictHandler, Arp, type ArpInterface, type ArpOptions } from './arp.js';
export {
  EthernetInterface,
  type EthernetInterfaceOptions,
  type PacketHandler,
  type UnreachableHandler,
} from './ethernet-interface.js';
export { type NeighbourActions, NeighbourCache, type NeighbourOptions, NeighbourState } from './neighbour-cache.js';
