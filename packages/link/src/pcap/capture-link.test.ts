import { ChecksumState, type Packet, PacketMemory, PacketPool, TimestampSource } from '@prism-net/buffers';
import { ManualClock } from '@prism-net/time';
import { describe, expect, it } from 'vitest';
import type { Link } from '../link.js';
import { describeLinkContract, drain, makeFrame } from '../link-contract.testkit.js';
import { createPipe } from '../pipe-link.js';
import { virtualSegment } from '../segmentation.testkit.js';
import { type CaptureOptions, capture } from './capture-link.js';
import { openCapture } from './capture-reader.js';
import { PcapWriter } from './pcap-writer.js';

function setUp(options: CaptureOptions = {}, capacity = 32) {
  const parts: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => parts.push(bytes), { bufferBytes: 1 });
  const pool = PacketPool.create(PacketMemory.create({ frames: 128, debug: true }), 128);
  const [end, right] = createPipe({ capacity });
  const left: Link = capture(end, writer, options);
  /** Number and time of each captured frame. */
  const captured = (): [number, number, number][] => {
    writer.flush();
    const reader = openCapture(Buffer.concat(parts));
    const seen: [number, number, number][] = [];
    while (reader.next()) {
      const number = new DataView(reader.bytes.buffer, reader.bytes.byteOffset).getInt32(reader.offset + 14);
      seen.push([number, reader.timestampSeconds, reader.timestampNanoseconds]);
    }
    return seen;
  };
  const send = (from: Link, to: Link, ...numbers: number[]): number => {
    const burst = numbers.map((number) => makeFrame(pool, from, to, number));
    const taken = from.transmit(burst, 0, burst.length);
    for (const packet of burst.slice(taken)) packet.release();
    return taken;
  };
  return { left, right, pool, captured, send };
}

describeLinkContract('capturing link', () => {
  const { left, right, pool } = setUp();
  return {
    left,
    right,
    leftPool: pool,
    rightPool: pool,
    backPressure: true,
    assertNothingLost: () => pool.assertNoLeaks(),
  };
});

describe('capture', () => {
  it('names the pool that the link below sends from, so that a stack on it uses that', () => {
    const { pool, right } = setUp();
    const writer = new PcapWriter(() => {});
    expect(capture(Object.assign(right, { pool }), writer).pool).toBe(pool);
    expect(capture(createPipe()[0], writer).pool).toBeUndefined();
  });

  const numbers = (captured: [number, number, number][]): number[] => captured.map(([number]) => number);

  it('writes both directions in the order in which they passed', () => {
    const { left, right, captured, send } = setUp();
    send(left, right, 1, 2);
    send(right, left, 10, 11);
    drain(left);
    send(left, right, 3);
    expect(numbers(captured())).toEqual([1, 2, 10, 11, 3]);
    expect(drain(right)).toEqual([1, 2, 3]);
  });

  it('writes one direction only when asked to', () => {
    for (const [directions, expected] of [
      ['receive', [10]],
      ['transmit', [1]],
    ] as const) {
      const { left, right, captured, send } = setUp({ directions });
      send(left, right, 1);
      send(right, left, 10);
      drain(left);
      expect(numbers(captured())).toEqual(expected);
    }
  });

  it('does not show packets that the link refused', () => {
    const { left, right, captured, send } = setUp({}, 2);
    expect(send(left, right, 1, 2, 3, 4)).toBe(2);
    expect(send(left, right, 5)).toBe(0);
    drain(right);
    expect(send(left, right, 6)).toBe(1);
    expect(numbers(captured())).toEqual([1, 2, 6]);
  });

  it('stamps with the clock, over its wrap and from the given second', () => {
    const clock = new ManualClock(0x7fff_fff0);
    const { left, right, captured, send } = setUp({ clock, startSeconds: 1_700_000_000 });
    clock.advance(250);
    send(left, right, 1);
    for (let i = 0; i < 6; i++) {
      clock.advance(1_000_000_000);
      send(left, right, 2);
    }
    expect(captured()[0]).toEqual([1, 1_700_000_000, 250_000]);
    expect(captured().at(-1)).toEqual([2, 1_700_006_000, 250_000]);
  });

  it('prefers the receive time a packet brings', () => {
    const { pool } = setUp();
    const packet = makeFrame(pool, createPipe()[0], createPipe()[1], 1);
    packet.timestampSource = TimestampSource.HARDWARE;
    packet.timestampSeconds = 99;
    packet.timestampNanoseconds = 7;
    const [end] = createPipe();
    const source: Link = {
      ...end,
      name: 'source',
      capabilities: end.capabilities,
      statistics: end.statistics,
      receive: (burst: Packet[]) => {
        burst[0] = packet;
        return 1;
      },
      transmit: () => 0,
      arm: () => true,
      nextReceive: () => -1,
      close: () => {},
    };
    const parts: Uint8Array[] = [];
    const writer = new PcapWriter((bytes) => parts.push(bytes));
    capture(source, writer, { clock: new ManualClock() }).receive([], 1);
    writer.flush();
    const reader = openCapture(Buffer.concat(parts));
    reader.next();
    expect([reader.timestampSeconds, reader.timestampNanoseconds]).toEqual([99, 7]);
  });

  it('writes a virtual segment that the link brings whole as one valid record', () => {
    for (const format of ['pcapng', 'pcap'] as const) {
      const parts: Uint8Array[] = [];
      const pool = PacketPool.create(PacketMemory.create({ frames: 128, debug: true }), 128);
      const [near, far] = createPipe({ segmentation: 65_535 });
      const link = capture(near, new PcapWriter((bytes) => parts.push(bytes), { format }));
      const packet = virtualSegment(pool, { payload: 65_535 - 40 }, 1460);
      const bytes = packet.toBytes();
      far.transmit([packet, makeFrame(pool, far, near, 7)], 0, 2);
      const burst: Packet[] = [];
      expect(link.receive(burst, 2)).toBe(2);
      expect(burst[0]).toMatchObject({ gsoSize: 1460, checksumState: ChecksumState.PARTIAL });
      for (const each of burst) each.release();
      link.close();
      far.close();
      pool.assertNoLeaks();
      const reader = openCapture(Buffer.concat(parts));
      expect(reader.next()).toBe(true);
      expect(reader.bytes.slice(reader.offset, reader.offset + reader.capturedLength)).toEqual(Buffer.from(bytes));
      expect(reader.originalLength).toBe(14 + 65_535);
      expect(reader.next()).toBe(true);
      expect(reader.capturedLength).toBe(60);
      expect(reader.next()).toBe(false);
    }
  });
});
