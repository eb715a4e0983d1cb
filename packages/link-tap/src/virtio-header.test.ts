import { ChecksumState, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { ethernet, ipv4, tcp, udp, vlan } from '@prism-net/wire';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { PacketWord } from './addon.js';
import {
  applyVirtioHeader,
  VirtioFlag,
  VirtioSegmentation,
  VirtioVerdict,
  writeVirtioHeader,
} from './virtio-header.js';

const { TCP, UDP } = ipv4.Protocol;
const { NEEDS_CHECKSUM, DATA_VALID, COALESCING_INFORMATION } = VirtioFlag;
const { TCP_IPV4, TCP_IPV6, ECN } = VirtioSegmentation;
const { ACCEPTED, COMPLETED, REFUSED } = VirtioVerdict;
const memory = PacketMemory.create({ frames: 64, debug: true });
const pool = PacketPool.create(memory, 64);

afterEach(() => pool.assertNoLeaks());

interface Shape {
  readonly protocol?: number;
  readonly etherType?: number;
  readonly tagged?: boolean;
  readonly ipOptions?: number;
  readonly payload?: number;
  readonly fragment?: boolean;
  readonly flags?: number;
}

/** A packet with its data at the Ethernet header, and where its transport header is from there. */
function makePacket(shape: Shape = {}): { packet: Packet; transport: number } {
  const { protocol = TCP, etherType = ethernet.EtherType.IPV4, tagged = false, ipOptions = 0, payload = 100 } = shape;
  const packet = pool.take()!;
  const { view } = packet;
  packet.offset += 2;
  const at = packet.offset;
  ethernet.write(view, at, 0x0200, 1, 0x0200, 2, tagged ? ethernet.EtherType.VLAN : etherType);
  let network = ethernet.HEADER_LENGTH as number;
  if (tagged) {
    vlan.write(view, at + network, 7, 0, false, etherType);
    network += vlan.TAG_LENGTH;
  }
  const header = etherType === ethernet.EtherType.IPV6 ? 40 : 20 + ipOptions;
  const transport = network + header;
  const length = transport + (protocol === UDP ? 8 : 20) + payload;
  for (let i = transport; i < length; i++) view.setUint8(at + i, i & 0xff);
  if (etherType === ethernet.EtherType.IPV6) {
    view.setUint8(at + network, 0x60);
    view.setUint8(at + network + 6, protocol);
  } else {
    const fragment = shape.fragment === true ? 0x2000 : 0;
    ipv4.write(view, at + network, 0, length - network, 1, fragment, 64, protocol, 0x0a000001, 0x0a000002);
    view.setUint8(at + network, 0x40 | (header >> 2));
  }
  if (protocol === TCP) tcp.write(view, at + transport, 1, 2, 3, 4, 20, shape.flags ?? tcp.Flag.ACK, 500);
  if (protocol === UDP) udp.write(view, at + transport, 1, 2, 8 + payload, 0);
  packet.length = length;
  return { packet, transport };
}

interface Header {
  flags?: number;
  type?: number;
  size?: number;
  headerLength?: number;
  start?: number;
  offset?: number;
}

function words({ flags = 0, type = 0, size = 0, headerLength = 0, start = 0, offset = 0 }: Header): Int32Array {
  return Int32Array.of(0, flags | (type << 8), size, headerLength, start, offset);
}

function apply(packet: Packet, header: Header) {
  const verdict = applyVirtioHeader(packet, packet.totalLength, words(header), 0);
  const { checksumState, gsoSize } = packet;
  packet.release();
  return { verdict, checksumState, gsoSize };
}

describe('a received virtio-net header', () => {
  it('without anything leaves the checksum to be verified; DATA_VALID says it was', () => {
    expect(apply(makePacket().packet, {})).toEqual({ verdict: ACCEPTED, checksumState: 0, gsoSize: 0 });
    const { VERIFIED } = ChecksumState;
    expect(apply(makePacket().packet, { flags: DATA_VALID })).toMatchObject({ checksumState: VERIFIED });
  });

  it.each<[string, Shape, number]>([
    ['TCP', {}, 16],
    ['UDP', { protocol: UDP }, 6],
    ['TCP behind a VLAN tag', { tagged: true }, 16],
    ['TCP behind IP options', { ipOptions: 12 }, 16],
    ['TCP over IPv6', { etherType: ethernet.EtherType.IPV6 }, 16],
  ])('says that the checksum of %s is partial', (_, shape, offset) => {
    const { packet, transport } = makePacket(shape);
    expect(apply(packet, { flags: NEEDS_CHECKSUM, start: transport, offset })).toEqual({
      verdict: ACCEPTED,
      checksumState: ChecksumState.PARTIAL,
      gsoSize: 0,
    });
  });

  it('makes a virtual segment of TCP, with CWR or without', () => {
    for (const type of [TCP_IPV4, TCP_IPV4 | ECN]) {
      const { packet, transport } = makePacket();
      const header = { flags: NEEDS_CHECKSUM, type, size: 50, headerLength: 54, start: transport, offset: 16 };
      expect(apply(packet, header)).toEqual({ verdict: ACCEPTED, checksumState: ChecksumState.PARTIAL, gsoSize: 50 });
    }
    const { packet, transport } = makePacket({ etherType: ethernet.EtherType.IPV6 });
    const header = { flags: NEEDS_CHECKSUM, type: TCP_IPV6, size: 50, start: transport, offset: 16 };
    expect(apply(packet, header)).toMatchObject({ verdict: ACCEPTED, gsoSize: 50 });
  });

  it('about another protocol is fulfilled here: the sum is completed, over all frames of the packet', () => {
    const { packet, transport } = makePacket({ protocol: 47, payload: 101 });
    const tail = pool.take()!;
    tail.length = 333;
    for (let i = 0; i < tail.length; i++) tail.view.setUint8(tail.offset + i, i * 3);
    packet.append(tail);
    const at = packet.offset + transport;
    packet.view.setUint16(at + 4, 0x1234); // the sum of a pseudo-header
    expect(
      applyVirtioHeader(packet, packet.totalLength, words({ flags: NEEDS_CHECKSUM, start: transport, offset: 4 }), 0),
    ).toBe(COMPLETED);
    expect(packet.checksumState).toBe(ChecksumState.UNKNOWN);
    // With its complement in the field the whole sums up to the pseudo-header's missing part: all ones.
    const sum = packet.view.getUint16(at + 4);
    packet.view.setUint16(at + 4, 0x1234);
    packet.consume(transport);
    expect(~packet.sum(0) & 0xffff).toBe(sum);
    packet.release();
  });

  it.each<[string, Header, Shape]>([
    ['a checksum that starts within the Ethernet header', { flags: 1, start: 13, offset: 16 }, {}],
    ['a checksum field behind the packet', { flags: 1, start: 34, offset: 119 }, {}],
    ['a checksum field far away', { flags: 1, start: 65_535, offset: 65_535 }, {}],
    ['a type without a partial checksum', { type: TCP_IPV4, size: 50 }, {}],
    ['segments of no bytes', { flags: 1, type: TCP_IPV4, size: 0, start: 34, offset: 16 }, {}],
    ['UDP called TCP', { flags: 1, type: TCP_IPV4, size: 50, start: 34, offset: 6 }, { protocol: UDP }],
    ['IPv4 called IPv6', { flags: 1, type: TCP_IPV6, size: 50, start: 34, offset: 16 }, {}],
    ['IPv6 called IPv4', { flags: 1, type: TCP_IPV4, size: 50, start: 54, offset: 16 }, { etherType: 0x86dd }],
    ['a segmentation nobody asked for: UDP', { flags: 1, type: 5, size: 50, start: 34, offset: 6 }, { protocol: UDP }],
    [
      'a segmentation nobody asked for: fragments',
      { flags: 1, type: 3, size: 50, start: 34, offset: 6 },
      { protocol: UDP },
    ],
    ['an unknown type', { flags: 1, type: 99, size: 50, start: 34, offset: 16 }, {}],
    ['a checksum elsewhere than in the TCP header', { flags: 1, type: TCP_IPV4, size: 50, start: 38, offset: 16 }, {}],
    [
      'headers longer than the packet',
      { flags: 1, type: TCP_IPV4, size: 50, headerLength: 155, start: 34, offset: 16 },
      {},
    ],
    [
      'a virtual segment of an IP fragment',
      { flags: 1, type: TCP_IPV4, size: 50, start: 34, offset: 16 },
      { fragment: true },
    ],
    ['coalescing information', { flags: COALESCING_INFORMATION }, {}],
  ])('is refused that tells of %s', (_, header, shape) => {
    expect(apply(makePacket(shape).packet, header)).toMatchObject({ verdict: REFUSED, checksumState: 0 });
  });

  it('never leads outside the packet, whatever it and the packet say', () => {
    const word = fc.integer({ min: 0, max: 0xffff });
    const bytes = fc.uint8Array({ minLength: 14, maxLength: 200 });
    fc.assert(
      fc.property(fc.tuple(word, word, word, word, word), bytes, ([flags, ...rest], content) => {
        const packet = pool.take()!;
        const guard = packet.offset + content.length;
        packet.memory.write(packet.offset, content, 0, content.length);
        packet.length = content.length;
        const before = packet.view.getUint16(guard);
        const verdict = applyVirtioHeader(packet, packet.length, Int32Array.of(0, flags, ...rest), 0);
        const { gsoSize, checksumState, length } = packet;
        expect(packet.view.getUint16(guard)).toBe(before);
        expect(length).toBe(content.length);
        if (verdict === REFUSED) expect(checksumState).toBe(ChecksumState.UNKNOWN);
        if (verdict !== ACCEPTED) expect(gsoSize === 0 || verdict === REFUSED).toBe(true);
        if (gsoSize !== 0 && verdict === ACCEPTED) expect(checksumState).toBe(ChecksumState.PARTIAL);
        packet.release();
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the header of a packet to be sent', () => {
  const describePacket = (packet: Packet) => {
    const table = new Int32Array(PacketWord.COUNT);
    const isSendable = writeVirtioHeader(packet, table, 0);
    packet.release();
    return { isSendable, table: [...table.subarray(1)] };
  };

  it('is empty for a complete packet', () => {
    const { packet } = makePacket();
    expect(describePacket(packet)).toEqual({ isSendable: true, table: [0, 0, 0, 0, 0] });
  });

  it('says where the checksum is missing', () => {
    const { packet, transport } = makePacket({ protocol: UDP, tagged: true });
    packet.checksumState = ChecksumState.PARTIAL;
    expect(describePacket(packet)).toEqual({ isSendable: true, table: [1, 0, 0, transport, 6] });
  });

  it('asks for segmentation, with the ECN bit where the segment carries CWR', () => {
    const expected = [
      [tcp.Flag.ACK, TCP_IPV4],
      [tcp.Flag.ACK | tcp.Flag.CWR, TCP_IPV4 | ECN],
    ] as const;
    for (const [flags, type] of expected) {
      const { packet, transport } = makePacket({ flags });
      packet.checksumState = ChecksumState.PARTIAL;
      packet.gsoSize = 40;
      expect(describePacket(packet)).toEqual({
        isSendable: true,
        table: [1 | (type << 8), 40, transport + 20, transport, 16],
      });
    }
  });

  it.each<[string, Shape, number, number]>([
    ['a virtual segment whose checksum is not partial', {}, 40, ChecksumState.UNKNOWN],
    ['a virtual segment of UDP', { protocol: UDP }, 40, ChecksumState.PARTIAL],
    ['a partial checksum of another protocol', { protocol: 47 }, 0, ChecksumState.PARTIAL],
    ['a partial checksum in a fragment', { fragment: true }, 0, ChecksumState.PARTIAL],
  ])('cannot express %s', (_, shape, gsoSize, checksumState) => {
    const { packet } = makePacket(shape);
    packet.gsoSize = gsoSize;
    packet.checksumState = checksumState as ChecksumState;
    expect(describePacket(packet).isSendable).toBe(false);
  });
});
