import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';

/** A challenge ACK (RFC 5961 §3.2, §4.2, §5.2), limited for each connection by itself (§7; CVE-2016-5696). */
export function challenge(block: ControlBlock, now: Instant): void {
  const { layer } = block;
  if (!block.challenges.allow(now, layer.random.nextInt32())) return;
  layer.countChallenge();
  block.mustAcknowledge = true;
}
