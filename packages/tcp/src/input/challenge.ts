import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';

/** A challenge ACK (RFC 5961 §3.2, §4.2, §5.2), limited for each connection by itself (§7; CVE-2016-5696). */
export function challenge(connection: ControlBlock, now: Instant): void {
  const { layer } = connection;
  if (!connection.challenges.allow(now, layer.random.nextInt32())) return;
  layer.countChallenge();
  connection.mustAcknowledge = true;
}
