import { Errno } from '@prism-net/errors';
import type { ControlBlock } from '../control-block.js';
import { canSend, State } from '../state.js';

/** A write that was not taken whole: `writable` will tell when another is worth trying. */
export function refuse(block: ControlBlock): void {
  // A closed connection must not get into a list: its block will serve another connection.
  if (block.state === State.CLOSED) return;
  block.isWriteBlocked = true;
  block.turn = 0;
  // There is room, but no packet: perhaps nothing is out whose acknowledgement would tell.
  if (block.sendBuffer.room > 0) block.layer.starved.add(block);
}

/** Why nothing can be written; what ended the connection is cleared by asking, unless it is only looked at. */
export function writeError(block: ControlBlock, isLook = false): Errno {
  const { state } = block;
  if (canSend(state) && !block.isFinQueued) return Errno.NONE;
  if (block.error !== Errno.NONE) return isLook ? block.error : block.connection.pendingError();
  if (state === State.SYN_SENT || state === State.SYN_RECEIVED) {
    // §3.10.2: queued until the connection is established.
    return block.isFinQueued ? Errno.EPIPE : Errno.NONE;
  }
  return state === State.CLOSED && block.connection.network === null ? Errno.ENOTCONN : Errno.EPIPE;
}
