export { openXdpLink } from './open-xdp-link.js';
export type { FrameAccount } from './xdp-frames.js';
export type { XdpLink } from './xdp-link.js';
export type { XdpLinkOptions, XdpRingSizes } from './xdp-options.js';
export type { XdpShare } from './xdp-share.js';
export type { KernelStatistics, XdpStatistics } from './xdp-statistics.js';
