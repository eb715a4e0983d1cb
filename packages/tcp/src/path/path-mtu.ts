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
export function pathChanged(connection: ControlBlock): void {
  const path = connection.path!;
  connection.pathMtu = path.mtu;
  const headers = (path.network.headerLength + HEADER) | 0;
  let size = Math.min(connection.peerSegmentSize, path.mtu - headers);
  if (connection.maximumSegment > 0) size = Math.min(size, connection.maximumSegment);
  if (connection.searchedSegmentSize > 0) size = Math.min(size, connection.searchedSegmentSize);
  size = Math.min(size, affordableSize(connection));
  if (connection.hasTimestamps) size -= tcpOptions.TIMESTAMPS_LENGTH;
  setSegmentSize(connection, Math.max(size, 1));
}

/** A segment that takes a large part of a small pool might wait for ever for so many packets at once. */
function affordableSize(connection: ControlBlock): number {
  const { pool } = connection.layer;
  return Math.max(1, pool.region.frames >> 4) * (pool.memory.layout.frameSize - HEADROOM);
}

function setSegmentSize(connection: ControlBlock, size: number): void {
  const before = connection.segmentSize;
  connection.segmentSize = size;
  const { recovery, layer } = connection;
  connection.segmentFrames = Math.ceil(size / (layer.pool.memory.layout.frameSize - HEADROOM));
  recovery.window.setMaximumSegmentSize(size);
  if (size < before) recovery.onSegmentSizeReduced(size, layer.now);
}

/** Before output: the path MTU has changed, or it is time to believe in a larger one again (RFC 1191 §6.3). */
export function followPath(connection: ControlBlock): void {
  if (connection.searchedSegmentSize > 0) {
    if (age(connection) < RAISE_MILLISECONDS && connection.path!.mtu === connection.pathMtu) return;
    connection.searchedSegmentSize = 0;
  }
  pathChanged(connection);
}

/**
 * Timeouts in a row with full segments: perhaps the path drops them, and the ICMP messages that would say so (RFC 2923
 * §2.1). Smaller segments are tried in turn with full ones, so that an outage does not leave them small.
 */
export function searchBlackHole(connection: ControlBlock): void {
  const { blackHoleTimeouts, blackHoleSegmentSize } = connection.layer.settings;
  if (blackHoleTimeouts === 0) return;
  const tried = (connection.recovery.consecutiveTimeouts - blackHoleTimeouts) | 0;
  const size = oldestSegment(connection);
  if (tried < 0 || tried > 3 || (size <= SAFE_SEGMENT && connection.searchedSegmentSize === 0)) return;
  // A little less than a segment that is small already would say nothing.
  if (tried === 0 && size <= blackHoleSegmentSize) return;
  if (tried === 0) connection.isBlackHole = connection.searchedAt !== 0 && age(connection) < SUSPICION_MILLISECONDS;
  if ((tried & 1) === 1) connection.searchedSegmentSize = 0;
  else connection.searchedSegmentSize = tried === 0 ? blackHoleSegmentSize : SAFE_SEGMENT;
  connection.searchedAt = connection.layer.milliseconds;
  pathChanged(connection);
}

/**
 * A smaller segment was acknowledged. The first time it may have been an outage that ended: full segments are tried again,
 * and only if they fail once more they are believed not to get through.
 */
export function smallerArrived(connection: ControlBlock): void {
  if (connection.isBlackHole) return;
  connection.searchedSegmentSize = 0;
  pathChanged(connection);
}

/** Milliseconds since the last search. */
function age(connection: ControlBlock): number {
  return (connection.layer.milliseconds - connection.searchedAt) >>> 0;
}

/** Length of the oldest segment that is out. */
function oldestSegment(connection: ControlBlock): number {
  const { recovery } = connection;
  const index = recovery.nextLost();
  return index < 0 ? 0 : (recovery.recordEnd(index) - recovery.recordStart(index)) | 0;
}
