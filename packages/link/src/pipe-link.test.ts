import { ChecksumState, type Packet, PacketFlag, PacketMemory, PacketPool, TimestampSource } from '@prism-net/buffers';
import { ManualClock } from '@prism-net/time';
import { describe, expect, it } from 'vitest';
import { impair } from './impaired-link.js';
import type { Link } from './link.js';
import { describeLinkContract, drain, type LinkPair, makeFrame } from './link-contract.testkit.js';
import { createLoopbackLink } from './loopback-link.js';
import { capture } from './pcap/capture-link.js';
import { PcapWriter } from './pcap/pcap-writer.js';
import { createPipe } from './pipe-link.js';
import { virtualSegment } from './segmentation.testkit.js';

function pairOf(left: Link, right: Link, frames = 128): LinkPair {
  const memory = PacketMemory.create({ frames, debug: true });
  const pool = PacketPool.create(memory, frames);
  return {
    left,
    right,
    leftPool: pool,
    rightPool: pool,
    backPressure: true,
    assertNothingLost() {
      pool.assertNoLeaks();
      expect(pool.available).toBe(frames);
    },
  };
}

describeLinkContract('pipe', () => pairOf(...createPipe({ capacity: 32 })));
describeLinkContract('pipe with checksum offload', () =>
  pairOf(...createPipe({ capacity: 32, checksumOffload: true })),
);
describeLinkContract('pipe with segmentation', () => pairOf(...createPipe({ capacity: 32, segmentation: 65_535 })));
describeLinkContract('loopback', () => {
  const link = createLoopbackLink({ capacity: 32 });
  return pairOf(link, link);
});

function exchange(left: Link, right: Link, state: ChecksumState): Packet {
  const { leftPool } = pairOf(left, right);
  const packet = makeFrame(leftPool, left, right, 1);
  packet.checksumState = state;
  packet.flags = PacketFlag.LINK_BROADCAST;
  packet.gsoSize = 1000;
  packet.rssHash = 5;
  packet.timestampSource = TimestampSource.HARDWARE;
  left.transmit([packet], 0, 1);
  const burst: Packet[] = [];
  right.receive(burst, 1);
  return burst[0]!;
}

describe('pipe', () => {
  it('hands over the very packet, not a copy', () => {
    const [left, right] = createPipe();
    const { leftPool } = pairOf(left, right);
    const packet = makeFrame(leftPool, left, right, 1);
    left.transmit([packet], 0, 1);
    const burst: Packet[] = [];
    right.receive(burst, 1);
    expect(burst[0]).toBe(packet);
    expect(leftPool.memory.copies[0]).toBe(0);
  });

  it('carries bytes and none of the sender’s metadata', () => {
    const packet = exchange(...createPipe(), ChecksumState.VERIFIED);
    expect(packet).toMatchObject({ flags: 0, gsoSize: 0, rssHash: 0, timestampSource: TimestampSource.NONE });
    expect(packet.checksumState).toBe(ChecksumState.UNKNOWN);
  });

  it('delivers PARTIAL checksums as such when offload was asked for: whoever forwards them must complete them', () => {
    const offload = { checksumOffload: true };
    expect(exchange(...createPipe(offload), ChecksumState.PARTIAL).checksumState).toBe(ChecksumState.PARTIAL);
    expect(exchange(...createPipe(offload), ChecksumState.UNKNOWN).checksumState).toBe(ChecksumState.UNKNOWN);
  });

  it('still delivers what arrived before the other end was closed', () => {
    const [left, right] = createPipe();
    const { leftPool, assertNothingLost } = pairOf(left, right);
    left.transmit([makeFrame(leftPool, left, right, 1)], 0, 1);
    left.close();
    expect(drain(right)).toEqual([1]);
    right.close();
    assertNothingLost();
  });

  it('has distinct, locally administered addresses unless told otherwise', () => {
    const [left, right] = createPipe();
    expect(left.capabilities.macAddress).not.toEqual(right.capabilities.macAddress);
    for (const link of [left, right]) expect(link.capabilities.macAddress.high & 0x0300).toBe(0x0200);
    const address = { high: 0x0212, low: 0x34567890 };
    expect(createPipe({ macAddresses: [address, address] })[1].capabilities.macAddress).toEqual(address);
  });

  it('wakes through the scheduler it was given', () => {
    const scheduled: (() => void)[] = [];
    const [left, right] = createPipe({ schedule: (callback) => scheduled.push(callback) });
    const { leftPool } = pairOf(left, right);
    let wakes = 0;
    right.arm(() => wakes++);
    left.transmit([makeFrame(leftPool, left, right, 1)], 0, 1);
    left.transmit([makeFrame(leftPool, left, right, 2)], 0, 1);
    expect(scheduled).toHaveLength(1);
    scheduled[0]!();
    expect(wakes).toBe(1);
  });

  it('drops a shared packet when there is no frame to copy it to', () => {
    const [left, right] = createPipe();
    const { leftPool } = pairOf(left, right, 1);
    const packet = makeFrame(leftPool, left, right, 1);
    packet.retain();
    expect(left.transmit([packet], 0, 1)).toBe(1);
    expect(left.statistics).toMatchObject({ dropped: 1, transmittedPackets: 0 });
    packet.release();
    expect(leftPool.outstanding).toBe(0);
  });

  it('explains options out of range', () => {
    expect(() => createPipe({ mtu: 67 })).toThrow(/createPipe EINVAL: mtu must be a whole number from 68 to 65535/);
    expect(() => createPipe({ capacity: 0 })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => createPipe({ segmentation: 65_536 })).toThrow(/segmentation must be a whole number from 0 to 65535/);
    expect(() => createPipe({ segmentation: 1, checksumOffload: false })).toThrow(/EINVAL.*segmentation needs/);
  });
});

