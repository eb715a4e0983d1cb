import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { type Packet, PacketMemory, PacketPool, TimestampSource } from '@prism-net/buffers';
import { ManualClock } from '@prism-net/time';
import { describe, expect, it } from 'vitest';
import { CaptureBytes } from './capture-bytes.testkit.js';
import { createReplayLink, type ReplayLink, type ReplayOptions } from './replay-link.js';

function setUp(capture: CaptureBytes, options: Partial<ReplayOptions> = {}, frames = 16) {
  const pool = PacketPool.create(PacketMemory.create({ frames, frameSize: 512, debug: true }), frames);
  const clock = new ManualClock(0x7fff_ff00);
  const link = createReplayLink({ capture: capture.toBytes(), pool, clock, ...options });
  return { pool, clock, link };
}

/** First bytes of the frames received now. */
function drain(link: ReplayLink, maximum = 4): number[] {
  const burst: Packet[] = [];
  const seen: number[] = [];
  for (;;) {
    const count = link.receive(burst, maximum);
    if (count === 0) return seen;
    for (const packet of burst.slice(0, count)) {
      seen.push(packet.view.getUint8(packet.offset));
      packet.release();
    }
  }
}

const start = (): CaptureBytes => new CaptureBytes(true).section().interface(1, 0);
const frame = (first: number, length = 60): Uint8Array => Uint8Array.from({ length }, (_, i) => first + i);

/** Frames 1 to 4 at 0, 10, 10.5 and 1,000,010.5 µs. */
function timed(): CaptureBytes {
  return new CaptureBytes(true)
    .section()
    .interface(1, 0, 9)
    .packet(0, 5_000_000_000n, frame(1))
    .packet(0, 5_000_010_000n, frame(2))
    .packet(0, 5_000_010_500n, frame(3))
    .packet(0, 6_000_010_500n, frame(4));
}

