import { parseIpFields } from './ip-fields-parser.js';
import { NumberReader } from './number-reader.js';
import type {
  Encapsulation,
  IcmpQuote,
  IcmpTransport,
  IpFields,
  PacketAction,
  Ports,
  SctpTransport,
  SequenceRange,
  TcpOption,
  TcpTransport,
  Transport,
} from './syntax.js';
import { parseTcpOptions } from './tcp-option-parser.js';
import type { TokenReader } from './token-reader.js';

const FLAG_LETTERS = /^[SFRPUEWA]*[0-7]?$/;

/** A line that begins with `<` (injected) or `>` (expected). */
export function parsePacket(reader: TokenReader, defines: ReadonlyMap<string, string>): PacketAction {
  const { text, line, column } = reader.next();
  const numbers = new NumberReader(reader, defines);
  const encapsulations = parseEncapsulations(reader, numbers);
  // FreeBSD's scripts write what an ICMP message quotes in front: `< [1:1461(1460)] icmp unreachable …`.
  const before = parseLeadingQuote(reader, numbers);
  const ip = parseIpFields(reader, numbers);
  const quote = before ?? parseLeadingQuote(reader, numbers);
  if (quote !== null && !reader.isWord('icmp')) throw reader.unexpected("'icmp' behind the quoted packet");
  const ports = parsePorts(reader, numbers);
  const transport = withQuote(parseTransport(reader, numbers, ports), quote);
  parseSocketName(reader, numbers);
  const mutation = reader.is('{') ? parseMutation(reader) : null;
  if (mutation !== null) numbers.unsupported.push(`mutated packet {${mutation}}`);
  const direction = text === '<' ? 'inbound' : 'outbound';
  checkDirection(reader, direction, ip, transport);
  const unsupported = [...encapsulations.map(nameOf), ...numbers.unsupported, ...unsupportedTransport(transport)];
  return { kind: 'packet', direction, encapsulations, ip, transport, unsupported, line, column };
}

/** The multipath dialect says behind a packet which socket it belongs to: `sock(3)`. */
function parseSocketName(reader: TokenReader, numbers: NumberReader): void {
  if (!reader.isWord('sock') || !reader.is('(', 1)) return;
  reader.next();
  reader.next();
  numbers.unsupported.push(`packet of the socket ${reader.balanced()}`);
}

/** Null when the bracket, if there is one, holds fields of the IP header. */
function parseLeadingQuote(reader: TokenReader, numbers: NumberReader): IcmpQuote | null {
  if (!reader.is('[')) return null;
  const isSequence = reader.isKind('integer', 1) && reader.is(':', 2);
  const isDatagram = ['udp', 'udplite', 'sctp', 'raw'].some((name) => reader.isWord(name, 1)) && reader.is('(', 2);
  if (!isSequence && !isDatagram) return null;
  reader.next();
  return parseQuote(reader, numbers);
}

function withQuote(transport: Transport, quote: IcmpQuote | null): Transport {
  return quote === null || transport.protocol !== 'icmp' ? transport : { ...transport, quote };
}

function checkDirection(
  reader: TokenReader,
  direction: PacketAction['direction'],
  ip: IpFields,
  transport: Transport,
): void {
  if (direction === 'outbound') return;
  const where = reader.previous;
  if (ip.ecn === 'ect01') throw reader.error('[ect01] is for outbound packets only', where);
  if (transport.protocol === 'tcp' && transport.options === null) {
    throw reader.error('<...> as TCP options is for outbound packets only', where);
  }
}

function nameOf({ type, text }: Encapsulation): string {
  return type === 'address' ? `another address (${text})` : `${type} encapsulation`;
}

function unsupportedTransport(transport: Transport): string[] {
  if (transport.protocol === 'sctp') return ['SCTP packet'];
  if (transport.protocol === 'udplite') return ['UDP-Lite packet'];
  if (transport.protocol === 'icmp' && transport.quote?.protocol === 'other') {
    return [`ICMP quote [${transport.quote.text}]`];
  }
  if (transport.protocol === 'tcp' && transport.udpEncapsulation !== null) return ['TCP over UDP'];
  return [];
}

/** Tunnels and labels in front of the packet proper. */
function parseEncapsulations(reader: TokenReader, numbers: NumberReader): Encapsulation[] {
  const list: Encapsulation[] = [];
  for (;;) {
    // The multipath dialect names the path a packet takes: `> > addr[saddr] S …`.
    if ((reader.is('>') || reader.is('<')) && reader.isWord('addr', 1)) reader.next();
    const from = reader.current.start;
    const ends = encapsulationEnds(reader, numbers);
    if (ends === null) return list;
    list.push({ type: ends, text: reader.textBetween(from, reader.previous.end) });
    if (ends !== 'address') reader.accept(':');
  }
}

