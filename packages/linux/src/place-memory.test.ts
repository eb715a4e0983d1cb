import { readFileSync } from 'node:fs';
import { PacketMemory } from '@prism-net/buffers';
import { describe, expect, it } from 'vitest';
import { nativeUnavailable } from './native.testkit.js';
import { addressOf, aliasMemory, placeMemory } from './place-memory.js';

/** The lines of /proc/self/smaps about the mapping an address lies in. */
function mapping(address: number): string {
  const blocks = readFileSync('/proc/self/smaps', 'latin1').split(/^(?=[0-9a-f]+-[0-9a-f]+ )/m);
  return blocks.find((block) => {
    const [from, to] = block
      .split(' ')[0]!
      .split('-')
      .map((text) => Number.parseInt(text, 16));
    return address >= from! && address < to!;
  })!;
}

describe.skipIf(nativeUnavailable() !== null)('placeMemory', () => {
  it('puts the packet region on a boundary of 2 MiB by address, on huge pages where the kernel has them', () => {
    const memory = PacketMemory.create({ place: placeMemory() });
    const first = addressOf(memory.bytes) + memory.layout.packetOffset;
    expect(first % (2 * 1024 * 1024)).toBe(0);
    if (memory.placement.hugePages) {
      memory.bytes.fill(1, memory.layout.packetOffset);
      // 'hg' of VmFlags: madvise(MADV_HUGEPAGE) was called for this mapping (proc(5)).
      expect(mapping(first)).toMatch(/^VmFlags:.* hg\b/m);
    } else {
      expect(memory.placement.reason).toMatch(/huge pages refused/);
    }
  });

  it('asks for nothing that was not wanted', () => {
    const memory = PacketMemory.create({ place: placeMemory({ hugePages: false }) });
    expect(memory.placement).toEqual({ hugePages: false, locked: false, numaNode: undefined, reason: '' });
  });

  it('locks, or says why not', () => {
    const memory = PacketMemory.create({ frames: 64, place: placeMemory({ hugePages: false, lock: true }) });
    if (memory.placement.locked) expect(mapping(addressOf(memory.bytes))).toMatch(/^VmFlags:.* lo\b/m);
    else expect(memory.placement.reason).toMatch(/locking refused \(errno \d+\)/);
  });

  it.each([4_095, 1_000_000])('a NUMA node there is not is refused, not fatal: %d', (numaNode) => {
    const memory = PacketMemory.create({ frames: 64, place: placeMemory({ hugePages: false, numaNode }) });
    expect(memory.placement.numaNode).toBeUndefined();
    expect(memory.placement.reason).toContain(`NUMA node ${numaNode} refused`);
  });
});

describe.skipIf(nativeUnavailable() !== null)('the alias of a memory', () => {
  it('is the same bytes: what is copied through it is in the memory, and the other way round', () => {
    const memory = PacketMemory.create({ frames: 64, place: placeMemory({ hugePages: false }) });
    const at = memory.layout.packetOffset + 3;
    const written = Uint8Array.from({ length: 5000 }, (_, i) => i * 7);
    memory.write(at, written, 1, 4999);
    expect(memory.bytes.slice(at, at + 4999)).toEqual(written.slice(1));
    memory.bytes[at + 100] = 99;
    const read = new Uint8Array(5000);
    memory.read(at, read, 1, 4999);
    expect(read[101]).toBe(99);
    expect(addressOf(new Uint8Array(aliasMemory(memory)!))).toBe(addressOf(memory.bytes));
  });

  it('keeps the memory alive, and another thread makes one of its own', () => {
    let memory: PacketMemory | undefined = PacketMemory.create({
      frames: 64,
      place: placeMemory({ hugePages: false }),
    });
    const shared = memory.share();
    const other = PacketMemory.attach(shared, aliasMemory(shared));
    const alias = new Uint8Array(aliasMemory(memory)!);
    const at = memory.layout.packetOffset;
    memory.write(at, new Uint8Array(1000).fill(5), 0, 1000);
    const read = new Uint8Array(1000);
    other.read(at, read, 0, 1000);
    memory = undefined;
    for (let i = 0; i < 20; i++) new Uint8Array(1 << 22).fill(1);
    expect([read[999], alias[at + 999]]).toEqual([5, 5]);
  });
});

describe.skipIf(nativeUnavailable() !== null)('addressOf', () => {
  it('counts in bytes, whatever the elements are', () => {
    const memory = new SharedArrayBuffer(4096);
    const start = addressOf(new Uint8Array(memory));
    expect(start).toBeGreaterThan(0);
    expect(addressOf(new Uint8Array(memory, 3))).toBe(start + 3);
    expect(addressOf(new Int32Array(memory, 8))).toBe(start + 8);
    expect(addressOf(new BigInt64Array(memory, 16))).toBe(start + 16);
  });

  it('is a TypeError of anything else', () => {
    const notBytes: unknown[] = [5, {}, undefined, 'text', new ArrayBuffer(8)];
    for (const value of notBytes) expect(() => addressOf(value as Uint8Array)).toThrow(/typed array/);
  });
});
