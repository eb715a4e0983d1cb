import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { DropReason, seq, tcp } from '@prism-net/wire';
import { end } from '../closing.js';
import type { ControlBlock } from '../control-block.js';
import { defaultSegmentSize } from '../default-segment-size.js';
import type { Segment } from '../segment.js';
import { transmitSyn } from '../send/handshake.js';
import { State } from '../state.js';
import { acknowledgementArrives } from './acknowledgement.js';
import { becomeEstablished } from './established.js';
import { textArrives } from './text.js';
import { trimToWindow } from './trimming.js';

const { ACK, CWR, ECE, RST, SYN } = tcp.Flag;

/** SEGMENT ARRIVES in SYN-SENT (RFC 9293 §3.10.7.3). Takes the packet. */
export function segmentArrivesInSynSent(block: ControlBlock, segment: Segment, now: Instant): void {
  const { layer, recovery } = block;
  const { flags } = segment;
  const hasAck = (flags & ACK) !== 0;
  // First, check the ACK bit.
  if (hasAck) {
    const { acknowledgement } = segment;
    if (
      seq.isLessOrEqual(acknowledgement, block.initialSendSequence) ||
      seq.isGreater(acknowledgement, recovery.next)
    ) {
      // An old connection of the peer: it is told so, unless it says RST itself.
      layer.resetFor(block, segment, now);
      layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_INVALID);
      return;
    }
  }
  // Second, check the RST bit. RFC 5961 §3.2: only one that acknowledges our SYN.
  if ((flags & RST) !== 0) {
    if (!hasAck) {
      layer.drop(segment, DropReason.TCP_RESET_INVALID);
      return;
    }
    layer.handled(segment);
    end(block, Errno.ECONNREFUSED);
    return;
  }
  // Fourth, check the SYN bit.
  if ((flags & SYN) === 0) {
    layer.drop(segment, DropReason.TCP_SYN_UNEXPECTED);
    return;
  }
  agree(block, segment);
  block.lastReceivedAt = layer.milliseconds;
  // The window of a segment with SYN is not scaled (RFC 7323 §2.2).
  block.sendWindow = segment.window;
  block.maximumSendWindow = segment.window;
  block.windowUpdateSequence = segment.sequence;
  block.windowUpdateAcknowledgement = segment.acknowledgement;
  if (!hasAck) {
    receiveCrossingSyn(block, segment, now);
    return;
  }
  becomeEstablished(block, segment, now);
  const scale = block.sendWindowScale;
  block.sendWindowScale = 0;
  segment.sequence = (segment.sequence + 1) | 0;
  const isAlive = acknowledgementArrives(block, segment, now);
  block.sendWindowScale = scale;
  if (!isAlive) return;
  block.mustAcknowledge = true;
  // Sixth, text with the SYN is processed as in ESTABLISHED. (A FIN with it was refused before.)
  trimToWindow(block, segment);
  if (segment.length > 0) textArrives(block, segment, now);
  else layer.handled(segment);
}

/** Both sides opened at once (RFC 9293 §3.5, figure 7; MUST-10): our SYN goes out again, acknowledging theirs. */
function receiveCrossingSyn(block: ControlBlock, segment: Segment, now: Instant): void {
  block.state = State.SYN_RECEIVED;
  // Text or a FIN would have to wait for ESTABLISHED: the peer sends it again.
  block.layer.handled(segment);
  transmitSyn(block, now);
}

/** What a segment with SYN says, and which options both sides have. */
function agree(block: ControlBlock, segment: Segment): void {
  const { options, flags } = segment;
  const { settings } = block.layer;
  block.initialReceiveSequence = segment.sequence;
  block.receiveNext = (segment.sequence + 1) | 0;
  block.lastAcknowledgementSent = block.receiveNext;
  block.receiveWindow.initial(block.receiveNext);
  // RFC 9293 §3.7.1, MUST-14; not below what makes sense (CVE-2019-11479).
  const { family } = block.path!.network;
  const offered = options.maximumSegmentSize < 0 ? defaultSegmentSize(family) : options.maximumSegmentSize;
  block.peerSegmentSize = Math.max(offered, settings.minimumSegmentSize);
  if (block.hasScaling && options.windowScale >= 0) {
    block.sendWindowScale = options.windowScale;
  } else {
    block.hasScaling = false;
    block.sendWindowScale = 0;
    block.receiveWindow.scale = 0;
  }
  block.hasTimestamps = block.hasTimestamps && options.hasTimestamps;
  if (block.hasTimestamps) {
    block.timestampRecent = options.timestampValue;
    block.timestampRecentAt = block.layer.milliseconds;
  }
  block.hasSelectiveAcknowledgements = block.hasSelectiveAcknowledgements && options.sackPermitted;
  // RFC 3168 §6.1.1: ECE without CWR agrees; with CWR it is a crossing SYN that asks, and both have asked.
  const answer = flags & (ECE | CWR);
  const isCrossing = (flags & ACK) === 0;
  block.hasEcn = block.hasEcn && (isCrossing ? answer === (ECE | CWR) : answer === ECE);
}
