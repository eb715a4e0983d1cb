import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PacketMemory, type PacketMemoryLayout, type Placement } from './packet-memory.js';
import type { AttachTask, readAndAnswer } from './packet-memory.test.worker.js';
import { PacketPool } from './packet-pool.js';
import { webAssembly } from './web-assembly.js';

const HUGE_PAGE = 2 * 1024 * 1024;

function layoutFaults(layout: PacketMemoryLayout, memoryBytes: number): string[] {
  const faults: string[] = [];
  const expectOrder = (what: string, end: number, next: number) => {
    if (end > next) faults.push(`${what}: ends at ${end}, the next region starts at ${next}`);
  };
  expectOrder('reserved page', 65_536, layout.kernelRingOffset);
  expectOrder('kernel rings', layout.kernelRingOffset + layout.kernelRingBytes, layout.controlOffset);
  expectOrder('control', layout.controlOffset + layout.controlBytes, layout.packetOffset);
  expectOrder('packets', layout.packetOffset + layout.frames * layout.frameSize, memoryBytes);
  return faults;
}

describe('layout', () => {
  it('has the documented defaults', () => {
    const memory = PacketMemory.create();
    expect(memory.layout).toEqual({
      kernelRingOffset: 65_536,
      kernelRingBytes: 0,
      controlOffset: 65_536,
      controlBytes: 65_536,
      packetOffset: HUGE_PAGE,
      frameSize: 2048,
      frames: 4096,
    });
    expect(memory.debug).toBe(false);
    expect(memory.placement.hugePages).toBe(false);
    expect(memory.placement.reason).toMatch(/native link driver/);
    expect(memory.buffer).toBeInstanceOf(SharedArrayBuffer);
  });

  it('keeps regions apart and the packet region on a 2 MiB boundary of the address, whatever the sizes', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 300 }),
        fc.integer({ min: 9, max: 16 }),
        fc.nat(5_000_000),
        fc.nat(5_000_000),
        fc.nat(31),
        (frames, sizeBits, kernelRingBytes, controlBytes, page) => {
          const addressModulo2MiB = page * 65_536;
          const placement: Placement = { hugePages: true, locked: true, numaNode: 1, reason: 'test' };
          const place = () => ({ addressModulo2MiB, placement });
          const options = { frames, frameSize: 2 ** sizeBits, kernelRingBytes, controlBytes, place };
          const { layout, buffer, placement: got } = PacketMemory.create(options);
          expect(layoutFaults(layout, buffer.byteLength)).toEqual([]);
          expect((layout.packetOffset + addressModulo2MiB) % HUGE_PAGE).toBe(0);
          expect(layout.kernelRingOffset % 65_536).toBe(0);
          expect(layout.kernelRingBytes).toBeGreaterThanOrEqual(kernelRingBytes);
          expect(layout.controlBytes).toBeGreaterThanOrEqual(controlBytes);
          expect(got).toBe(placement);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('lets the driver see the memory before a byte of it is touched', () => {
    let seen: unknown;
    const memory = PacketMemory.create({
      frames: 1,
      place: (linear) => {
        seen = linear;
        return {
          addressModulo2MiB: 0,
          placement: { hugePages: false, locked: false, numaNode: undefined, reason: '' },
        };
      },
    });
    expect(seen).toBe(memory.memory);
  });
});

