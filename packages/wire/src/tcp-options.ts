/**
 * The options of a TCP header in place (RFC 9293 §3.2, RFC 7323, RFC 2018). Reading walks at most 40 bytes, advances by
 * at least one at each step, and never leaves the range it is given.
 */
import { Kind, optionLength } from './tcp-option-values.js';

export * from './tcp-option-values.js';

/** A larger shift is taken as this one (RFC 7323 §2.3). */
export const MAXIMUM_WINDOW_SCALE = 14;

/** Bytes of the options of most segments: two of "no operation", and timestamps. */
export const TIMESTAMPS_LENGTH = 12;

/** No operation twice, kind 8, length 10 (RFC 7323 appendix A). */
const ALIGNED_TIMESTAMPS = 0x0101_080a;
const ALIGNED_SACK = 0x0101_0500;
const ALIGNED_SACK_PERMITTED = 0x0101_0402;
const SACK_PERMITTED_TIMESTAMPS = 0x0402_080a;

/** The options of one segment. Made once, refilled by {@link parse}; the fields hold until then. */
export class TcpOptions {
  /** In bytes, as sent: 0 to 65,535; -1 when absent. */
  maximumSegmentSize = -1;
  /** 0 to {@link MAXIMUM_WINDOW_SCALE}; -1 when absent. */
  windowScale = -1;
  sackPermitted = false;
  hasTimestamps = false;
  /** TSval, int32. */
  timestampValue = 0;
  /** TSecr, int32. */
  timestampEcho = 0;
  /** Blocks in {@link sackStart} and {@link sackEnd}, 0 to 4. They are not judged: they may be empty, inverted or stale. */
  sackCount = 0;
  readonly sackStart = new Int32Array(4);
  /** The sequence numbers that follow the blocks. */
  readonly sackEnd = new Int32Array(4);
  /** Parsing stopped at an illegal option; those before it hold. */
  isMalformed = false;

  /**
   * Reads the options at `at`, 20 bytes into the header; `length` is the header length less 20. Of several options of one
   * kind the first holds. Unknown kinds are skipped (RFC 9293 §3.1, MUST-6).
   */
  parse(view: DataView, at: number, length: number): void {
    this.maximumSegmentSize = -1;
    this.windowScale = -1;
    this.sackPermitted = false;
    this.sackCount = 0;
    this.isMalformed = false;
    if (length === TIMESTAMPS_LENGTH && view.getInt32(at) === ALIGNED_TIMESTAMPS) {
      this.hasTimestamps = true;
      this.timestampValue = view.getInt32(at + 4);
      this.timestampEcho = view.getInt32(at + 8);
      return;
    }
    this.hasTimestamps = false;
    this.timestampValue = 0;
    this.timestampEcho = 0;
    if (length > 0) this.#parseAll(view, at, (at + length) | 0);
  }

  #parseAll(view: DataView, at: number, end: number): void {
    // RFC 9293 §3.2, MUST-64: byte by byte, since an option may begin anywhere.
    let cursor = at;
    while (cursor < end) {
      const kind = view.getUint8(cursor);
      if (kind === Kind.END) return;
      const size = optionLength(view, cursor, end);
      // RFC 9293 §3.1, MUST-7: behind an illegal length nobody knows where the next option begins.
      if (size === 0 || (kind !== Kind.NOP && !this.#take(view, cursor, kind, size))) {
        this.isMalformed = true;
        return;
      }
      cursor = (cursor + size) | 0;
    }
  }

  /** False when the option is not as long as its kind must be. MSS apart (RFC 9293 §3.1, MUST-4), all are extensions. */
  #take(view: DataView, at: number, kind: number, size: number): boolean {
    switch (kind) {
      case Kind.MAXIMUM_SEGMENT_SIZE:
        if (size !== 4) return false;
        if (this.maximumSegmentSize < 0) this.maximumSegmentSize = view.getUint16(at + 2);
        return true;
      case Kind.WINDOW_SCALE:
        if (size !== 3) return false;
        if (this.windowScale < 0) this.windowScale = Math.min(view.getUint8(at + 2), MAXIMUM_WINDOW_SCALE);
        return true;
      case Kind.SACK_PERMITTED:
        if (size !== 2) return false;
        this.sackPermitted = true;
        return true;
      case Kind.SACK:
        return this.#takeSack(view, at, size);
      case Kind.TIMESTAMPS:
        if (size !== 10) return false;
        if (!this.hasTimestamps) {
          this.hasTimestamps = true;
          this.timestampValue = view.getInt32(at + 2);
          this.timestampEcho = view.getInt32(at + 6);
        }
        return true;
      default:
        return true;
    }
  }

  #takeSack(view: DataView, at: number, size: number): boolean {
    if ((size & 7) !== 2 || size < 10 || size > 34) return false;
    if (this.sackCount > 0) return true;
    const count = (size - 2) >> 3;
    for (let index = 0, cursor = at + 2; index < count; index++, cursor += 8) {
      this.sackStart[index] = view.getInt32(cursor);
      this.sackEnd[index] = view.getInt32(cursor + 4);
    }
    this.sackCount = count;
    return true;
  }
}

// Writers: each writes a multiple of 4 bytes and returns how many, so that they follow one another aligned.

/** No operation twice and timestamps: 12 bytes. */
export function writeTimestamps(view: DataView, at: number, value: number, echo: number): number {
  view.setInt32(at, ALIGNED_TIMESTAMPS);
  view.setInt32(at + 4, value);
  view.setInt32(at + 8, echo);
  return TIMESTAMPS_LENGTH;
}

/** 4 bytes; for segments with SYN only (RFC 9293 §3.2). */
export function writeMaximumSegmentSize(view: DataView, at: number, size: number): number {
  view.setInt32(at, 0x0204_0000 | (size & 0xffff));
  return 4;
}

/** No operation and window scale: 4 bytes; for segments with SYN only (RFC 7323 §2.2). */
export function writeWindowScale(view: DataView, at: number, shift: number): number {
  view.setInt32(at, 0x0103_0300 | (shift & 0xff));
  return 4;
}

/** No operation twice and SACK permitted: 4 bytes; for segments with SYN only (RFC 2018 §2). */
export function writeSackPermitted(view: DataView, at: number): number {
  view.setInt32(at, ALIGNED_SACK_PERMITTED);
  return 4;
}

/** SACK permitted where {@link writeTimestamps} has no operation: both in 12 bytes, for segments with SYN only. */
export function writeSackPermittedTimestamps(view: DataView, at: number, value: number, echo: number): number {
  view.setInt32(at, SACK_PERMITTED_TIMESTAMPS);
  view.setInt32(at + 4, value);
  view.setInt32(at + 8, echo);
  return TIMESTAMPS_LENGTH;
}

/**
 * No operation twice and the first `count` blocks: 4 + 8 · count bytes. 1 to 4 blocks fit into a header, 1 to 3 beside
 * timestamps (RFC 2018 §3).
 */
export function writeSack(view: DataView, at: number, starts: Int32Array, ends: Int32Array, count: number): number {
  const length = 4 + (count << 3);
  view.setInt32(at, ALIGNED_SACK | (length - 2));
  for (let index = 0, cursor = at + 4; index < count; index++, cursor += 8) {
    view.setInt32(cursor, starts[index]!);
    view.setInt32(cursor + 4, ends[index]!);
  }
  return length;
}
