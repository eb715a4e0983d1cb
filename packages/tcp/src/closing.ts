import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import type { ControlBlock } from './control-block.js';
import { transmitReset } from './send/segment-writer.js';
import { State } from './state.js';

/** CLOSE as the RFC has it: nothing more will be written (RFC 9293 §3.10.4). */
export function shutdownWrite(connection: ControlBlock): Errno {
  switch (connection.state) {
    case State.SYN_SENT:
    case State.SYN_RECEIVED:
      // §3.10.4: the FIN is queued behind what was written; the handshake goes on.
      connection.isFinQueued = true;
      return Errno.NONE;
    case State.ESTABLISHED:
      connection.isFinQueued = true;
      connection.state = State.FIN_WAIT_1;
      break;
    case State.CLOSE_WAIT:
      connection.isFinQueued = true;
      connection.state = State.LAST_ACK;
      break;
    case State.CLOSED:
    case State.LISTEN:
      return Errno.ENOTCONN;
    default:
      return Errno.NONE; // "connection closing": it has been said before
  }
  connection.layer.markPending(connection);
  return Errno.NONE;
}

/** The application reads no more: text is acknowledged, so that the peer can finish, and dropped. */
export function shutdownRead(connection: ControlBlock): Errno {
  if (connection.state === State.CLOSED || connection.state === State.LISTEN) return Errno.ENOTCONN;
  connection.isReadShut = true;
  const bytes = connection.receiveBuffer.length;
  connection.receiveBuffer.clear();
  if (bytes > 0) connection.receiveWindow.consumed(connection, bytes);
  connection.layer.markPending(connection);
  return Errno.NONE;
}

/** The application is done with the connection. */
export function close(connection: ControlBlock, now: Instant): void {
  const { layer, state } = connection;
  if (connection.isOrphan) return;
  if (state === State.CLOSED) {
    connection.isOrphan = true;
    connection.receiveBuffer.clear();
    layer.ports.unbind(connection.connection, connection.boundPort);
    layer.blocks.letGo(connection);
    return;
  }
  // From here on nobody reads: whatever ends the connection gives back what was received.
  connection.isOrphan = true;
  if (state === State.SYN_SENT || connection.linger === 0) {
    abort(connection, Errno.ECONNABORTED, now);
    return;
  }
  // RFC 2525 §2.17, RFC 9293 §3.6.1, SHLD-3: text that nobody will read must not look as if it had been.
  if (connection.receiveBuffer.length > 0) {
    abort(connection, Errno.NONE, now);
    return;
  }
  shutdownWrite(connection);
  layer.orphans.add(connection, now);
  if (!layer.orphans.has(connection)) return; // one too many
  if (connection.state === State.FIN_WAIT_2) connection.timers.waitForFin(now);
  else if (connection.linger > 0) connection.timers.startLinger(connection.linger, now);
  else connection.timers.keepAliveChanged(now);
}

/** ABORT (RFC 9293 §3.10.5): resets the peer where it knows of the connection, and forgets everything. */
export function abort(connection: ControlBlock, errno: Errno, now: Instant): void {
  const { state } = connection;
  if (state === State.CLOSED) return;
  // §3.10.5: from CLOSING on both sides have said that they are done.
  if (state >= State.SYN_RECEIVED && state <= State.CLOSE_WAIT) transmitReset(connection, now);
  end(connection, errno);
}

/** An orphan whose peer never sent its FIN: nobody is left who would want it. */
export function finishOrphan(connection: ControlBlock, now: Instant): void {
  if (connection.state === State.FIN_WAIT_2 && connection.isOrphan) {
    end(connection, Errno.NONE);
    return;
  }
  abort(connection, Errno.ETIMEDOUT, now);
}

/** The connection exists no longer: gives everything back but the text that was received, and tells the application. */
export function end(connection: ControlBlock, errno: Errno): void {
  const { layer } = connection;
  connection.state = State.CLOSED;
  connection.error = errno;
  connection.connection.closeTemplates();
  connection.sendBuffer.clear();
  connection.keepRoundTrips();
  connection.recovery.start(connection.recovery.next, layer.now);
  layer.discardHeld(connection);
  layer.release(connection);
  if (connection.isOrphan) connection.receiveBuffer.clear();
  connection.tellEnded(errno);
  if (connection.isOrphan) layer.blocks.letGo(connection);
}

/** Both sides are done: for 2 MSL a small record stands guard against old segments (RFC 9293 §3.6.1, MUST-13). */
export function enterTimeWait(connection: ControlBlock, now: Instant): void {
  connection.layer.enterTimeWait(connection, now);
  end(connection, Errno.NONE);
}
