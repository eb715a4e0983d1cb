export { ChallengeLimit } from './challenge-limit.js';
export { EphemeralPorts } from './ephemeral-ports.js';
export { FlowKey } from './flow-key.js';
export { InitialSequence } from './initial-sequence.js';
export { SynCache, type SynCacheHandler } from './syn-cache.js';
export { SynCookies } from './syn-cookies.js';
export { TimeWaitTable } from './time-wait-table.js';
export { TimestampOffset } from './timestamp-offset.js';
