/**
 * The options of an IPv4 header (RFC 791 §3.1, "Options"): single bytes 0 and 1, or type, length (of the whole option)
 * and data. Every walk advances by at least one byte and ends after at most 40.
 */

import { invalidArgument } from '@prism-net/errors';
import { DropReason } from './drop-reason.js';
import type { Parsed } from './parsed.js';

export const MAXIMUM_LENGTH = 40;

/** IANA "IP Option Numbers", with the copied flag and the class. */
export const Type = {
  END_OF_LIST: 0,
  NO_OPERATION: 1,
  RECORD_ROUTE: 7,
  TIMESTAMP: 68,
  SECURITY: 130,
  LOOSE_SOURCE_ROUTE: 131,
  STREAM_IDENTIFIER: 136,
  STRICT_SOURCE_ROUTE: 137,
  ROUTER_ALERT: 148,
} as const;

/** The timestamp option's flag: what each router is asked to record. */
export const TimestampFlag = { TIMESTAMP_ONLY: 0, WITH_ADDRESS: 1, AT_ADDRESSES: 3 } as const;

/**
 * Judges the options of a header; `at` is where they begin, 20 bytes into the header, and `length` the header length
 * less 20. `IPV4_OPTIONS_MALFORMED`, `IPV4_SOURCE_ROUTED` for loose and strict source routes, or `NONE`.
 */
export function check(view: DataView, at: number, length: number): DropReason {
  const end = (at + length) | 0;
  let cursor = at;
  while (cursor < end) {
    const type = view.getUint8(cursor);
    if (type === Type.END_OF_LIST) return DropReason.NONE;
    const size = optionLength(view, cursor, end, type);
    if (size === 0) return DropReason.IPV4_OPTIONS_MALFORMED;
    switch (type) {
      case Type.LOOSE_SOURCE_ROUTE:
      case Type.STRICT_SOURCE_ROUTE:
        return DropReason.IPV4_SOURCE_ROUTED;
      case Type.RECORD_ROUTE:
        if (!isRecordRouteSound(view, cursor, size)) return DropReason.IPV4_OPTIONS_MALFORMED;
        break;
      case Type.TIMESTAMP:
        if (!isTimestampSound(view, cursor, size)) return DropReason.IPV4_OPTIONS_MALFORMED;
        break;
      case Type.ROUTER_ALERT:
        if (size !== 4) return DropReason.IPV4_OPTIONS_MALFORMED; // RFC 2113 §2.1
        break;
      default:
    }
    cursor = (cursor + size) | 0;
  }
  return DropReason.NONE;
}

/** The offset of the first option of a type, or -1. Safe on bytes that were not checked. */
export function find(view: DataView, at: number, length: number, type: number): number {
  const end = (at + length) | 0;
  let cursor = at;
  while (cursor < end) {
    const current = view.getUint8(cursor);
    const size = optionLength(view, cursor, end, current);
    if (size === 0) return -1;
    if (current === type) return cursor;
    if (current === Type.END_OF_LIST) return -1;
    cursor = (cursor + size) | 0;
  }
  return -1;
}

/** Bytes of the option at `cursor`, or 0 when it does not fit before `end` or could not be stepped over. */
function optionLength(view: DataView, cursor: number, end: number, type: number): number {
  if (type <= Type.NO_OPERATION) return 1;
  if (cursor + 1 >= end) return 0;
  const size = view.getUint8(cursor + 1);
  return size < 2 || cursor + size > end ? 0 : size;
}

function isRecordRouteSound(view: DataView, at: number, size: number): boolean {
  return size >= 3 && isPointerSound(view.getUint8(at + 2), 4, 4, size);
}

function isTimestampSound(view: DataView, at: number, size: number): boolean {
  if (size < 4) return false;
  const flag = view.getUint8(at + 3) & 0xf;
  if (flag === TimestampFlag.TIMESTAMP_ONLY) return isPointerSound(view.getUint8(at + 2), 5, 4, size);
  if (flag !== TimestampFlag.WITH_ADDRESS && flag !== TimestampFlag.AT_ADDRESSES) return false;
  return isPointerSound(view.getUint8(at + 2), 5, 8, size);
}

