import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';
import { pathChanged } from '../path/path-mtu.js';
import type { Segment } from '../segment.js';
import { State } from '../state.js';

/**
 * Both sides have acknowledged each other's SYN. The acknowledgement of ours is still to be processed by the caller, so
 * that the round trip of the handshake is measured.
 */
export function becomeEstablished(block: ControlBlock, _segment: Segment, now: Instant): void {
  const { layer, recovery } = block;
  block.state = State.ESTABLISHED;
  if (block.isFinQueued) block.state = State.FIN_WAIT_1;
  block.lastReceivedAt = layer.milliseconds;
  block.lastSentAt = now;
  recovery.sackEnabled = block.hasSelectiveAcknowledgements;
  recovery.timestampsEnabled = block.hasTimestamps;
  block.challenges.reset(now);
  pathChanged(block);
  recovery.established(block.segmentSize, now);
  // One byte of sequence space is the SYN's.
  block.timers.keepAliveChanged(now);
  layer.countEstablished(block);
  layer.blocks.enlist(block);
  block.tellConnected();
}
