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
export function segmentArrivesInSynSent(connection: ControlBlock, segment: Segment, now: Instant): void {
  const { layer, recovery } = connection;
  const { flags } = segment;
  const hasAck = (flags & ACK) !== 0;
  // First, check the ACK bit.
  if (hasAck) {
    const { acknowledgement } = segment;
    if (
      seq.isLessOrEqual(acknowledgement, connection.initialSendSequence) ||
      seq.isGreater(acknowledgement, recovery.next)
    ) {
      // An old connection of the peer: it is told so, unless it says RST itself.
      layer.resetFor(connection, segment, now);
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
    end(connection, Errno.ECONNREFUSED);
    return;
  }
  // Fourth, check the SYN bit.
  if ((flags & SYN) === 0) {
    layer.drop(segment, DropReason.TCP_SYN_UNEXPECTED);
    return;
  }
  agree(connection, segment);
  connection.lastReceivedAt = layer.milliseconds;
  // The window of a segment with SYN is not scaled (RFC 7323 §2.2).
  connection.sendWindow = segment.window;
  connection.maximumSendWindow = segment.window;
  connection.windowUpdateSequence = segment.sequence;
  connection.windowUpdateAcknowledgement = segment.acknowledgement;
  if (!hasAck) {
    receiveCrossingSyn(connection, segment, now);
    return;
  }
  becomeEstablished(connection, segment, now);
  const scale = connection.sendWindowScale;
  connection.sendWindowScale = 0;
  segment.sequence = (segment.sequence + 1) | 0;
  const isAlive = acknowledgementArrives(connection, segment, now);
  connection.sendWindowScale = scale;
  if (!isAlive) return;
  connection.mustAcknowledge = true;
  // Sixth, text with the SYN is processed as in ESTABLISHED. (A FIN with it was refused before.)
  trimToWindow(connection, segment);
  if (segment.length > 0) textArrives(connection, segment, now);
  else layer.handled(segment);
}

/** Both sides opened at once (RFC 9293 §3.5, figure 7; MUST-10): our SYN goes out again, acknowledging theirs. */
function receiveCrossingSyn(connection: ControlBlock, segment: Segment, now: Instant): void {
  connection.state = State.SYN_RECEIVED;
  // Text or a FIN would have to wait for ESTABLISHED: the peer sends it again.
  connection.layer.handled(segment);
  transmitSyn(connection, now);
}

/** What a segment with SYN says, and which options both sides have. */
function agree(connection: ControlBlock, segment: Segment): void {
  const { options, flags } = segment;
  const { settings } = connection.layer;
  connection.initialReceiveSequence = segment.sequence;
  connection.receiveNext = (segment.sequence + 1) | 0;
  connection.lastAcknowledgementSent = connection.receiveNext;
  connection.receiveWindow.initial(connection.receiveNext);
  // RFC 9293 §3.7.1, MUST-14; not below what makes sense (CVE-2019-11479).
  const { family } = connection.path!.network;
  const offered = options.maximumSegmentSize < 0 ? defaultSegmentSize(family) : options.maximumSegmentSize;
  connection.peerSegmentSize = Math.max(offered, settings.minimumSegmentSize);
  if (connection.hasScaling && options.windowScale >= 0) {
    connection.sendWindowScale = options.windowScale;
  } else {
    connection.hasScaling = false;
    connection.sendWindowScale = 0;
    connection.receiveWindow.scale = 0;
  }
  connection.hasTimestamps = connection.hasTimestamps && options.hasTimestamps;
  if (connection.hasTimestamps) {
    connection.timestampRecent = options.timestampValue;
    connection.timestampRecentAt = connection.layer.milliseconds;
  }
  connection.hasSelectiveAcknowledgements = connection.hasSelectiveAcknowledgements && options.sackPermitted;
  // RFC 3168 §6.1.1: ECE without CWR agrees; with CWR it is a crossing SYN that asks, and both have asked.
  const answer = flags & (ECE | CWR);
  const isCrossing = (flags & ACK) === 0;
  connection.hasEcn = connection.hasEcn && (isCrossing ? answer === (ECE | CWR) : answer === ECE);
}
