/**
 * The IEEE 802.1Q tag (§9.6). It sits between the addresses and the EtherType of a frame; read in the order of the
 * bytes, its protocol identifier 0x8100 is the EtherType of an ordinary Ethernet header, and what follows that header
 * is four bytes: the tag control information and the inner EtherType. `at` is where those four bytes begin, 14 bytes
 * into the frame.
 *
 *     0           6           12    14    16    18
 *     +-----------+-----------+-----+-----+-----+---------
 *     |destination|  source   |8100 | TCI |type | payload
 *     +-----------+-----------+-----+-----+-----+---------
 *                                   ^ at
 *     TCI = priority (3 bits), drop eligible (1), VLAN identifier (12)
 */
import { DropReason } from './drop-reason.js';
import { EtherType } from './ethernet.js';
import type { Parsed } from './parsed.js';

/** How much longer a tag makes a frame. */
export const TAG_LENGTH = 4;

/** The identifier of a frame that has a priority but no VLAN (IEEE 802.1Q table 9-2). */
export const PRIORITY_ONLY = 0;

/**
 * `VLAN_MALFORMED` for fewer than four bytes or the reserved identifier 0xfff, `VLAN_DOUBLE_TAGGED` when another tag
 * follows, or `NONE`.
 */
export function check(view: DataView, at: number, length: number): DropReason {
  if (length < TAG_LENGTH) return DropReason.VLAN_MALFORMED;
  if (identifier(view, at) === 0xfff) return DropReason.VLAN_MALFORMED; // IEEE 802.1Q table 9-2
  const inner = etherType(view, at);
  if (inner === EtherType.VLAN || inner === EtherType.QINQ) return DropReason.VLAN_DOUBLE_TAGGED;
  return DropReason.NONE;
}

/** The VLAN identifier, 0 to 4095. */
export function identifier(view: DataView, at: number): number {
  return view.getUint16(at) & 0xfff;
}

/** The priority code point, 0 to 7. */
export function priority(view: DataView, at: number): number {
  return view.getUint8(at) >>> 5;
}

/** The drop eligible indicator. */
export function dropEligible(view: DataView, at: number): boolean {
  return (view.getUint8(at) & 0x10) !== 0;
}

/** The inner EtherType: what the payload is. */
export function etherType(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** Writes the four bytes. The EtherType of the Ethernet header before them must be 0x8100. */
export function write(
  view: DataView,
  at: number,
  identifier: number,
  priority: number,
  dropEligible: boolean,
  etherType: number,
): void {
  view.setUint16(at, (priority << 13) | (dropEligible ? 0x1000 : 0) | (identifier & 0xfff));
  view.setUint16(at + 2, etherType);
}

export interface VlanTag {
  readonly identifier: number;
  readonly priority: number;
  readonly dropEligible: boolean;
  readonly etherType: number;
}

/** The tag as a value, or why it was refused. */
export function parse(view: DataView, at: number, length: number): Parsed<VlanTag> {
  const reason = check(view, at, length);
  if (reason !== DropReason.NONE) return reason;
  return {
    identifier: identifier(view, at),
    priority: priority(view, at),
    dropEligible: dropEligible(view, at),
    etherType: etherType(view, at),
  };
}

/** Writes a value and returns the number of bytes written, {@link encodedLength}. */
export function emit(view: DataView, at: number, tag: VlanTag): number {
  write(view, at, tag.identifier, tag.priority, tag.dropEligible, tag.etherType);
  return TAG_LENGTH;
}

/** The bytes `emit` writes. */
export function encodedLength(_tag: VlanTag): number {
  return TAG_LENGTH;
}
