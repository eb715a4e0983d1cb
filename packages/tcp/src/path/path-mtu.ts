import { HEADROOM } from '@prism-net/buffers';
import { tcp, tcpOptions } from '@prism-net/wire';
import type { Connection } from '../connection.js';

const HEADER = tcp.MINIMUM_HEADER_LENGTH;
/** A segment this small goes through wherever IPv4 works (RFC 9293 §3.7.1, MUST-15). */
const SAFE_SEGMENT = 536;

/** The path MTU, or the options agreed upon, have changed: the segment size follows (RFC 9293 §3.7.1, MUST-16; RFC 1191 §6.4). */
export function pathChanged(connection: Connection): void {
  const path = connection.path!;
  connection.pathMtu = path.mtu;
  const headers = (path.network.headerLength + HEADER) | 0;
  let size = Math.min(connection.peerSegmentSize, path.mtu - headers);
  if (connection.maximumSegment > 0) size = Math.min(size, connection.maximumSegment);
  if (connection.searchedSegmentSize > 0) size = Math.min(size, connection.searchedSegmentSize);
  if (connection.hasTimestamps) size -= tcpOptions.TIMESTAMPS_LENGTH;
  setSegmentSize(connection, Math.max(size, 1));
}

function setSegmentSize(connection: Connection, size: number): void {
  const before = connection.segmentSize;
  connection.segmentSize = size;
  const { recovery, layer } = connection;
  connection.segmentFrames = Math.ceil(size / (layer.pool.memory.layout.frameSize - HEADROOM));
  recovery.window.setMaximumSegmentSize(size);
  if (size < before) recovery.onSegmentSizeReduced(size, layer.now);
}

/**
 * Timeouts in a row with full segments: perhaps the path drops them and the ICMP messages that would say so (RFC 2923
 * §2.1). A smaller segment is tried; if that changes nothing the size was not the reason, and comes back.
 */
export function searchBlackHole(connection: Connection): void {
  const { blackHoleTimeouts, blackHoleSegmentSize } = connection.layer.settings;
  const { recovery } = connection;
  const timeouts = recovery.consecutiveTimeouts;
  if (blackHoleTimeouts === 0 || timeouts < blackHoleTimeouts) return;
  if (connection.searchedSegmentSize === 0) {
    const { size } = outstanding(connection);
    if (size <= SAFE_SEGMENT) return;
    connection.searchedSegmentSize = Math.max(SAFE_SEGMENT, Math.min(blackHoleSegmentSize, size - 1));
  } else if (timeouts >= blackHoleTimeouts * 2 && connection.searchedSegmentSize > SAFE_SEGMENT) {
    connection.searchedSegmentSize = SAFE_SEGMENT;
  } else if (timeouts >= blackHoleTimeouts * 3) {
    connection.searchedSegmentSize = 0;
  } else {
    return;
  }
  pathChanged(connection);
}

/** Length of the oldest segment that is out. */
function outstanding(connection: Connection): { readonly size: number } {
  const { recovery } = connection;
  const index = recovery.nextLost();
  return { size: index < 0 ? 0 : (recovery.recordEnd(index) - recovery.recordStart(index)) | 0 };
}
