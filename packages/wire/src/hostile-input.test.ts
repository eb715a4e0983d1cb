/** What arrives from the wire may be anything: up to UDP. TCP has a file of its own. */
import { describe, expect, it } from 'vitest';
import { type Codec, describeHostileInput, examine, view } from './hostile-input.testkit.js';
import { arp, DropReason, ethernet, icmpv4, ipv4, ipv4Options, udp, vlan } from './index.js';

const NONE = DropReason.NONE;

/** A valid IPv4 packet, its checksum made right. */
function packet(
  options: readonly number[] = [],
  payload: readonly number[] = [],
  changes: Record<number, number> = {},
) {
  const header = 20 + options.length;
  const bytes = [
    0x40 | (header / 4),
    0,
    0,
    header + payload.length,
    0,
    7,
    0,
    0,
    64,
    17,
    0,
    0,
    10,
    0,
    0,
    1,
    10,
    0,
    0,
    2,
  ];
  bytes.push(...options, ...payload);
  for (const [at, value] of Object.entries(changes)) bytes[Number(at)] = value;
  const result = view(bytes);
  ipv4.updateChecksum(result, 0);
  return [...new Uint8Array(result.buffer)];
}

const quotedUdp = packet([], [0x30, 0x39, 0, 53, 0, 8, 0, 0]);
const unreachable = [3, 3, 0, 0, 0, 0, 0, 0];

const codecs: Record<string, Codec> = {
  ethernet: {
    valid: [[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]],
    check: ethernet.check,
    readAll: (bytes, at) => [
      ethernet.destinationHigh(bytes, at),
      ethernet.destinationLow(bytes, at),
      ethernet.sourceHigh(bytes, at),
      ethernet.sourceLow(bytes, at),
      ethernet.etherType(bytes, at),
    ],
  },
  vlan: {
    valid: [[0x20, 0x64, 0x08, 0x00]],
    check: vlan.check,
    readAll: (bytes, at) => [
      vlan.identifier(bytes, at),
      vlan.priority(bytes, at),
      vlan.dropEligible(bytes, at),
      vlan.etherType(bytes, at),
    ],
  },
  arp: {
    valid: [[0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2]],
    check: arp.check,
    dress: (bytes) => bytes.set([0, 1, 8, 0, 6, 4].slice(0, bytes.length)),
    readAll: (bytes, at, length) => [
      arp.parse(bytes, at, length),
      arp.senderHardwareHigh(bytes, at),
      arp.senderHardwareLow(bytes, at),
      arp.targetHardwareHigh(bytes, at),
      arp.targetHardwareLow(bytes, at),
      arp.targetProtocol(bytes, at),
    ],
  },
  ipv4: {
    valid: [packet(), packet([148, 4, 0, 0], [1, 2, 3]), packet(new Array<number>(40).fill(1))],
    check: ipv4.check,
    dress: (bytes) => {
      if (bytes.length < 20) return;
      const header = 20 + 4 * (bytes[0]! % (Math.min(10, (bytes.length - 20) >> 2) + 1));
      bytes[0] = 0x40 | (header / 4);
      bytes[2] = 0;
      bytes[3] = header;
      ipv4.updateChecksum(new DataView(bytes.buffer), 0);
    },
    readAll: (bytes, at, length) => {
      const options = ipv4.headerLength(bytes, at) - 20;
      expect(ipv4.totalLength(bytes, at)).toBeLessThanOrEqual(length);
      expect(ipv4.totalLength(bytes, at)).toBeGreaterThanOrEqual(20 + options);
      ipv4Options.parse(bytes, at + 20, options);
      ipv4Options.check(bytes, at + 20, options);
      ipv4.decrementTimeToLive(bytes, at);
      ipv4.updateChecksum(bytes, at);
      return ipv4.parse(bytes, at, length);
    },
  },
  ipv4Options: {
    valid: [
      [148, 4, 0, 0],
      [1, 7, 11, 4, 0, 0, 0, 0, 0, 0, 0, 0],
      [68, 12, 5, 1, 0, 0, 0, 0, 0, 0, 0, 0],
    ],
    check: ipv4Options.check,
    dress: (bytes) => {
      if (bytes.length === 0) return;
      bytes[0] = [1, 7, 68, 148, 131][bytes[0]! % 5]!;
    },
    readAll: (bytes, at, length) => {
      for (let type = 0; type < 256; type++) ipv4Options.find(bytes, at, length, type);
      expect(ipv4Options.parse(bytes, at, length)).toBeInstanceOf(Array);
    },
  },
  icmpv4: {
    valid: [[8, 0, 0, 0, 0, 1, 0, 1]],
    check: icmpv4.check,
    readAll: (bytes, at, length) => [
      icmpv4.parse(bytes, at, length),
      icmpv4.identifier(bytes, at),
      icmpv4.sequenceNumber(bytes, at),
      icmpv4.nextHopMtu(bytes, at),
      icmpv4.pointer(bytes, at),
      icmpv4.checkQuote(bytes, at, length),
    ],
  },
  icmpv4Quote: {
    valid: [
      [...unreachable, ...quotedUdp],
      [...unreachable, ...packet([148, 4, 0, 0], [0, 1, 0, 2, 0, 8, 0, 0])],
    ],
    check: icmpv4.checkQuote,
    dress: (bytes) => {
      if (bytes.length > 8) bytes[8] = 0x40 | (5 + (bytes[8]! % 11));
    },
    readAll: (bytes, at, length) => {
      const quote = icmpv4.quoteOffset(at);
      const data = quote + ipv4.headerLength(bytes, quote);
      expect(data + 8).toBeLessThanOrEqual(at + length);
      return [
        ipv4.source(bytes, quote),
        ipv4.destination(bytes, quote),
        bytes.getInt32(data),
        bytes.getInt32(data + 4),
      ];
    },
  },
  udp: {
    valid: [
      [0x30, 0x39, 0, 53, 0, 8, 0, 0],
      [0x30, 0x39, 0, 53, 0, 10, 0, 0, 1, 2],
    ],
    check: udp.check,
    dress: (bytes) => {
      if (bytes.length >= 8) bytes.set([0, bytes[5]! & 0x3f], 4);
    },
    readAll: (bytes, at, length) => {
      expect(udp.length(bytes, at)).toBeLessThanOrEqual(length);
      expect(udp.length(bytes, at)).toBeGreaterThanOrEqual(8);
      return udp.parse(bytes, at, length);
    },
  },
};

