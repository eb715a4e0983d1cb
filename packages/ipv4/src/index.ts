export type { Ipv4Address } from './address-table.js';
export { type EchoHandler, Icmp, type IcmpOptions } from './icmp.js';
export { Ipv4Layer } from './ipv4-layer.js';
export type { Ipv4LayerOptions } from './ipv4-options.js';
export { Ipv4Route } from './ipv4-route.js';
export { Reassembly, type ReassemblyOptions } from './reassembly.js';
export { type RouteEntry, type RouteOptions, type RouteSelection, RoutingTable } from './routing-table.js';
export type { TransportHandler } from './transport-handler.js';
