import { ChecksumState, type Packet, type PacketPool } from '@prism-net/buffers';
import { ethernet, ipv4, tcp, vlan } from '@prism-net/wire';

/** A TCP segment of any length, for tests of segmentation. */
export interface SegmentFields {
  readonly vlan?: number;
  readonly ipv6?: boolean;
  /** Bytes of options, multiples of 4 up to 40. */
  readonly ipOptions?: number;
  readonly tcpOptions?: number;
  readonly identification?: number;
  readonly dontFragment?: boolean;
  readonly sequence?: number;
  readonly flags?: number;
  readonly urgentPointer?: number;
  readonly payload: number;
}

const { IPV4, IPV6, VLAN } = ethernet.EtherType;
const { Flag } = tcp;

interface Places {
  readonly network: number;
  readonly transport: number;
  readonly payload: number;
}

function placesOf(fields: SegmentFields): Places {
  const network = fields.vlan === undefined ? 14 : 18;
  const transport = network + (fields.ipv6 ? 40 : 20 + (fields.ipOptions ?? 0));
  return { network, transport, payload: transport + 20 + (fields.tcpOptions ?? 0) };
}

/** Length of all headers together. */
export function headersOf(fields: SegmentFields): number {
  return placesOf(fields).payload;
}

/** The sum of 16-bit words the slow way, independent of the code under test. */
function slowSum(bytes: Uint8Array, initial = 0): number {
  let sum = initial;
  for (let i = 0; i < bytes.length; i++) sum += (i & 1) === 0 ? bytes[i]! << 8 : bytes[i]!;
  while (sum > 0xffff) sum = Math.floor(sum / 0x1_0000) + (sum % 0x1_0000);
  return sum;
}

/** Sum of the pseudo-header of a frame (RFC 9293 §3.1, RFC 8200 §8.1). */
function pseudoHeader(frame: Uint8Array, { network, transport }: Places, isIpv6: boolean): number {
  const addresses = isIpv6 ? frame.subarray(network + 8, network + 40) : frame.subarray(network + 12, network + 20);
  return slowSum(addresses, 6 + frame.length - transport);
}

/** Sets lengths and checksums of a frame; the TCP checksum only as far as PARTIAL means. */
function finish(frame: Uint8Array, fields: SegmentFields, isPartial: boolean): Uint8Array {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  const places = placesOf(fields);
  const { network, transport } = places;
  if (fields.ipv6) view.setUint16(network + 4, frame.length - transport);
  else {
    view.setUint16(network + 2, frame.length - network);
    view.setUint16(network + 10, 0);
    view.setUint16(network + 10, ~slowSum(frame.subarray(network, transport)));
  }
  const pseudo = pseudoHeader(frame, places, fields.ipv6 ?? false);
  view.setUint16(transport + 16, isPartial ? pseudo : 0);
  if (!isPartial) view.setUint16(transport + 16, ~slowSum(frame.subarray(transport), pseudo));
  return frame;
}

/** A whole frame with the checksum complete, or PARTIAL. */
export function frameOf(fields: SegmentFields, isPartial: boolean): Uint8Array {
  const { network, transport, payload } = placesOf(fields);
  const frame = new Uint8Array(payload + fields.payload);
  const view = new DataView(frame.buffer);
  ethernet.write(view, 0, 0x0200, 2, 0x0200, 1, fields.vlan === undefined ? (fields.ipv6 ? IPV6 : IPV4) : VLAN);
  if (fields.vlan !== undefined) vlan.write(view, 14, fields.vlan, 3, false, fields.ipv6 ? IPV6 : IPV4);
  for (let i = network; i < payload; i++) frame[i] = (i * 31) & 0xff; // addresses, ports, options …
  if (fields.ipv6) {
    view.setUint8(network, 0x60);
    view.setUint8(network + 6, 6);
  } else {
    const flags = fields.dontFragment ? ipv4.DONT_FRAGMENT : 0;
    ipv4.write(view, network, 0x5a, 0, fields.identification ?? 0, flags, 61, 6, 0x0a000001, 0xc0a8fffe | 0);
    view.setUint8(network, 0x45 + (fields.ipOptions ?? 0) / 4);
  }
  const header = payload - transport;
  tcp.write(view, transport, 49_152, 443, fields.sequence ?? 0, -2, header, fields.flags ?? Flag.ACK, 0x8001);
  tcp.setUrgentPointer(view, transport, fields.urgentPointer ?? 0);
  for (let i = 0; i < fields.payload; i++) frame[payload + i] = (i * 7 + (i >> 8)) & 0xff;
  return finish(frame, fields, isPartial);
}

