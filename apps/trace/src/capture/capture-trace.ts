import { openCapture } from '@prism-net/link';
import { type ConnectionTrace, TraceRecorder } from '@prism-net/pictures';
import { type CaptureSurvey, type ConnectionSummary, connectionKey, walk } from './connections.js';
import { PassiveSender } from './passive-sender.js';
import { formatEndpoint, TcpFrameReader } from './tcp-frame.js';

export interface CaptureTraceOptions {
  /** The direction with less data. */
  readonly isReversed?: boolean;
}

/** The trace of one direction of a connection: the one with more data, or, reversed, the other. */
export function traceCapture(
  capture: Uint8Array,
  name: string,
  survey: CaptureSurvey,
  connection: ConnectionSummary,
  options: CaptureTraceOptions = {},
): ConnectionTrace {
  const isFromInitiator =
    connection.bytesFromInitiator >= connection.bytesFromResponder !== (options.isReversed ?? false);
  const sender = isFromInitiator ? connection.initiator : connection.responder;
  const receiver = isFromInitiator ? connection.responder : connection.initiator;
  const key = connectionKey(sender, receiver);
  const reader = openCapture(capture);
  const frame = new TcpFrameReader(reader);
  const recorder = new TraceRecorder();
  const passive = new PassiveSender(recorder);
  walk(reader, (packet) => {
    if (!frame.readCurrent() || packet < connection.from || packet >= connection.to) return;
    if (connectionKey(frame.source, frame.destination) !== key) return;
    const time = frame.time - connection.firstTime;
    if (frame.source === sender) passive.segment(frame, time);
    else passive.reply(frame, time);
  });
  recorder.notes.push(...notesOn(passive, recorder, survey, connection));
  return recorder.finish(
    `${formatEndpoint(sender)} → ${formatEndpoint(receiver)}`,
    `${name}, connection ${connection.number} of ${survey.connections.length}`,
  );
}

function notesOn(
  passive: PassiveSender,
  recorder: TraceRecorder,
  survey: CaptureSurvey,
  connection: ConnectionSummary,
): string[] {
  const notes = [
    'A capture does not show the congestion window, which only the sender knows: bytes in flight are drawn instead. Round trips are those from the place of the capture.',
  ];
  if (recorder.count('timeout') + recorder.count('tail-loss-probe') > 0) {
    notes.push('Timeouts and loss probes are inferred from silences before retransmissions.');
  }
  if (!connection.hasHandshake) notes.push('The capture began after the connection.');
  if (!passive.isWindowKnown) notes.push('The scale of the receive window is not in the capture: it is not drawn.');
  if (!passive.hasAcknowledgements) {
    notes.push('The capture holds no acknowledgements of this direction: what arrived, and when, is not known.');
  }
  if (passive.uncaptured > 0) {
    notes.push(`${passive.uncaptured.toLocaleString('en-US')} bytes were acknowledged that the capture does not hold.`);
  }
  if (passive.implausible > 0) {
    notes.push(
      `${passive.implausible.toLocaleString('en-US')} segments with impossible sequence numbers were left out.`,
    );
  }
  if (survey.damage !== '')
    notes.push(`The capture is damaged, and was read as far as it is legible: ${survey.damage}.`);
  return notes;
}
