import { ChecksumState, finishSum, foldSum, type Packet, PacketFlag } from '@prism-net/buffers';
import type { Instant } from '@prism-net/time';
import { tcp, tcpOptions } from '@prism-net/wire';
import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import type { Path } from '../path/path.js';
import { acknowledged } from '../receive/acknowledgement-policy.js';

const { ACK, ECE, RST } = tcp.Flag;
const HEADER = tcp.MINIMUM_HEADER_LENGTH;
/** ECT(0) (RFC 9293 §3.8.2, SHLD-8; RFC 3168 §5). */
const ECN_CAPABLE = 2;
/** Blocks that fit beside timestamps, and without them (RFC 2018 §3). */
const BLOCKS_BESIDE_TIMESTAMPS = 3;
const BLOCKS = 4;
/** Bytes of text that a full segment has room for, whatever the options. */
const LEAST_TEXT = 4;

/** The blocks of one segment; nothing in between yields. */
const starts = new Int32Array(BLOCKS);
const ends = new Int32Array(BLOCKS);

/** Bytes of SACK option the next segment will carry. */
export function sackLength(block: ControlBlock): number {
  if (!block.hasSelectiveAcknowledgements) return 0;
  const duplicate = block.duplicateStart !== block.duplicateEnd ? 1 : 0;
  const ranges = (block.reassembly.count + duplicate) | 0;
  if (ranges === 0) return 0;
  const most = block.hasTimestamps ? BLOCKS_BESIDE_TIMESTAMPS : BLOCKS;
  // Where segments are tiny some of each stays for text.
  const room = (block.segmentSize - LEAST_TEXT - 4) >> 3;
  const blocks = Math.min(ranges, most, room);
  return blocks <= 0 ? 0 : 4 + (blocks << 3);
}

/**
 * Writes the header in front of the packet's data, the text, and sends it. Takes the packet. `sum` is that of the text,
 * or -1 when it was not taken: then the link completes the checksum, or whoever cuts the virtual segment. A rehearsal
 * changes nothing of the connection.
 */
export function transmit(
  block: ControlBlock,
  packet: Packet,
  sequence: number,
  flags: number,
  textLength: number,
  sum: number,
  isEcnCapable: boolean,
  now: Instant,
): void {
  const path = block.path!;
  const sack = sackLength(block);
  const header = (HEADER + (block.hasTimestamps ? tcpOptions.TIMESTAMPS_LENGTH : 0) + sack) | 0;
  const at = packet.push(header);
  const { view } = packet;
  const isRehearsal = (packet.flags & PacketFlag.REHEARSAL) !== 0;
  const { receiveWindow } = block;
  const window = isRehearsal ? receiveWindow.preview(block) : receiveWindow.advertise(block);
  // RFC 3168 §6.1.3: every acknowledgement says so, until the sender has answered.
  const all = block.isEchoingCongestion && block.hasEcn ? flags | ECE : flags;
  tcp.write(view, at, path.localPort, path.remotePort, sequence, block.receiveNext, header, all, window);
  let option = (at + HEADER) | 0;
  if (block.hasTimestamps) {
    const { layer } = block;
    const value = (layer.milliseconds + block.timestampOffset) | 0;
    option = (option + tcpOptions.writeTimestamps(view, option, value, block.timestampRecent)) | 0;
  }
  if (sack > 0 && !isRehearsal) writeSack(block, view, option, (sack - 4) >> 3);
  finish(packet, path, at, header, textLength, sum);
  if (!isRehearsal) {
    acknowledged(block);
    block.counts[Count.SEGMENTS_OUT]! += 1;
  }
  // RFC 8257 §3.6, RFC 8311 §4.3: switches that mark for it drop what cannot be marked.
  const codepoint = block.hasEcn && (isEcnCapable || block.recovery.preciseEcn) ? ECN_CAPABLE : 0;
  if (block.isStandIn) packet.flags |= PacketFlag.REHEARSAL;
  // RFC 9293 §3.9.1.9, SHLD-22: the DSCP as it is; §3.9.2, MUST-49.
  path.network.send(packet, path, block.trafficClass | codepoint, block.timeToLive, now);
}

/** The checksum of a segment whose header lies at `at`, or the promise that somebody else completes it. */
export function finish(packet: Packet, path: Path, at: number, header: number, text: number, sum: number): void {
  const pseudo = foldSum((path.pseudoHeader + header + text) | 0);
  if (sum < 0) {
    packet.checksumState = ChecksumState.PARTIAL;
    tcp.setChecksum(packet.view, at, pseudo);
    return;
  }
  // RFC 9293 §3.1, MUST-2.
  const whole = packet.memory.sum(at, header, foldSum((pseudo + sum) | 0));
  tcp.setChecksum(packet.view, at, finishSum(whole));
}

/** A segment without text; false when the pool is empty. */
export function transmitEmpty(block: ControlBlock, sequence: number, flags: number, now: Instant): boolean {
  const packet = block.layer.pool.take();
  if (packet === null) return false;
  transmit(block, packet, sequence, flags, 0, block.path!.completesChecksum ? -1 : 0, false, now);
  return true;
}

/** RST for a connection that both sides know of (RFC 9293 §3.5.2). */
export function transmitReset(block: ControlBlock, now: Instant): void {
  if (block.path === null) return;
  const { recovery } = block;
  // Behind the byte of a probe the window was closed.
  transmitEmpty(block, recovery.next, RST | ACK, now);
}

/** The duplicate first (RFC 2883 §4), then the range of the latest segment, then the others (RFC 2018 §4). */
function writeSack(block: ControlBlock, view: DataView, at: number, count: number): void {
  const { reassembly } = block;
  let written = 0;
  if (block.duplicateStart !== block.duplicateEnd) {
    starts[0] = block.duplicateStart;
    ends[0] = block.duplicateEnd;
    block.duplicateStart = block.duplicateEnd;
    written = 1;
  }
  const latest = reassembly.latest;
  if (latest >= 0 && latest < reassembly.count && written < count) {
    starts[written] = reassembly.starts[latest]!;
    ends[written] = reassembly.ends[latest]!;
    written = (written + 1) | 0;
  }
  for (let i = (reassembly.count - 1) | 0; i >= 0 && written < count; i = (i - 1) | 0) {
    if (i === latest) continue;
    starts[written] = reassembly.starts[i]!;
    ends[written] = reassembly.ends[i]!;
    written = (written + 1) | 0;
  }
  tcpOptions.writeSack(view, at, starts, ends, written);
}