describe('options', () => {
  const placement: Placement = { hugePages: false, locked: false, numaNode: undefined, reason: '' };

  it.each([
    [{ frames: 0 }, 'frames must be a whole number from 1'],
    [{ frame: 4 } as never, "there is no option 'frame'; there are frames"],
    [{ frames: 1.5 }, 'frames must be a whole number from 1'],
    [{ frames: Number.NaN }, 'frames must be a whole number from 1'],
    [{ frameSize: 256 }, 'frameSize must be a whole number from 512 to 65536, not 256'],
    [{ frameSize: 131_072 }, 'frameSize must be a whole number from 512 to 65536, not 131072'],
    [{ frameSize: 1500 }, 'frameSize must be a power of two, not 1500'],
    [{ frames: 1_100_000, frameSize: 2048 }, '1100000 frames × 2048 bytes'],
    [{ controlBytes: -1 }, 'controlBytes must be a whole number from 0'],
    [{ controlBytes: Number.NaN }, 'controlBytes must be a whole number from 0'],
    [{ kernelRingBytes: 2 ** 31 }, 'would exceed 2 GiB'],
    [{ place: () => ({ addressModulo2MiB: HUGE_PAGE, placement }) }, 'addressModulo2MiB'],
  ])('%o is EINVAL: %s', (options, message) => {
    const create = () => PacketMemory.create(options);
    expect(create).toThrow(message);
    expect(create).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  it('is ENOMEM when the system has no memory', () => {
    const real = webAssembly.Memory;
    class Refusing {
      constructor() {
        throw new RangeError('could not allocate memory');
      }
    }
    Object.assign(webAssembly, { Memory: Refusing });
    try {
      const create = () => PacketMemory.create({ frames: 16 });
      expect(create).toThrow(/ENOMEM: the system has no \d+ bytes of packet memory/);
      expect(create).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
    } finally {
      Object.assign(webAssembly, { Memory: real });
    }
  });
});

describe('reservation', () => {
  it('hands out control bytes apart from each other, each on a cache line pair, until ENOMEM', () => {
    const memory = PacketMemory.create({ frames: 1, controlBytes: 512 });
    const { controlOffset } = memory.layout;
    expect(memory.reserveControl(1)).toBe(controlOffset);
    expect(memory.reserveControl(129)).toBe(controlOffset + 128);
    expect(() => memory.reserveControl(129)).toThrow('ENOMEM: control region: 129 bytes asked, 128 left of 512');
    expect(memory.reserveControl(128)).toBe(controlOffset + 384);
    expect(() => memory.reserveControl(1)).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
    expect(() => memory.reserveControl(-128)).toThrow(/EINVAL: bytes/);
  });

  it('sets pages for kernel rings aside, and joins what comes back', () => {
    const memory = PacketMemory.create({ frames: 1, kernelRingBytes: 65_536 });
    const { kernelRingOffset } = memory.layout;
    const offsets = [1, 4096, 4097, 49_152].map((bytes) => memory.reserveKernelRings(bytes));
    expect(offsets.map((offset) => offset - kernelRingOffset)).toEqual([0, 4096, 8192, 16_384]);
    expect(() => memory.reserveKernelRings(1)).toThrow(
      'ENOMEM: kernel ring region: no 4096 bytes in a row left of 65536',
    );
    memory.releaseKernelRings(offsets[0]!, 1);
    memory.releaseKernelRings(offsets[2]!, 4097);
    expect(() => memory.reserveKernelRings(8193)).toThrow('ENOMEM');
    memory.releaseKernelRings(offsets[1]!, 4096);
    expect(memory.reserveKernelRings(16_384)).toBe(kernelRingOffset);
    expect(() => PacketMemory.attach(memory.share()).reserveKernelRings(1)).toThrow('EINVAL');
  });

  it('hands out frames apart from each other, until ENOMEM', () => {
    const memory = PacketMemory.create({ frames: 10 });
    expect(memory.reserveFrames(4)).toEqual({ firstFrame: 0, frames: 4 });
    expect(memory.unreservedFrames).toBe(6);
    expect(() => memory.reserveFrames(7)).toThrow('ENOMEM: packet region: 7 frames asked, 6 left of 10; raise frames');
    expect(memory.reserveFrames(6)).toEqual({ firstFrame: 4, frames: 6 });
    expect(() => memory.reserveFrames(1)).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
    expect(() => memory.reserveFrames(0)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});

describe('attach', () => {
  it('in another thread sees and changes the same bytes at the same offsets, in the same frames', async () => {
    const program = new URL('../dist/packet-memory.test.worker.js', import.meta.url);
    if (!existsSync(fileURLToPath(program))) throw new Error('build the package first: threads run from dist');
    const memory = PacketMemory.create({ frames: 8 });
    const pool = PacketPool.create(memory, 4);
    const region = memory.reserveFrames(4);
    pool.take();
    const packet = pool.take()!;
    packet.length = 1001;
    for (let i = 0; i < packet.length; i++) memory.bytes[packet.offset + i] = i * 7;
    const sum = packet.sum(0);
    const bootstrap = `
      const { parentPort, workerData } = require('node:worker_threads');
      import(workerData.program).then((module) => parentPort.postMessage(module.readAndAnswer(workerData.task)));
    `;
    const { frame, offset, length } = packet;
    const task: AttachTask = { shared: memory.share(), region, frame, offset, length };
    const answer = await new Promise<ReturnType<typeof readAndAnswer>>((resolve, reject) => {
      const worker = new Worker(bootstrap, { eval: true, workerData: { program: program.href, task } });
      worker.once('message', resolve);
      worker.once('error', reject);
    });
    expect(answer.sum).toBe(sum);
    expect(memory.view.getUint32(packet.offset)).toBe(0x600d_f00d);
    expect(answer.answerFrame).toBe(4);
    expect(memory.view.getUint32(answer.answerOffset)).toBe(0xcafe_f00d);
    expect(answer.refusal).toMatch(/EINVAL: regions are reserved by the thread that created the memory/);
    expect(answer.unreserved).toBe(0);
  });

  it('keeps the debug mode and the placement', () => {
    const memory = PacketMemory.create({ frames: 1, debug: true });
    const attached = PacketMemory.attach(memory.share());
    expect(attached.debug).toBe(true);
    expect(attached.placement).toBe(memory.placement);
    expect(attached.layout).toBe(memory.layout);
  });
});

describe('copies in and out', () => {
  it('write and read carry any range of any array, by words or in bulk, and touch nothing beside', () => {
    const memory = PacketMemory.create({ frames: 2, frameSize: 4096 });
    const base = memory.layout.packetOffset;
    fc.assert(
      fc.property(fc.nat(600), fc.nat(9), fc.nat(9), fc.integer(), (length, at, from, seed) => {
        const source = Uint8Array.from({ length: from + length + 3 }, (_, i) => (i * 31 + seed) & 0xff).subarray(2);
        const to = base + 16 + at;
        // A source that comes again is read in another way than one that is new.
        for (let times = 0; times < 4; times++) {
          source[from] = times;
          memory.bytes.fill(0x77, base, base + 1000);
          memory.write(to, source, from, length);
          expect(memory.bytes.slice(to, to + length)).toEqual(source.slice(from, from + length));
          expect([memory.bytes[to - 1], memory.bytes[to + length]]).toEqual([0x77, 0x77]);
        }

        const target = new Uint8Array(from + length + 2).fill(0x55);
        memory.read(to, target, from + 1, length);
        expect(target.slice(from + 1, from + 1 + length)).toEqual(source.slice(from, from + length));
        expect([target[from], target[from + 1 + length]]).toEqual([0x55, 0x55]);
      }),
    );
  });

  it('write tells sources apart that take turns, and views of one buffer', () => {
    const memory = PacketMemory.create({ frames: 1 });
    const at = memory.layout.packetOffset;
    const shared = new Uint8Array(64).map((_, i) => i);
    const sources = [
      shared.subarray(1, 21),
      shared.subarray(30, 50),
      Uint8Array.from({ length: 20 }, (_, i) => 200 + i),
    ];
    for (const index of [0, 0, 0, 1, 0, 1, 1, 1, 2, 2, 2, 0, 2]) {
      memory.write(at, sources[index]!, 0, 20);
      expect(memory.bytes.slice(at, at + 20)).toEqual(sources[index]!.slice());
    }
  });

  it('are counted, all four kinds, in calls and bytes', () => {
    const memory = PacketMemory.create({ frames: 2 });
    const at = memory.layout.packetOffset;
    memory.copy(at + 100, at, 10);
    memory.copyAndSum(at + 100, at, 20, 0);
    memory.write(at, new Uint8Array(400), 0, 300);
    memory.read(at, new Uint8Array(40), 0, 4);
    memory.sum(at, 1000, 0);
    expect([...memory.copies]).toEqual([4, 334]);
  });
});
