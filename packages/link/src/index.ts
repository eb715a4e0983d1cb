export type { Link, LinkCapabilities } from './link.js';
export * from './link-statistics.js';
export * from './packet-accounts.js';
export * from './posix-error.js';
