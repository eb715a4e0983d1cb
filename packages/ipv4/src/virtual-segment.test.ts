import { ChecksumState, foldSum, type Packet, sumBytes } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { createPipe, type Link, type PipeOptions } from '@prism-net/link';
import { DropReason, ethernet, icmpv4, ipv4, tcp } from '@prism-net/wire';
import { afterEach, describe, expect, it } from 'vitest';
import {
  Bench,
  beforeFinish,
  type Datagram,
  finishAll,
  Host,
  ip,
  PEER,
  parse,
  parseIcmp,
  pattern,
  SECOND,
  US,
} from './ipv4.testkit.js';

afterEach(finishAll);

const TCP = ipv4.Protocol.TCP;

/** A virtual segment with its data at the TCP header, a frame for each of its parts. */
function virtualSegment(host: Host, source: number, destination: number, length: number, gsoSize: number): Packet {
  const bytes = pattern(length);
  const first = host.packet(bytes.subarray(0, gsoSize));
  for (let at = gsoSize; at < length; at += gsoSize) first.append(host.packet(bytes.subarray(at, at + gsoSize)));
  const at = first.push(32);
  tcp.write(first.view, at, 1000, 2000, 1, 5, 32, tcp.Flag.ACK, 100);
  for (let i = 20; i < 32; i += 4) first.view.setInt32(at + i, 0x01010101); // options of no effect
  tcp.setChecksum(first.view, at, foldSum(tcp.pseudoHeaderSum(source, destination, 32 + length)));
  first.gsoSize = gsoSize;
  first.checksumState = ChecksumState.PARTIAL;
  return first;
}

/** The payload of segments whose headers and checksums are right. */
function payloadOf(datagrams: Datagram[]): Uint8Array {
  const parts = datagrams.map(({ payload, source, destination }) => {
    const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
    expect(sumBytes(view, 0, payload.length, tcp.pseudoHeaderSum(source, destination, payload.length))).toBe(0xffff);
    return payload.subarray(32);
  });
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

describe('virtual segments', () => {
  const send = (bench: Bench, packet: Packet, dontFragment = true, protocol: number = TCP): Errno =>
    bench.layer.send(packet, bench.route(PEER), protocol, 0, 64, dontFragment, bench.now);

  it('leave as segments no longer than the MTU, and are judged by these', () => {
    const bench = new Bench();
    const length = 65_535 - 52;
    expect(send(bench, virtualSegment(bench, US, PEER, length, 1448))).toBe(Errno.NONE);
    const sent = bench.sent();
    expect(sent.map((each) => each.totalLength).slice(0, -1)).toEqual(new Array(45).fill(1500));
    expect(payloadOf(sent)).toEqual(pattern(length));

    expect(send(bench, virtualSegment(bench, US, PEER, 5000, 1449))).toBe(Errno.EMSGSIZE);
    expect(send(bench, virtualSegment(bench, US, PEER, 65_536 - 52, 1448))).toBe(Errno.EMSGSIZE);
    expect(bench.accounts.transmitDropped(DropReason.TRANSMIT_TOO_LONG)).toBe(2);
    expect(send(bench, virtualSegment(bench, US, PEER, 1448, 9000))).toBe(Errno.NONE); // no longer than the MTU anyhow
    expect(payloadOf(bench.sent())).toEqual(pattern(1448));
  });

  it('are never fragmented, and no other protocol has them', () => {
    const bench = new Bench();
    expect(send(bench, virtualSegment(bench, US, PEER, 5000, 1800), false)).toBe(Errno.EMSGSIZE);
    expect(send(bench, virtualSegment(bench, US, PEER, 5000, 1000), false, 17)).toBe(Errno.EMSGSIZE);
    const short = virtualSegment(bench, US, PEER, 5000, 1000);
    short.length = 19;
    expect(send(bench, short)).toBe(Errno.EMSGSIZE);
    expect(bench.sent()).toEqual([]);
  });

  it('take as many identifications as they become datagrams', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) send(bench, virtualSegment(bench, US, PEER, 30_000, 1000), false);
    const sent = bench.sent();
    expect(sent).toHaveLength(90);
    expect(new Set(sent.map((each) => each.identification)).size).toBe(90);
    for (let i = 1; i < 30; i++) {
      expect(sent[i]!.identification).toBe((sent[0]!.identification + i) & 0xffff);
    }
  });

  it('come back whole over the loopback interface', () => {
    const host = new Host();
    const address = ip('127.0.0.1');
    let received: Packet | null = null;
    host.layer.registerProtocol(TCP, {
      receive: (packet) => {
        received = packet;
        host.accounts.deliver();
      },
      receiveError: () => false,
    });
    const packet = virtualSegment(host, address, address, 50_000, 1000);
    expect(host.layer.send(packet, host.route(address), TCP, 0, 64, true, host.now)).toBe(Errno.NONE);
    host.poll();
    expect(received).toBe(packet);
    expect(packet).toMatchObject({ gsoSize: 1000, totalLength: 50_032, checksumState: ChecksumState.PARTIAL });
    packet.release();
  });
});

