import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { openCapture } from './capture-reader.js';
import { CaptureDirection, PcapWriter } from './pcap-writer.js';

/** A sink that keeps everything, and what it has got in one piece. */
function gather(): { sink: (bytes: Uint8Array) => void; calls: () => number; bytes: () => Uint8Array } {
  const parts: Uint8Array[] = [];
  return { sink: (bytes) => parts.push(bytes), calls: () => parts.length, bytes: () => Buffer.concat(parts) };
}

const formats = ['pcapng', 'pcap'] as const;

describe.each(formats)('PcapWriter, %s', (format) => {
  it('writes what the reader reads: bytes, lengths and times to the nanosecond', () => {
    const frame = fc.record({
      data: fc.uint8Array({ maxLength: 200 }),
      seconds: fc.nat(0xffffffff),
      nanoseconds: fc.nat(999_999_999),
      direction: fc.constantFrom(...Object.values(CaptureDirection)),
    });
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 20 }), fc.integer({ min: 1, max: 500 }), (frames, bufferBytes) => {
        const { sink, bytes } = gather();
        const writer = new PcapWriter(sink, { format, bufferBytes, snapLength: 100, interfaceName: 'eth0' });
        for (const { data, seconds, nanoseconds, direction } of frames) {
          writer.writeBytes(data, seconds, nanoseconds, direction);
          writer.commit();
        }
        writer.flush();
        const reader = openCapture(bytes());
        for (const { data, seconds, nanoseconds } of frames) {
          expect(reader.next()).toBe(true);
          expect(reader).toMatchObject({
            timestampSeconds: seconds,
            timestampNanoseconds: nanoseconds,
            originalLength: data.length,
            linkType: 1,
          });
          const read = reader.bytes.subarray(reader.offset, reader.offset + reader.capturedLength);
          expect([...read]).toEqual([...data.subarray(0, 100)]);
        }
        expect(reader.next()).toBe(false);
      }),
    );
  });

  it('writes the segments of a packet as one frame, and the packet stays the caller’s', () => {
    const pool = PacketPool.create(PacketMemory.create({ frames: 4, debug: true }), 4);
    const segment = (...data: number[]): Packet => {
      const packet = pool.take()!;
      for (const byte of data) packet.view.setUint8(packet.offset + packet.length++, byte);
      return packet;
    };
    const packet = segment(1, 2, 3);
    packet.append(segment(4, 5));
    packet.append(segment(6, 7));
    const { sink, bytes } = gather();
    const writer = new PcapWriter(sink, { format, snapLength: 6 });
    writer.write(packet, 1, 2, CaptureDirection.RECEIVED);
    writer.flush();
    packet.release();
    pool.assertNoLeaks();
    const reader = openCapture(bytes());
    expect(reader.next()).toBe(true);
    expect([...reader.bytes.subarray(reader.offset, reader.offset + reader.capturedLength)]).toEqual([
      1, 2, 3, 4, 5, 6,
    ]);
    expect(reader.originalLength).toBe(7);
  });

  it('gathers records before it calls the sink, and does not touch what it gave away', () => {
    const { sink, bytes, calls } = gather();
    const writer = new PcapWriter(sink, { format, bufferBytes: 1000 });
    for (let i = 0; i < 30; i++) {
      writer.writeBytes(new Uint8Array(60).fill(i), i, 0, CaptureDirection.UNKNOWN);
      writer.commit();
    }
    writer.flush();
    writer.flush();
    expect(calls()).toBeLessThan(5);
    const reader = openCapture(bytes());
    for (let i = 0; i < 30; i++) {
      expect(reader.next()).toBe(true);
      expect(reader.bytes[reader.offset]).toBe(i);
    }
  });

  it('forgets what was written since a position', () => {
    const { sink, bytes } = gather();
    const writer = new PcapWriter(sink, { format });
    writer.writeBytes(Uint8Array.of(1), 1, 0, CaptureDirection.UNKNOWN);
    const { position } = writer;
    writer.writeBytes(Uint8Array.of(2), 2, 0, CaptureDirection.UNKNOWN);
    writer.truncate(position);
    writer.writeBytes(Uint8Array.of(3), 3, 0, CaptureDirection.UNKNOWN);
    writer.flush();
    const reader = openCapture(bytes());
    const seen: number[] = [];
    while (reader.next()) seen.push(reader.timestampSeconds);
    expect(seen).toEqual([1, 3]);
  });
});

describe('PcapWriter', () => {
  it('writes the same bytes as the specification’s example of a block layout', () => {
    const { sink, bytes } = gather();
    const writer = new PcapWriter(sink, { snapLength: 96 });
    writer.writeBytes(Uint8Array.of(0xaa, 0xbb, 0xcc), 4, 294_967_296, CaptureDirection.TRANSMITTED);
    writer.flush();
    const words = [
      '0a0d0d0a 0000001c 1a2b3c4d 00000001 ffffffff ffffffff 0000001c', // section header
      '00000001 00000020 00000001 00000060 00010009 00000009 00000000 00000020', // Ethernet, snap length, 10^-9
      '00000006 00000030 00000000 00000001 00000000 00000003 00000003', // 2^32 ns, 3 of 3 bytes
      '00ccbbaa 00040002 00000002 00000000 00000030', // padding, epb_flags: outbound
    ].flatMap((line) => line.split(' '));
    const view = new DataView(bytes().buffer, bytes().byteOffset);
    const written = words.map((_, i) =>
      view
        .getUint32(4 * i, true)
        .toString(16)
        .padStart(8, '0'),
    );
    expect(written).toEqual(words);
    expect(bytes()).toHaveLength(words.length * 4);
  });

  it('explains options out of range', () => {
    expect(() => new PcapWriter(() => {}, { snapLength: 0 })).toThrow(/PcapWriter EINVAL: snapLength/);
  });
});
