import { HEADROOM } from '@prism-net/buffers';
import { tcp, tcpOptions } from '@prism-net/wire';
import type { ControlBlock } from '../control-block.js';

const HEADER = tcp.MINIMUM_HEADER_LENGTH;
/** A segment this small goes through wherever IPv4 works: every host takes datagrams of 576 bytes (RFC 791 §3.1). */
const SAFE_SEGMENT = 536;
/** RFC 1191 §6.3: ten minutes. */
const RAISE_MILLISECONDS = 600_000;
/** A search that follows another within this time confirms it. */
const SUSPICION_MILLISECONDS = 60_000;

/** The path MTU, or the options agreed upon, have changed: the segment size follows (RFC 9293 §3.7.1, MUST-16; RFC 1191 §6.4). */
export function pathChanged(block: ControlBlock): void {
  const path = block.path!;
  block.pathMtu = path.mtu;
  const headers = (path.network.headerLength + HEADER) | 0;
  let size = Math.min(block.peerSegmentSize, path.mtu - headers);
  if (block.maximumSegment > 0) size = Math.min(size, block.maximumSegment);
  if (block.searchedSegmentSize > 0) size = Math.min(size, block.searchedSegmentSize);
  size = Math.min(size, affordableSize(block));
  if (block.hasTimestamps) size -= tcpOptions.TIMESTAMPS_LENGTH;
  setSegmentSize(block, Math.max(size, 1));
}

/** A segment that takes a large part of a small pool might wait for ever for so many packets at once. */
function affordableSize(block: ControlBlock): number {
  const { pool } = block.layer;
  return Math.max(1, pool.region.frames >> 4) * (pool.memory.layout.frameSize - HEADROOM);
}

function setSegmentSize(block: ControlBlock, size: number): void {
  const before = block.segmentSize;
  block.segmentSize = size;
  const { recovery, layer } = block;
  block.segmentFrames = Math.ceil(size / (layer.pool.memory.layout.frameSize - HEADROOM));
  recovery.window.setMaximumSegmentSize(size);
  if (size < before) recovery.onSegmentSizeReduced(size, layer.now);
}

/** Before output: the path MTU has changed, or it is time to believe in a larger one again (RFC 1191 §6.3). */
export function followPath(block: ControlBlock): void {
  if (block.searchedSegmentSize > 0) {
    if (age(block) < RAISE_MILLISECONDS && block.path!.mtu === block.pathMtu) return;
    block.searchedSegmentSize = 0;
  }
  pathChanged(block);
}

/**
 * Timeouts in a row with full segments: perhaps the path drops them, and the ICMP messages that would say so (RFC 2923
 * §2.1). Smaller segments are tried in turn with full ones, so that an outage does not leave them small.
 */
export function searchBlackHole(block: ControlBlock): void {
  const { blackHoleTimeouts, blackHoleSegmentSize } = block.layer.settings;
  if (blackHoleTimeouts === 0) return;
  const tried = (block.recovery.consecutiveTimeouts - blackHoleTimeouts) | 0;
  const size = oldestSegment(block);
  if (tried < 0 || tried > 3 || (size <= SAFE_SEGMENT && block.searchedSegmentSize === 0)) return;
  // A little less than a segment that is small already would say nothing.
  if (tried === 0 && size <= blackHoleSegmentSize) return;
  if (tried === 0) block.isBlackHole = block.searchedAt !== 0 && age(block) < SUSPICION_MILLISECONDS;
  if ((tried & 1) === 1) block.searchedSegmentSize = 0;
  else block.searchedSegmentSize = tried === 0 ? blackHoleSegmentSize : SAFE_SEGMENT;
  block.searchedAt = block.layer.milliseconds;
  pathChanged(block);
}

/**
 * A smaller segment was acknowledged. The first time it may have been an outage that ended: full segments are tried again,
 * and only if they fail once more they are believed not to get through.
 */
export function smallerArrived(block: ControlBlock): void {
  if (block.isBlackHole) return;
  block.searchedSegmentSize = 0;
  pathChanged(block);
}

/** Milliseconds since the last search. */
function age(block: ControlBlock): number {
  return (block.layer.milliseconds - block.searchedAt) >>> 0;
}

/** Length of the oldest segment that is out. */
function oldestSegment(block: ControlBlock): number {
  const { recovery } = block;
  const index = recovery.nextLost();
  return index < 0 ? 0 : (recovery.recordEnd(index) - recovery.recordStart(index)) | 0;
}
