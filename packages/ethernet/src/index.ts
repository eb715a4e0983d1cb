export { type AddressConflictHandler, Arp, type ArpOptions } from './arp.js';
export {
  EthernetInterface,
  type EthernetInterfaceOptions,
  type PacketHandler,
  type UnreachableHandler,
} from './ethernet-interface.js';
export type { NeighbourOptions } from './neighbour-cache.js';
