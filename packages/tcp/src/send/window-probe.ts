import type { Instant } from '@prism-net/time';
import { seq, tcp } from '@prism-net/wire';
import type { ControlBlock } from '../control-block.js';
import { transmit, transmitEmpty } from './segment-writer.js';
import { takeText, textSum } from './text-packets.js';

const { ACK, FIN, PSH } = tcp.Flag;

/**
 * One byte beyond the window (RFC 9293 §3.8.6.1, MUST-36), or the FIN when nothing else is left. It does not count as
 * sent: until the peer acknowledges it, which {@link adoptProbe} notices, SND.NXT stays.
 */
export function sendWindowProbe(block: ControlBlock, now: Instant): void {
  const { recovery, sendBuffer } = block;
  const sequence = recovery.next;
  if (seq.isLess(sequence, sendBuffer.end)) {
    const packet = takeText(block, sequence, 1, 1);
    if (packet === null) return;
    // RFC 9293 §3.9.1.2, MUST-61.
    const flags = ((sequence + 1) | 0) === sendBuffer.end ? ACK | PSH : ACK;
    transmit(block, packet, sequence, flags, 1, textSum, false, now);
  } else if (!transmitEmpty(block, sequence, FIN | ACK, now)) {
    return;
  }
  if (!block.isProbeOutstanding || block.probeSequence !== sequence) block.probeSentAt = now;
  block.isProbeOutstanding = true;
  block.probeSequence = sequence;
  block.observed(null, now);
}

/** The peer acknowledged the byte of a probe: it was sent, after all. True when `acknowledgement` says that. */
export function adoptProbe(block: ControlBlock, acknowledgement: number): boolean {
  if (!isOfProbe(block, acknowledgement)) return false;
  const { recovery, sendBuffer } = block;
  block.isProbeOutstanding = false;
  if (recovery.next === sendBuffer.end) block.isFinSent = true;
  recovery.onSent(acknowledgement, block.probeSentAt);
  return true;
}

/** It acknowledges the byte of a probe, and nothing was sent since, which would have begun with that byte. */
export function isOfProbe(block: ControlBlock, acknowledgement: number): boolean {
  return (
    block.isProbeOutstanding &&
    block.probeSequence === block.recovery.next &&
    acknowledgement === ((block.probeSequence + 1) | 0)
  );
}
