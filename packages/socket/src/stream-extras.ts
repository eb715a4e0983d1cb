import type { PosixError } from '@prism-net/errors';
import type { ClosingDeadline } from './closing-deadline.js';

/** What a stream socket has only if somebody asked for it. */
export class StreamExtras {
  onError: ((error: PosixError) => void) | null = null;
  deadline: ClosingDeadline | undefined;
  closed: Promise<void> | undefined;
  settleClosed: (() => void) | undefined;
  readable: ReadableStream<Uint8Array> | undefined;
  writable: WritableStream<Uint8Array | string> | undefined;
  detachSignal: (() => void) | undefined;
}
