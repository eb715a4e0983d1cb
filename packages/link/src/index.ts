export { type ImpairedLink, type ImpairOptions, impair } from './impaired-link.js';
export type { ImpairmentStatistics, ImpairmentStatisticsSnapshot, Impairments } from './impairments.js';
export type { Link, LinkCapabilities } from './link.js';
export * from './link-statistics.js';
export * from './loopback-link.js';
export * from './packet-accounts.js';
export { markPartialChecksum } from './partial-checksum.js';
export { type CaptureOptions, capture } from './pcap/capture-link.js';
export { type CaptureReader, openCapture } from './pcap/capture-reader.js';
export { PcapReader } from './pcap/pcap-reader.js';
export { CaptureDirection, PcapWriter, type PcapWriterOptions } from './pcap/pcap-writer.js';
export { PcapngReader } from './pcap/pcapng-reader.js';
export { createReplayLink, type ReplayLink, type ReplayOptions } from './pcap/replay-link.js';
export * from './pipe-link.js';
export { MAXIMUM_VIRTUAL_SEGMENT, Segmenter } from './segmentation.js';
export type { SegmentationStatistics, SegmentationStatisticsSnapshot } from './segmentation-statistics.js';
export {
  createSharedMemoryLink,
  type SharedMemoryLinkEnd,
  type SharedMemoryLinkOptions,
  sharedMemoryLinkBytes,
} from './shared-memory-layout.js';
export { openSharedMemoryLink, type SharedMemoryLink, sharedMemoryBell } from './shared-memory-link.js';
export { createSwitch, type Switch, type SwitchOptions } from './switch-link.js';
export type { SwitchStatistics, SwitchStatisticsSnapshot } from './switch-statistics.js';
export type { Schedule } from './wakeup.js';
