export * from './checksum.js';
export type { Kernels } from './kernels.js';
export * from './packet.js';
export * from './packet-memory.js';
export * from './packet-pool.js';
export * from './packet-queue.js';
export * from './patched-bytes.js';
export type { LinearMemory } from './web-assembly.js';
