import { ChecksumState, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { placeMemory } from '@prism-net/linux';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFrame, readFrame } from '../../link/src/link-contract.testkit.js';
import type { XdpLink } from './xdp-link.js';
import { accountedFrames, receiveExactly, vethPair } from './xdp-link.testkit.js';

/** A frame of any length, over as many frames as it takes. */
function makeLong(link: XdpLink, peer: XdpLink, number: number, length: number): Packet {
  const { pool } = link;
  const first = makeFrame(pool, link, peer, number, Math.min(length, 1000));
  for (let at = 1000; at < length; ) {
    const segment = pool.take()!;
    segment.length = Math.min(segment.tailroom, length - at);
    for (let i = 0; i < segment.length; i++) segment.view.setUint8(segment.offset + i, (number + at + i) & 0xff);
    at += segment.length;
    first.append(segment);
  }
  return first;
}

describe.skipIf(labUnavailable() !== null)('packets of several frames', () => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('xdpjumbo');
  });
  afterAll(() => lab.close());

  it.each([
    ['native', 4096],
    ['generic', 4096],
    ['native', 2048],
  ] as const)('cross in both directions at MTU 9000: %s, frames of %i bytes', (attach, frameSize) => {
    const pool = () =>
      PacketPool.create(
        PacketMemory.create({ frames: 512, frameSize, kernelRingBytes: 1 << 18, place: placeMemory() }),
        512,
      );
    const { left, right } = vethPair(lab, { attach, pool: pool() }, { mtu: 9000 }, { attach, pool: pool() });
    try {
      for (const [from, to] of [
        [left, right],
        [right, left],
      ] as const) {
        let number = 0;
        // Around the limits of one, two and three frames, and far more packets than the fill ring has frames.
        for (const length of [1536, 3838, 3839, 5000, 7676, 7677, 9014]) {
          for (let round = 0; round < 40; round++) {
            const burst = [0, 1].map(() => makeLong(from, to, number++, length));
            expect(from.transmit(burst, 0, 2)).toBe(2);
            for (const [index, packet] of receiveExactly(to, 2).entries()) {
              expect(packet.totalLength).toBe(length);
              expect(readFrame(packet)).toBe(number - 2 + index);
              packet.release();
            }
          }
        }
      }
      for (const link of [left, right]) {
        expect(accountedFrames(link)).toBe(512);
        expect(link.pool.outstanding).toBe(0);
        expect(link.kernelStatistics()).toMatchObject({ receiveDropped: 0, transmitInvalid: 0, receiveInvalid: 0 });
      }
    } finally {
      left.close();
      right.close();
    }
    expect(left.pool.available).toBe(512);
  });

  it('keeps the checksum request in front of the first segment alone', () => {
    const { left, right } = vethPair(lab, { frames: 256 }, { mtu: 9000 });
    try {
      const packet = makeLong(left, right, 0, 6000);
      const { view, offset } = packet;
      view.setUint16(offset + 12, 0x0800);
      view.setUint8(offset + 14, 0x45);
      view.setUint16(offset + 16, 6000 - 14);
      view.setUint16(offset + 20, 0);
      view.setUint8(offset + 23, 17);
      view.setInt32(offset + 26, 0x0a000001);
      view.setInt32(offset + 30, 0x0a000002);
      // The pseudo-header's sum: what a partial checksum is.
      view.setUint16(offset + 40, 0x0a00 + 0x0001 + 0x0a00 + 0x0002 + 17 + 5966);
      packet.checksumState = ChecksumState.PARTIAL;
      left.transmit([packet], 0, 1);
      const [received] = receiveExactly(right, 1);
      expect(received!.totalLength).toBe(6000);
      expect(received!.checksumState).toBe(ChecksumState.PARTIAL);
      received!.release();
      expect(left.details.checksumRequests).toBe(1);
    } finally {
      left.close();
      right.close();
    }
  });
});
