export { DatagramTemplate } from './datagram-template.js';
export { PortTable, type PortTableOptions } from './port-table.js';
export { type EndpointHandler, MAXIMUM_DATAGRAM, UdpEndpoint } from './udp-endpoint.js';
export {
  destinationAddress,
  sourceAddress,
  sourcePort,
  UdpLayer,
  type UdpOptions,
  type UdpStatistics,
} from './udp-layer.js';
