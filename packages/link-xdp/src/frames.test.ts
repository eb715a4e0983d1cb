import { ChecksumState, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { describe, expect, it } from 'vitest';
import { FakeKernel } from './fake-kernel.testkit.js';
import { CONTINUED, Descriptor } from './receive-side.js';

const packetOf = (kernel: FakeKernel, length = 60): Packet => {
  const packet = kernel.pool.take()!;
  packet.offset += 2;
  packet.length = length;
  return packet;
};

describe('who gets the frames', () => {
  it('leaves senders their reserve however many packets the application holds, and counts the dry fill ring', () => {
    const kernel = new FakeKernel({ frames: 64, fillFrames: 16, ringSize: 16, reservedFrames: 8 });
    const held: Packet[] = [];
    for (let round = 0; round < 10; round++) {
      for (let i = 0; i < 16 && kernel.frames.receiving > kernel.receiver.waiting; i++) {
        kernel.deliver(kernel.takeFilled() + 258, 60);
      }
      const burst: Packet[] = [];
      held.push(...burst.slice(0, kernel.receiver.receive(burst, 64)));
      kernel.receiver.refill();
    }
    expect(kernel.frames.receiving).toBe(0);
    expect(kernel.pool.available).toBe(8);
    expect(kernel.details.fillRingDry).toBe(1);
    for (const packet of held) packet.release();
    kernel.receiver.refill();
    expect(kernel.frames.receiving).toBe(16);
    expect(kernel.details.fillRingDry).toBe(1);
  });

  it('fills by the frames the kernel has: its index may stand still', () => {
    const kernel = new FakeKernel({ fillFrames: 16 });
    const burst: Packet[] = [];
    for (let i = 0; i < 200; i++) {
      kernel.deliver(kernel.takeFilled() + 258, 60); // and kernel.fill.consumer never moves
      expect(kernel.receiver.receive(burst, 1)).toBe(1);
      burst[0]!.release();
      kernel.receiver.refill();
    }
    expect(kernel.frames.receiving).toBe(16);
  });

  it('refuses what finds no room, in order, and takes it later', () => {
    const kernel = new FakeKernel();
    kernel.onKick = () => -11; // EAGAIN
    const burst = Array.from({ length: 20 }, () => packetOf(kernel));
    expect(kernel.transmitter.transmit(burst, 0, 20)).toBe(16);
    expect(kernel.statistics.transmitRefused).toBe(4);
    expect(kernel.details.refusedKicks).toBe(1);
    expect(kernel.transmitter.owesKick).toBe(true);
    expect(kernel.transmitter.hasRoomAgain).toBe(false);
    kernel.onKick = () => kernel.sendAll();
    expect(kernel.transmitter.transmit(burst, 16, 4)).toBe(4);
    expect(kernel.transmitter.owesKick).toBe(false);
    expect(kernel.frames.sending).toBe(0);
  });

  it('calls the kernel once per burst, and not at all while it is awake', () => {
    const kernel = new FakeKernel();
    kernel.onKick = () => kernel.sendAll();
    kernel.transmitter.transmit(
      Array.from({ length: 10 }, () => packetOf(kernel)),
      0,
      10,
    );
    expect(kernel.details.transmitCalls).toBe(1);
    kernel.transmit.flags = 0;
    kernel.transmitter.transmit([packetOf(kernel)], 0, 1);
    expect(kernel.details.transmitCalls).toBe(1);
  });
});

describe('what is written into the transmit ring', () => {
  it('has a record for each segment that is not empty, and says where the packet goes on', () => {
    const kernel = new FakeKernel();
    const packet = packetOf(kernel, 100);
    packet.append(packetOf(kernel, 0));
    packet.append(packetOf(kernel, 200));
    packet.append(packetOf(kernel, 0));
    expect(kernel.transmitter.transmit([packet], 0, 1)).toBe(1);
    expect(kernel.transmit.producer).toBe(2);
    expect([...kernel.transmit.record(0)].slice(2)).toEqual([100, CONTINUED]);
    expect([...kernel.transmit.record(1)].slice(2)).toEqual([200, 0]);
    expect(kernel.pool.outstanding).toBe(0);
  });

  it('copies what is not of its pool, is shared, or has no room in front for metadata', () => {
    const kernel = new FakeKernel();
    const other = PacketPool.create(PacketMemory.create({ frames: 4, debug: true }), 4);
    const foreign = other.take()!;
    foreign.length = 60;
    const shared = packetOf(kernel);
    shared.retain();
    const cramped = packetOf(kernel);
    cramped.offset = cramped.base + 2;
    expect(kernel.transmitter.transmit([foreign, shared, cramped], 0, 3)).toBe(3);
    expect(kernel.details.copied).toBe(3);
    expect(other.outstanding).toBe(0);
    expect(kernel.pool.outstanding).toBe(1);
    shared.release();
  });

  it('drops what no Ethernet frame is: shorter than its header, longer than the MTU, of too many segments', () => {
    const kernel = new FakeKernel();
    const long = packetOf(kernel, 1500);
    for (let i = 0; i < 6; i++) long.append(packetOf(kernel, 1500));
    const empty = packetOf(kernel, 0);
    const burst = [packetOf(kernel, 13), long, empty];
    expect(kernel.transmitter.transmit(burst, 0, 3)).toBe(3);
    expect(kernel.statistics.dropped).toBe(3);
    expect(kernel.transmit.producer).toBe(0);
    expect(kernel.pool.outstanding).toBe(0);
  });

  it('asks for a checksum only where the headers say which', () => {
    const kernel = new FakeKernel();
    const senseless = packetOf(kernel);
    senseless.checksumState = ChecksumState.PARTIAL;
    senseless.view.setUint16(senseless.offset + 12, 0x88b5);
    const datagram = packetOf(kernel);
    datagram.checksumState = ChecksumState.PARTIAL;
    const { view, offset } = datagram;
    view.setUint16(offset + 12, 0x0800);
    view.setUint8(offset + 14, 0x45);
    view.setUint8(offset + 23, 17);
    kernel.transmitter.transmit([senseless, datagram], 0, 2);
    expect(kernel.transmit.record(0)[Descriptor.OPTIONS]).toBe(0);
    expect(kernel.transmit.record(1)[Descriptor.OPTIONS]).toBe(2);
    expect([view.getInt32(offset - 16, true), view.getInt32(offset - 12, true)]).toEqual([2, 0]);
    expect([view.getUint16(offset - 8, true), view.getUint16(offset - 6, true)]).toEqual([34, 6]);
    expect(kernel.details.checksumRequests).toBe(1);
  });
});
