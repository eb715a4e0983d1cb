import type { Packet, PacketPool } from '@prism-net/buffers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Link } from './link.js';

/** Two ends of a cable, for {@link describeLinkContract}; a loopback is both. */
export interface LinkPair {
  readonly left: Link;
  readonly right: Link;
  /** Where packets for `left` are taken from. Both pools should be of memory in debug mode. */
  readonly leftPool: PacketPool;
  readonly rightPool: PacketPool;
  /** True when `transmit` of a full link returns fewer than asked. Links that drop instead say false. */
  readonly backPressure: boolean;
  /** Lets packets move that a queue inside `left` holds, as polling it does. */
  pump?(): void;
  /** Checks at the end, both links closed, that every frame is accounted for. */
  assertNothingLost(): void;
}

const ETHERNET_HEADER = 14;
const MINIMUM_FRAME = 60;

/** An Ethernet frame from left to right (or back) that carries `number`, filled with bytes that depend on it. */
export function makeFrame(pool: PacketPool, link: Link, peer: Link, number: number, length = MINIMUM_FRAME): Packet {
  const packet = pool.take();
  if (packet === null) throw new Error('the pool of the test is empty');
  packet.offset += 2; // as received frames are: the IP header starts on a 4-byte boundary
  packet.length = length;
  const { view, offset } = packet;
  view.setUint16(offset, peer.capabilities.macAddress.high);
  view.setInt32(offset + 2, peer.capabilities.macAddress.low);
  view.setUint16(offset + 6, link.capabilities.macAddress.high);
  view.setInt32(offset + 8, link.capabilities.macAddress.low);
  view.setUint16(offset + 12, 0x88b5); // IEEE 802 local experimental EtherType 1
  view.setInt32(offset + ETHERNET_HEADER, number);
  for (let i = ETHERNET_HEADER + 4; i < length; i++) view.setUint8(offset + i, (number + i) & 0xff);
  return packet;
}

/** The number a frame carries, after a look at every byte behind it. */
export function readFrame(packet: Packet): number {
  const bytes = packet.toBytes();
  const number = new DataView(bytes.buffer).getInt32(ETHERNET_HEADER);
  for (let i = ETHERNET_HEADER + 4; i < bytes.length; i++) {
    if (bytes[i] !== ((number + i) & 0xff)) throw new Error(`frame ${number} differs at byte ${i} of ${bytes.length}`);
  }
  return number;
}

/** Receives what is there (and what `pump` brings) and returns the numbers, releasing the packets. */
export function drain(link: Link, pump?: () => void): number[] {
  const burst: Packet[] = [];
  const numbers: number[] = [];
  for (;;) {
    pump?.();
    const count = link.receive(burst, 16);
    if (count === 0) return numbers;
    for (const packet of burst.slice(0, count)) {
      numbers.push(readFrame(packet));
      packet.release();
    }
  }
}

/** Lets the event loop run until `condition` holds; false after a second. */
export async function eventually(condition: () => boolean): Promise<boolean> {
  for (let i = 0; i < 1000; i++) {
    if (condition()) return true;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return false;
}

const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, i) => from + i);