describe('replay link', () => {
  it('delivers the frames with their bytes and times, the IP header aligned, as fast as they are asked for', () => {
    const { link, pool } = setUp(start().packet(0, 1_000_002n, frame(1)).packet(0, 2_000_000n, frame(2)));
    const burst: Packet[] = [];
    expect(link.nextReceive()).toBe(0);
    expect(link.arm(() => {})).toBe(false);
    expect(link.done).toBe(false);
    expect(link.receive(burst, 8)).toBe(2);
    expect(link.done).toBe(true);
    expect(burst[0]!.toBytes()).toEqual(frame(1));
    expect((burst[0]!.offset + 14) % 4).toBe(0);
    expect(burst[0]).toMatchObject({
      timestampSource: TimestampSource.SOFTWARE,
      timestampSeconds: 1,
      timestampNanoseconds: 2000,
    });
    expect(link.receive([], 8)).toBe(0);
    expect([link.nextReceive(), link.arm(() => {})]).toEqual([-1, true]);
    expect(link.statistics).toMatchObject({ receivedPackets: 2, receivedBytes: 120, dropped: 0 });
    for (const packet of burst) packet.release();
    pool.assertNoLeaks();
  });

  it('spreads frames longer than a packet over several', () => {
    const { link } = setUp(start().packet(0, 0n, frame(1, 1000)));
    const burst: Packet[] = [];
    expect(link.receive(burst, 1)).toBe(1);
    expect(burst[0]!.toBytes()).toEqual(frame(1, 1000));
    expect(burst[0]!.length).toBe(318);
  });

  it('waits for the pool instead of losing frames', () => {
    const capture = start();
    for (let i = 0; i < 6; i++) capture.packet(0, BigInt(i), frame(i));
    const { link } = setUp(capture, {}, 2);
    const burst: Packet[] = [];
    const seen: number[] = [];
    for (let round = 0; round < 3; round++) {
      expect(link.receive(burst, 8)).toBe(2);
      for (const packet of burst) {
        seen.push(packet.view.getUint8(packet.offset));
        packet.release();
      }
    }
    expect(seen).toEqual([0, 1, 2, 3, 4, 5]);
    expect(link.done).toBe(true);
  });

  it('keeps the pace of the capture, or a multiple of it', () => {
    for (const [pace, first, rest] of [
      ['recorded', 10, 1_000_000],
      [10, 1, 100_000],
      [0.5, 20, 2_000_000],
    ] as const) {
      const { link, clock } = setUp(timed(), { pace });
      expect(drain(link)).toEqual([1]);
      expect(link.nextReceive()).toBe(first);
      expect(link.arm(() => {})).toBe(true);
      clock.advance(first - 1);
      expect(drain(link)).toEqual([]);
      clock.advance(1);
      const seen = drain(link);
      clock.advance(1);
      seen.push(...drain(link));
      expect(seen).toEqual([2, 3]);
      expect(link.nextReceive()).toBeGreaterThanOrEqual(rest - 2);
      clock.advance(rest);
      expect(drain(link)).toEqual([4]);
      expect(link.done).toBe(true);
    }
  });

  it('does not lose fractions of a microsecond', () => {
    const capture = new CaptureBytes(true).section().interface(1, 0, 9);
    for (let i = 0; i <= 300; i++) capture.packet(0, BigInt(i * 100), frame(i & 0xff));
    const { link, clock } = setUp(capture, { pace: 'recorded' });
    expect(drain(link)).toHaveLength(10);
    clock.advance(29);
    expect(drain(link)).toHaveLength(290);
    clock.advance(1);
    expect(drain(link)).toHaveLength(1);
  });

  it('delivers frames that go back in time at once', () => {
    const capture = start().packet(0, 100n, frame(1)).packet(0, 50n, frame(2)).packet(0, 110n, frame(3));
    const { link, clock } = setUp(capture, { pace: 'recorded' });
    expect(drain(link)).toEqual([1, 2]);
    clock.advance(10);
    expect(drain(link)).toEqual([3]);
  });

  it('plays the capture again', () => {
    const capture = start().packet(0, 0n, frame(1)).packet(0, 10n, frame(2));
    expect(drain(setUp(capture, { loops: 3 }).link)).toEqual([1, 2, 1, 2, 1, 2]);
    const { link, clock } = setUp(capture, { loops: 2, pace: 'recorded' });
    expect(drain(link)).toEqual([1]);
    clock.advance(10);
    expect(drain(link)).toEqual([2, 1]);
    clock.advance(10);
    expect(drain(link)).toEqual([2]);
    expect(link.done).toBe(true);
    const endless = setUp(capture, { loops: Number.POSITIVE_INFINITY }).link;
    for (let i = 0; i < 100; i++) {
      const burst: Packet[] = [];
      expect(endless.receive(burst, 5)).toBe(5);
      for (const packet of burst) packet.release();
    }
  });

  it('ends, even if told to go on for ever, when the capture holds nothing for it', () => {
    const { link } = setUp(new CaptureBytes(true).section(), { loops: Number.POSITIVE_INFINITY });
    expect(drain(link)).toEqual([]);
    expect(link.done).toBe(true);
  });

  it('counts frames of other link types, empty ones and those too long as dropped, and those captured short', () => {
    const capture = start()
      .interface(113, 0)
      .packet(1, 0n, frame(1))
      .packet(0, 0n, [])
      .packet(0, 0n, frame(2), 1500)
      .packet(0, 0n, frame(3, 6000))
      .packet(0, 0n, frame(4));
    const { link } = setUp(capture);
    expect(drain(link)).toEqual([2, 4]);
    expect(link.statistics.dropped).toBe(3);
    expect(link.capturedShort).toBe(1);
  });

  it('looks at a bounded number of records per call', () => {
    const capture = start().interface(113, 0);
    for (let i = 0; i < 5000; i++) capture.packet(1, 0n, [0]);
    capture.packet(0, 0n, frame(7));
    const { link } = setUp(capture);
    let calls = 0;
    const burst: Packet[] = [];
    while (link.receive(burst, 1) === 0) {
      calls++;
      expect(link.nextReceive()).toBe(0);
    }
    expect(calls).toBeGreaterThan(1);
    expect(burst[0]!.view.getUint8(burst[0]!.offset)).toBe(7);
  });

  it('counts and releases what is sent to it, and drops what is too long', () => {
    const { link, pool } = setUp(timed(), { mtu: 200 });
    const burst = [60, 218, 219].map((length) => {
      const packet = pool.take()!;
      packet.length = length;
      return packet;
    });
    expect(link.transmit(burst, 0, 3)).toBe(3);
    expect(link.statistics).toMatchObject({ transmittedPackets: 2, transmittedBytes: 278, dropped: 1 });
    pool.assertNoLeaks();
  });

  it('does nothing once closed but take what is sent', () => {
    const { link, pool } = setUp(timed());
    link.close();
    link.close();
    expect(link.receive([], 8)).toBe(0);
    expect(link.nextReceive()).toBe(-1);
    expect(link.arm(() => expect.fail('woke'))).toBe(true);
    const packet = pool.take()!;
    packet.length = 60;
    expect(link.transmit([packet], 0, 1)).toBe(1);
    expect(link.statistics).toMatchObject({ transmittedPackets: 0, dropped: 1 });
    pool.assertNoLeaks();
  });

  it('refuses a malformed capture and impossible options at once', () => {
    const cut = timed().toBytes();
    const pool = PacketPool.create(PacketMemory.create({ frames: 4 }), 4);
    const common = { pool, clock: new ManualClock(), capture: cut };
    expect(() => createReplayLink({ ...common, capture: cut.subarray(0, cut.length - 1) })).toThrow(
      /EINVAL: byte \d+:/,
    );
    expect(() => createReplayLink({ ...common, loops: 0 })).toThrow(/EINVAL: loops/);
    expect(() => createReplayLink({ ...common, pace: 0 })).toThrow(/EINVAL: pace/);
  });

  const real = new URL('../../../../../shared/data/iex-tops16.pcapng.gz', import.meta.url);
  it.runIf(existsSync(real))('replays every frame of a real capture', () => {
    const pool = PacketPool.create(PacketMemory.create({ frames: 64 }), 64);
    const capture = gunzipSync(readFileSync(real));
    const link = createReplayLink({ capture, pool, clock: new ManualClock(), loops: 2 });
    const burst: Packet[] = [];
    let datagrams = 0;
    while (!link.done) {
      const count = link.receive(burst, 32);
      for (let i = 0; i < count; i++) {
        const packet = burst[i]!;
        if (packet.view.getUint16(packet.offset + 12) === 0x0800 && packet.view.getUint8(packet.offset + 23) === 17) {
          datagrams++;
        }
        packet.release();
      }
    }
    expect(datagrams).toBe(2 * 13_022);
    expect(link.statistics.dropped).toBe(0);
    pool.assertNoLeaks();
  });
});