/**
 * Pointers count from 1. One past the option means its slots are full; otherwise a whole slot must be left there: "if
 * there is some room but not enough … the original datagram is considered to be in error" (RFC 791 §3.1).
 */
function isPointerSound(pointer: number, first: number, slot: number, size: number): boolean {
  return pointer >= first && (pointer === size + 1 || pointer - 1 + slot <= size);
}

export interface Ipv4Option {
  readonly type: number;
  /** What follows the length byte; empty for "no operation". */
  readonly data: Uint8Array;
}

/**
 * The options up to the end of the list, which is not among them. Unlike {@link check} it lets source routes and the
 * inside of options pass, to be shown by tools; `IPV4_OPTIONS_MALFORMED` when an option's length is wrong.
 */
export function parse(view: DataView, at: number, length: number): Parsed<Ipv4Option[]> {
  const options: Ipv4Option[] = [];
  const end = at + length;
  for (let cursor = at; cursor < end; ) {
    const type = view.getUint8(cursor);
    if (type === Type.END_OF_LIST) break;
    const size = optionLength(view, cursor, end, type);
    if (size === 0) return DropReason.IPV4_OPTIONS_MALFORMED;
    const data = new Uint8Array(Math.max(0, size - 2));
    for (let index = 0; index < data.length; index++) data[index] = view.getUint8(cursor + 2 + index);
    options.push({ type, data });
    cursor += size;
  }
  return options;
}

/** Writes options, padded with zeros (end of list) to a multiple of 4, and returns the number of bytes, {@link encodedLength}. */
export function emit(view: DataView, at: number, options: readonly Ipv4Option[]): number {
  const length = encodedLength(options);
  let cursor = at;
  for (const { type, data } of options) {
    view.setUint8(cursor++, type);
    if (type === Type.NO_OPERATION) continue;
    view.setUint8(cursor++, data.length + 2);
    for (const byte of data) view.setUint8(cursor++, byte);
  }
  while (cursor < at + length) view.setUint8(cursor++, Type.END_OF_LIST);
  return length;
}

/** The bytes `emit` writes. Throws `EINVAL` for more than 40, and for options that cannot be written. */
export function encodedLength(options: readonly Ipv4Option[]): number {
  let length = 0;
  for (const { type, data } of options) {
    if (type === Type.END_OF_LIST) {
      throw invalidArgument('ipv4Options', 'End of list is written by itself: leave it out of the options');
    }
    if (type === Type.NO_OPERATION && data.length > 0) {
      throw invalidArgument('ipv4Options', 'The IPv4 option "no operation" has no data');
    }
    length += type === Type.NO_OPERATION ? 1 : 2 + data.length;
  }
  length = (length + 3) & ~3;
  if (length > MAXIMUM_LENGTH) {
    throw invalidArgument('ipv4Options', `${length} bytes of IPv4 options: at most 40 fit into a header`);
  }
  return length;
}

/** Options as bytes, padded: what `ipv4.emit` takes. */
export function build(options: readonly Ipv4Option[]): Uint8Array {
  const bytes = new Uint8Array(encodedLength(options));
  emit(new DataView(bytes.buffer), 0, options);
  return bytes;
}

export function noOperation(): Ipv4Option {
  return { type: Type.NO_OPERATION, data: new Uint8Array(0) };
}

/** Asks routers to look at the datagram (RFC 2113); IGMP and MLD send it. */
export function routerAlert(): Ipv4Option {
  return { type: Type.ROUTER_ALERT, data: new Uint8Array(2) };
}

/** Room for `slots` addresses, 1 to 9, for routers to fill in. */
export function recordRoute(slots: number): Ipv4Option {
  const data = new Uint8Array(1 + 4 * slots);
  data[0] = 4;
  return { type: Type.RECORD_ROUTE, data };
}

/** Room for `slots` timestamps, 1 to 9, or for 1 to 4 pairs of address and timestamp. */
export function timestamp(slots: number, flag: (typeof TimestampFlag)[keyof typeof TimestampFlag]): Ipv4Option {
  const data = new Uint8Array(2 + (flag === TimestampFlag.TIMESTAMP_ONLY ? 4 : 8) * slots);
  data[0] = 5;
  data[1] = flag;
  return { type: Type.TIMESTAMP, data };
}
