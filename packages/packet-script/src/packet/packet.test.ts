import { describe, expect, it } from 'vitest';
import { parseScript } from '../language/parser.js';
import type { PacketAction, TcpOption, TcpTransport } from '../language/syntax.js';
import { Difference, Unsupported } from '../values/unsupported.js';
import { Flow } from './flow.js';
import { encodeFrame } from './frame-encoder.js';
import { BadFrame, type ObservedPacket, readFrame } from './observed-packet.js';
import { comparePacket } from './packet-comparison.js';
import { describeObserved } from './packet-description.js';
import { fillPattern, findPatternFault } from './pattern.js';
import { decodeOptions, encodeOptions } from './tcp-option-bytes.js';

const MACS = { peerMac: { high: 1, low: 2 }, hostMac: { high: 3, low: 4 }, interpolateTimestamps: false };
const LENIENT = { timestampTick: 0, tolerance: 4000, checkEcho: false };

function packet(line: string): PacketAction {
  return parseScript(`+0 ${line}`).events[0]!.action as PacketAction;
}

/** The conversation as the peer sees it, so that what it encodes is what a host would send to it. */
function mirrored(): Flow {
  const flow = conversation();
  const mirror = new Flow(flow.protocol);
  Object.assign(mirror.local, flow.remote);
  Object.assign(mirror.remote, flow.local);
  mirror.remoteStart = flow.liveLocalStart;
  mirror.liveLocalStart = flow.remoteStart;
  return mirror;
}

function conversation(): Flow {
  const flow = new Flow('tcp');
  Object.assign(flow.local, { address: 0xc0a80001 | 0, port: 8080 });
  Object.assign(flow.remote, { address: 0xc0000201 | 0, port: 50_000 });
  flow.remoteStart = 7000;
  flow.liveLocalStart = -5;
  flow.scriptLocalStart = -5;
  return flow;
}

/** What a host would have sent, given in the language. */
function sent(line: string): ObservedPacket {
  const action = packet(line.replace(/^>/, '<'));
  return readFrame(encodeFrame(action, mirrored(), { ...MACS, interpolateTimestamps: true }), 0)!;
}

function compare(expected: string, actual: string, options = LENIENT): string | null {
  const mismatch = comparePacket(packet(expected), sent(actual), conversation(), options);
  return mismatch === null ? null : `${mismatch.field}: ${mismatch.expected} / ${mismatch.actual}`;
}

