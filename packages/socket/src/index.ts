export * from './datagram-socket.js';
export * from './multiplexer.js';
export { ReadyQueue, type ReadyTarget } from './ready-queue.js';
export type { Closable, SocketContext } from './socket-context.js';
