export { Errno, type PosixError } from '@prism-net/errors';
export type { ConnectionOptions, TcpInformation } from '@prism-net/tcp';
// What zero-copy receivers need beside a packet: who sent it, and addresses as text.
export { destinationAddress, sourceAddress, sourcePort } from '@prism-net/udp';
export { formatIpv4Address, parseIpv4Address } from '@prism-net/wire';
export { Datagram } from './datagram.js';
export * from './datagram-socket.js';
export type { DatagramSocketOptions } from './datagram-socket-options.js';
export { DatagramTemplate, type TemplateOptions } from './datagram-template.js';
export * from './multiplexer.js';
export { ReadyQueue, type ReadyTarget } from './ready-queue.js';
export type { SocketAddress } from './socket-address.js';
export type { Closable, SocketContext } from './socket-context.js';
export { connectStream } from './stream-connect.js';
export * from './stream-listener.js';
export type { StreamConnectOptions, StreamListenOptions, StreamSocketOptions } from './stream-options.js';
export * from './stream-socket.js';
export { StreamTemplate } from './stream-template.js';
export type { SocketWatcher, Watchable } from './watchable.js';
