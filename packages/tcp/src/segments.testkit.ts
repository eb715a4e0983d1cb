import { tcp, tcpOptions } from '@prism-net/wire';

const { Kind } = tcpOptions;
export type TcpOptionValue = tcpOptions.TcpOptionValue;

/** The letters of packet scripts, in their order: `S.` is SYN with ACK. */
const LETTERS = [
  ['F', tcp.Flag.FIN],
  ['S', tcp.Flag.SYN],
  ['R', tcp.Flag.RST],
  ['P', tcp.Flag.PSH],
  ['.', tcp.Flag.ACK],
  ['U', tcp.Flag.URG],
  ['E', tcp.Flag.ECE],
  ['W', tcp.Flag.CWR],
] as const;

export function flagBits(letters: string): number {
  let bits = 0;
  for (const letter of letters) {
    const flag = LETTERS.find(([name]) => name === letter)?.[1];
    if (flag === undefined) throw new Error(`no flag is called ${letter}`);
    bits |= flag;
  }
  return bits;
}

export function flagLetters(bits: number): string {
  return LETTERS.filter(([, flag]) => (bits & flag) !== 0)
    .map(([name]) => name)
    .join('');
}

/** The byte at position `at` of every stream, 1 being the first: text tells where it belongs. */
export function patternByte(at: number): number {
  return (Math.imul(at, 31) + (at >> 7)) & 0xff;
}

/** `length` bytes of the pattern, from position `at` on. */
export function pattern(at: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => patternByte(at + i));
}

function words(...values: number[]): Uint8Array {
  const data = new Uint8Array(values.length * 4);
  const view = new DataView(data.buffer);
  for (const [i, value] of values.entries()) view.setInt32(i * 4, value);
  return data;
}

export const NOP: TcpOptionValue = { kind: Kind.NOP, data: new Uint8Array(0) };

export function mssOption(size: number): TcpOptionValue {
  return { kind: Kind.MAXIMUM_SEGMENT_SIZE, data: Uint8Array.of(size >> 8, size & 0xff) };
}

export function scaleOption(shift: number): TcpOptionValue {
  return { kind: Kind.WINDOW_SCALE, data: Uint8Array.of(shift) };
}

export const SACK_PERMITTED: TcpOptionValue = { kind: Kind.SACK_PERMITTED, data: new Uint8Array(0) };

export function timestampsOption(value: number, echo: number): TcpOptionValue {
  return { kind: Kind.TIMESTAMPS, data: words(value, echo) };
}

/** Absolute sequence numbers. */
export function sackOption(blocks: readonly (readonly [number, number])[]): TcpOptionValue {
  return { kind: Kind.SACK, data: words(...blocks.flat()) };
}

/** A segment that was sent, as plain values. Numbers are absolute int32 here. */
export interface SentSegment {
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly flags: string;
  readonly window: number;
  readonly data: Uint8Array;
  /** Undefined: absent. */
  readonly mss: number | undefined;
  readonly scale: number | undefined;
  readonly sackPermitted: boolean;
  readonly timestamps: readonly [value: number, echo: number] | undefined;
  readonly sack: readonly (readonly [number, number])[];
  readonly urgentPointer: number;
  /** Bytes of text in each segment on the wire, when it is virtual; else 0. */
  readonly gsoSize: number;
  readonly headerLength: number;
  readonly trafficClass: number;
  readonly timeToLive: number;
  /** Milliseconds since the test began. */
  readonly at: number;
}

export type SentWhere = Pick<SentSegment, 'gsoSize' | 'trafficClass' | 'timeToLive' | 'at'>;

/** Reads a segment back with the codec of values, which shares no code with what wrote it. */
export function readSegment(bytes: Uint8Array, where: SentWhere): SentSegment {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const header = tcp.parse(view, 0, bytes.length);
  if (typeof header === 'number') throw new Error(`an impossible segment was sent: reason ${header}`);
  const headerLength = tcp.headerLength(view, 0);
  const option = (kind: number) => {
    const data = header.options.find((each) => each.kind === kind)?.data;
    return data === undefined ? undefined : new DataView(data.buffer, data.byteOffset, data.byteLength);
  };
  const timestamps = option(Kind.TIMESTAMPS);
  const sack = option(Kind.SACK);
  const blocks: [number, number][] = [];
  for (let at = 0; sack !== undefined && at < sack.byteLength; at += 8) {
    blocks.push([sack.getInt32(at), sack.getInt32(at + 4)]);
  }
  return {
    ...where,
    sourcePort: header.sourcePort,
    destinationPort: header.destinationPort,
    sequence: header.sequence,
    acknowledgement: header.acknowledgement,
    flags: flagLetters(header.flags),
    window: header.window,
    data: bytes.slice(headerLength),
    mss: option(Kind.MAXIMUM_SEGMENT_SIZE)?.getUint16(0),
    scale: option(Kind.WINDOW_SCALE)?.getUint8(0),
    sackPermitted: option(Kind.SACK_PERMITTED) !== undefined,
    timestamps: timestamps === undefined ? undefined : [timestamps.getInt32(0), timestamps.getInt32(4)],
    sack: blocks,
    urgentPointer: header.urgentPointer,
    headerLength,
  };
}