describe('comparePacket', () => {
  it.each([
    '> S 9:9(0) win 100 <mss 1460,nop,wscale 7>',
    '> . 1:1(0) ack 1 win 100',
    '> P. 4294967290:4(10) ack 4294967295 win 0',
    '> FPUEW. 1:101(100) ack 5 win 1 urg 7',
    '> .5 1:2(1) ack 1 win 1',
    '> [ect0] . 1:1(0) ack 1 win 1',
    '> [tos 0x1c] . 1:1(0) ack 1 win 1',
    '> [dscp ef, ecn ce, ttl 64] . 1:1(0) ack 1 win 1',
    '> . 1:1(0) ack 1 win 1 <nop,nop,sack 1001:2001 3001:4001>',
    '> . 1:1(0) ack 1 win 1 <md5 000102030405060708090a0b0c0d0e0f,FO a1b2,FOEXP c3d4,nop,nop>',
    '> . 1:1(0) ack 1 win 1 <ECN e0b 1 ceb 2 e1b 3,nop>',
    '> udp (100)',
    '> icmp echo_reply id 5 [raw (20)]',
    '> icmp time_exceeded code_1',
  ])('finds nothing wrong with %s, when that is what was sent', (line) => {
    expect(compare(line, line)).toBeNull();
  });

  it.each([
    ['> P. 1:1(0) ack 1', '> . 1:1(0) ack 1', 'flag PSH: 1 / 0'],
    ['> . 1:1(0) ack 1', '> F. 1:1(0) ack 1', 'flag FIN: 0 / 1'],
    ['> E. 1:1(0) ack 1', '> . 1:1(0) ack 1', 'flag ECE: 1 / 0'],
    ['> 5. 1:1(0) ack 1', '> 4. 1:1(0) ack 1', 'ACE count: 320 / 256'],
    ['> . 1:1(0) ack 1', '> . 2:2(0) ack 1', 'sequence number: 1 / 2'],
    ['> . 1:1(0) ack 1', '> . 1:2(1) ack 1', 'payload length: 0 / 1'],
    ['> . 1:1(0) ack 1', '> . 1:1(0) ack 2', 'acknowledgement number: 1 / 2'],
    ['> . 1:1(0) ack 1 win 9', '> . 1:1(0) ack 1 win 8', 'window: 9 / 8'],
    ['> U. 1:1(0) ack 1 urg 1', '> U. 1:1(0) ack 1 urg 2', 'urgent pointer: 1 / 2'],
    [
      '> . 1:1(0) ack 1 <nop,nop,sack 1:2>',
      '> . 1:1(0) ack 1 <nop,nop,sack 1:3>',
      'TCP options: nop,nop,sack 1:2 / nop,nop,sack 1:3',
    ],
    ['> . 1:1(0) ack 1', '> . 1:1(0) ack 1 <nop,nop,nop,nop>', 'TCP options:  / nop,nop,nop,nop'],
    ['> S 0:0(0) <mss 5>', '> S 0:0(0) <nop,nop,nop,nop>', 'TCP options: mss 5 / nop,nop,nop,nop'],
    ['> S 0:0(0) <wscale *,nop>', '> S 0:0(0) <mss 5>', 'TCP options: wscale *,nop / mss 5'],
    ['> [ect0] . 1:1(0)', '> [ect1] . 1:1(0)', 'ECN: ect0 / ect1'],
    ['> [ect01] . 1:1(0)', '> [ce] . 1:1(0)', 'ECN: ect0 or ect1 / ce'],
    ['> [dscp ef] . 1:1(0)', '> [dscp af11] . 1:1(0)', 'DSCP: 46 / 10'],
    ['> [ttl 5] . 1:1(0)', '> . 1:1(0)', 'time to live: 5 / 64'],
    ['> [tos 0x3] . 1:1(0)', '> . 1:1(0)', 'traffic class: 3 / 0'],
    ['> udp (5)', '> udp (6)', 'UDP payload length: 5 / 6'],
    ['> udp (5)', '> . 1:1(0) ack 1', 'protocol: udp / tcp'],
    ['> icmp unreachable port_unreachable', '> icmp unreachable host_unreachable', 'ICMP code: 3 / 1'],
    ['> icmp echo_reply', '> icmp unreachable', 'ICMP type: 0 / 3'],
  ])('%s is not %s', (expected, actual, mismatch) => {
    expect(compare(expected, actual)).toBe(mismatch);
  });

  it('leaves out what the script does not say', () => {
    expect(compare('> . 1:1(0) ack 1', '> [ce] . 1:1(0) ack 1 win 77')).toBeNull();
    expect(compare('> . 1:1(0) ack 1 <...>', '> . 1:1(0) ack 1 <nop,nop,sack 5:6>')).toBeNull();
    expect(compare('> . ...(0) ack 1', '> . 500:500(0) ack 1')).toBeNull();
    expect(compare('> S 0:0(0) <wscale *,nop>', '> S 0:0(0) <wscale 9,nop>')).toBeNull();
    expect(compare('> [ect01] . 1:1(0)', '> [ect1] . 1:1(0)')).toBeNull();
  });

  it('compares numbers as on the wire when they are marked so', () => {
    expect(compare('> R 4294967292:4294967292(0)!', '> R 1:1(0)')).toBeNull();
    expect(compare('> . 1:1(0) ack 7001!', '> . 1:1(0) ack 1')).toBeNull();
  });

  it('notices a byte of the payload that is another than was written', () => {
    const observed = sent('> P. 1:101(100) ack 1');
    const { content } = observed;
    if (content.protocol === 'tcp') content.payload[50]! ^= 1;
    const mismatch = comparePacket(packet('> P. 1:101(100) ack 1'), observed, conversation(), LENIENT);
    expect(mismatch).toMatchObject({ field: 'payload', actual: 'another byte at 50' });
  });
});