function encapsulationEnds(reader: TokenReader, numbers: NumberReader): Encapsulation['type'] | null {
  for (const version of ['ipv4', 'ipv6'] as const) {
    if (!reader.acceptWord(version)) continue;
    parseIpFields(reader, numbers);
    expectAddress(reader);
    reader.expect('>', 'between the addresses');
    expectAddress(reader);
    return version;
  }
  if (reader.acceptWord('addr')) {
    reader.expect('[', 'behind addr');
    reader.balanced();
    return 'address';
  }
  if (reader.acceptWord('gre') || reader.acceptWord('GREv0')) {
    skipToColon(reader);
    return 'gre';
  }
  if (reader.acceptWord('mpls')) {
    skipToColon(reader);
    return 'mpls';
  }
  const isTransportMode = reader.isWord('encap') && reader.isWord('psp', 1);
  if (isTransportMode) reader.next();
  if (!reader.acceptWord('psp')) return null;
  if (!isTransportMode) {
    skipToColon(reader);
    return 'psp';
  }
  for (const field of ['spi', 'vc']) {
    if (!reader.acceptWord(field)) continue;
    numbers.any(`behind ${field}`);
    if (reader.isWord('vc', 1)) reader.accept(',');
  }
  return 'psp';
}

function expectAddress(reader: TokenReader): void {
  if (!reader.isKind('ipv4') && !reader.isKind('ipv6')) throw reader.unexpected('an IP address');
  reader.next();
}

function skipToColon(reader: TokenReader): void {
  while (!reader.is(':')) {
    if (reader.isKind('end') || reader.isKind('command')) throw reader.unexpected("':' behind the header");
    reader.next();
  }
}

function parsePorts(reader: TokenReader, numbers: NumberReader): Ports | null {
  const isPair = reader.isKind('integer') && reader.is('>', 1);
  if (!isPair) return null;
  const source = numbers.integer('as source port', 0xffff);
  reader.next();
  return { source, destination: numbers.integer('as destination port', 0xffff) };
}

function parseTransport(reader: TokenReader, numbers: NumberReader, ports: Ports | null): Transport {
  if (reader.acceptWord('icmp')) return parseIcmp(reader, numbers);
  if (reader.acceptWord('sctp')) return parseSctp(reader, ports);
  if (reader.acceptWord('udp')) {
    const own = parsePorts(reader, numbers) ?? ports;
    reader.expect('(', 'and the length of the datagram');
    const length = numbers.integer('as length', 0xffff);
    reader.expect(')', 'behind the length');
    return { protocol: 'udp', ports: own, length };
  }
  if (reader.acceptWord('udplite')) {
    const own = parsePorts(reader, numbers) ?? ports;
    reader.expect('(', 'and the length of the datagram');
    const length = numbers.integer('as length', 0xffff);
    reader.expect(',', 'and the checksum coverage');
    const coverage = numbers.integer('as checksum coverage', 0xffff);
    reader.expect(')', 'behind the coverage');
    return { protocol: 'udplite', ports: own, length, coverage };
  }
  return parseTcp(reader, numbers, ports);
}

// ---- TCP

function parseTcp(reader: TokenReader, numbers: NumberReader, ports: Ports | null): TcpTransport {
  const { letters, ace } = parseFlags(reader);
  const sequence = parseSequence(reader, numbers);
  let udpEncapsulation = parseUdpEncapsulation(reader, numbers);
  let acknowledgement: number | null = null;
  let isAcknowledgementAbsolute = false;
  let window: number | null = null;
  let urgentPointer: number | null = null;
  for (;;) {
    if (reader.acceptWord('ack')) {
      acknowledgement = numbers.integer('as acknowledgement number', 0xffffffff);
      isAcknowledgementAbsolute = reader.accept('!');
    } else if (reader.acceptWord('win')) window = numbers.integerOrAny('as window', 0xffff);
    else if (reader.acceptWord('urg')) urgentPointer = numbers.integer('as urgent pointer', 0xffff);
    else break;
  }
  let options: readonly TcpOption[] | null = [];
  if (reader.accept('<')) options = parseTcpOptions(reader, numbers);
  udpEncapsulation ??= parseUdpEncapsulation(reader, numbers);
  return {
    protocol: 'tcp',
    ports,
    flags: letters,
    ace,
    sequence,
    acknowledgement,
    isAcknowledgementAbsolute,
    window,
    urgentPointer,
    options,
    udpEncapsulation,
  };
}

/** `S`, `P.`, `.`, `-`, and with the count of Accurate ECN: `5.`, `P5.`, `.5`, `P.5`. */
function parseFlags(reader: TokenReader): { letters: string; ace: number | null } {
  if (reader.accept('-')) return { letters: '', ace: null };
  const first = reader.current;
  let text = '';
  if (first.kind === 'word' || (first.kind === 'integer' && reader.is('.', 1))) text = reader.next().text;
  if (reader.isKind('decimal') && reader.current.text.startsWith('.')) text += reader.next().text;
  else if (reader.accept('.')) text += '.';
  const dot = text.indexOf('.');
  const before = dot < 0 ? text : text.slice(0, dot);
  const after = dot < 0 ? '' : text.slice(dot + 1);
  if (text === '') throw reader.unexpected("TCP flags such as 'S.', 'P.' or '.', or udp, icmp, sctp");
  if (!FLAG_LETTERS.test(before) || !/^[0-7]?$/.test(after)) {
    throw reader.error(`'${text}' is no set of TCP flags: S F R P . U E W A, and a digit for the ACE count`, first);
  }
  const digit = /[0-7]$/.exec(before)?.[0] ?? after;
  const letters = before.replace(/[0-7]$/, '') + (dot < 0 ? '' : '.');
  return { letters, ace: digit === '' ? null : Number(digit) };
}

