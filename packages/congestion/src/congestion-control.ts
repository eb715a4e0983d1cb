import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from './acknowledgement-sample.js';
import type { CongestionWindow } from './congestion-window.js';

/**
 * One algorithm for one connection: it decides how large the {@link CongestionWindow} is, nothing else. Which bytes
 * are lost and what is sent next is loss recovery's business.
 *
 * ```
 *                start
 *                  │
 *      ┌───── onAcknowledgement ◄──────────── onRecovered | onUndo ───┐
 *      │           │         ▲                                        │
 *      │ onIdle    │         └─ slow start after a timeout ─┐         │
 *      └───────────┤                                        │         │
 *                  ├─ third duplicate, RACK, ECE: onCongestion ── PRR rules `window` ──┤
 *                  └─ retransmission timer: onTimeout ──────┘─────────┘
 * ```
 *
 * Methods are called within the packet path: they allocate nothing and never throw. `now` never decreases between
 * calls (modulo 2^32) and may stand still for hours between two of them.
 */
export interface CongestionControl {
  /** As registered: `cubic`. */
  readonly name: string;

  /** The connection is established; `window` is as {@link CongestionWindow.reset} left it. Also makes a used object new. */
  start(window: CongestionWindow, now: Instant): void;

  /**
   * New data was acknowledged (`sample.acknowledgedBytes > 0`), or SACKed without loss having been declared.
   * Not called while loss recovery rules the window (PRR, RFC 6937), but called after a timeout, when the retransmissions
   * themselves proceed by slow start. Called before loss recovery looks at the same acknowledgement.
   */
  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void;

  /**
   * A loss was found by other means than the timer, or ECE arrived: at most once per round trip (RFC 5681 §3.2,
   * RFC 3168 §6.1.2). Sets `slowStartThreshold` and remembers the state for an undo. `window` is left to the caller, who
   * lowers it to the threshold at once or by PRR.
   *
   * `flightSize`: bytes sent and not acknowledged cumulatively, SACKed and lost ones included (RFC 5681 §2). What limited
   * transmit sent beyond the window does not count: the algorithm takes no more than `window`.
   */
  onCongestion(window: CongestionWindow, flightSize: number, now: Instant): void;

  /**
   * Everything outstanding at the last {@link onCongestion} or {@link onTimeout} is acknowledged. After `onCongestion` the
   * caller has set `window` to what growth is to start from (the threshold: RFC 6937 §3.1, or less: RFC 6582 §3.2 (3)).
   * From now on the reduction cannot be undone.
   */
  onRecovered(window: CongestionWindow, now: Instant): void;

  /**
   * The retransmission timer expired. Sets `window` to one segment and, if this is the first expiry for this data, the
   * threshold (RFC 5681 §3.1). `flightSize` as for {@link onCongestion}.
   */
  onTimeout(window: CongestionWindow, flightSize: number, now: Instant): void;

  /**
   * The last reduction was spurious (RFC 5682, RFC 3522, D-SACK): the state is as before {@link onCongestion} or
   * {@link onTimeout}. The window can jump: the caller takes care not to send the difference as one burst (RFC 4015 §3.2).
   * Takes the place of {@link onRecovered}. Does nothing if there was no reduction.
   */
  onUndo(window: CongestionWindow, now: Instant): void;

  /**
   * About to send data when nothing is outstanding and nothing was sent for `idleMicroseconds`. After more than one
   * `retransmissionTimeoutMicroseconds` the window falls back to the restart window (RFC 5681 §4.1).
   */
  onIdle(
    window: CongestionWindow,
    idleMicroseconds: number,
    retransmissionTimeoutMicroseconds: number,
    now: Instant,
  ): void;

  /** The algorithm's own state by name, for `tcpInfo()` and traces. Allocates. */
  describe(): Readonly<Record<string, number>>;
}
