import { ChecksumState, foldSum, type Packet, sumBytes } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { createPipe, type PipeOptions } from '@prism-net/link';
import { DropReason, ethernet, ipv4, tcp, vlan } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import { Bench, OTHER, OWN_IP, PEER, PEER_IP, reply, US } from './ethernet.testkit.js';
import { EthernetInterface } from './ethernet-interface.js';
import type { EthernetInterfaceOptions } from './ethernet-options.js';

const { IPV4, VLAN } = ethernet.EtherType;
const { Flag } = tcp;
const HEADERS = 40;
const SIZE = 1460;

let bench: Bench;
afterEach(() => bench.finish());

function start(options: Partial<EthernetInterfaceOptions> = {}, pipe: PipeOptions = {}): Bench {
  bench = new Bench(options, true, { capacity: 256, ...pipe });
  return bench;
}

const pattern = (length: number): Uint8Array => Uint8Array.from({ length }, (_, i) => (i * 13 + (i >> 8)) & 0xff);

/** A virtual segment with its data at the IPv4 header, as TCP makes it: a frame for each of its parts. */
function virtualSegment(length: number, gsoSize = SIZE): Packet {
  const bytes = pattern(length);
  const first = bench.packet(bytes.subarray(0, gsoSize));
  for (let at = gsoSize; at < length; at += gsoSize) first.append(bench.packet(bytes.subarray(at, at + gsoSize)));
  const at = first.push(HEADERS);
  const { view } = first;
  ipv4.write(view, at, 0, HEADERS + length, 7, ipv4.DONT_FRAGMENT, 64, ipv4.Protocol.TCP, OWN_IP, PEER_IP);
  tcp.write(view, at + 20, 1000, 2000, -1, 5, 20, Flag.ACK | Flag.FIN, 100);
  tcp.setChecksum(view, at + 20, foldSum(tcp.pseudoHeaderSum(OWN_IP, PEER_IP, 20 + length)));
  first.gsoSize = gsoSize;
  first.checksumState = ChecksumState.PARTIAL;
  return first;
}

