import { ChecksumState, foldSum, PacketMemory, PacketPool } from '@prism-net/buffers';
import { ethernet, ipv4, udp } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import { markPartialChecksum } from './partial-checksum.js';

const SOURCE = 0x0a000001;
const DESTINATION = 0x0a000002;

function datagram(checksum: number, flags = 0) {
  const pool = PacketPool.create(PacketMemory.create({ frames: 4, debug: true }), 4);
  const packet = pool.take()!;
  packet.length = 14 + 20 + 8 + 4;
  const { view, offset } = packet;
  ethernet.write(view, offset, 0x0200, 1, 0x0200, 2, ethernet.EtherType.IPV4);
  ipv4.write(view, offset + 14, 0, 32, 0, flags, 64, ipv4.Protocol.UDP, SOURCE, DESTINATION);
  udp.write(view, offset + 34, 1000, 2000, 12, checksum);
  view.setInt32(offset + 42, 0x01020304);
  return packet;
}

const PARTIAL = foldSum(ipv4.pseudoHeaderSum(SOURCE, DESTINATION, ipv4.Protocol.UDP, 12));

describe('markPartialChecksum', () => {
  it('marks a datagram whose field holds the sum of the pseudo-header', () => {
    const packet = datagram(PARTIAL);
    expect(markPartialChecksum(packet)).toBe(true);
    expect(packet.checksumState).toBe(ChecksumState.PARTIAL);
  });

  it('leaves every other checksum to be verified', () => {
    for (const checksum of [0, 1, PARTIAL ^ 1, ~PARTIAL & 0xffff, 0xffff]) {
      const packet = datagram(checksum);
      expect(markPartialChecksum(packet)).toBe(false);
      expect(packet.checksumState).toBe(ChecksumState.UNKNOWN);
    }
  });

  it('leaves fragments alone: their field covers bytes that are elsewhere', () => {
    expect(markPartialChecksum(datagram(PARTIAL, ipv4.MORE_FRAGMENTS))).toBe(false);
  });

  it('reads nothing beyond a truncated frame', () => {
    for (let length = 0; length < 42; length++) {
      const packet = datagram(PARTIAL);
      packet.length = length;
      expect(markPartialChecksum(packet), `length ${length}`).toBe(false);
    }
  });
});
