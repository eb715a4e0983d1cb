import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from './acknowledgement-sample.js';
import type { CongestionWindow } from './congestion-window.js';
import type { StateExchange } from './state-exchange.js';

/** Why {@link CongestionControl.onCongestion} is called. */
export const CongestionCause = {
  /** A segment was lost, as duplicates or RACK tell. */
  LOSS: 0,
  /** The receiver echoed a mark of the network (ECE, RFC 3168 §6.1). */
  ECN: 1,
} as const;
export type CongestionCause = (typeof CongestionCause)[keyof typeof CongestionCause];

/** What an algorithm asks of the connection beyond windows and acknowledgements; looked at when it is chosen. */
export interface CongestionTraits {
  /** The sample is to hold a delivery rate (interval and the fields behind it). Costs 32 bytes per segment outstanding. */
  readonly deliveryRate: boolean;
  /** {@link CongestionControl.onSent} is to be called. */
  readonly sent: boolean;
  /**
   * The algorithm rules `window` in recovery too: no PRR, {@link CongestionControl.onAcknowledgement} is called for every
   * acknowledgement, after losses were detected.
   */
  readonly rulesRecovery: boolean;
  /**
   * Marks are counted, not taken for a loss each (RFC 8257): the receiving half echoes CE segment by segment (§3.2), all
   * segments are ECN-capable, and marks come in slow start too.
   */
  readonly preciseEcn: boolean;
}

/** What most algorithms ask for: nothing. */
export const NO_TRAITS: CongestionTraits = Object.freeze({
  deliveryRate: false,
  sent: false,
  rulesRecovery: false,
  preciseEcn: false,
});

/**
 * One algorithm for one connection: it decides how large the {@link CongestionWindow} is and how fast it may be used
 * ({@link CongestionWindow.bytesPerSecond}), nothing else. Which bytes are lost and what is sent next is loss recovery's
 * business.
 *
 * ```
 *   start ──► onAcknowledgement …            the window grows
 *                │        ▲
 *                │        ├── onRecovered    everything outstanding at the reduction is acknowledged
 *                │        └── onUndo         the reduction was unnecessary (also later)
 *                ▼        │
 *   onCongestion: third duplicate, RACK, ECE ── loss recovery rules `window`: no onAcknowledgement
 *   onTimeout:    retransmission timer ──────── onAcknowledgement: slow start
 * ```
 *
 * Methods are called within the packet path: they allocate nothing, call nothing of a connection, and never throw (the README
 * says what becomes of one that does). `now` never decreases between calls (modulo 2^32), and hours may pass between two of them.
 */
export interface CongestionControl {
  /** As registered: `cubic`. */
  readonly name: string;
  readonly traits: CongestionTraits;

  /**
   * The connection is established; `window` is as {@link CongestionWindow.reset} left it, or one segment if a SYN was lost
   * (RFC 5681 §3.1). A used object becomes as new.
   */
  start(window: CongestionWindow, now: Instant): void;

  /**
   * `bytes` were put on the wire, new or again; `inFlight` counts them already. Only with the trait `sent`, once for each
   * segment or virtual segment.
   */
  onSent(window: CongestionWindow, bytes: number, inFlight: number, now: Instant): void;

  /**
   * Data was acknowledged, cumulatively or by SACK; `sample` has the round trip, and the delivery rate if asked for. Not called while loss recovery rules the window (PRR, RFC 6937), but
   * called after a timeout, when the retransmissions themselves proceed by slow start. Algorithms with the trait
   * `rulesRecovery` hear of every acknowledgement.
   */
  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void;

  /**
   * A loss was found by other means than the timer, or ECE arrived: at most once per round trip (RFC 5681 §3.2,
   * RFC 3168 §6.1.2). Sets `slowStartThreshold` and remembers the state for an undo. The caller lowers `window` to the
   * threshold, at once or by PRR; upon ECE with `window` at `minimumWindow` or less, to one segment (RFC 9438 §4.6).
   *
   * `flightSize`: bytes sent and not acknowledged cumulatively, SACKed and lost ones included (RFC 5681 §2). What limited
   * transmit sent beyond the window does not count: the algorithm takes no more than `window`.
   */
  onCongestion(window: CongestionWindow, flightSize: number, cause: CongestionCause, now: Instant): void;

  /**
   * Everything outstanding at the last {@link onCongestion} or {@link onTimeout} is acknowledged. After `onCongestion` the
   * caller has set `window` to what growth is to start from (the threshold: RFC 6937 §3.1, or less: RFC 6582 §3.2 (3)).
   */
  onRecovered(window: CongestionWindow, now: Instant): void;

  /**
   * The retransmission timer expired. Sets `window` to one segment and, unless it is the same data that expired before, the
   * threshold (RFC 5681 §3.1). `flightSize` as for {@link onCongestion}.
   */
  onTimeout(window: CongestionWindow, flightSize: number, now: Instant): void;

  /**
   * The last reduction was spurious (RFC 5682, RFC 3522, D-SACK): the state is as before it, unless the window has outgrown
   * that. Takes the place of {@link onRecovered}, or comes after it; does nothing a second time. The window can jump: the
   * caller takes care not to send the difference as one burst (RFC 4015 §3.2).
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

  /**
   * Saves or restores all state, so that an idle connection can do without the object: as many fields of each kind every
   * time. Connections whose algorithm has no such method keep theirs.
   */
  exchange?(state: StateExchange): void;

  /** The algorithm's own state by name, for `tcpInfo()` and traces. Allocates. */
  describe(): Readonly<Record<string, number>>;
}