/** What a virtual segment must become on the wire, written for clarity. `sizes` are the payloads of its parts. */
export function referenceSegments(fields: SegmentFields, sizes: readonly number[], isPartial: boolean): Uint8Array[] {
  const whole = frameOf(fields, true);
  const { network, transport, payload } = placesOf(fields);
  const frames: Uint8Array[] = [];
  let done = 0;
  for (const [index, size] of sizes.entries()) {
    const isLast = index === sizes.length - 1;
    const frame = new Uint8Array(payload + size);
    frame.set(whole.subarray(0, payload));
    frame.set(whole.subarray(payload + done, payload + done + size), payload);
    const view = new DataView(frame.buffer);
    if (!fields.ipv6) view.setUint16(network + 4, (fields.identification ?? 0) + index);
    view.setUint32(transport + 4, (fields.sequence ?? 0) + done);
    let flags = fields.flags ?? Flag.ACK;
    if (!isLast) flags &= ~(Flag.FIN | Flag.PSH);
    if (index > 0) flags &= ~Flag.CWR;
    if ((flags & Flag.URG) !== 0) {
      const left = (fields.urgentPointer ?? 0) - done;
      view.setUint16(transport + 18, Math.max(0, left));
      if (left <= 0) flags &= ~Flag.URG;
    }
    view.setUint8(transport + 13, flags);
    frames.push(finish(frame, fields, isPartial));
    done += size;
  }
  return frames;
}

/** `total` bytes in pieces of `size`. */
export function piecesOf(total: number, size: number): number[] {
  if (total === 0) return [0];
  return Array.from({ length: Math.ceil(total / size) }, (_, i) => Math.min(size, total - i * size));
}

/** A packet of the bytes, in as many frames as there are `lengths`; data at the Ethernet header. */
export function chainOf(pool: PacketPool, bytes: Uint8Array, lengths: readonly number[]): Packet {
  let first: Packet | null = null;
  let last: Packet | null = null;
  let at = 0;
  for (const length of lengths) {
    const segment = pool.take();
    if (segment === null || length > segment.tailroom) throw new Error('the test asks for more than its pool has');
    // Where TCP has its payload: the headers are in the headroom.
    segment.memory.write(segment.offset, bytes, at, length);
    segment.length = length;
    at += length;
    if (last === null) first = segment;
    else last.nextSegment = segment;
    last = segment;
  }
  if (first === null || at !== bytes.length) throw new Error('the lengths do not make up the bytes');
  return first;
}

/** A virtual segment as TCP makes it: headers and `inFirst` bytes of payload, then frames of `gsoSize` bytes. */
export function virtualSegment(
  pool: PacketPool,
  fields: SegmentFields,
  gsoSize: number,
  inFirst = Math.min(gsoSize, fields.payload),
): Packet {
  const header = headersOf(fields);
  const rest = fields.payload - inFirst;
  const lengths = [header + inFirst, ...(rest === 0 ? [] : piecesOf(rest, gsoSize))];
  const packet = chainOf(pool, frameOf(fields, true), lengths);
  packet.gsoSize = gsoSize;
  packet.checksumState = ChecksumState.PARTIAL;
  return packet;
}
