import { PacketMemory, type SharedPacketMemory } from './packet-memory.js';
import { PacketPool } from './packet-pool.js';

/** What the test's other thread is told. */
export interface AttachTask {
  readonly shared: SharedPacketMemory;
  readonly region: { readonly firstFrame: number; readonly frames: number };
  readonly frame: number;
  readonly offset: number;
  readonly length: number;
}

/** Runs in another thread: sums a packet of the first thread in place, writes into it, and works on frames of its own. */
export function readAndAnswer({ shared, region, frame, offset, length }: AttachTask) {
  const memory = PacketMemory.attach(shared);
  const received = new PacketPool(memory, { firstFrame: frame, frames: 1 }, { startsEmpty: true });
  const packet = received.adopt(frame, offset, length);
  if (packet === null) throw new Error('the frame is not where the other thread says it is');
  const sum = packet.sum(0);
  packet.view.setUint32(packet.offset, 0x600d_f00d);
  packet.release();
  const own = new PacketPool(memory, region);
  const answer = own.take();
  if (answer === null) throw new Error('no packet');
  answer.view.setUint32(answer.offset, 0xcafe_f00d);
  let refusal = '';
  try {
    memory.reserveFrames(1);
  } catch (error) {
    refusal = String(error);
  }
  return { sum, answerFrame: answer.frame, answerOffset: answer.offset, refusal, unreserved: memory.unreservedFrames };
}
