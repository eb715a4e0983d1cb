export { Doorbell, type DoorbellOptions } from './doorbell.js';
export type { RingOptions, RingStatistics } from './layout.js';
export { MpmcRing } from './mpmc-ring.js';
export { SpscRing, type SpscRingOptions } from './spsc-ring.js';
