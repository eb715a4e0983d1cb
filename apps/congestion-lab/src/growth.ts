import { createCongestionControl } from '@prism-net/congestion';
import { Path } from '@prism-net/congestion-kit';
import { ConnectionProbe, type ConnectionTrace, type EventKind, TraceRecorder } from '@prism-net/pictures';
import { FrameEvent } from '@prism-net/sim';

/** A picture is smaller than this. */
export const PICTURE_BYTES = 60_000;

const RATE = 20e6;
const ROUND_TRIP = 40_000;
const SECONDS = 20;
/** Frames in the queue from which on an algorithm that counts marks gets them. */
const MARK_AT = 20;

const KINDS: ReadonlyMap<FrameEvent, EventKind> = new Map([
  [FrameEvent.QUEUE_FULL, 'loss'],
  [FrameEvent.LOST, 'loss'],
  [FrameEvent.MARKED, 'congestion-experienced'],
]);

/** Window, flight and round trip of one flow alone, from its first segment on. The same on every machine. */
export function traceGrowth(name: string): ConnectionTrace {
  const isMarked = createCongestionControl(name).traits.preciseEcn;
  const path = new Path({
    seed: 1,
    bitsPerSecond: RATE,
    roundTripMicroseconds: ROUND_TRIP,
    ...(isMarked ? { markAt: MARK_AT } : {}),
    flows: [{ congestionControl: name }],
  });
  const { simulation } = path;
  const [flow] = path.flows;
  const recorder = new TraceRecorder();
  const probe = new ConnectionProbe(flow!.connection, recorder, Number.POSITIVE_INFINITY);
  flow!.onLook = () => probe.look(simulation.time);
  path.onSegment = (event, _, sequence, length, isAgain) => {
    if (event === FrameEvent.SENT) {
      recorder.segments++;
      recorder.sentBytes += length;
    }
    const kind = isAgain ? 'retransmission' : KINDS.get(event);
    if (kind !== undefined) recorder.event(kind, simulation.time, probe.relative(sequence), length);
  };
  path.run(SECONDS * 1e6);
  recorder.delivered = flow!.acknowledged;
  path.close();
  const queue = isMarked
    ? `a queue of ${path.product} frames that marks from ${MARK_AT} on`
    : `a queue of ${path.product} frames`;
  return recorder.finish(`${name}, alone`, `${RATE / 1e6} Mbit/s, ${ROUND_TRIP / 1000} ms, ${queue}; in the simulator`);
}
