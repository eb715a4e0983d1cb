import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { seq, tcp } from '@prism-net/wire';
import { abort, finishOrphan } from '../closing.js';
import type { ControlBlock } from '../control-block.js';
import { remaining } from '../opening/deadline.js';
import type { StateCursor } from '../parking/state-cursor.js';
import { searchBlackHole } from '../path/path-mtu.js';
import { DeadlineKind, RecoveryAction } from '../recovery/index.js';
import { followRoute, giveUp, isSilent, retransmit, sendNew, timedOut, userTimeLeft } from '../send/output.js';
import { LONGEST_WAIT } from '../send/pacer.js';
import { transmitEmpty } from '../send/segment-writer.js';
import { sendWindowProbe } from '../send/window-probe.js';
import { State } from '../state.js';

const { ACK } = tcp.Flag;
/** RFC 9293 §3.8.6.2.1: how long a short segment waits for the window to open (0.1 to 1 s). */
const OVERRIDE_MICROSECONDS = 200_000;
/** After so many a connection that its application has closed gives up a window that stays closed. */
const ORPHAN_PROBES = 8;
/** An acknowledgement waits for half a second at most. */
const LONGEST_DELAY = 500_000;
const NEVER = -1;
/** In ms: nearly what an Instant can say. What is further off is looked at again when the timer fires. */
const HALF_HOUR = 1_800_000;

const Slow = { NONE: 0, KEEP_ALIVE: 1, FIN_WAIT_2: 2, LINGER: 3 } as const;
type Slow = (typeof Slow)[keyof typeof Slow];

/**
 * The timers of one connection, on two timers of the wheel: a fast one for whatever comes first of retransmission,
 * delayed acknowledgement and window probe, and a slow one for keep-alive and the ends of closed connections. Both are
 * made when first needed.
 */
export class ConnectionTimers {
  readonly #block: ControlBlock;
  #fast = NEVER;
  #slow = NEVER;
  #isArmed = false;
  /** When the fast timer will fire; it may be early. */
  #armedFor: Instant = 0;
  #isAcknowledgementDelayed = false;
  #acknowledgementDue: Instant = 0;
  /** A probe of a closed window, or a short segment against the rules, is due. */
  #isProbing = false;
  #probeDue: Instant = 0;
  /** Probes since the window closed. */
  #probes = 0;
  /** Probes and retransmissions in a row to which the peer has said nothing, and when it last said something before. */
  #unanswered = 0;
  #heardAt = 0;
  #slowKind: Slow = Slow.NONE;

  constructor(block: ControlBlock) {
    this.#block = block;
  }

  /** Nothing is due but what an idle connection may wait for. */
  get areIdle(): boolean {
    return !this.#isAcknowledgementDelayed && !this.#isProbing;
  }

  exchange(state: StateCursor): void {
    this.#slow = state.rare(this.#slow);
    this.#slowKind = state.rare(this.#slowKind) as Slow;
    this.#probes = state.rare(this.#probes);
    this.#unanswered = state.rare(this.#unanswered);
    this.#heardAt = state.rare(this.#heardAt);
  }

