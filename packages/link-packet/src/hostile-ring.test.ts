import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { LinkStatistics } from '@prism-net/link';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { PacketLinkCounters } from './link-counters.js';
import { RingLayout } from './ring-layout.js';
import { RingReceiver } from './ring-receiver.js';
import * as tpacket from './tpacket.js';

const SLOT = 2048;
const SLOTS = 8;

function makeRing(frames = 64) {
  const memory = PacketMemory.create({ frames, kernelRingBytes: SLOT * SLOTS, debug: true });
  const offset = memory.reserveKernelRings(SLOT * SLOTS);
  const pool = PacketPool.create(memory, frames);
  const statistics = new LinkStatistics();
  const slots = new RingLayout(SLOTS, SLOT).offsets(offset);
  const counters = new PacketLinkCounters();
  return { memory, pool, statistics, slots, receiver: new RingReceiver(pool, slots, SLOT, statistics, counters) };
}

const word = fc.oneof(fc.integer(), fc.integer({ min: 0, max: 4096 }), fc.constantFrom(0, 1, -1, 60, 1514, 65_535));
const slotContents = fc.record({
  status: word.map((value) => value | 1),
  length: word,
  captured: fc.option(word, { nil: undefined }),
  offsets: word,
  tag: word,
  bytes: fc.uint8Array({ minLength: 100, maxLength: 400 }),
});

it('whatever a slot says, nothing outside it is read, nothing is thrown, and every slot is given back', () => {
  fc.assert(
    fc.property(fc.array(slotContents, { minLength: 1, maxLength: SLOTS }), (contents) => {
      const { memory, pool, statistics, slots, receiver } = makeRing();
      for (const [slot, { status, length, captured, offsets, tag, bytes }] of contents.entries()) {
        const at = slots[slot]! >> 2;
        memory.bytes.set(bytes, slots[slot]! + 32);
        memory.words[at + tpacket.LENGTH] = length;
        memory.words[at + tpacket.CAPTURED_LENGTH] = captured ?? length;
        memory.words[at + tpacket.OFFSETS] = offsets;
        memory.words[at + tpacket.VLAN] = tag;
        memory.words[at] = status;
      }
      const burst: Packet[] = [];
      let received = 0;
      for (let i = 0; i < 100; i++) {
        const count = receiver.receive(burst, 8);
        for (const packet of burst.slice(0, count)) {
          expect(packet.totalLength).toBeLessThanOrEqual(SLOT + 4);
          packet.release();
        }
        received += count;
      }
      expect(receiver.hasPackets()).toBe(false);
      // Datagrams may be more than slots: one that says it is many is cut.
      expect(received + statistics.dropped).toBeGreaterThanOrEqual(contents.length);
      for (const slot of slots) expect(memory.words[slot >> 2]).toBe(0);
      receiver.close();
      pool.assertNoLeaks();
    }),
    { numRuns: 200 },
  );
});

it('a packet comes out of its slot as it was, from wherever in the slot it starts', () => {
  const { memory, pool, slots, receiver } = makeRing();
  const at = slots[0]!;
  for (let i = 0; i < 100; i++) memory.view.setUint8(at + 90 + i, i);
  memory.words[(at >> 2) + tpacket.LENGTH] = 100;
  memory.words[(at >> 2) + tpacket.CAPTURED_LENGTH] = 100;
  memory.words[(at >> 2) + tpacket.OFFSETS] = 90 | (104 << 16);
  memory.words[at >> 2] = 1;
  const burst: Packet[] = [];
  expect(receiver.receive(burst, 8)).toBe(1);
  expect([...burst[0]!.toBytes()]).toEqual(Array.from({ length: 100 }, (_, i) => i));
  burst[0]!.release();
  pool.assertNoLeaks();
});

it('slots do not cross the end of a block, and the kernel counts as many as this does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5000 }), fc.integer({ min: 16, max: 8192 }), (slots, sixteenths) => {
      const layout = new RingLayout(slots, sixteenths * 16);
      const offsets = layout.offsets(4096);
      expect(layout.slots).toBeGreaterThanOrEqual(slots);
      expect(offsets.length).toBe(layout.slots);
      // packet_set_ring() of the kernel.
      expect(layout.blockBytes % 4096).toBe(0);
      expect(Math.floor(layout.blockBytes / layout.slotBytes) * layout.blocks).toBe(layout.slots);
      for (let i = 1; i < offsets.length; i++) {
        expect(offsets[i]! - offsets[i - 1]!).toBeGreaterThanOrEqual(layout.slotBytes);
        const inBlock = (offsets[i]! - 4096) % layout.blockBytes;
        expect(inBlock + layout.slotBytes).toBeLessThanOrEqual(layout.blockBytes);
      }
      expect(offsets.at(-1)! - 4096 + layout.slotBytes).toBeLessThanOrEqual(layout.bytes);
    }),
    { numRuns: 50 },
  );
});
