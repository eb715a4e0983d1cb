export type { PingOptions, PingReply } from './ping.js';
export type { PollCounter, PollStatistics } from './poll-statistics.js';
export { platformScheduler, type Scheduler } from './scheduler.js';
export { createStack, Stack } from './stack.js';
export type { InterfaceOptions, LoopMode, SingleInterfaceOptions, StackOptions } from './stack-options.js';
export type { PoolStatistics, StackStatistics } from './statistics.js';
