/**
 * The options of a TCP header as values (RFC 9293 §3.2): single bytes 0 and 1, or kind, length (of the whole option) and
 * data. For tools, tests and packet scripts; the hot path has `TcpOptions`.
 */
import { invalidArgument } from '@prism-net/errors';

/** Bytes of options that fit into a header. */
export const MAXIMUM_LENGTH = 40;

/** IANA "TCP Option Kind Numbers": those this stack speaks of. */
export const Kind = {
  END: 0,
  NOP: 1,
  MAXIMUM_SEGMENT_SIZE: 2,
  WINDOW_SCALE: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMPS: 8,
  FAST_OPEN: 34,
} as const;

/** An option of any kind, known or not. */
export interface TcpOptionValue {
  readonly kind: number;
  /** What follows the length byte; empty for "no operation" and "end". */
  readonly data: Uint8Array;
}

/**
 * Bytes of the option at `cursor`, or 0 when it does not fit before `end` or could not be stepped over. All kinds but 0
 * and 1 have a length (RFC 9293 §3.1, MUST-68).
 */
export function optionLength(view: DataView, cursor: number, end: number): number {
  if (view.getUint8(cursor) <= Kind.NOP) return 1;
  if (cursor + 1 >= end) return 0;
  const size = view.getUint8(cursor + 1);
  return size < 2 || cursor + size > end ? 0 : size;
}

/**
 * The options up to "end", which is not among them, or up to the first whose length is impossible. `length` is the
 * header length less 20. The inside of options is not judged.
 */
export function parse(view: DataView, at: number, length: number): TcpOptionValue[] {
  const options: TcpOptionValue[] = [];
  const end = at + length;
  for (let cursor = at; cursor < end; ) {
    const kind = view.getUint8(cursor);
    const size = optionLength(view, cursor, end);
    if (kind === Kind.END || size === 0) break;
    const data = new Uint8Array(Math.max(0, size - 2));
    for (let index = 0; index < data.length; index++) data[index] = view.getUint8(cursor + 2 + index);
    options.push({ kind, data });
    cursor += size;
  }
  return options;
}

/**
 * Writes options, padded with zeros ("end"; RFC 9293 §3.1, MUST-69) to a multiple of 4, and returns the number of
 * bytes, {@link encodedLength}.
 */
export function emit(view: DataView, at: number, options: readonly TcpOptionValue[]): number {
  const length = encodedLength(options);
  let cursor = at;
  for (const { kind, data } of options) {
    view.setUint8(cursor++, kind);
    if (kind <= Kind.NOP) continue;
    view.setUint8(cursor++, data.length + 2);
    for (const byte of data) view.setUint8(cursor++, byte);
  }
  while (cursor < at + length) view.setUint8(cursor++, Kind.END);
  return length;
}

/** The bytes `emit` writes. Throws `EINVAL` for more than 40, and for options that cannot be written. */
export function encodedLength(options: readonly TcpOptionValue[]): number {
  let length = 0;
  for (const { kind, data } of options) {
    if (kind <= Kind.NOP && data.length > 0) {
      throw invalidArgument('tcpOptions', `The TCP option ${kind} is a single byte: it has no data`);
    }
    length += kind <= Kind.NOP ? 1 : 2 + data.length;
  }
  length = (length + 3) & ~3;
  if (length > MAXIMUM_LENGTH) {
    throw invalidArgument('tcpOptions', `${length} bytes of TCP options: at most ${MAXIMUM_LENGTH} fit into a header`);
  }
  return length;
}

/** Options as bytes, padded. */
export function build(options: readonly TcpOptionValue[]): Uint8Array {
  const bytes = new Uint8Array(encodedLength(options));
  emit(new DataView(bytes.buffer), 0, options);
  return bytes;
}

/** "End": what follows it is not read. `emit` pads with it by itself. */
export function end(): TcpOptionValue {
  return { kind: Kind.END, data: new Uint8Array(0) };
}

export function noOperation(): TcpOptionValue {
  return { kind: Kind.NOP, data: new Uint8Array(0) };
}

/** The largest segment its sender takes, in bytes of data (RFC 9293 §3.7.1). */
export function maximumSegmentSize(size: number): TcpOptionValue {
  return { kind: Kind.MAXIMUM_SEGMENT_SIZE, data: Uint8Array.of(size >>> 8, size) };
}

/** By how many bits its sender's windows are shifted (RFC 7323 §2.2). */
export function windowScale(shift: number): TcpOptionValue {
  return { kind: Kind.WINDOW_SCALE, data: Uint8Array.of(shift) };
}

/** RFC 2018 §2. */
export function sackPermitted(): TcpOptionValue {
  return { kind: Kind.SACK_PERMITTED, data: new Uint8Array(0) };
}

/** Blocks that arrived: for each the first sequence number and the one after its last (RFC 2018 §3). */
export function sack(blocks: readonly (readonly [start: number, end: number])[]): TcpOptionValue {
  return { kind: Kind.SACK, data: words(blocks.flat()) };
}

/** RFC 7323 §3.2. */
export function timestamps(value: number, echo: number): TcpOptionValue {
  return { kind: Kind.TIMESTAMPS, data: words([value, echo]) };
}

/** A cookie of 4 to 16 bytes, or none to ask for one (RFC 7413 §4.1.1). */
export function fastOpen(cookie: Uint8Array): TcpOptionValue {
  return { kind: Kind.FAST_OPEN, data: cookie };
}

function words(values: readonly number[]): Uint8Array {
  const data = new Uint8Array(4 * values.length);
  const view = new DataView(data.buffer);
  for (const [index, value] of values.entries()) view.setInt32(4 * index, value);
  return data;
}