for (const [name, codec] of Object.entries(codecs)) describeHostileInput(name, codec);

it('no mutation of an IPv4 header leads outside of it, even with its checksum made right', () => {
  for (const bytes of codecs['ipv4']!.valid) {
    for (let at = 0; at < bytes.length; at++) {
      for (let value = 0; value < 256; value++) {
        const mutant = view(bytes);
        mutant.setUint8(at, value);
        if (ipv4.headerLength(mutant, 0) >= 20 && ipv4.headerLength(mutant, 0) <= bytes.length) {
          ipv4.updateChecksum(mutant, 0);
        }
        const reason = ipv4.check(mutant, 0, bytes.length);
        if (reason === NONE) codecs['ipv4']!.readAll(mutant, 0, bytes.length);
      }
    }
  }
});

describe('short, tagged twice and padded frames', () => {
  it('drops frames shorter than a header, down to nothing', () => {
    for (let length = 0; length < 14; length++) {
      expect(ethernet.check(view(new Array(length).fill(0)), 0, length)).toBe(DropReason.FRAME_TOO_SHORT);
    }
  });

  it.each([0x8100, 0x88a8])('drops a tag inside a tag (%i)', (inner) => {
    expect(vlan.check(view([0, 5, inner >> 8, inner & 0xff]), 0, 4)).toBe(DropReason.VLAN_DOUBLE_TAGGED);
  });

  it('drops a frame that ends inside its tag', () => {
    for (let length = 0; length < 4; length++) {
      expect(vlan.check(view([0, 5, 8].slice(0, length)), 0, length)).toBe(DropReason.VLAN_MALFORMED);
    }
  });

  it('goes by the lengths of IP and UDP, not by an odd tail of padding', () => {
    const bytes = view([...quotedUdp, ...new Array(17).fill(0xff)]);
    expect(ipv4.check(bytes, 0, 45)).toBe(NONE);
    expect(ipv4.totalLength(bytes, 0)).toBe(28);
    expect(udp.check(bytes, 20, 45 - 20)).toBe(NONE);
    expect(udp.length(bytes, 20)).toBe(8);
  });
});

