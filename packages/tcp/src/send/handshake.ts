import type { Packet } from '@prism-net/buffers';
import type { Instant } from '@prism-net/time';
import { tcp, tcpOptions } from '@prism-net/wire';
import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import type { Path } from '../path/path.js';
import { acknowledged } from '../receive/acknowledgement-policy.js';
import { State } from '../state.js';
import { finish } from './segment-writer.js';

const { ACK, CWR, ECE, SYN } = tcp.Flag;
const HEADER = tcp.MINIMUM_HEADER_LENGTH;

/** What a segment with SYN says besides its numbers; one object, refilled. */
export class SynContents {
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  window = 0;
  /** Bytes of text we receive in one segment: our MSS. */
  maximumSegmentSize = 0;
  sackPermitted = false;
  hasTimestamps = false;
  timestampValue = 0;
  timestampEcho = 0;
  /** -1: not offered. */
  windowScale = -1;
}

const contents = new SynContents();

/** Sends our SYN, with ACK in SYN-RECEIVED. The sequence number of the SYN is recorded by the caller. */
export function transmitSyn(block: ControlBlock, now: Instant): boolean {
  const packet = block.layer.pool.take();
  if (packet === null) return false;
  const path = block.path!;
  const { layer, receiveWindow } = block;
  const isAnswer = block.state === State.SYN_RECEIVED;
  contents.sequence = block.initialSendSequence;
  contents.acknowledgement = isAnswer ? block.receiveNext : 0;
  contents.flags = isAnswer ? SYN | ACK : SYN;
  // RFC 9293 §3.8.2, SHLD-8; RFC 3168 §6.1.1, §6.1.1.1: a SYN sent again asks no more, in case somebody on the way
  // drops what asks.
  if (isAnswer && block.hasEcn) contents.flags |= ECE;
  else if (!isAnswer && block.hasEcn && block.recovery.consecutiveTimeouts === 0) contents.flags |= ECE | CWR;
  contents.window = receiveWindow.initial(block.receiveNext);
  contents.maximumSegmentSize = offeredSegmentSize(path, block.maximumSegment);
  contents.sackPermitted = block.hasSelectiveAcknowledgements;
  contents.hasTimestamps = block.hasTimestamps;
  contents.timestampValue = (layer.milliseconds + block.timestampOffset) | 0;
  contents.timestampEcho = isAnswer ? block.timestampRecent : 0;
  contents.windowScale = block.hasScaling ? receiveWindow.scale : -1;
  writeSyn(packet, path, contents);
  acknowledged(block);
  block.counts[Count.SEGMENTS_OUT]! += 1;
  path.network.send(packet, path, block.trafficClass, block.timeToLive, now);
  block.observed(null, now);
  return true;
}

/** RFC 9293 §3.7.1, MUST-67: what the interface takes, less the headers without options (RFC 6691). */
export function offeredSegmentSize(path: Path, maximum: number): number {
  const size = (path.interfaceMtu - path.network.headerLength - HEADER) | 0;
  return maximum > 0 && maximum < size ? maximum : size;
}

/** Writes a segment with SYN in front of the packet's (empty) data. */
export function writeSyn(packet: Packet, path: Path, syn: SynContents): void {
  let length = HEADER + 4;
  if (syn.hasTimestamps) length += 12;
  else if (syn.sackPermitted) length += 4;
  if (syn.windowScale >= 0) length += 4;
  const at = packet.push(length);
  const { view } = packet;
  tcp.write(
    view,
    at,
    path.localPort,
    path.remotePort,
    syn.sequence,
    syn.acknowledgement,
    length,
    syn.flags,
    syn.window,
  );
  let option = at + HEADER;
  // RFC 9293 §3.7.1, MUST-14, SHLD-5, MAY-3: always there; and nowhere else (§3.2, MUST-65).
  option += tcpOptions.writeMaximumSegmentSize(view, option, syn.maximumSegmentSize);
  const { timestampValue, timestampEcho } = syn;
  if (syn.hasTimestamps && syn.sackPermitted) {
    option += tcpOptions.writeSackPermittedTimestamps(view, option, timestampValue, timestampEcho);
  } else if (syn.hasTimestamps) {
    option += tcpOptions.writeTimestamps(view, option, timestampValue, timestampEcho);
  } else if (syn.sackPermitted) {
    option += tcpOptions.writeSackPermitted(view, option);
  }
  if (syn.windowScale >= 0) tcpOptions.writeWindowScale(view, option, syn.windowScale);
  finish(packet, path, at, length, 0, path.completesChecksum ? -1 : 0);
}
