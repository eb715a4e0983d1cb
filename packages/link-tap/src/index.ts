export { openTapLink, type TapLink } from './tap-link.js';
export type { TapOffloads, TapOptions } from './tap-options.js';
export type { TapStatistics, TapStatisticsSnapshot } from './tap-statistics.js';
