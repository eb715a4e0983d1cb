import { PacketFlag } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { ethernet } from '@prism-net/wire';
import { expect, it } from 'vitest';
import { Bench, PEER, PEER_IP } from './ethernet.testkit.js';
import { PreparedFrame } from './prepared-frame.js';

const { IPV4 } = ethernet.EtherType;

/** To a neighbour that is known, made by a rehearsed send. */
function prepare(bench: Bench): PreparedFrame {
  bench.interface.neighbours.addPermanent(PEER_IP, PEER.high, PEER.low);
  const frame = new PreparedFrame(bench.packet(Uint8Array.of(1, 2, 3, 4)), bench.pool);
  expect(bench.interface.sendToNeighbour(frame.beginRehearsal(), IPV4, PEER_IP, bench.now)).toBe(Errno.NONE);
  expect(frame.isWhole).toBe(true);
  frame.follow(bench.interface, PEER_IP, false);
  return frame;
}

it('what is patched lies in the copy that leaves next, and in those after it', () => {
  const bench = new Bench();
  const frame = prepare(bench);
  const first = frame.next()!;
  frame.payload.setUint8(1, 9);
  expect(frame.send(first, true)).toBe(Errno.NONE);
  frame.payload.setUint8(2, 8);
  expect(frame.send(frame.next()!, true)).toBe(Errno.NONE);
  expect(bench.sent().map((bytes) => [...bytes.subarray(14)])).toEqual([
    [1, 9, 3, 4],
    [1, 9, 8, 4],
  ]);
  frame.close();
  bench.finish();
});

it('a rehearsal sends nothing, keeps the copy for the next send, and leaves the counts of pool and memory as they were', () => {
  const bench = new Bench();
  const frame = prepare(bench);
  const next = frame.next()!;
  const { memory } = next;
  const before = [bench.pool.available, bench.pool.peak, ...memory.copies];
  expect(frame.rehearse(next)).toBe(Errno.NONE);
  expect([bench.pool.available, bench.pool.peak, ...memory.copies]).toEqual(before);
  expect(bench.sent()).toEqual([]);
  expect(frame.next()).toBe(next);
  expect(next.flags & PacketFlag.REHEARSAL).toBe(0);
  frame.close();
  bench.finish();
});

it('is not to be sent to a neighbour that has another address now, or is gone', () => {
  const bench = new Bench();
  const frame = prepare(bench);
  expect(frame.isNeighbourAsBefore).toBe(true);
  bench.interface.neighbours.addPermanent(PEER_IP, PEER.high, PEER.low ^ 1);
  expect(frame.isNeighbourAsBefore).toBe(false);
  bench.interface.neighbours.remove(PEER_IP, bench.now);
  expect(frame.isNeighbourAsBefore).toBe(false);
  frame.close();
  bench.finish();
});

it('closed, it has given both packets back and loads no more', () => {
  const bench = new Bench();
  const frame = prepare(bench);
  frame.load();
  frame.close();
  frame.close();
  expect([frame.isClosed, frame.kept, frame.load(), frame.payload.length]).toEqual([true, null, null, -1]);
  bench.finish();
});
