import { tcp } from '@prism-net/wire';
import type { ControlBlock } from '../control-block.js';
import { acknowledgeAtOnce } from '../receive/acknowledgement-policy.js';
import type { Segment } from '../segment.js';
import { reportDuplicate } from './duplicate-report.js';

const { FIN } = tcp.Flag;

/** Cuts off what was received before, and what is beyond the window (§3.10.7.4: "tailored to begin at RCV.NXT"). */
export function trimToWindow(block: ControlBlock, segment: Segment): void {
  const next = block.receiveNext;
  const known = (next - segment.sequence) | 0;
  if (known > 0) {
    reportDuplicate(block, segment);
    if (segment.length > 0) segment.trimFront(Math.min(known, segment.length));
    // A SYN would have been in front; here none is left. Behind the text there may be a FIN that is known too.
    acknowledgeAtOnce(block);
  }
  const beyond = (((segment.sequence + segment.length) | 0) - block.receiveWindow.edge) | 0;
  if (beyond > 0) {
    segment.trimEnd(Math.max(0, (segment.length - beyond) | 0));
    segment.flags &= ~FIN;
    block.mustAcknowledge = true;
  }
}