/** What every link must keep, whatever it is made of. The links must lose nothing and need no passing of time. */
export function describeLinkContract(name: string, makePair: () => LinkPair): void {
  describe(`${name} keeps the link contract`, () => {
    let pair: LinkPair;
    let left: Link;
    let right: Link;
    beforeEach(() => {
      pair = makePair();
      ({ left, right } = pair);
    });
    afterEach(() => {
      left.close();
      right.close();
      pair.assertNothingLost();
    });

    const frames = (from: number, count: number, length?: number): Packet[] =>
      range(from, count).map((number) => makeFrame(pair.leftPool, left, right, number, length));

    it('delivers packets in order with their bytes, and counts them', () => {
      let number = 0;
      for (const count of [1, 7, 16, 3]) {
        expect(left.transmit(frames(number, count, 100), 0, count)).toBe(count);
        expect(drain(right)).toEqual(range(number, count));
        number += count;
      }
      expect(left.statistics).toMatchObject({ transmittedPackets: 27, transmittedBytes: 2700, dropped: 0 });
      expect(right.statistics).toMatchObject({ receivedPackets: 27, receivedBytes: 2700, dropped: 0 });
    });

    it('carries packets the other way too', () => {
      const burst = range(0, 5).map((number) => makeFrame(pair.rightPool, right, left, number));
      expect(right.transmit(burst, 0, 5)).toBe(5);
      expect(drain(left)).toEqual(range(0, 5));
    });

    it('sends the asked part of the burst and fills the receiver’s burst from index 0 up to the maximum', () => {
      const burst = frames(0, 10);
      expect(left.transmit(burst, 2, 6)).toBe(6);
      for (const index of [0, 1, 8, 9]) burst[index]!.release();
      const received: Packet[] = [];
      expect(right.receive(received, 4)).toBe(4);
      expect(received.map(readFrame)).toEqual([2, 3, 4, 5]);
      for (const packet of received) packet.release();
      expect(right.receive(received, 0)).toBe(0);
      expect(drain(right)).toEqual([6, 7]);
      expect(right.receive(received, 4)).toBe(0);
    });

    it('carries chains of segments', () => {
      if (left.capabilities.maximumSegments < 3) return;
      const packet = makeFrame(pair.leftPool, left, right, 42, 300);
      // The same bytes, spread over three segments.
      const bytes = packet.toBytes();
      packet.length = 100;
      for (const at of [100, 200]) {
        const segment = pair.leftPool.take()!;
        segment.memory.write(segment.offset, bytes, at, 100);
        segment.length = 100;
        packet.append(segment);
      }
      expect(left.transmit([packet], 0, 1)).toBe(1);
      expect(drain(right)).toEqual([42]);
    });

    it('hands over packets that can be changed although the sender kept a reference', () => {
      const packet = makeFrame(pair.leftPool, left, right, 7);
      packet.retain();
      left.transmit([packet], 0, 1);
      const burst: Packet[] = [];
      expect(right.receive(burst, 1)).toBe(1);
      const received = burst[0]!;
      expect(readFrame(received)).toBe(7);
      received.view.setInt32(received.offset + ETHERNET_HEADER, 8);
      received.consume(ETHERNET_HEADER);
      received.release();
      expect(readFrame(packet)).toBe(7);
      packet.release();
    });

    it('hands over packets that can go straight back, headers turned round in place', () => {
      const burst = frames(0, 8);
      left.transmit(burst, 0, 8);
      const echo: Packet[] = [];
      expect(right.receive(echo, 8)).toBe(8);
      for (const { view, offset } of echo) {
        for (let i = 0; i < 6; i++) {
          const byte = view.getUint8(offset + i);
          view.setUint8(offset + i, view.getUint8(offset + 6 + i));
          view.setUint8(offset + 6 + i, byte);
        }
      }
      expect(right.transmit(echo, 0, 8)).toBe(8);
      expect(drain(left)).toEqual(range(0, 8));
    });

    it('pushes back when full, leaves the rest to the caller and goes on in order', () => {
      if (!pair.backPressure) return;
      let sent = 0;
      let refused: Packet[] = [];
      for (let number = 0; refused.length === 0; number += 8) {
        const burst = frames(number, 8);
        const taken = left.transmit(burst, 0, 8);
        sent += taken;
        refused = burst.slice(taken);
      }
      expect(left.statistics.transmitRefused).toBe(refused.length);
      expect(left.transmit(refused, 0, refused.length)).toBe(0);
      expect(drain(right, pair.pump)).toEqual(range(0, sent));
      expect(left.transmit(refused, 0, refused.length)).toBe(refused.length);
      expect(drain(right, pair.pump)).toEqual(range(sent, refused.length));
    });

    it('drops frames longer than the MTU allows, and counts them', () => {
      const { mtu } = left.capabilities;
      const packet = makeFrame(pair.leftPool, left, right, 1);
      while (packet.totalLength < mtu + 19) {
        const segment = pair.leftPool.take()!;
        segment.length = Math.min(segment.tailroom, mtu + 19 - packet.totalLength);
        packet.append(segment);
      }
      expect(left.transmit([packet], 0, 1)).toBe(1);
      expect(drain(right)).toEqual([]);
      expect(left.statistics).toMatchObject({ dropped: 1, transmittedPackets: 0 });
    });

    it('closes twice without harm, returns nothing afterwards, and takes and releases what is sent', () => {
      left.transmit(frames(0, 3), 0, 3);
      right.transmit([makeFrame(pair.rightPool, right, left, 3)], 0, 1);
      left.close();
      left.close();
      expect(left.receive([], 8)).toBe(0);
      expect(left.transmit(frames(4, 3), 0, 3)).toBe(3);
      expect(left.arm(() => expect.fail('a closed link woke somebody'))).toBe(true);
      right.close();
      expect(right.receive([], 8)).toBe(0);
    });

    it('takes packets for an end that is closed, and loses none of their frames', () => {
      right.close();
      const burst = frames(0, 4);
      expect(left.transmit(burst, 0, 4)).toBe(4);
    });

    it('wakes once, from the event loop, when packets arrive', async () => {
      let wakes = 0;
      expect(right.arm(() => wakes++)).toBe(true);
      left.transmit(frames(0, 1), 0, 1);
      left.transmit(frames(1, 2), 0, 2);
      expect(wakes).toBe(0);
      expect(await eventually(() => wakes > 0)).toBe(true);
      expect(drain(right)).toEqual([0, 1, 2]);
      left.transmit(frames(3, 1), 0, 1);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(wakes).toBe(1);
      expect(drain(right)).toEqual([3]);
    });

    it('refuses to arm, and does not wake, while packets wait', async () => {
      left.transmit(frames(0, 1), 0, 1);
      expect(right.arm(() => expect.fail('woke although arm said false'))).toBe(false);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(drain(right)).toEqual([0]);
    });

    it('replaces an earlier arming', async () => {
      let wakes = 0;
      right.arm(() => expect.fail('the earlier arming woke'));
      right.arm(() => wakes++);
      left.transmit(frames(0, 1), 0, 1);
      expect(await eventually(() => wakes > 0)).toBe(true);
      drain(right);
    });

    it('does not wake for packets that were received in the meantime', async () => {
      let wakes = 0;
      right.arm(() => wakes++);
      left.transmit(frames(0, 1), 0, 1);
      drain(right);
      right.arm(() => wakes++);
      left.transmit(frames(1, 1), 0, 1);
      expect(await eventually(() => wakes > 0)).toBe(true);
      await new Promise((resolve) => setTimeout(resolve, 5));
      expect(wakes).toBe(1);
      expect(drain(right)).toEqual([1]);
    });

    it('wakes a refused sender when there is room', async () => {
      if (!pair.backPressure) return;
      let taken = 1;
      for (let number = 0; taken === 1; number++) {
        const [packet] = frames(number, 1) as [Packet];
        taken = left.transmit([packet], 0, 1);
        if (taken === 0) packet.release();
      }
      let wakes = 0;
      // A loopback has packets waiting itself: arming is refused until they are gone.
      const armed = left.arm(() => wakes++);
      expect(armed).toBe(left !== right);
      drain(right);
      if (armed) expect(await eventually(() => wakes > 0)).toBe(true);
      else expect(left.arm(() => wakes++)).toBe(false);
      expect(left.transmit(frames(0, 1), 0, 1)).toBe(1);
      drain(right);
    });

    it('says that nothing falls due while nothing is in flight', () => {
      expect(right.nextReceive()).toBe(-1);
    });
  });
}