describe('timestamps', () => {
  const expected = (value: number, echo = 5): string => `> . 1:1(0) ack 1 <nop,nop,TS val ${value} ecr ${echo}>`;
  const mirror = mirrored();
  mirror.scriptTimestamp(5, 5);
  const observe = (value: number, echo = 5): ObservedPacket => {
    const action = packet(expected(value, echo).replace(/^>/, '<'));
    return readFrame(encodeFrame(action, mirror, { ...MACS, interpolateTimestamps: true }), 0)!;
  };

  it('count from the first, and are compared in ticks when asked for', () => {
    const flow = conversation();
    const ticks = { ...LENIENT, timestampTick: 1000 };
    expect(comparePacket(packet(expected(100)), observe(1_000_000), flow, ticks)).toBeNull();
    expect(comparePacket(packet(expected(150)), observe(1_000_054), flow, ticks)).toBeNull();
    expect(comparePacket(packet(expected(150)), observe(1_000_055), flow, ticks)?.actual).toContain('value 155');
    expect(comparePacket(packet(expected(150)), observe(1_000_999), flow, LENIENT)).toBeNull();
  });

  it('of the host are echoed by what the script called them', () => {
    const flow = conversation();
    comparePacket(packet(expected(100)), observe(1_000_000), flow, LENIENT);
    expect(flow.timestampEcho(100, false)).toBe(1_000_000);
    expect(flow.timestampEcho(130, true)).toBe(1_000_030);
    expect(() => flow.timestampEcho(130, false)).toThrow(Difference);
  });

  it('have their echoes compared only when asked for', () => {
    const strict = { ...LENIENT, checkEcho: true };
    expect(comparePacket(packet(expected(1, 6)), observe(1, 5), conversation(), LENIENT)).toBeNull();
    expect(comparePacket(packet(expected(1, 6)), observe(1, 5), conversation(), strict)?.actual).toContain(
      'echo reply 5',
    );
  });
});

describe('describeObserved', () => {
  it.each([
    '> S 9:9(0) win 100 <mss 1460,nop,wscale 7>',
    '> FP. 1:101(100) ack 5 win 1 <nop,nop,sack 7:8>',
    '> [ect0] .5 1:2(1) ack 1 win 3',
    '> udp (100)',
    '> icmp unreachable port_unreachable',
  ])('writes %s as the script does', (line) => {
    const text = describeObserved(sent(line), conversation(), packet(line));
    expect(text).toBe(line.replace('.5', '5.'));
  });
});

describe('readFrame', () => {
  it('refuses frames whose checksums are wrong', () => {
    for (const [line, at] of [
      ['< . 1:2(1) ack 1', 14 + 20 + 20],
      ['< udp (5)', 14 + 20 + 9],
      ['< icmp unreachable', 14 + 20 + 5],
      ['< . 1:2(1) ack 1', 14 + 8],
    ] as const) {
      const frame = encodeFrame(packet(line), conversation(), MACS);
      expect(readFrame(frame, 0)).not.toBeNull();
      frame[at]! ^= 4;
      expect(() => readFrame(frame, 0), line).toThrow(BadFrame);
    }
  });
});

describe('options', () => {
  const options = (text: string): readonly TcpOption[] =>
    (packet(`> S 0:0(0) <${text}>`).transport as TcpTransport).options!;

  it('become bytes, filled up to a multiple of four', () => {
    expect(encodeOptions(options('mss 1460,sackOK'))).toEqual([2, 4, 5, 0xb4, 4, 2, 0, 0]);
    expect(encodeOptions(options('wscale 3'))).toEqual([3, 3, 3, 0]);
    expect(encodeOptions(options('exp-tarr 3,nop,nop'))).toEqual([254, 6, 0, 0xac, 0, 0x60, 1, 1]);
    expect(encodeOptions(options('exp-AccECN1 EE1B 5,nop'))).toEqual([254, 7, 0xac, 0xc1, 0, 0, 5, 1]);
  });

  it('are read back', () => {
    const text = 'mss 1460,sackOK,TS val 1 ecr 2,nop,wscale 7';
    expect(decodeOptions(Uint8Array.from(encodeOptions(options(text))))).toEqual(options(text));
    expect(decodeOptions(Uint8Array.of(2, 9, 1))).toEqual([{ kind: 'other', name: 'kind-2', text: 'length 9' }]);
    expect(decodeOptions(Uint8Array.of(77, 3, 0xab))).toEqual([{ kind: 'other', name: 'kind-77', text: 'ab' }]);
  });

  it('of other protocols have no bytes', () => {
    expect(() => encodeOptions([{ kind: 'other', name: 'mp_join', text: '' }])).toThrow(Unsupported);
    expect(() => encodeOptions([{ kind: 'md5', digest: 'valid' }])).toThrow(Unsupported);
  });
});

describe('the pattern', () => {
  it('shows every shift', () => {
    const bytes = new Uint8Array(4000);
    fillPattern(bytes, 0, 100, bytes.length);
    expect(findPatternFault(bytes, 0, 100, bytes.length)).toBe(-1);
    for (const shift of [1, 2, 4, 256, 536, 1000, 1448, 1460]) {
      expect(findPatternFault(bytes, shift, 100, 500), `shift ${shift}`).toBeLessThan(8);
      expect(findPatternFault(bytes, shift, 100, 500), `shift ${shift}`).toBeGreaterThanOrEqual(0);
    }
  });
});
