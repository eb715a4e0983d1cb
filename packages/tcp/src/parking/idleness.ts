import { Errno } from '@prism-net/errors';
import type { ControlBlock } from '../control-block.js';
import { RecoveryPhase } from '../recovery/index.js';
import { State } from '../state.js';

/**
 * Nothing is out, unsent, unread or due, on an established connection both of whose directions are open: all it is can be
 * written in a row of numbers.
 */
export function isParkable(block: ControlBlock): boolean {
  const { recovery, sendBuffer, connection } = block;
  return (
    block.state === State.ESTABLISHED &&
    connection.slot >= 0 &&
    !connection.hasTemplates &&
    recovery.next === recovery.unacknowledged &&
    sendBuffer.end === recovery.next &&
    sendBuffer.length === 0 &&
    block.receiveBuffer.length === 0 &&
    block.reassembly.count === 0 &&
    block.heldPacket === null &&
    !block.isPending &&
    !block.mustAcknowledge &&
    !block.isOrphan &&
    !block.isStarved &&
    !block.isWriteBlocked &&
    !block.isHeldBack &&
    !block.isReadShut &&
    !block.isFinQueued &&
    !block.layer.shortage.isWaiting(block) &&
    block.turn === 0 &&
    // It knows to fractions of a byte how much may leave when.
    block.pacer === null &&
    block.error === Errno.NONE &&
    recovery.phase === RecoveryPhase.OPEN &&
    block.timers.areIdle &&
    block.hasOwnControl
  );
}
