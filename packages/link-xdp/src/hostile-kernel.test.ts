import type { Packet } from '@prism-net/buffers';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FakeKernel } from './fake-kernel.testkit.js';
import { CONTINUED } from './receive-side.js';

const received = (kernel: FakeKernel, maximum = 64): Packet[] => {
  const burst: Packet[] = [];
  return burst.slice(0, kernel.receiver.receive(burst, maximum)).length === 0 ? [] : burst;
};

/** No frame is lost or in two places, whatever the kernel said. */
function expectBooksBalanced(kernel: FakeKernel): void {
  const { pool, frames } = kernel;
  expect(pool.available + pool.outstanding + pool.lent).toBe(pool.region.frames);
  expect(frames.receiving + frames.sending).toBe(pool.lent);
}

describe('what the kernel hands over is believed only where it can be true', () => {
  it('takes a frame that is in the fill ring, with its data where the descriptor says', () => {
    const kernel = new FakeKernel();
    const address = kernel.takeFilled();
    kernel.deliver(address + 258, 60);
    const [packet] = received(kernel);
    expect(packet).toMatchObject({ offset: kernel.memory.layout.packetOffset + address + 258, length: 60 });
    packet!.release();
    expect(kernel.details.invalidRecords).toBe(0);
    expectBooksBalanced(kernel);
  });

  it.each<[string, (kernel: FakeKernel) => void]>([
    ['an address outside of the packet memory', (kernel) => kernel.deliver(kernel.addressOf(64), 60)],
    ['a negative address', (kernel) => kernel.deliver(-2048 + 258, 60)],
    ['an address beyond 32 bits', (kernel) => kernel.deliver(kernel.takeFilled() + 258, 60, 0, 1)],
    ['a frame that is free', (kernel) => kernel.deliver(kernel.addressOf(40), 60)],
    ['a length beyond the frame', (kernel) => kernel.deliver(kernel.takeFilled() + 258, 2048 - 258 + 1)],
    ['a negative length', (kernel) => kernel.deliver(kernel.takeFilled() + 258, -1)],
    ['an option nobody knows', (kernel) => kernel.deliver(kernel.takeFilled() + 258, 60, 1 << 5)],
  ])('refuses %s, counts it and goes on', (_, hostile) => {
    const kernel = new FakeKernel();
    hostile(kernel);
    kernel.deliver(kernel.takeFilled() + 258, 61);
    const packets = received(kernel);
    expect(packets.map(({ length }) => length)).toEqual([61]);
    expect(kernel.details.invalidRecords).toBe(1);
    expect(kernel.statistics.dropped).toBe(1);
    packets[0]!.release();
    expectBooksBalanced(kernel);
  });

  it('refuses a frame that is delivered twice', () => {
    const kernel = new FakeKernel();
    const address = kernel.takeFilled() + 258;
    kernel.deliver(address, 60);
    kernel.deliver(address, 60);
    expect(received(kernel)).toHaveLength(1);
    expect(kernel.details.invalidRecords).toBe(1);
    expectBooksBalanced(kernel);
  });

  it('refuses completions of frames it does not send, and the second of one it does', () => {
    const kernel = new FakeKernel();
    const packet = kernel.pool.take()!;
    packet.length = 60;
    const address = packet.offset - kernel.memory.layout.packetOffset;
    kernel.transmitter.transmit([packet], 0, 1);
    kernel.complete(address);
    kernel.complete(address);
    kernel.complete(kernel.takeFilled()); // to be received into, not sent
    kernel.complete(-1);
    kernel.complete(kernel.addressOf(64));
    kernel.transmitter.complete();
    expect(kernel.details.invalidRecords).toBe(4);
    expect(kernel.frames.sending).toBe(0);
    expectBooksBalanced(kernel);
  });

  it.each([17, 1000, -1, -0x8000_0000])('reads nothing where an index is %i records ahead', (jump) => {
    const kernel = new FakeKernel();
    kernel.receive.producer = jump;
    kernel.completion.producer = jump;
    kernel.transmit.consumer = 17; // more than was given
    expect(received(kernel)).toEqual([]);
    kernel.transmitter.complete();
    const packet = kernel.pool.take()!;
    packet.length = 60;
    expect(kernel.transmitter.transmit([packet], 0, 1)).toBe(0);
    packet.release();
    const { receive, completion, transmit } = kernel.rings;
    expect([receive.disorder, completion.disorder, transmit.disorder].every((count) => count > 0)).toBe(true);
    expectBooksBalanced(kernel);
  });

  it('drops a chain of which one part is bad, and takes the others back', () => {
    const kernel = new FakeKernel();
    kernel.deliver(kernel.takeFilled() + 258, 1000, CONTINUED);
    kernel.deliver(kernel.addressOf(40), 1000, CONTINUED);
    kernel.deliver(kernel.takeFilled() + 258, 1000);
    kernel.deliver(kernel.takeFilled() + 258, 60);
    const packets = received(kernel);
    expect(packets.map(({ totalLength }) => totalLength)).toEqual([60]);
    packets[0]!.release();
    expect(kernel.pool.outstanding).toBe(0);
    expectBooksBalanced(kernel);
  });

  it('waits for the end of a chain, and gives up where the ring has no room for one', () => {
    const kernel = new FakeKernel();
    kernel.deliver(kernel.takeFilled() + 258, 1000, CONTINUED);
    expect(received(kernel)).toEqual([]);
    kernel.deliver(kernel.takeFilled() + 258, 500);
    const [packet] = received(kernel);
    expect(packet!.totalLength).toBe(1500);
    packet!.release();
    for (let i = 0; i < 16; i++) kernel.deliver(kernel.addressOf(i), 1000, CONTINUED);
    expect(received(kernel)).toEqual([]);
    expect(kernel.rings.receive.length).toBe(0);
    expect(kernel.pool.outstanding).toBe(0);
    expectBooksBalanced(kernel);
  });

  it('survives any nonsense at all', () => {
    const word = fc.oneof(fc.integer({ min: -1 << 31, max: 0x7fff_ffff }), fc.integer({ min: -64, max: 64 }));
    const address = fc.oneof(
      word,
      fc.tuple(fc.nat(70), fc.nat(4096)).map(([frame, offset]) => frame * 2048 + offset),
    );
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('deliver' as const),
        address,
        length: fc.oneof(word, fc.nat(2048)),
        options: fc.oneof(fc.constantFrom(0, 1), word),
        high: fc.constantFrom(0, 0, 0, 1, -1),
      }),
      fc.record({ kind: fc.constant('complete' as const), address, high: fc.constantFrom(0, 0, 0, -1) }),
      fc.record({
        kind: fc.constant('jump' as const),
        ring: fc.constantFrom('receive', 'transmit', 'fill', 'completion'),
        index: word,
      }),
      fc.record({ kind: fc.constant('send' as const), count: fc.integer({ min: 1, max: 20 }) }),
      fc.record({ kind: fc.constant('poll' as const) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const kernel = new FakeKernel({ debug: false });
        const held = new Set<Packet>();
        for (const now of steps) {
          if (now.kind === 'deliver') kernel.deliver(now.address, now.length, now.options, now.high);
          else if (now.kind === 'complete') kernel.complete(now.address, now.high);
          else if (now.kind === 'jump') kernel[now.ring as 'receive'].producer = now.index;
          else if (now.kind === 'send') {
            for (let i = 0; i < now.count; i++) {
              const packet = kernel.pool.take();
              if (packet === null) break;
              packet.length = 60;
              if (kernel.transmitter.transmit([packet], 0, 1) === 0) packet.release();
            }
          } else {
            for (const packet of received(kernel)) {
              for (let part: Packet | null = packet; part !== null; part = part.nextSegment) {
                expect(held.has(part)).toBe(false);
                held.add(part);
                expect(part.offset).toBeGreaterThanOrEqual(part.base);
                expect(part.end).toBeLessThanOrEqual(part.base + part.frameSize);
              }
              packet.release();
            }
            held.clear();
            kernel.transmitter.complete();
          }
          expectBooksBalanced(kernel);
        }
      }),
    );
  });
});
