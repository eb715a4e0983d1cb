import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import type { ControlBlock } from './control-block.js';
import { transmitReset } from './send/segment-writer.js';
import { State } from './state.js';

/** CLOSE as the RFC has it: nothing more will be written (RFC 9293 §3.10.4). */
export function shutdownWrite(block: ControlBlock): Errno {
  switch (block.state) {
    case State.SYN_SENT:
    case State.SYN_RECEIVED:
      // §3.10.4: the FIN is queued behind what was written; the handshake goes on.
      block.isFinQueued = true;
      return Errno.NONE;
    case State.ESTABLISHED:
      block.isFinQueued = true;
      block.state = State.FIN_WAIT_1;
      break;
    case State.CLOSE_WAIT:
      block.isFinQueued = true;
      block.state = State.LAST_ACK;
      break;
    case State.CLOSED:
    case State.LISTEN:
      return Errno.ENOTCONN;
    default:
      return Errno.NONE; // "connection closing": it has been said before
  }
  block.layer.markPending(block);
  return Errno.NONE;
}

/** The application reads no more: text is acknowledged, so that the peer can finish, and dropped. */
export function shutdownRead(block: ControlBlock): Errno {
  if (block.state === State.CLOSED || block.state === State.LISTEN) return Errno.ENOTCONN;
  block.isReadShut = true;
  const bytes = block.receiveBuffer.length;
  block.receiveBuffer.clear();
  if (bytes > 0) block.receiveWindow.consumed(block, bytes);
  block.layer.markPending(block);
  return Errno.NONE;
}

/** The application is done with the connection. */
export function close(block: ControlBlock, now: Instant): void {
  const { layer, state } = block;
  if (block.isOrphan) return;
  if (state === State.CLOSED) {
    block.isOrphan = true;
    block.receiveBuffer.clear();
    layer.ports.unbind(block.connection, block.boundPort);
    layer.blocks.letGo(block);
    return;
  }
  // From here on nobody reads: whatever ends the connection gives back what was received.
  block.isOrphan = true;
  if (state === State.SYN_SENT || block.linger === 0) {
    abort(block, Errno.ECONNABORTED, now);
    return;
  }
  // RFC 2525 §2.17, RFC 9293 §3.6.1, SHLD-3: text that nobody will read must not look as if it had been.
  if (block.receiveBuffer.length > 0) {
    abort(block, Errno.NONE, now);
    return;
  }
  shutdownWrite(block);
  layer.orphans.add(block, now);
  if (!layer.orphans.has(block)) return; // one too many
  if (block.state === State.FIN_WAIT_2) block.timers.waitForFin(now);
  else if (block.linger > 0) block.timers.startLinger(block.linger, now);
  else block.timers.keepAliveChanged(now);
}

/** ABORT (RFC 9293 §3.10.5): resets the peer where it knows of the connection, and forgets everything. */
export function abort(block: ControlBlock, errno: Errno, now: Instant): void {
  const { state } = block;
  if (state === State.CLOSED) return;
  // §3.10.5: from CLOSING on both sides have said that they are done.
  if (state >= State.SYN_RECEIVED && state <= State.CLOSE_WAIT) transmitReset(block, now);
  end(block, errno);
}

/** An orphan whose peer never sent its FIN: nobody is left who would want it. */
export function finishOrphan(block: ControlBlock, now: Instant): void {
  if (block.state === State.FIN_WAIT_2 && block.isOrphan) {
    end(block, Errno.NONE);
    return;
  }
  abort(block, Errno.ETIMEDOUT, now);
}

/** The connection exists no longer: gives everything back but the text that was received, and tells the application. */
export function end(block: ControlBlock, errno: Errno): void {
  const { layer } = block;
  block.state = State.CLOSED;
  block.error = errno;
  block.connection.closeTemplates();
  block.sendBuffer.clear();
  block.keepRoundTrips();
  block.recovery.start(block.recovery.next, layer.now);
  layer.discardHeld(block);
  layer.release(block);
  if (block.isOrphan) block.receiveBuffer.clear();
  block.tellEnded(errno);
  if (block.isOrphan) layer.blocks.letGo(block);
}

/** Both sides are done: for 2 MSL a small record stands guard against old segments (RFC 9293 §3.6.1, MUST-13). */
export function enterTimeWait(block: ControlBlock, now: Instant): void {
  block.layer.enterTimeWait(block, now);
  end(block, Errno.NONE);
}
