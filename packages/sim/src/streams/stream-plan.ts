/** How one side of a stream behaves. */
export interface StreamPlan {
  /** Bytes it sends in all. */
  readonly bytes: number;
  /** Bytes per write. */
  readonly writeBytes: number;
  /** Pause between writes; 0 writes as fast as it may. */
  readonly writeEveryMicroseconds: number;
  /** Bytes read at a time. */
  readonly readBytes: number;
  /** Pause between reads: a slow reader closes the window. 0 reads as fast as data comes. */
  readonly readEveryMicroseconds: number;
  /** Writes into packets and reads out of them, instead of copying. */
  readonly zeroCopy: boolean;
  readonly noDelay: boolean;
  /** Of the socket; 0 for the default. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

/** A side that sends nothing and reads all at once. */
export const QUIET_PLAN: StreamPlan = {
  bytes: 0,
  writeBytes: 65_536,
  writeEveryMicroseconds: 0,
  readBytes: 65_536,
  readEveryMicroseconds: 0,
  zeroCopy: false,
  noDelay: false,
  receiveBuffer: 0,
  sendBuffer: 0,
};

/**
 * How a stream ends. `close`: each side closes when it has sent and received all. `half-close`: each side says that it is
 * done writing as soon as it is, and closes at the end of the other's stream. `abandon`: the client closes after half of
 * its bytes, whatever is on its way to it. `abort`: it resets the connection then.
 */
export type StreamEnding = 'close' | 'half-close' | 'abandon' | 'abort';