describe('ARP that is not IPv4 over Ethernet', () => {
  it.each([
    ['hardware type', 1, 6],
    ['protocol type', 2, 0x86],
    ['hardware length 0', 4, 0],
    ['hardware length 255', 4, 255],
    ['protocol length 16', 5, 16],
    ['protocol length 0', 5, 0],
  ])('drops another %s', (_what, at, value) => {
    const bytes = view(codecs['arp']!.valid[0]!);
    bytes.setUint8(at, value);
    expect(arp.check(bytes, 0, 28)).toBe(DropReason.ARP_MALFORMED);
  });

  it('drops a truncated packet', () => {
    expect(arp.check(view(codecs['arp']!.valid[0]!), 0, 27)).toBe(DropReason.ARP_MALFORMED);
  });
});

describe('IPv4 length fields that lie', () => {
  it.each([
    ['19 bytes', packet().slice(0, 19), DropReason.IPV4_TRUNCATED],
    ['nothing', [], DropReason.IPV4_TRUNCATED],
    ['version 6', packet([], [], { 0: 0x65 }), DropReason.IPV4_VERSION],
    ['version 0', new Array<number>(20).fill(0), DropReason.IPV4_VERSION],
    ['a header length of 16', [0x44, ...packet().slice(1)], DropReason.IPV4_HEADER_LENGTH],
    ['a header length of 0', [0x40, ...packet().slice(1)], DropReason.IPV4_HEADER_LENGTH],
    ['a header length beyond the packet', [0x46, ...packet().slice(1)], DropReason.IPV4_HEADER_LENGTH],
    ['a total length below the header', packet([], [], { 3: 19 }), DropReason.IPV4_TOTAL_LENGTH],
    ['a total length of 0', packet([], [], { 3: 0 }), DropReason.IPV4_TOTAL_LENGTH],
    ['a total length inside the options', packet([1, 1, 1, 1], [], { 3: 20 }), DropReason.IPV4_TOTAL_LENGTH],
    ['a total length beyond the packet', packet([], [], { 3: 21 }), DropReason.IPV4_TOTAL_LENGTH],
    ['a total length of 65535', packet([], [], { 2: 0xff, 3: 0xff }), DropReason.IPV4_TOTAL_LENGTH],
    ['a wrong checksum', packet().with(10, 0), DropReason.IPV4_CHECKSUM],
    ['a wrong checksum with options', packet([1, 1, 1, 1]).with(20, 0), DropReason.IPV4_CHECKSUM],
    ['nothing wrong but trailing bytes', [...packet(), 1, 2, 3], NONE],
  ])('%s', (_what, bytes, reason) => {
    expect(examine(codecs['ipv4']!, bytes)).toBe(reason);
  });
});

describe('IPv4 options that lie', () => {
  const { IPV4_OPTIONS_MALFORMED: MALFORMED, IPV4_SOURCE_ROUTED: ROUTED } = DropReason;
  it.each([
    ['length 0', [7, 0, 4, 0], MALFORMED],
    ['length 1', [7, 1, 4, 0], MALFORMED],
    ['a type without a length', [1, 1, 1, 7], MALFORMED],
    ['a length beyond the header', [148, 5, 0, 0], MALFORMED],
    ['a length of 255', [130, 255, 0, 0], MALFORMED],
    ['loose source route', [131, 3, 4, 0], ROUTED],
    ['strict source route', [137, 3, 4, 0], ROUTED],
    ['record route too short for its pointer', [7, 2, 0, 0], MALFORMED],
    ['record route that ends the header before its pointer', [1, 1, 7, 2], MALFORMED],
    ['record route pointer 0', [7, 7, 0, 0, 0, 0, 0, 0], MALFORMED],
    ['record route pointer into its own header', [7, 7, 3, 0, 0, 0, 0, 0], MALFORMED],
    ['record route with less than a slot left', [7, 7, 5, 0, 0, 0, 0, 0], MALFORMED],
    ['record route pointer at the last byte', [7, 7, 7, 0, 0, 0, 0, 0], MALFORMED],
    ['record route that is full', [7, 7, 8, 1, 2, 3, 4, 0], NONE],
    ['record route pointer past the end', [7, 7, 9, 0, 0, 0, 0, 0], MALFORMED],
    ['record route pointer 255', [7, 7, 255, 0, 0, 0, 0, 0], MALFORMED],
    ['timestamp too short for its flags', [68, 3, 5, 0], MALFORMED],
    ['timestamp that ends the header before its flags', [1, 68, 3, 5], MALFORMED],
    ['timestamp that ends the header before its pointer', [1, 1, 68, 2], MALFORMED],
    ['timestamp pointer 4', [68, 8, 4, 0, 0, 0, 0, 0], MALFORMED],
    ['timestamp that is full', [68, 8, 9, 0xf0, 0, 0, 0, 0], NONE],
    ['timestamp pointer past the end', [68, 8, 10, 0, 0, 0, 0, 0], MALFORMED],
    ['timestamp with half a pair left', [68, 8, 5, 1, 0, 0, 0, 0], MALFORMED],
    ['timestamp with an unknown flag', [68, 8, 5, 2, 0, 0, 0, 0], MALFORMED],
    ['router alert of the wrong length', [148, 3, 0, 0], MALFORMED],
  ])('%s', (_what, options, reason) => {
    expect(examine(codecs['ipv4Options']!, options)).toBe(reason);
  });
});

