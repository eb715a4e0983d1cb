import { type Packet, type PacketMemory, PacketPool } from '@prism-net/buffers';
import { SpscRing } from '@prism-net/rings';
import type { EndLayout, SharedMemoryLinkEnd } from './shared-memory-layout.js';

/** Frames that go back, and frames that come back, per exchange. */
export const RETURN_BURST = 128;

/** Who has which frame, at one end of a shared-memory link; and the two rings in which frames go home. */
export class SharedFrames {
  readonly localPool: PacketPool;
  /** The peer's frames while they are here. */
  readonly remotePool: PacketPool;
  /** Frames were given back since the flag was cleared. */
  gaveBack = false;

  readonly #returnRing: SpscRing;
  readonly #returnedRing: SpscRing;
  /** By frame: 1 while the peer has it, so that it may come in. What is here cannot arrive a second time. */
  readonly #atPeer: Uint8Array;
  readonly #burst = new Int32Array(RETURN_BURST);
  readonly #firstLocalFrame: number;
  readonly #localFrames: number;

  constructor(memory: PacketMemory, end: SharedMemoryLinkEnd, layout: EndLayout, localPool: PacketPool) {
    const { buffer } = memory;
    const { frames } = memory.layout;
    const { capacity, name } = end;
    this.localPool = localPool;
    this.remotePool = new PacketPool(memory, { firstFrame: 0, frames }, { name: `${name} peer`, startsEmpty: true });
    this.#returnRing = new SpscRing({ buffer, byteOffset: layout.returnRing, capacity, wordsPerItem: 1 });
    this.#returnedRing = new SpscRing({ buffer, byteOffset: layout.returnedRing, capacity, wordsPerItem: 1 });
    this.#firstLocalFrame = localPool.region.firstFrame;
    this.#localFrames = localPool.region.frames;
    this.#atPeer = new Uint8Array(frames).fill(1);
    this.#atPeer.fill(0, this.#firstLocalFrame, this.#firstLocalFrame + this.#localFrames);
  }

  /** Own frames wait to be taken back. */
  get haveReturned(): boolean {
    return this.#returnedRing.length > 0;
  }

  /** True when the segment's frame may go to the peer as it is. */
  isSendable(segment: Packet): boolean {
    return segment.pool === this.localPool || segment.pool === this.remotePool;
  }

  /** Passes the segment's frame to the peer. */
  send(segment: Packet): void {
    this.#atPeer[segment.frame] = 1;
    segment.pool.lend(segment);
  }

  /** The packet of a frame that came in; null when the peer cannot have had it, or the range is not inside it. */
  adopt(frame: number, offset: number, length: number): Packet | null {
    // Also not 1 (undefined) for a number that is no frame's.
    if (this.#atPeer[frame] !== 1) return null;
    const index = (frame - this.#firstLocalFrame) | 0;
    const isLocal = index >= 0 && index < this.#localFrames;
    const packet = (isLocal ? this.localPool : this.remotePool).adopt(frame, offset, length);
    if (packet !== null) this.#atPeer[frame] = 0;
    else if (isLocal) this.takeBack(frame);
    else this.#refuse(frame);
    return packet;
  }

  /** An own frame comes home unused. False when the peer did not have it. */
  takeBack(frame: number): boolean {
    if (this.#atPeer[frame] !== 1 || !this.localPool.reclaim(frame)) return false;
    this.#atPeer[frame] = 0;
    return true;
  }

  /** Takes own frames back and gives released ones of the peer back, a bounded number of each. Returns how many came that could not. */
  exchange(): number {
    const burst = this.#burst;
    const count = this.#returnedRing.dequeueBurst(burst, 0, RETURN_BURST);
    let bad = 0;
    for (let i = 0; i < count; i = (i + 1) | 0) if (!this.takeBack(burst[i]!)) bad = (bad + 1) | 0;
    const { remotePool } = this;
    let left = Math.min(RETURN_BURST, remotePool.available);
    if (left === 0) return bad;
    const ring = this.#returnRing;
    for (; left > 0; left = (left - 1) | 0) {
      const at = ring.reserve();
      if (at < 0) break;
      const frame = remotePool.takeReleasedFrame();
      this.#atPeer[frame] = 1;
      ring.words[at] = frame;
    }
    ring.commit();
    this.gaveBack = true;
    return bad;
  }

  /** Shows the peer all the room there is for returned frames. */
  publish(): void {
    this.#returnedRing.release();
  }

  /** The peer's frame of a descriptor with an impossible range: it goes home by the usual way. */
  #refuse(frame: number): void {
    const { layout } = this.remotePool.memory;
    const packet = this.remotePool.adopt(frame, layout.packetOffset + frame * layout.frameSize, 0);
    if (packet === null) return;
    this.#atPeer[frame] = 0;
    packet.release();
  }
}
