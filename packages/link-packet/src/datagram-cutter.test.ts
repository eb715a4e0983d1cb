import { ChecksumState, foldSum, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { ethernet, ipv4, udp } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { DatagramCutter } from './datagram-cutter.js';

const HEADERS = 42;

/** What UDP_SEGMENT makes: one packet whose payload is many messages. */
function superDatagram(pool: PacketPool, payload: number): Packet {
  const first = pool.take()!;
  first.offset += 2;
  const { view, offset } = first;
  ethernet.write(view, offset, 0x0200, 1, 0x0200, 2, ethernet.EtherType.IPV4);
  view.setInt32(offset + 14, 0x4500_0000 | (28 + payload));
  view.setInt32(offset + 18, 0x1234_4000);
  view.setInt32(offset + 22, 0x4011_0000);
  view.setInt32(offset + 26, 0x0a00_0001);
  view.setInt32(offset + 30, 0x0a00_0002);
  ipv4.updateChecksum(view, offset + 14);
  udp.write(view, offset + 34, 1000, 2000, 8 + payload, 0);
  first.length = HEADERS;
  let packet = first;
  for (let i = 0; i < payload; i++) {
    if (packet.tailroom === 0) {
      packet.nextSegment = pool.take()!;
      packet = packet.nextSegment;
      packet.offset = packet.base;
    }
    packet.view.setUint8(packet.end, i % 251);
    packet.length++;
  }
  return first;
}

it('cuts a packet of many messages into datagrams, each with its lengths and checksums', () => {
  const pool = PacketPool.create(PacketMemory.create({ frames: 128, debug: true }), 128);
  const cutter = new DatagramCutter(pool);
  expect(cutter.cut(superDatagram(pool, 5000), 1200)).toBe(0);
  expect(cutter.waiting).toBe(5);
  const burst: Packet[] = [];
  expect(cutter.take(burst, 0, 3)).toBe(3);
  expect(cutter.take(burst, 3, 8)).toBe(5);
  let at = 0;
  for (const [index, packet] of burst.entries()) {
    const { view, offset } = packet;
    const length = index < 4 ? 1200 : 200;
    expect(packet.totalLength).toBe(HEADERS + length);
    expect(ipv4.check(view, offset + 14, 28 + length)).toBe(0);
    expect(ipv4.totalLength(view, offset + 14)).toBe(28 + length);
    expect(ipv4.identification(view, offset + 14)).toBe(0x1234 + index);
    expect(udp.length(view, offset + 34)).toBe(8 + length);
    const pseudoHeader = ipv4.pseudoHeaderSum(0x0a00_0001, 0x0a00_0002, 17, 8 + length);
    expect(udp.checksum(view, offset + 34)).toBe(foldSum(pseudoHeader));
    expect(packet.checksumState).toBe(ChecksumState.PARTIAL);
    expect((offset + 14) & 3).toBe(0);
    const payload = packet.toBytes().subarray(HEADERS);
    expect([...payload]).toEqual(Array.from({ length }, (_, i) => (at + i) % 251));
    at += length;
    packet.release();
  }
  pool.assertNoLeaks();
});

it('keeps the order: what comes behind waiting datagrams waits, too', () => {
  const pool = PacketPool.create(PacketMemory.create({ frames: 128, debug: true }), 128);
  const cutter = new DatagramCutter(pool);
  cutter.cut(superDatagram(pool, 300), 100);
  const behind = pool.take()!;
  const order = [cutter.exchange(behind), cutter.takeOne(), cutter.takeOne(), cutter.takeOne(), cutter.takeOne()];
  expect(order[3]).toBe(behind);
  expect(order[4]).toBeNull();
  for (const packet of order) packet?.release();
  pool.assertNoLeaks();
});

it('says how many datagrams were lost when the pool runs out, and refuses what is no UDP', () => {
  const pool = PacketPool.create(PacketMemory.create({ frames: 8, debug: true }), 8);
  const cutter = new DatagramCutter(pool);
  const packet = superDatagram(pool, 6000);
  const kept: Packet[] = [];
  while (pool.available > 2) kept.push(pool.take()!);
  expect(cutter.cut(packet, 1000)).toBe(4);
  expect(cutter.waiting).toBe(2);
  expect(cutter.cut(kept.pop()!, 1000)).toBe(1);
  for (const each of kept) each.release();
  cutter.close();
  pool.assertNoLeaks();
});