describe('forwarding of virtual segments', () => {
  const LEFT = ip('10.1.0.2');
  const RIGHT = ip('10.2.0.2');
  const mac = (low: number) => ({ high: 0x0200, low });

  /** A router whose left cable carries virtual segments, and whose right one is as said. */
  function router(right: PipeOptions): {
    host: Host;
    ends: Link[];
    arrive(gsoSize: number, change?: (packet: Packet) => void): void;
  } {
    const host = new Host({ forwarding: true });
    const ends: Link[] = [];
    for (const [side, options] of [
      [1, { segmentation: 65_535 }],
      [2, right],
    ] as const) {
      const [near, far] = createPipe({ ...options, macAddresses: [mac(side * 16 + 1), mac(side * 16 + 2)] });
      ends.push(far);
      const added = host.plug(near, `10.${side}.0.1/24`);
      added.arp.addStaticNeighbour(ip(`10.${side}.0.2`), 0x0200, side * 16 + 2);
    }
    host.pass(3 * SECOND);
    leaving(host, ends[0]!);
    leaving(host, ends[1]!);
    beforeFinish(() => {
      for (const end of ends) end.close();
    });
    const arrive = (gsoSize: number, change: (packet: Packet) => void = () => {}): void => {
      const packet = virtualSegment(host, LEFT, RIGHT, 20_000, gsoSize);
      const at = packet.push(20);
      ipv4.write(packet.view, at, 0, 20_052, 9, ipv4.DONT_FRAGMENT, 64, TCP, LEFT, RIGHT);
      ethernet.write(packet.view, packet.push(14), 0x0200, 17, 0x0200, 18, ethernet.EtherType.IPV4);
      change(packet);
      ends[0]!.transmit([packet], 0, 1);
      host.poll();
    };
    return { host, ends, arrive };
  }

  function leaving(host: Host, end: Link): Packet[] {
    host.poll();
    const burst: Packet[] = [];
    const all: Packet[] = [];
    for (let count = end.receive(burst, 64); count > 0; count = end.receive(burst, 64)) {
      for (const packet of burst.slice(0, count)) {
        if (ethernet.etherType(packet.view, packet.offset) === ethernet.EtherType.IPV4) all.push(packet);
        else packet.release();
      }
    }
    return all;
  }

  const datagrams = (packets: Packet[]): Datagram[] =>
    packets.map((packet) => {
      const bytes = packet.toBytes();
      packet.release();
      return parse(bytes.subarray(14));
    });

  it('cuts them for a link that takes none, with whole checksums', () => {
    const { host, ends, arrive } = router({});
    arrive(1000);
    const sent = datagrams(leaving(host, ends[1]!));
    expect(sent).toHaveLength(20);
    expect(sent.map((each) => each.identification)).toEqual(Array.from({ length: 20 }, (_, i) => 9 + i));
    expect(sent.every((each) => each.timeToLive === 63)).toBe(true);
    expect(payloadOf(sent)).toEqual(pattern(20_000));
    expect(host.accounts.snapshot()).toMatchObject({ forwarded: 1 });
  });

  it('passes them on whole to a link that takes them', () => {
    const { host, ends, arrive } = router({ segmentation: 65_535 });
    arrive(1000);
    const [packet, ...more] = leaving(host, ends[1]!);
    expect(more).toEqual([]);
    expect(packet).toMatchObject({ gsoSize: 1000, totalLength: 20_066, checksumState: ChecksumState.PARTIAL });
    packet!.release();
  });

  it('says what MTU their parts exceed', () => {
    const { host, ends, arrive } = router({ mtu: 1400, segmentation: 65_535 });
    arrive(1400 - 52);
    expect(leaving(host, ends[1]!).map((packet) => packet.release())).toHaveLength(1);
    arrive(1400 - 51);
    expect(leaving(host, ends[1]!)).toEqual([]);
    const [error] = datagrams(leaving(host, ends[0]!));
    const { type, code, rest } = parseIcmp(error!);
    expect([type, code, rest]).toEqual([icmpv4.Type.DESTINATION_UNREACHABLE, icmpv4.Code.FRAGMENTATION_NEEDED, 1400]);
    expect(host.accounts.dropped(DropReason.IPV4_FORWARD_NEEDS_FRAGMENTING)).toBe(1);
  });

  it('does not sign what was damaged on the way', () => {
    const { host, ends, arrive } = router({});
    // As a bad line does it: the state of the checksum is lost, and its field holds the pseudo-header's sum only.
    const [near] = host.interfaces.slice(1);
    const receive = near!.link.receive.bind(near!.link);
    Object.assign(near!.link, {
      receive: (burst: Packet[], maximum: number) => {
        const count = receive(burst, maximum);
        for (const packet of burst.slice(0, count)) packet.checksumState = ChecksumState.UNKNOWN;
        return count;
      },
    });
    arrive(1000);
    expect(leaving(host, ends[1]!)).toEqual([]);
    expect(host.accounts.transmitDropped(DropReason.TCP_CHECKSUM)).toBe(1);
  });
});
