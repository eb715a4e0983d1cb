import { HEADROOM, type Packet } from '@prism-net/buffers';
import { describe, expect, it } from 'vitest';
import { establish, pattern } from '../tcp.testkit.js';
import { takeText, textSum } from './text-packets.js';

/** A connection with `length` bytes written, nothing sent. */
function written(length: number) {
  const opened = establish({ frames: 256, isFast: true });
  const { connection } = opened;
  connection.write(pattern(1, length), 0, length);
  const start = (connection.block!.initialSendSequence + 1) | 0;
  const take = (at: number, bytes: number, size: number) => takeText(connection.block!, (start + at) | 0, bytes, size);
  return { ...opened, take };
}

function frames(packet: Packet): Packet[] {
  const list: Packet[] = [];
  for (let each: Packet | null = packet; each !== null; each = each.nextSegment) list.push(each);
  return list;
}

describe('a packet of text', () => {
  it('for one segment is one frame, with its sum and room for the headers', () => {
    const { take } = written(3000);
    const packet = take(100, 1000, 1460)!;
    expect(frames(packet).length).toBe(1);
    expect(packet.toBytes()).toEqual(pattern(101, 1000));
    expect([packet.gsoSize, packet.headroom, textSum]).toEqual([0, HEADROOM, packet.sum(0)]);
    packet.release();
  });

  it.each([1, 3, 700, 1460])(
    'longer than the segment size of %i is cut at it: each frame a segment, with room for headers of its own',
    (size) => {
      const { take } = written(20 * 1460);
      const length = Math.min(7 * size + 5, 20 * 1460 - 100);
      const packet = take(7, length, size)!;
      const list = frames(packet);
      expect(packet.gsoSize).toBe(size);
      expect(textSum).toBe(-1);
      expect(packet.toBytes()).toEqual(pattern(8, length));
      for (const [i, frame] of list.entries()) {
        expect(frame.headroom).toBe(HEADROOM);
        expect(frame.length).toBe(i === list.length - 1 ? length - (list.length - 1) * size : size);
      }
      packet.release();
    },
  );

  it('whose segments do not fit a frame takes several for each, none of them of two segments', () => {
    const { take } = written(20_000);
    const packet = take(0, 10_000, 4000)!;
    expect(frames(packet).map((each) => each.length)).toEqual([1856, 1856, 288, 1856, 1856, 288, 1856, 144]);
    expect(packet.toBytes()).toEqual(pattern(1, 10_000));
    packet.release();
    const single = take(1, 4000, 4000)!;
    expect([single.gsoSize, textSum]).toEqual([0, single.sum(0)]);
    single.release();
  });

  it('is null when the pool does not have enough, and nothing of it stays taken', () => {
    const { take, host } = written(20_000);
    host.exhaust(5);
    expect(take(0, 10_000, 1000)).toBeNull();
    expect(host.pool.available).toBe(5);
  });

  it('leaves the sum to the link where that completes checksums', () => {
    const { take, connection } = written(3000);
    connection.block!.path!.completesChecksum = true;
    const packet = take(0, 1000, 1460)!;
    expect(textSum).toBe(-1);
    packet.release();
  });

  it('fills its frames, the first behind room for the headers, where the link takes virtual segments whole', () => {
    const { take, connection } = written(20_000);
    connection.block!.path!.takesVirtualSegments = true;
    const packet = take(9, 10_000, 1000)!;
    const list = frames(packet);
    expect(list.map((each) => each.headroom)).toEqual([HEADROOM, 0, 0, 0, 0]);
    expect(list.map((each) => each.length)).toEqual([1856, 2048, 2048, 2048, 2000]);
    expect([packet.gsoSize, textSum]).toEqual([1000, -1]);
    expect(packet.toBytes()).toEqual(pattern(10, 10_000));
    packet.release();
  });

  it('shows the frames of the send buffer, behind a frame for the headers, where the link only reads them', () => {
    const { take, connection } = written(20_000);
    Object.assign(connection.block!.path!, { takesVirtualSegments: true, sendsViews: true });
    const packet = take(9, 10_000, 1000)!;
    const list = frames(packet);
    // The rest of a frame, and the beginning of another, are not worth a segment of their own.
    expect(list.map((each) => each.viewOf !== null)).toEqual([false, false, true, true, true, false]);
    expect(list.map((each) => each.length)).toEqual([1856, 183, 2048, 2048, 2048, 1817]);
    expect(packet.headroom).toBe(HEADROOM);
    expect([packet.gsoSize, textSum]).toEqual([1000, -1]);
    expect(packet.toBytes()).toEqual(pattern(10, 10_000));
    packet.release();
    const single = take(9, 1000, 1000)!;
    expect([single.gsoSize, textSum]).toEqual([0, single.sum(0)]);
    single.release();
  });

  it('copies what waits to be sent already, and what it shows outlives the acknowledgement', () => {
    const { take, connection } = written(20_000);
    Object.assign(connection.block!.path!, { takesVirtualSegments: true, sendsViews: true });
    const packet = take(0, 10_000, 1000)!;
    const again = take(0, 10_000, 1000)!;
    expect(frames(packet).some((each) => each.viewOf !== null)).toBe(true);
    expect(frames(again).every((each) => each.viewOf === null)).toBe(true);
    expect(again.toBytes()).toEqual(packet.toBytes());
    again.release();
    connection.block!.sendBuffer.release((connection.block!.sendBuffer.start + 10_000) | 0);
    expect(packet.toBytes()).toEqual(pattern(1, 10_000));
    packet.release();
  });

  it('text written behind what waits to be sent goes into another frame', () => {
    const { take, connection } = written(3000);
    Object.assign(connection.block!.path!, { takesVirtualSegments: true, sendsViews: true });
    connection.block!.sendBuffer.write(pattern(3001, 1100), 0, 1096);
    const packet = take(0, 4096, 1000)!;
    const before = packet.toBytes();
    connection.block!.sendBuffer.write(pattern(9, 500), 0, 500);
    expect(packet.toBytes()).toEqual(before);
    packet.release();
  });

  it('in full frames is null when the pool does not have enough, and nothing of it stays taken', () => {
    const { take, connection, host } = written(20_000);
    Object.assign(connection.block!.path!, { takesVirtualSegments: true, sendsViews: true });
    host.exhaust(2);
    expect(take(9, 10_000, 1000)).toBeNull();
    expect(host.pool.available).toBe(2);
  });
});
