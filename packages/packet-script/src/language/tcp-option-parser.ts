import type { NumberReader } from './number-reader.js';
import type { TcpOption } from './syntax.js';
import type { TokenReader } from './token-reader.js';

const COUNTERS = new Set(['e0b', 'ceb', 'e1b', 'EE0B', 'ECEB', 'EE1B']);
const BYTES = /^(?:[0-9a-fA-F]{2})*$/;

/** The options behind `<`, to the closing `>`; null for `<...>`. */
export function parseTcpOptions(reader: TokenReader, numbers: NumberReader): readonly TcpOption[] | null {
  if (reader.isKind('ellipsis') && reader.is('>', 1)) {
    reader.next();
    reader.next();
    return null;
  }
  const options: TcpOption[] = [];
  do options.push(parseOption(reader, numbers));
  while (reader.accept(','));
  reader.expect('>', 'or a comma behind the TCP option');
  return options;
}

function parseOption(reader: TokenReader, numbers: NumberReader): TcpOption {
  const at = reader.current;
  if (at.kind !== 'word') throw reader.unexpected('a TCP option');
  const name = optionName(reader);
  switch (name) {
    case 'nop':
    case 'eol':
      return { kind: name };
    case 'sackOK':
      return { kind: 'sack-permitted' };
    case 'mss':
      return { kind: 'mss', value: numbers.integer('as MSS', 0xffff) };
    case 'wscale':
      return { kind: 'wscale', shift: reader.accept('*') ? null : numbers.integer('as window scale', 0xff) };
    case 'sack':
      return parseSack(reader, numbers);
    case 'TS':
      return parseTimestamps(reader, numbers);
    case 'md5':
      return { kind: 'md5', digest: parseBytes(reader, numbers, ['valid', 'invalid']) };
    case 'FO':
      return { kind: 'fast-open', cookie: parseBytes(reader, numbers), isExperimental: false };
    case 'FOEXP':
    case 'exp-FO':
      return { kind: 'fast-open', cookie: parseBytes(reader, numbers), isExperimental: true };
    case 'exp-TARR':
    case 'exp-tarr':
      return { kind: 'tarr', rate: endsHere(reader) ? null : numbers.integer('as rate', 0x7ff) };
    case 'ECN':
    case 'AccECN':
    case 'AccECN0':
    case 'AccECN1':
    case 'exp-AccECN0':
    case 'exp-AccECN1':
      return parseAccEcn(reader, numbers, name);
    default:
      return parseOther(reader, numbers, name);
  }
}

/** Words joined by dashes. */
function optionName(reader: TokenReader): string {
  let name = reader.next().text;
  while (reader.is('-') && reader.isAdjacent() && reader.isKind('word', 1)) {
    reader.next();
    name += `-${reader.next().text}`;
  }
  return name;
}

function endsHere(reader: TokenReader): boolean {
  return reader.is(',') || reader.is('>');
}

function parseSack(reader: TokenReader, numbers: NumberReader): TcpOption {
  const blocks: [number, number][] = [];
  do {
    const left = numbers.integer('as left edge of a SACK block', 0xffffffff);
    reader.expect(':', 'between the edges of a SACK block');
    blocks.push([left, numbers.integer('as right edge of a SACK block', 0xffffffff)]);
  } while (!endsHere(reader));
  return { kind: 'sack', blocks };
}

function parseTimestamps(reader: TokenReader, numbers: NumberReader): TcpOption {
  if (!reader.acceptWord('val')) throw reader.unexpected("'val' behind TS");
  const value = numbers.integerOrAny('as timestamp value', 0xffffffff);
  if (!reader.acceptWord('ecr')) throw reader.unexpected("'ecr' behind the timestamp value");
  const echo = numbers.integerOrAny('as timestamp echo reply', 0xffffffff);
  return { kind: 'timestamps', value, echo, isEchoAbsolute: reader.accept('!') };
}

/** A cookie or digest: pairs of hexadecimal digits, perhaps none; or one of the words that stand for bytes. */
function parseBytes(reader: TokenReader, numbers: NumberReader, words: readonly string[] = []): string {
  if (endsHere(reader)) return '';
  const at = reader.current;
  const text = numbers.symbol(reader.joinedUntil([',', '>']));
  if (BYTES.test(text) || words.includes(text)) return text;
  if (/^[A-Za-z_]\w*$/.test(text) && !/^[0-9a-fA-F]+$/.test(text)) {
    numbers.unsupported.push(`symbol ${text} without a definition`);
    return '';
  }
  throw reader.error(`'${text}' is no even number of hexadecimal digits`, at);
}

/** Linux writes `ECN e1b 1 ceb 0 e0b 1` and leaves the kind to the order; FreeBSD names the kind. */
function parseAccEcn(reader: TokenReader, numbers: NumberReader, name: string): TcpOption {
  const names: string[] = [];
  const counters: number[] = [];
  while (!endsHere(reader)) {
    const at = reader.current;
    const counter = reader.next().text;
    if (!COUNTERS.has(counter)) throw reader.error(`'${counter}' is no counter of AccECN`, at);
    names.push(counter);
    counters.push(numbers.integer(`as ${counter}`, 0xffffff));
  }
  const startsWithEct1 = /1b/i.test(names[0] ?? '');
  const order = /[01]$/.test(name) ? (Number(name.at(-1)) as 0 | 1) : startsWithEct1 ? 1 : 0;
  return { kind: 'acc-ecn', name, order, isExperimental: name.startsWith('exp-'), counters };
}

/** An option of another protocol or a later time: kept as text, and named when the script is run. */
function parseOther(reader: TokenReader, numbers: NumberReader, name: string): TcpOption {
  const from = reader.current.start;
  while (!endsHere(reader)) {
    if (reader.isKind('end') || reader.isKind('command') || reader.isKind('code')) {
      throw reader.unexpected("'>' at the end of the TCP options");
    }
    const token = reader.next();
    if (token.kind === 'punctuation' && '([{'.includes(token.text)) reader.balanced();
  }
  numbers.unsupported.push(`TCP option ${name}`);
  return { kind: 'other', name, text: reader.textBetween(from, reader.current.start) };
}
