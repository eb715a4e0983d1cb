import { ChecksumState, type Packet, PacketFlag, PacketMemory, PacketPool, TimestampSource } from '@prism-net/buffers';
import { describe, expect, it } from 'vitest';
import type { Link } from './link.js';
import { describeLinkContract, drain, type LinkPair, makeFrame } from './link-contract.testkit.js';
import { createLoopbackLink } from './loopback-link.js';
import { createPipe } from './pipe-link.js';

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