/** The payload that the frames carry, after a look at their headers. */
function payloadOf(frames: Uint8Array[], tag = 0, isPartial = false): Uint8Array {
  const parts: Uint8Array[] = [];
  let sequence = -1;
  for (const [i, bytes] of frames.entries()) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const at = tag === 0 ? 14 : 18;
    if (tag !== 0) expect(vlan.identifier(view, 14)).toBe(tag);
    expect(ethernet.etherType(view, 0)).toBe(tag === 0 ? IPV4 : VLAN);
    expect(ipv4.check(view, at, bytes.length - at)).toBe(DropReason.NONE);
    expect(ipv4.totalLength(view, at)).toBe(bytes.length - at);
    const pseudo = tcp.pseudoHeaderSum(OWN_IP, PEER_IP, bytes.length - at - 20);
    if (isPartial) expect(tcp.checksum(view, at + 20)).toBe(foldSum(pseudo));
    else expect(sumBytes(view, at + 20, bytes.length - at - 20, pseudo)).toBe(0xffff);
    expect(tcp.sequence(view, at + 20)).toBe(sequence);
    expect(tcp.flags(view, at + 20)).toBe(i === frames.length - 1 ? Flag.ACK | Flag.FIN : Flag.ACK);
    const payload = bytes.subarray(at + HEADERS);
    sequence = (sequence + payload.length) | 0;
    parts.push(payload);
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

const send = (packet: Packet): Errno => bench.interface.sendToAddress(packet, IPV4, PEER.high, PEER.low);

describe('virtual segments', () => {
  it('are cut in software where the link takes none, and counted frame by frame', () => {
    start();
    expect(bench.interface).toMatchObject({ maximumVirtualSegment: 65_535, completesChecksum: false });
    const length = 65_535 - HEADERS;
    expect(send(virtualSegment(length))).toBe(Errno.NONE);
    const frames = bench.sent();
    expect(frames).toHaveLength(45);
    expect(payloadOf(frames)).toEqual(pattern(length));
    expect(bench.link.statistics).toMatchObject({ transmittedPackets: 45, transmittedBytes: length + 45 * 54 });
    expect(bench.interface.segmentation.snapshot()).toMatchObject({ virtualSegments: 1, wireSegments: 45, copied: 0 });
  });

  it('are cut in software with checksums left to a link that completes them', () => {
    start({}, { checksumOffload: true });
    expect(bench.interface.completesChecksum).toBe(true);
    send(virtualSegment(5000));
    expect(payloadOf(bench.sent(), 0, true)).toEqual(pattern(5000));
  });

  it('are cut in software with their tag', () => {
    start({ vlan: 9 });
    send(virtualSegment(5000));
    expect(payloadOf(bench.sent(), 9)).toEqual(pattern(5000));
  });

  it('are cut even if they are no longer than the MTU: the size is what the peer can take', () => {
    start();
    send(virtualSegment(1000, 400));
    const frames = bench.sent();
    expect(frames.map((frame) => frame.length - 54)).toEqual([400, 400, 200]);
    send(virtualSegment(300, 400));
    expect(payloadOf(bench.sent())).toEqual(pattern(300));
  });

  it('pass whole to a link that takes them, up to its limit, if their checksum can be left to it', () => {
    start({}, { segmentation: 20_000 });
    const receive = (): Packet[] => {
      bench.interface.flush();
      const burst: Packet[] = [];
      bench.wire.receive(burst, 64);
      return burst;
    };
    const whole = virtualSegment(20_000 - HEADERS);
    send(whole);
    expect(receive()).toEqual([whole]);
    expect(whole).toMatchObject({ gsoSize: SIZE, checksumState: ChecksumState.PARTIAL });
    whole.release();

    send(virtualSegment(20_001 - HEADERS));
    const verified = virtualSegment(5000);
    verified.checksumState = ChecksumState.VERIFIED;
    send(verified);
    const parts = receive();
    expect(parts.map((each) => each.gsoSize)).toEqual(new Array(14 + 4).fill(0));
    for (const each of parts) each.release();
    expect(bench.interface.segmentation.virtualSegments).toBe(2);
  });

  it('are cut when they have more frames than the link takes at once, and dropped when a part has', () => {
    start();
    const [near, far] = createPipe({ mtu: 9000, segmentation: 65_535 });
    const capabilities = { ...near.capabilities, maximumSegments: 2 };
    const link = Object.assign(Object.create(near), {
      capabilities,
      transmit: near.transmit.bind(near),
      close: near.close.bind(near),
    });
    const { pool, accounts, timers, random } = bench;
    const other = new EthernetInterface({ index: 4, link, pool, accounts, timers, random });
    other.sendToAddress(virtualSegment(3000), IPV4, PEER.high, PEER.low);
    expect(other.segmentation.virtualSegments).toBe(1);
    const long = virtualSegment(15_000, 1500);
    long.gsoSize = 7500; // in parts of five frames each
    expect(other.sendToAddress(long, IPV4, PEER.high, PEER.low)).toBe(Errno.EMSGSIZE);
    expect(accounts.transmitDropped(DropReason.TRANSMIT_TOO_LONG)).toBe(2);
    other.flush();
    const burst: Packet[] = [];
    expect(far.receive(burst, 8)).toBe(3);
    for (const each of burst) each.release();
    other.close();
    far.close();
  });

  it('wait for their neighbour whole', () => {
    start();
    bench.interface.addIpv4Address(OWN_IP, bench.now);
    bench.pass(3_000_000);
    bench.sent();
    expect(bench.interface.sendToNeighbour(virtualSegment(5000), IPV4, PEER_IP, bench.now)).toBe(Errno.NONE);
    expect(bench.interface.neighbours.pendingPackets).toBe(1);
    expect(bench.sent()).toHaveLength(1); // the question
    bench.arrive(reply(PEER_IP, OWN_IP, { from: OTHER }));
    const frames = bench.sent();
    expect(ethernet.destinationLow(new DataView(frames[0]!.buffer), 0)).toBe(OTHER.low);
    expect(payloadOf(frames)).toEqual(pattern(5000));
  });

  it('lose their end, counted, when the queue is full; there was no room for it', () => {
    start({ transmitQueue: 20 }, { capacity: 8 });
    expect(bench.interface.transmitRoom).toBe(20);
    expect(send(virtualSegment(10 * SIZE))).toBe(Errno.NONE);
    expect(bench.interface.transmitRoom).toBe(10);
    expect(send(virtualSegment(30 * SIZE))).toBe(Errno.ENOBUFS);
    expect(bench.interface.transmitRoom).toBe(0);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_QUEUE_FULL)).toBe(40 - 20 - 8);
    let frames = 0;
    for (let count = 1; count > 0; frames += count) count = bench.sent().length;
    expect(frames).toBe(28);
  });

  it('lose their end, counted, when copies are needed and the pool is empty', () => {
    start();
    const packet = virtualSegment(30 * SIZE);
    packet.gsoSize = 1400;
    const hold: Packet[] = [];
    while (bench.pool.available > 10) hold.push(bench.pool.take()!);
    expect(send(packet)).toBe(Errno.ENOBUFS);
    expect(bench.accounts.transmitDropped(DropReason.OUT_OF_PACKETS)).toBe(Math.ceil((30 * SIZE) / 1400) - 10);
    for (const each of hold) each.release();
    expect(bench.sent()).toHaveLength(10);
  });

  it('are dropped whole, counted once, when they cannot be cut, or the interface is closed', () => {
    start({ mtu: 1000 });
    expect(send(virtualSegment(5000))).toBe(Errno.EMSGSIZE);
    const noTcp = virtualSegment(5000, 900);
    noTcp.view.setUint8(noTcp.offset + 9, ipv4.Protocol.UDP);
    expect(send(noTcp)).toBe(Errno.EMSGSIZE);
    expect(bench.accounts.transmitSnapshot()).toEqual({ TRANSMIT_TOO_LONG: 2 });
    bench.interface.close();
    expect(send(virtualSegment(5000))).toBe(Errno.ENETDOWN);
    expect(bench.accounts.transmitSnapshot()).toEqual({ TRANSMIT_TOO_LONG: 2, TRANSMIT_LINK_CLOSED: 1 });
  });

  it('are received whole, longer than the MTU, as one frame', () => {
    start({}, { segmentation: 65_535 });
    let received: Packet | null = null;
    bench.interface.register(IPV4, {
      receive: (packet) => {
        received = packet;
        bench.accounts.deliver();
      },
    });
    const packet = virtualSegment(30_000);
    const at = packet.push(14);
    ethernet.write(packet.view, at, US.high, US.low, PEER.high, PEER.low, IPV4);
    bench.put(packet);
    expect(received).toBe(packet);
    expect(packet).toMatchObject({ gsoSize: SIZE, checksumState: ChecksumState.PARTIAL });
    expect(packet.totalLength).toBe(30_000 + HEADERS);
    packet.release();
    expect(bench.accounts.snapshot()).toMatchObject({ received: 1, delivered: 1 });
  });
});