describe('virtual segments', () => {
  const fields = { payload: 20_000, tcpOptions: 12 };

  it('cross whole where segmentation was asked for, with their size, and longer than the MTU', () => {
    const [left, right] = createPipe({ mtu: 1500, segmentation: 65_535 });
    for (const { capabilities } of [left, right]) {
      expect(capabilities).toMatchObject({ segmentation: 65_535, transmitChecksum: true, receiveChecksum: true });
    }
    const { leftPool, assertNothingLost } = pairOf(left, right);
    for (const [from, to] of [
      [left, right],
      [right, left],
    ] as const) {
      const packet = virtualSegment(leftPool, fields, 1448);
      const bytes = packet.toBytes();
      expect(from.transmit([packet], 0, 1)).toBe(1);
      const burst: Packet[] = [];
      expect(to.receive(burst, 1)).toBe(1);
      expect(burst[0]).toBe(packet);
      expect(packet).toMatchObject({ gsoSize: 1448, checksumState: ChecksumState.PARTIAL, flags: 0 });
      expect(packet.toBytes()).toEqual(bytes);
      expect(from.statistics).toMatchObject({ transmittedPackets: 1, transmittedBytes: bytes.length });
      packet.release();
    }
    assertNothingLost();
  });

  it('cross whole over a loopback unless told otherwise', () => {
    const link = createLoopbackLink({ mtu: 1500 });
    expect(link.capabilities.segmentation).toBe(65_535);
    expect(createLoopbackLink({ segmentation: 0 }).capabilities.segmentation).toBe(0);
    const { leftPool, assertNothingLost } = pairOf(link, link);
    link.transmit([virtualSegment(leftPool, fields, 1448)], 0, 1);
    const burst: Packet[] = [];
    expect(link.receive(burst, 1)).toBe(1);
    expect(burst[0]).toMatchObject({ gsoSize: 1448, flags: PacketFlag.LOOPED_BACK });
    burst[0]!.release();
    assertNothingLost();
  });

  it('are dropped, counted, when they or their parts are too long', () => {
    const [left, right] = createPipe({ mtu: 1500, segmentation: 10_000 });
    const { leftPool, assertNothingLost } = pairOf(left, right);
    const packets = [
      virtualSegment(leftPool, { payload: 10_000 - 40 }, 1460),
      virtualSegment(leftPool, { payload: 10_000 }, 1460),
      virtualSegment(leftPool, { payload: 8000 }, 1501),
    ];
    expect(left.transmit(packets, 0, 3)).toBe(3);
    expect(left.statistics).toMatchObject({ transmittedPackets: 1, dropped: 2 });
    const burst: Packet[] = [];
    expect(right.receive(burst, 3)).toBe(1);
    burst[0]!.release();
    assertNothingLost();
  });

  it('do not get to wrappers that look at frames of the wire', () => {
    const clock = new ManualClock();
    const [left, right] = createPipe({ segmentation: 65_535 });
    const { leftPool: pool } = pairOf(left, right);
    for (const link of [impair(left, { seed: 1, clock, pool }), capture(right, new PcapWriter(() => {}))]) {
      expect(link.capabilities).toMatchObject({ segmentation: 0, transmitChecksum: true });
    }
  });
});

describe('loopback', () => {
  it('marks what it loops back and accepts PARTIAL checksums', () => {
    const link = createLoopbackLink();
    expect(link.capabilities).toMatchObject({ loopback: true, mtu: 65_535, macAddress: { high: 0, low: 0 } });
    const packet = exchange(link, link, ChecksumState.PARTIAL);
    expect(packet.checksumState).toBe(ChecksumState.PARTIAL);
    expect(packet.flags).toBe(PacketFlag.LOOPED_BACK);
  });
});
