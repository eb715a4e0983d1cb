import type { TcpOption } from '../language/syntax.js';
import { Unsupported } from '../values/unsupported.js';

/** Kinds of RFC 9293, 7323, 2018, 2385, 7413, 9768 and 6994. */
const Kind = {
  END: 0,
  NOP: 1,
  MSS: 2,
  WINDOW_SCALE: 3,
  SACK_PERMITTED: 4,
  SACK: 5,
  TIMESTAMPS: 8,
  MD5: 19,
  FAST_OPEN: 34,
  ACC_ECN_0: 172,
  ACC_ECN_1: 174,
  EXPERIMENTAL: 254,
} as const;

/** Experiment identifiers (RFC 6994). */
const Experiment = { FAST_OPEN: 0xf989, TARR: 0x00ac, ACC_ECN_0: 0xacc0, ACC_ECN_1: 0xacc1 } as const;

/** How numbers of the script become numbers on the wire, or the other way round. */
export interface OptionNumbers {
  acknowledgement(value: number): number;
  timestampEcho(value: number, isAbsolute: boolean): number;
}

const AS_WRITTEN: OptionNumbers = {
  acknowledgement: (value) => value,
  timestampEcho: (value) => value,
};

/** One option as bytes. @throws Unsupported for an option whose bytes are not known */
export function encodeOption(option: TcpOption, numbers: OptionNumbers = AS_WRITTEN): number[] {
  switch (option.kind) {
    case 'eol':
      return [Kind.END];
    case 'nop':
      return [Kind.NOP];
    case 'mss':
      return [Kind.MSS, 4, ...word16(option.value)];
    case 'wscale':
      return [Kind.WINDOW_SCALE, 3, option.shift ?? 0];
    case 'sack-permitted':
      return [Kind.SACK_PERMITTED, 2];
    case 'sack':
      return withLength(
        Kind.SACK,
        option.blocks.flat().flatMap((edge) => word32(numbers.acknowledgement(edge))),
      );
    case 'timestamps': {
      const echo = numbers.timestampEcho(option.echo ?? 0, option.isEchoAbsolute);
      return [Kind.TIMESTAMPS, 10, ...word32(option.value ?? 0), ...word32(echo)];
    }
    case 'md5':
      if (!/^[0-9a-f]*$/i.test(option.digest)) throw new Unsupported('TCP option md5 with a secret');
      return withLength(Kind.MD5, hexadecimal(option.digest));
    case 'fast-open':
      if (!option.isExperimental) return withLength(Kind.FAST_OPEN, hexadecimal(option.cookie));
      return withLength(Kind.EXPERIMENTAL, [...word16(Experiment.FAST_OPEN), ...hexadecimal(option.cookie)]);
    case 'acc-ecn': {
      const counters = option.counters.flatMap((counter) => [counter >>> 16, ...word16(counter)]);
      if (!option.isExperimental) return withLength(option.order === 1 ? Kind.ACC_ECN_1 : Kind.ACC_ECN_0, counters);
      const experiment = option.order === 1 ? Experiment.ACC_ECN_1 : Experiment.ACC_ECN_0;
      return withLength(Kind.EXPERIMENTAL, [...word16(experiment), ...counters]);
    }
    case 'tarr':
      return withLength(Kind.EXPERIMENTAL, [
        ...word16(Experiment.TARR),
        ...(option.rate === null ? [] : word16(option.rate << 5)),
      ]);
    case 'other':
      throw new Unsupported(`TCP option ${option.name}`);
  }
}

/** All of them, filled up with "end" to a multiple of four. */
export function encodeOptions(options: readonly TcpOption[], numbers: OptionNumbers = AS_WRITTEN): number[] {
  const bytes = options.flatMap((option) => encodeOption(option, numbers));
  while (bytes.length % 4 !== 0) bytes.push(Kind.END);
  return bytes;
}

/** Reads options off the wire, every "end" included; one that cannot be stepped over comes as `other`. */
export function decodeOptions(bytes: Uint8Array): TcpOption[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const options: TcpOption[] = [];
  for (let at = 0; at < bytes.length; ) {
    const kind = bytes[at]!;
    if (kind <= Kind.NOP) {
      options.push({ kind: kind === Kind.END ? 'eol' : 'nop' });
      at += 1;
      continue;
    }
    const length = bytes[at + 1] ?? 0;
    if (length < 2 || at + length > bytes.length) {
      options.push({ kind: 'other', name: `kind-${kind}`, text: `length ${length}` });
      break;
    }
    options.push(decodeOption(kind, view, at + 2, length - 2));
    at += length;
  }
  return options;
}

function decodeOption(kind: number, view: DataView, at: number, length: number): TcpOption {
  if (kind === Kind.MSS && length === 2) return { kind: 'mss', value: view.getUint16(at) };
  if (kind === Kind.WINDOW_SCALE && length === 1) return { kind: 'wscale', shift: view.getUint8(at) };
  if (kind === Kind.SACK_PERMITTED && length === 0) return { kind: 'sack-permitted' };
  if (kind === Kind.TIMESTAMPS && length === 8) {
    const [value, echo] = [view.getUint32(at), view.getUint32(at + 4)];
    return { kind: 'timestamps', value, echo, isEchoAbsolute: false };
  }
  if (kind === Kind.SACK && length > 0 && length % 8 === 0) {
    const blocks: [number, number][] = [];
    for (let i = 0; i < length; i += 8) blocks.push([view.getUint32(at + i), view.getUint32(at + i + 4)]);
    return { kind: 'sack', blocks };
  }
  const digits = hexadecimalText(view, at, length);
  if (kind === Kind.MD5) return { kind: 'md5', digest: digits };
  if (kind === Kind.FAST_OPEN) return { kind: 'fast-open', cookie: digits, isExperimental: false };
  if (kind === Kind.EXPERIMENTAL && length >= 2 && view.getUint16(at) === Experiment.FAST_OPEN) {
    return { kind: 'fast-open', cookie: digits.slice(4), isExperimental: true };
  }
  return { kind: 'other', name: `kind-${kind}`, text: digits };
}

function withLength(kind: number, data: readonly number[]): number[] {
  return [kind, data.length + 2, ...data];
}

function word16(value: number): number[] {
  return [(value >>> 8) & 0xff, value & 0xff];
}

function word32(value: number): number[] {
  return [value >>> 24, (value >>> 16) & 0xff, (value >>> 8) & 0xff, value & 0xff];
}

function hexadecimal(text: string): number[] {
  return (text.match(/../g) ?? []).map((pair) => Number.parseInt(pair, 16));
}

function hexadecimalText(view: DataView, at: number, length: number): string {
  let text = '';
  for (let i = 0; i < length; i++)
    text += view
      .getUint8(at + i)
      .toString(16)
      .padStart(2, '0');
  return text;
}
