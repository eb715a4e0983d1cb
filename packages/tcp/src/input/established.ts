import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';
import { pathChanged } from '../path/path-mtu.js';
import type { Segment } from '../segment.js';
import { State } from '../state.js';

/**
 * Both sides have acknowledged each other's SYN. The acknowledgement of ours is still to be processed by the caller, so
 * that the round trip of the handshake is measured.
 */
export function becomeEstablished(connection: ControlBlock, _segment: Segment, now: Instant): void {
  const { layer, recovery } = connection;
  connection.state = State.ESTABLISHED;
  if (connection.isFinQueued) connection.state = State.FIN_WAIT_1;
  connection.lastReceivedAt = layer.milliseconds;
  connection.lastSentAt = now;
  recovery.sackEnabled = connection.hasSelectiveAcknowledgements;
  recovery.timestampsEnabled = connection.hasTimestamps;
  connection.challenges.reset(now);
  pathChanged(connection);
  recovery.established(connection.segmentSize, now);
  // One byte of sequence space is the SYN's.
  connection.timers.keepAliveChanged(now);
  layer.countEstablished(connection);
  layer.blocks.enlist(connection);
  connection.tellConnected();
}