/** `1:1001(1000)`, with `!` as on the wire; `...(1000)` for any. */
function parseSequence(reader: TokenReader, numbers: NumberReader): SequenceRange {
  const at = reader.current;
  const isAny = at.kind === 'ellipsis';
  let start = 0;
  let end = 0;
  if (isAny) reader.next();
  else {
    start = numbers.integer('as sequence number', 0xffffffff);
    reader.expect(':', 'between the sequence numbers');
    end = numbers.integer('as the sequence number behind the data', 0x1_0000_ffff);
  }
  reader.expect('(', 'and the length of the data');
  const length = numbers.integer('as length of the data', 0xffff);
  reader.expect(')', 'behind the length of the data');
  const isAbsolute = reader.accept('!');
  if (!isAny && end >>> 0 !== (start + length) >>> 0 && numbers.unsupported.length === 0) {
    throw reader.error(`sequence numbers ${start}:${end} and a length of ${length} contradict each other`, at);
  }
  return { start, length, isAbsolute, isAny };
}

/** FreeBSD: `/udp(9899 > 1234)`. */
function parseUdpEncapsulation(reader: TokenReader, numbers: NumberReader): Ports | null {
  if (!reader.is('/') || !reader.isWord('udp', 1)) return null;
  reader.next();
  reader.next();
  reader.expect('(', 'behind /udp');
  const ports = parsePorts(reader, numbers);
  if (ports === null) throw reader.unexpected('two ports');
  reader.expect(')', 'behind the ports');
  return ports;
}

// ---- ICMP and others

function parseIcmp(reader: TokenReader, numbers: NumberReader): IcmpTransport {
  if (!reader.isKind('word')) throw reader.unexpected('an ICMP type such as unreachable');
  const type = reader.next().text;
  let code: string | null = null;
  let mtu: number | null = null;
  let identifier: number | null = null;
  while (reader.isKind('word')) {
    if (reader.acceptWord('mtu')) mtu = numbers.integer('as MTU', 0xffffffff);
    else if (reader.acceptWord('id')) identifier = numbers.integer('as identifier', 0xffff);
    else if (code === null) code = reader.next().text;
    else throw reader.unexpected('mtu, id or the quoted packet');
  }
  const quote = reader.accept('[') ? parseQuote(reader, numbers) : null;
  return { protocol: 'icmp', type, code, mtu, identifier, quote };
}

function parseQuote(reader: TokenReader, numbers: NumberReader): IcmpQuote {
  for (const protocol of ['udp', 'raw'] as const) {
    if (!reader.acceptWord(protocol)) continue;
    reader.expect('(', `behind ${protocol}`);
    const length = numbers.integer('as length', 0xffff);
    reader.expect(')', 'behind the length');
    reader.expect(']', 'behind the quoted packet');
    return { protocol, length };
  }
  if (reader.isKind('word')) {
    const from = reader.current.start;
    while (!reader.is(']')) {
      if (reader.isKind('end')) throw reader.unexpected("']' behind the quoted packet");
      reader.next();
    }
    const text = reader.textBetween(from, reader.next().start);
    return { protocol: 'other', text };
  }
  const sequence = parseSequence(reader, numbers);
  const udp = parseUdpEncapsulation(reader, numbers);
  reader.expect(']', 'behind the quoted packet');
  return udp === null ? { protocol: 'tcp', sequence } : { protocol: 'other', text: 'tcp over udp' };
}

/** Chunks are not looked into: they need only be balanced. */
function parseSctp(reader: TokenReader, ports: Ports | null): SctpTransport {
  const from = reader.previous.start;
  if (reader.accept('(')) reader.balanced();
  if (reader.accept('/')) {
    reader.next();
    reader.expect('(', 'behind /udp');
    reader.balanced();
  }
  reader.expect(':', 'in front of the chunks');
  do {
    while (reader.isKind('word') || reader.is('-')) reader.next();
    if (!reader.accept('[')) break;
    reader.balanced();
  } while (reader.accept(';'));
  return { protocol: 'sctp', ports, text: reader.textBetween(from, reader.previous.end) };
}

/** Two generations of fuzzing notation: `{rep tcp win_size 0x1021}`, `{mut ip 3 5; trun tcp 8-12}`. */
function parseMutation(reader: TokenReader): string {
  reader.next();
  return reader.balanced();
}