  /** The connection is parked: the slow timer goes on, by the number that {@link exchange} has saved. */
  park(): void {
    const { wheel } = this.#block.layer;
    if (this.#fast !== NEVER) wheel.destroy(this.#fast);
    this.#fast = NEVER;
    this.#slow = NEVER;
    this.#isArmed = false;
  }

  /** RFC 9293 §3.8.6.3: an acknowledgement is due within half a second. */
  delayAcknowledgement(now: Instant): void {
    if (this.#isAcknowledgementDelayed) return;
    this.#isAcknowledgementDelayed = true;
    this.#acknowledgementDue = (now + this.#block.layer.acknowledgementDelay) | 0;
    this.#armBy(this.#acknowledgementDue, now);
  }

  acknowledged(): void {
    this.#isAcknowledgementDelayed = false;
  }

  /** The peer's window is open, or was never closed. */
  windowOpened(): void {
    this.#isProbing = false;
    this.#probes = 0;
  }

  /** Arms the fast timer for what is due next. To be called after whatever may have changed that. */
  update(now: Instant): void {
    const block = this.#block;
    const { recovery } = block;
    if (recovery.deadlineKind !== DeadlineKind.NONE) {
      this.#isProbing = false;
      this.#armBy(recovery.deadline, now);
      if (block.userTimeout > 0) this.#armByUserTimeout(now);
    } else if (block.state >= State.ESTABLISHED && block.hasUnsent && !block.pacer?.isWaiting) {
      this.#scheduleProbe(now);
    } else {
      this.#isProbing = false;
    }
    if (block.pacer?.isWaiting) this.#armBy(block.pacer.due, now);
  }

  /** Keep-alive was turned on or off, or its times were changed, or the connection is established. */
  keepAliveChanged(now: Instant): void {
    const block = this.#block;
    const isWanted = block.keepAlive && block.state >= State.ESTABLISHED && !block.isOrphan;
    const idle = (block.layer.milliseconds - block.lastReceivedAt) | 0;
    if (isWanted) this.#armSlow(Slow.KEEP_ALIVE, Math.max(1, block.keepAliveIdle - Math.max(idle, 0)) * 1000, now);
    else if (this.#slowKind === Slow.KEEP_ALIVE) this.#cancelSlow();
  }

  /** The peer has so long to send its FIN. */
  waitForFin(now: Instant): void {
    this.#armSlow(Slow.FIN_WAIT_2, this.#block.layer.settings.finWait2Milliseconds * 1000, now);
  }

  /** What is still unsent has so long to go. */
  startLinger(seconds: number, now: Instant): void {
    this.#armSlow(Slow.LINGER, seconds * 1_000_000, now);
  }

  /** Gives the timers back. */
  close(): void {
    const { wheel } = this.#block.layer;
    if (this.#fast !== NEVER) wheel.destroy(this.#fast);
    if (this.#slow !== NEVER) wheel.destroy(this.#slow);
    this.#fast = NEVER;
    this.#slow = NEVER;
    this.#isArmed = false;
    this.#isAcknowledgementDelayed = false;
    this.#isProbing = false;
    this.#slowKind = Slow.NONE;
  }

  /** For {@link TimerDispatch}. */
  fastFired(now: Instant): void {
    this.#isArmed = false;
    const block = this.#block;
    const { recovery, layer } = block;
    if (this.#isAcknowledgementDelayed && isDue(this.#acknowledgementDue, LONGEST_DELAY, now)) {
      this.#isAcknowledgementDelayed = false;
      block.mustAcknowledge = true;
      // The peer waits before it sends on: it is not in a hurry, or its window is closed.
      block.quickAcknowledgements = 1;
      layer.markPending(block);
    }
    const { pacer } = block;
    if (pacer?.isWaiting && isDue(pacer.due, LONGEST_WAIT, now)) {
      pacer.isWaiting = false;
      layer.markPending(block);
    }
    if (this.#isProbing && isDue(this.#probeDue, recovery.estimator.maximumTimeout, now)) this.#probe(now);
    if (recovery.deadlineKind !== DeadlineKind.NONE && userTimeLeft(block) === 0) {
      giveUp(block, now);
      return;
    }
    if (
      recovery.deadlineKind !== DeadlineKind.NONE &&
      isDue(recovery.deadline, recovery.estimator.maximumTimeout, now)
    ) {
      const isTimeout = recovery.deadlineKind === DeadlineKind.RETRANSMISSION;
      const action = recovery.onDeadline(now);
      if (action === RecoveryAction.PROBE_SEND_NEW_OR_LAST) this.#sendTailLossProbe(now);
      else if (action === RecoveryAction.RETRANSMIT) {
        if (isTimeout) {
          searchBlackHole(block);
          timedOut(block, this.#ask(), now);
        } else {
          layer.markPending(block);
        }
      }
      block.observed(null, now);
    }
    if (block.state === State.CLOSED) return;
    if (this.#isAcknowledgementDelayed) this.#armBy(this.#acknowledgementDue, now);
    this.update(now);
  }

  /** RFC 8985 §7.3: new text if the peer's window takes it, else the last segment again. */
  #sendTailLossProbe(now: Instant): void {
    const block = this.#block;
    const { recovery, layer } = block;
    if (!followRoute(block)) return;
    if (recovery.nextLost() >= 0) {
      // The path has become narrower: what is out goes again, and is probe enough.
      layer.markPending(block);
      return;
    }
    const before = recovery.next;
    if (block.hasUnsent && seq.isGreater(block.sendWindowEnd, before)) {
      sendNew(block, 1, true, now);
      if (recovery.next !== before) return;
    }
    const last = recovery.lastRecord();
    if (last >= 0) retransmit(block, last, last, now);
  }

  /**
   * RFC 9293 §3.8.6.1, MUST-36: when the window is closed, or too small for what waits, and nothing is out that would be
   * answered. Also what Nagle's rule or the cork keeps does not wait for ever (§3.9.1.2, MUST-60).
   */
  #scheduleProbe(now: Instant): void {
    if (!this.#isProbing) {
      const block = this.#block;
      const { recovery } = block;
      const isClosed = seq.isLessOrEqual(block.sendWindowEnd, recovery.next);
      const { timeout, maximumTimeout } = recovery.estimator;
      // SHLD-29: the first probe after a retransmission timeout; SHLD-30: then at exponentially longer intervals.
      const delay = isClosed
        ? Math.min(timeout * 2 ** Math.min(this.#probes, 10), maximumTimeout)
        : OVERRIDE_MICROSECONDS;
      this.#isProbing = true;
      this.#probeDue = (now + delay) | 0;
    }
    this.#armBy(this.#probeDue, now);
  }

  #probe(now: Instant): void {
    this.#isProbing = false;
    const block = this.#block;
    const { recovery } = block;
    if (!block.hasUnsent || block.state < State.ESTABLISHED || !followRoute(block)) return;
    if (seq.isGreater(block.sendWindowEnd, recovery.next)) {
      sendNew(block, 1, true, now);
      return;
    }
    // For an orphan the peer may not take as long as it likes: nobody else could end it (RFC 9293 §3.8.6.1).
    if (isSilent(block, this.#ask()) || (block.isOrphan && this.#probes > ORPHAN_PROBES)) {
      abort(block, Errno.ETIMEDOUT, now);
      return;
    }
    this.#probes = (this.#probes + 1) | 0;
    sendWindowProbe(block, now);
  }

  /** The peer is asked for an answer; returns how many times in a row it was asked before, and gave none. */
  #ask(): number {
    const { lastReceivedAt } = this.#block;
    this.#unanswered = lastReceivedAt === this.#heardAt ? (this.#unanswered + 1) | 0 : 0;
    this.#heardAt = lastReceivedAt;
    return this.#unanswered;
  }

  /** For {@link TimerDispatch}. */
  slowFired(now: Instant): void {
    const block = this.#block;
    const kind = this.#slowKind;
    this.#slowKind = Slow.NONE;
    if (kind === Slow.KEEP_ALIVE) this.#probeIdlePeer(now);
    else if (kind === Slow.FIN_WAIT_2) finishOrphan(block, now);
    else if (kind === Slow.LINGER) abort(block, Errno.ECONNABORTED, now);
  }

  /** Keep-alive (RFC 9293 §3.8.4, MAY-5), where the user has asked for it (MUST-24, MUST-25). */
  #probeIdlePeer(now: Instant): void {
    const block = this.#block;
    const { layer, recovery } = block;
    if (!block.keepAlive || block.state < State.ESTABLISHED) return;
    const idle = (layer.milliseconds - block.lastReceivedAt) | 0;
    // MUST-26: not while something is out, whose retransmissions do the probing, and not before nothing came for so long (MUST-27).
    const isBusy = recovery.next !== recovery.unacknowledged || block.hasUnsent;
    if (isBusy || idle < block.keepAliveIdle) {
      block.unansweredKeepAlives = 0;
      this.#armSlow(Slow.KEEP_ALIVE, Math.max(1, block.keepAliveIdle - (isBusy ? 0 : idle)) * 1000, now);
      return;
    }
    // MUST-29: one unanswered probe proves nothing.
    const { userTimeout } = block;
    const isOver =
      userTimeout > 0
        ? idle >= userTimeout && block.unansweredKeepAlives > 0
        : block.unansweredKeepAlives >= block.keepAliveProbes;
    if (isOver) {
      abort(block, Errno.ETIMEDOUT, now);
      return;
    }
    block.unansweredKeepAlives = (block.unansweredKeepAlives + 1) | 0;
    // SHLD-12: without text, one below what the peer expects, so that it must answer.
    if (followRoute(block)) transmitEmpty(block, (recovery.next - 1) | 0, ACK, now);
    this.#armSlow(Slow.KEEP_ALIVE, block.keepAliveInterval * 1000, now);
  }

  /** RFC 5482 §1: the user's time does not wait for the next retransmission, which may be a minute away. */
  #armByUserTimeout(now: Instant): void {
    const left = userTimeLeft(this.#block);
    if (left >= 0 && left < HALF_HOUR) this.#armBy((now + left * 1000) | 0, now);
  }

  #armBy(due: Instant, now: Instant): void {
    if (this.#isArmed && ((this.#armedFor - due) | 0) <= 0) return;
    const { layer, connection } = this.#block;
    const { wheel } = layer;
    if (this.#fast === NEVER) this.#fast = wheel.create(layer.fastTimers, connection.slot);
    this.#isArmed = true;
    this.#armedFor = due;
    const delay = (due - now) | 0;
    wheel.arm(this.#fast, Math.max(delay, 0), now);
  }

  #armSlow(kind: Slow, delayMicroseconds: number, now: Instant): void {
    const { layer, connection } = this.#block;
    const { wheel } = layer;
    if (this.#slow === NEVER) this.#slow = wheel.create(layer.slowTimers, connection.slot);
    this.#slowKind = kind;
    wheel.arm(this.#slow, delayMicroseconds, now);
  }

  #cancelSlow(): void {
    this.#slowKind = Slow.NONE;
    if (this.#slow !== NEVER) this.#block.layer.wheel.cancel(this.#slow);
  }
}

/** After a pause of more than half a turn of the clock a deadline long past looks like one far ahead. */
function isDue(deadline: Instant, duration: number, now: Instant): boolean {
  return remaining(deadline, duration, now) === 0;
}
