import { type FrameRegion, type Packet, PacketMemory, PacketPool, type SharedPacketMemory } from '@prism-net/buffers';
import { openSharedMemoryLink, type SharedMemoryLinkEnd } from './index.js';

/** The worker's half of the test of two threads: checks what arrives and sends it back. */
export interface EchoTask {
  readonly shared: SharedPacketMemory;
  readonly end: SharedMemoryLinkEnd;
  readonly region: FrameRegion;
  readonly packets: number;
  /** Where the result words go. */
  readonly resultOffset: number;
}

/** Words of the result. */
export const EchoResult = {
  STATE: 0,
  ECHOED: 1,
  BAD: 2,
  DROPPED: 3,
  AVAILABLE: 4,
  LENT: 5,
  OUTSTANDING: 6,
  COPIES: 7,
  WORDS: 8,
} as const;
/** Values of EchoResult.STATE. */
export const EchoState = { RUNNING: 0, ECHOED_ALL: 1, FINISHED: 2 } as const;

export const BURST = 64;
const WORDS = 12;

/** Packets of three segments of four words. */
export function isChain(number: number): boolean {
  return number % 7 === 0;
}

/** Packets the worker answers from its own pool instead of in place. */
export function isAnsweredAnew(number: number): boolean {
  return number % 3 === 0;
}

/** A packet that carries `number` and words that depend on it; null when the pool has not enough frames. */
export function writeNumbered(pool: PacketPool, number: number): Packet | null {
  const segments = isChain(number) ? 3 : 1;
  if (pool.available < segments) return null;
  const packet = pool.take()!;
  let segment = packet;
  for (let word = 0; word < WORDS; word++) {
    if (segment.length === (WORDS * 4) / segments) {
      const next = pool.take()!;
      segment.nextSegment = next;
      segment = next;
    }
    segment.view.setInt32(segment.end, number + Math.imul(word, 0x01000193));
    segment.length += 4;
  }
  return packet;
}

/** The number a packet carries, -1 when anything in it is wrong. */
export function readNumbered(packet: Packet): number {
  const number = packet.view.getInt32(packet.offset);
  if (packet.totalLength !== WORDS * 4) return -1;
  let word = 0;
  let segments = 0;
  for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
    segments++;
    for (let at = segment.offset; at < segment.end; at += 4, word++) {
      if (segment.view.getInt32(at) !== ((number + Math.imul(word, 0x01000193)) | 0)) return -1;
    }
  }
  return segments === (isChain(number) ? 3 : 1) ? number : -1;
}

export function runEcho(task: EchoTask): void {
  const memory = PacketMemory.attach(task.shared);
  const pool = new PacketPool(memory, task.region, { name: 'worker' });
  const link = openSharedMemoryLink(memory, task.end, pool);
  const result = new Int32Array(memory.buffer, task.resultOffset, EchoResult.WORDS);
  const received: Packet[] = [];
  const answers: Packet[] = [];
  let expected = 0;
  let bad = 0;
  while (expected < task.packets) {
    const count = link.receive(received, BURST);
    if (count === 0) link.sleep(10);
    for (let i = 0; i < count; i++) {
      const packet = received[i]!;
      if (readNumbered(packet) !== expected) bad++;
      answers[i] = packet;
      if (isAnsweredAnew(expected)) {
        packet.release();
        answers[i] = takeAnswer(expected);
      }
      expected++;
    }
    let sent = 0;
    while (sent < count) {
      sent += link.transmit(answers, sent, count - sent);
      if (sent < count) link.sleep(10);
    }
  }
  Atomics.store(result, EchoResult.STATE, EchoState.ECHOED_ALL);
  // Everything comes home: frames that the peer still reads, and its frames that are here.
  while (pool.available < task.region.frames || link.remotePool.available > 0) {
    link.receive(received, 0);
    link.sleep(1);
  }
  result[EchoResult.ECHOED] = expected;
  result[EchoResult.BAD] = bad;
  result[EchoResult.DROPPED] = link.statistics.dropped;
  result[EchoResult.AVAILABLE] = pool.available;
  result[EchoResult.LENT] = pool.lent;
  result[EchoResult.OUTSTANDING] = pool.outstanding + link.remotePool.outstanding;
  result[EchoResult.COPIES] = memory.copies[0]!;
  Atomics.store(result, EchoResult.STATE, EchoState.FINISHED);
  link.close();

  function takeAnswer(number: number): Packet {
    for (;;) {
      const answer = writeNumbered(pool, number);
      if (answer !== null) return answer;
      link.receive(received, 0); // takes own frames back
    }
  }
}
