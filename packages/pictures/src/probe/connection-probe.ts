import { type Connection, RecoveryPhase, State } from '@prism-net/tcp';
import type { TraceRecorder } from '../model/trace-recorder.js';

/** A threshold that was never set (RFC 5681 §3.1). */
const UNSET_THRESHOLD = 0x3fff_ffff;

/** Looks at the state of a sending connection, and notes what changed since. */
export class ConnectionProbe {
  readonly #connection: Connection;
  readonly #recorder: TraceRecorder;
  readonly #bytes: number;
  #timeouts = 0;
  #probeEnd = -1;
  #isRecovering = false;
  #priorWindow = 0;
  #segmentSize = 0;

  /** `bytes` that the connection will send: beyond it sequence numbers are those of FIN. */
  constructor(connection: Connection, recorder: TraceRecorder, bytes: number) {
    this.#connection = connection;
    this.#recorder = recorder;
    this.#bytes = bytes;
  }

  /** Bytes that were acknowledged. */
  get acknowledged(): number {
    return this.#clamp(this.relative(this.#connection.wake().recovery.unacknowledged));
  }

  /** The number of a byte of the stream, from 0. */
  relative(sequence: number): number {
    return (sequence - this.#connection.wake().initialSendSequence - 1) | 0;
  }

  /** Takes a sample. */
  look(time: number): void {
    const { now } = this.#recorder;
    const { recovery, sendWindow, state } = this.#connection.wake();
    const { window, estimator } = recovery;
    this.#noteChanges(time);
    // It is set when the connection is established.
    now.congestionWindow = state < State.ESTABLISHED ? Number.NaN : window.window;
    now.slowStartThreshold = window.slowStartThreshold >= UNSET_THRESHOLD ? Number.NaN : window.slowStartThreshold;
    now.inFlight = recovery.inFlight;
    now.receiveWindow = sendWindow;
    now.smoothedRoundTrip = estimator.smoothed > 0 ? estimator.smoothed : Number.NaN;
    now.sequence = this.#clamp(this.relative(recovery.next));
    now.acknowledged = this.acknowledged;
    this.#recorder.sample(time);
  }

  #noteChanges(time: number): void {
    const { recovery, segmentSize } = this.#connection.wake();
    const { window, probe, phase, consecutiveTimeouts } = recovery;
    const first = this.relative(recovery.unacknowledged);
    if (consecutiveTimeouts > this.#timeouts) this.#recorder.event('timeout', time, Math.max(0, first));
    this.#timeouts = consecutiveTimeouts;
    const probeEnd = probe.isOutstanding ? probe.end : -1;
    if (probe.isOutstanding && probeEnd !== this.#probeEnd) {
      this.#recorder.event('tail-loss-probe', time, Math.max(0, this.relative(probeEnd) - segmentSize), segmentSize);
    }
    this.#probeEnd = probeEnd;
    const isRecovering = phase === RecoveryPhase.RECOVERY || phase === RecoveryPhase.LOSS;
    if (isRecovering !== this.#isRecovering) this.#recorder.event(isRecovering ? 'recovery' : 'recovered', time, first);
    this.#isRecovering = isRecovering;
    // Only taking back a reduction forgets what was before it.
    if (this.#priorWindow > 0 && window.priorWindow === 0) this.#recorder.event('undo', time, first);
    this.#priorWindow = window.priorWindow;
    if (segmentSize < this.#segmentSize) this.#recorder.event('path-mtu', time, first, segmentSize);
    this.#segmentSize = segmentSize;
  }

  #clamp(sequence: number): number {
    return Math.min(this.#bytes, Math.max(0, sequence));
  }
}
