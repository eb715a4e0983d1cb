import { Count } from './connection-counts.js';
import type { ControlBlock } from './control-block.js';
import { RecoveryPhase } from './recovery/index.js';
import { pacingRate } from './send/pacing.js';
import { stateName } from './state.js';

/** A connection in numbers: what `TCP_INFO` tells, in bytes and microseconds. */
export interface TcpInformation {
  readonly state: string;
  readonly congestionControl: string;
  /** What the algorithm tells of itself, by name. */
  readonly congestionState: Readonly<Record<string, number>>;
  readonly congestionWindow: number;
  /** 1,073,741,823 until the first congestion. */
  readonly slowStartThreshold: number;
  /** Bytes of text per second; 0: not paced. */
  readonly pacingRate: number;
  /** Bytes per second, as last measured; 0: not measured, as congestion control does not ask. */
  readonly deliveryRate: number;
  readonly segmentSize: number;
  readonly pathMtu: number;
  /** Sent and not yet known to have arrived or to be lost. */
  readonly bytesInFlight: number;
  readonly sendWindow: number;
  readonly receiveWindow: number;
  readonly sendWindowScale: number;
  readonly receiveWindowScale: number;
  readonly unsentBytes: number;
  readonly unacknowledgedBytes: number;
  readonly readableBytes: number;
  readonly smoothedRoundTrip: number;
  readonly roundTripVariation: number;
  readonly minimumRoundTrip: number;
  readonly retransmissionTimeout: number;
  readonly consecutiveTimeouts: number;
  readonly recovery: 'open' | 'disorder' | 'recovery' | 'loss';
  readonly hasTimestamps: boolean;
  readonly hasSelectiveAcknowledgements: boolean;
  readonly hasEcn: boolean;
  readonly segmentsIn: number;
  readonly segmentsOut: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  readonly bytesAcknowledged: number;
  readonly retransmitted: number;
  readonly outOfOrder: number;
  readonly duplicates: number;
  /** SND.UNA, SND.NXT and RCV.NXT as int32. */
  readonly sendUnacknowledged: number;
  readonly sendNext: number;
  readonly receiveNext: number;
}

const PHASES = new Map<number, TcpInformation['recovery']>([
  [RecoveryPhase.OPEN, 'open'],
  [RecoveryPhase.DISORDER, 'disorder'],
  [RecoveryPhase.RECOVERY, 'recovery'],
  [RecoveryPhase.LOSS, 'loss'],
]);

export function describeConnection(block: ControlBlock): TcpInformation {
  const { recovery, counts, receiveWindow, sendBuffer, hasRoundTrips } = block;
  const { window, estimator } = recovery;
  return {
    state: stateName(block.state),
    congestionControl: recovery.control.name,
    congestionState: recovery.control.describe(),
    congestionWindow: window.window,
    slowStartThreshold: window.slowStartThreshold,
    pacingRate: pacingRate(block),
    deliveryRate: recovery.rate.latest,
    segmentSize: block.segmentSize,
    pathMtu: block.pathMtu,
    bytesInFlight: recovery.inFlight,
    sendWindow: block.sendWindow,
    receiveWindow: Math.max(0, (receiveWindow.edge - block.receiveNext) | 0),
    sendWindowScale: block.sendWindowScale,
    receiveWindowScale: receiveWindow.scale,
    unsentBytes: Math.max(0, (sendBuffer.end - recovery.next) | 0),
    unacknowledgedBytes: sendBuffer.length,
    readableBytes: block.receiveBuffer.length,
    smoothedRoundTrip: hasRoundTrips ? block.lastSmoothed : estimator.smoothed,
    roundTripVariation: hasRoundTrips ? block.lastVariation : estimator.variation,
    minimumRoundTrip: hasRoundTrips ? block.lastMinimum : estimator.minimum,
    retransmissionTimeout: hasRoundTrips ? block.lastTimeout : estimator.timeout,
    consecutiveTimeouts: recovery.consecutiveTimeouts,
    recovery: PHASES.get(recovery.phase)!,
    hasTimestamps: block.hasTimestamps,
    hasSelectiveAcknowledgements: block.hasSelectiveAcknowledgements,
    hasEcn: block.hasEcn,
    segmentsIn: counts[Count.SEGMENTS_IN]!,
    segmentsOut: counts[Count.SEGMENTS_OUT]!,
    bytesReceived: counts[Count.BYTES_RECEIVED]!,
    bytesSent: counts[Count.BYTES_SENT]!,
    bytesAcknowledged: counts[Count.BYTES_ACKNOWLEDGED]!,
    retransmitted: counts[Count.RETRANSMITTED]!,
    outOfOrder: counts[Count.OUT_OF_ORDER]!,
    duplicates: counts[Count.DUPLICATES]!,
    sendUnacknowledged: recovery.unacknowledged,
    sendNext: recovery.next,
    receiveNext: block.receiveNext,
  };
}
