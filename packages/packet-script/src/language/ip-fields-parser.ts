import type { NumberReader } from './number-reader.js';
import type { IpFields } from './syntax.js';
import type { TokenReader } from './token-reader.js';

const ECN = ['noecn', 'ect0', 'ect1', 'ect01', 'ce'] as const;

/** RFC 2474, 2597, 3246, 5865, 8622. */
const DSCP: Readonly<Record<string, number>> = {
  ...Object.fromEntries([0, 1, 2, 3, 4, 5, 6, 7].map((selector) => [`cs${selector}`, selector << 3])),
  ...Object.fromEntries(
    [1, 2, 3, 4].flatMap((group) => [1, 2, 3].map((drop) => [`af${group}${drop}`, (group << 3) | (drop << 1)])),
  ),
  ef: 46,
  voice_admit: 44,
  'voice-admit': 44,
  le: 1,
};

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

/** `[ect0]`, `(tos 0x2)`, `[dscp af11, ecn ce, ttl 64]` … in any order; nothing at all is as good. */
export function parseIpFields(reader: TokenReader, numbers: NumberReader): IpFields {
  const closing = reader.is('[') ? ']' : reader.is('(') ? ')' : null;
  if (closing === null) return {};
  reader.next();
  const fields: Mutable<IpFields> = {};
  do parseField(reader, numbers, fields);
  while (reader.accept(','));
  reader.expect(closing, 'behind the IP fields');
  return fields;
}

function parseField(reader: TokenReader, numbers: NumberReader, fields: Mutable<IpFields>): void {
  if (!reader.isKind('word')) throw reader.unexpected('an IP field such as ect0, tos, ttl or flowlabel');
  const at = reader.current;
  const name = reader.joinedUntil([',', ']', ')']);
  if (isEcn(name)) fields.ecn = name;
  else if (name === 'ecn') fields.ecn = parseEcn(reader);
  else if (name === 'tos' || name === 'class') fields.trafficClass = numbers.integer(`as ${name}`, 0xff);
  else if (name === 'ttl' || name === 'hlim') fields.timeToLive = numbers.integer(`as ${name}`, 0xff);
  else if (name === 'flowlabel') fields.flowLabel = numbers.integer('as flow label', 0xfffff);
  else if (name === 'dscp') fields.dscp = parseDscp(reader, numbers);
  else throw reader.error(`'${name}' is no field of the IP header: ${ECN.join(', ')}, tos, ecn, dscp, ttl …`, at);
}

function isEcn(name: string): name is (typeof ECN)[number] {
  return (ECN as readonly string[]).includes(name);
}

function parseEcn(reader: TokenReader): (typeof ECN)[number] {
  const at = reader.current;
  const name = reader.next().text;
  if (isEcn(name)) return name;
  throw reader.error(`expected an ECN codepoint (${ECN.join(', ')}), found '${name}'`, at);
}

function parseDscp(reader: TokenReader, numbers: NumberReader): number {
  if (!reader.isKind('word')) return numbers.integer('as DSCP', 0x3f);
  const at = reader.current;
  const name = reader.joinedUntil([',', ']', ')']);
  const value = DSCP[name.toLowerCase()];
  if (value === undefined) throw reader.error(`'${name}' is no name of a DSCP`, at);
  return value;
}