describe('ICMP errors that lie', () => {
  const MALFORMED = DropReason.ICMP_ERROR_MALFORMED;
  const quoting = (quote: readonly number[]) => examine(codecs['icmpv4Quote']!, [...unreachable, ...quote]);

  it('drops a quote of fewer than 8 bytes behind the header', () => {
    for (let length = 0; length < quotedUdp.length; length++)
      expect(quoting(quotedUdp.slice(0, length))).toBe(MALFORMED);
    expect(quoting(quotedUdp)).toBe(NONE);
    expect(quoting([...quotedUdp, 1, 2, 3])).toBe(NONE);
  });

  it('drops a quote whose options leave fewer than 8 bytes', () => {
    expect(quoting([0x46, ...quotedUdp.slice(1)])).toBe(MALFORMED);
    expect(quoting([0x4f, ...quotedUdp.slice(1)])).toBe(MALFORMED);
  });

  it.each([
    ['another version', packet([], new Array(8).fill(0), { 0: 0x65 })],
    ['a short header length', [0x44, ...quotedUdp.slice(1)]],
    ['a total length below its header', packet([], new Array(8).fill(0), { 3: 12 })],
  ])('drops a quote with %s', (_what, quote) => {
    expect(quoting(quote)).toBe(MALFORMED);
  });

  it('accepts a quote cut short of its total length, which is the rule', () => {
    expect(quoting(packet([], new Array(8).fill(0), { 2: 5, 3: 0xdc }))).toBe(NONE);
  });

  it('drops an error about an error, and accepts one about an echo', () => {
    const quote = (type: number) => packet([], [type, 0, 0, 0, 0, 0, 0, 0], { 9: ipv4.Protocol.ICMP });
    for (const type of [3, 4, 5, 11, 12]) expect(quoting(quote(type))).toBe(MALFORMED);
    for (const type of [0, 8]) expect(quoting(quote(type))).toBe(NONE);
  });

  it('does not take the data of a later fragment for an ICMP type', () => {
    expect(quoting(packet([], [3, 0, 0, 0, 0, 0, 0, 0], { 7: 1, 9: ipv4.Protocol.ICMP }))).toBe(NONE);
  });
});

describe('UDP lengths and ports that lie', () => {
  it.each([
    ['7 bytes', [0, 1, 0, 2, 0, 8, 0], DropReason.UDP_TRUNCATED],
    ['nothing', [], DropReason.UDP_TRUNCATED],
    ['a length of 0', [0, 1, 0, 2, 0, 0, 0, 0], DropReason.UDP_LENGTH],
    ['a length of 7', [0, 1, 0, 2, 0, 7, 0, 0], DropReason.UDP_LENGTH],
    ['a length beyond the payload', [0, 1, 0, 2, 0, 9, 0, 0], DropReason.UDP_LENGTH],
    ['a length of 65535', [0, 1, 0, 2, 0xff, 0xff, 0, 0], DropReason.UDP_LENGTH],
    ['destination port 0', [0, 1, 0, 0, 0, 8, 0, 0], DropReason.UDP_PORT_ZERO],
    ['source port 0, which means no reply', [0, 0, 0, 2, 0, 8, 0, 0], NONE],
    ['a length below the payload', [0, 1, 0, 2, 0, 8, 0, 0, 9, 9], NONE],
  ])('%s', (_what, bytes, reason) => {
    expect(examine(codecs['udp']!, bytes)).toBe(reason);
  });
});
