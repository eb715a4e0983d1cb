import type { PosixError } from '@prism-net/errors';
import { type CaptureReader, openCapture } from '@prism-net/link';
import { tcp } from '@prism-net/wire';
import { type TcpFrame, TcpFrameReader } from './tcp-frame.js';

/** One connection of a capture. */
export interface ConnectionSummary {
  /** Its number in the capture, from 1. */
  readonly number: number;
  /** Who opened it, or, where that is not in the capture, who sent first. */
  readonly initiator: string;
  readonly responder: string;
  /** The capture holds the SYN of the initiator or the answer to it. */
  readonly hasHandshake: boolean;
  /** In packets of the capture, from 0; `to` is that of the next connection of these ends, or infinite. */
  readonly from: number;
  readonly to: number;
  /** Microseconds since the first packet of the capture. */
  readonly firstTime: number;
  readonly lastTime: number;
  readonly segments: number;
  /** Bytes of data the initiator and the responder sent, repeated ones too. */
  readonly bytesFromInitiator: number;
  readonly bytesFromResponder: number;
}

export interface CaptureSurvey {
  readonly connections: readonly ConnectionSummary[];
  /** Packets of the capture, and those of them with TCP. */
  readonly packets: number;
  readonly segments: number;
  /** Segments of connections beyond the largest number that are told apart. */
  readonly ignored: number;
  /** Why the capture ended before its end; empty when it did not. */
  readonly damage: string;
}

/** Connections that are told apart: a capture of a scan holds millions. */
const MAXIMUM_CONNECTIONS = 65_536;

type Entry = { -readonly [K in keyof ConnectionSummary]: ConnectionSummary[K] };

interface State {
  entry: Entry;
  /** The sequence number of the initiator's SYN; NaN when it is not known. */
  initialSequence: number;
  isAnswered: boolean;
}

/** Finds the connections in a capture. @throws EINVAL only when the file is no capture at all; damage further on is reported. */
export function findConnections(capture: Uint8Array): CaptureSurvey {
  const reader = openCapture(capture);
  const frame = new TcpFrameReader(reader);
  const open = new Map<string, State>();
  const connections: Entry[] = [];
  let segments = 0;
  let ignored = 0;
  const { packets, damage } = walk(reader, (packet) => {
    if (!frame.readCurrent()) return;
    segments++;
    const key = connectionKey(frame.source, frame.destination);
    let state = open.get(key);
    if (state === undefined || isReopened(state, frame)) {
      if (connections.length >= MAXIMUM_CONNECTIONS) {
        ignored++;
        return;
      }
      if (state !== undefined) state.entry.to = packet;
      state = {
        entry: createEntry(connections.length + 1, packet, frame),
        initialSequence: Number.NaN,
        isAnswered: false,
      };
      if (isOpening(frame)) state.initialSequence = frame.sequence;
      open.set(key, state);
      connections.push(state.entry);
    }
    account(state, frame);
  });
  return { connections, packets, segments, ignored, damage };
}

/** Calls for each packet, until the end of the capture or of what is legible of it. */
export function walk(reader: CaptureReader, each: (packet: number) => void): { packets: number; damage: string } {
  for (let packets = 0; ; packets++) {
    try {
      if (!reader.next()) return { packets, damage: '' };
    } catch (error) {
      return { packets, damage: (error as PosixError).detail };
    }
    each(packets);
  }
}

export function connectionKey(source: string, destination: string): string {
  return source < destination ? `${source}|${destination}` : `${destination}|${source}`;
}

function isOpening({ flags }: TcpFrame): boolean {
  return (flags & (tcp.Flag.SYN | tcp.Flag.ACK)) === tcp.Flag.SYN;
}

/** Whether a SYN belongs to a new connection of the same ends: not when it is repeated, or answers another SYN (RFC 9293 §3.5). */
function isReopened({ entry, initialSequence, isAnswered }: State, frame: TcpFrame): boolean {
  if (!isOpening(frame)) return false;
  if (frame.source !== entry.initiator) return isAnswered;
  return frame.sequence !== initialSequence;
}

function createEntry(number: number, packet: number, frame: TcpFrame): Entry {
  // The first segment of a capture may be the answer to the SYN.
  const isAnswer = (frame.flags & tcp.Flag.SYN) !== 0 && (frame.flags & tcp.Flag.ACK) !== 0;
  return {
    number,
    initiator: isAnswer ? frame.destination : frame.source,
    responder: isAnswer ? frame.source : frame.destination,
    hasHandshake: (frame.flags & tcp.Flag.SYN) !== 0,
    from: packet,
    to: Number.POSITIVE_INFINITY,
    firstTime: frame.time,
    lastTime: frame.time,
    segments: 0,
    bytesFromInitiator: 0,
    bytesFromResponder: 0,
  };
}

function account(state: State, frame: TcpFrame): void {
  const { entry } = state;
  entry.segments++;
  entry.firstTime = Math.min(entry.firstTime, frame.time);
  entry.lastTime = Math.max(entry.lastTime, frame.time);
  if ((frame.flags & tcp.Flag.ACK) !== 0) state.isAnswered = true;
  if (frame.source === entry.initiator) entry.bytesFromInitiator += frame.length;
  else entry.bytesFromResponder += frame.length;
}

/** The connection that carried most data. */
export function largest(connections: readonly ConnectionSummary[]): ConnectionSummary | undefined {
  const size = (each: ConnectionSummary) => each.bytesFromInitiator + each.bytesFromResponder;
  return connections.reduce<ConnectionSummary | undefined>(
    (best, each) => (best === undefined || size(each) > size(best) ? each : best),
    undefined,
  );
}
