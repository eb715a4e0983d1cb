export { type EchoHandler, Icmp, type IcmpOptions } from './icmp.js';
export { type Ipv4Address, Ipv4Layer, type Ipv4LayerOptions } from './ipv4-layer.js';
export { Ipv4Route } from './ipv4-route.js';
export type { ReassemblyOptions } from './reassembly.js';
export { type RouteEntry, type RouteOptions, RoutingTable } from './routing-table.js';
export type { TransportHandler } from './transport-handler.js';
