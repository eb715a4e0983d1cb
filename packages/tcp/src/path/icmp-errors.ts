import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { seq } from '@prism-net/wire';
import { end } from '../closing.js';
import type { ControlBlock } from '../control-block.js';
import { State } from '../state.js';

/**
 * An ICMP error about a segment of the connection. It is believed when the sequence number it quotes is in flight
 * (RFC 5927 §4.1); then true. Hard errors end only connections that are being opened (RFC 5927 §5.2, RFC 9293 §3.9.2.2).
 */
export function errorArrives(block: ControlBlock, sequence: number, errno: Errno, mtu: number, _now: Instant): boolean {
  const { layer, recovery, state } = block;
  const isInFlight = seq.isLessOrEqual(recovery.unacknowledged, sequence) && seq.isLess(sequence, recovery.next);
  if (!isInFlight) return false;
  if (errno === Errno.EMSGSIZE) {
    // A message that does not make the path narrower is none of a router's (RFC 1191 §6.3; RFC 8201 §4).
    if (mtu >= block.path!.mtu && mtu > 0) return false;
    // The network layer lowers the path's MTU; output sees it, and sends again what was too large (RFC 9293 §3.7.2).
    layer.markPending(block);
    return true;
  }
  const isOpening = state === State.SYN_SENT || state === State.SYN_RECEIVED;
  // RFC 9293 §3.9.2.2, SHLD-26.
  if (isOpening && isHard(errno)) {
    end(block, errno);
    return true;
  }
  // RFC 9293 §3.9.2.2, MUST-56, SHLD-25: the user is told, and again should the connection time out.
  block.softError = errno;
  block.report(errno);
  return true;
}

/** Unreachable for now is no reason to give up: only ports and protocols that say no. */
export function isHard(errno: Errno): boolean {
  return errno === Errno.ECONNREFUSED || errno === Errno.EPROTONOSUPPORT || errno === Errno.EACCES;
}
