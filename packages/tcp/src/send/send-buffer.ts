import { foldSum, type Packet, type PacketMemory, type PacketPool } from '@prism-net/buffers';
import { seq } from '@prism-net/wire';
import { Holding, Holdings } from '../layer/holdings.js';

/** A longer list is not kept for the next connection. */
const LARGEST_KEPT = 64;
const INITIAL_CHUNKS = 8;
/** Text up to this long is copied behind the text before, rather than keeping a frame of its own. */
const SHORT = 256;

/**
 * The text an application wrote and the peer has not acknowledged: a run of sequence numbers, kept in frames of the
 * packet pool (*chunks*), so that an idle connection holds none. Segments are cut out of it at any boundary.
 */
export class SendBuffer extends Holding {
  /** Sequence number of the first byte kept: SND.UNA, once the handshake is done. */
  start = 0;
  /** Sequence number behind the last byte. */
  end = 0;
  /** Most bytes kept. */
  limit: number;

  readonly #pool: PacketPool;
  readonly #memory: PacketMemory;
  /** A circular list, as long as a power of two; absolute positions are taken modulo its length. */
  #chunks: (Packet | null)[] = [];
  /** Sequence number behind the last byte of each chunk. */
  #ends = new Int32Array(0);
  #first = 0;
  #next = 0;
  /** Where the last copy ended: the next usually begins in the same chunk. */
  #cursor = 0;

  constructor(pool: PacketPool, limit: number, holdings: Holdings = new Holdings(pool)) {
    super(holdings, 2);
    this.#pool = pool;
    this.#memory = pool.memory;
    this.limit = limit;
  }

  /** Bytes kept. */
  get length(): number {
    return (this.end - this.start) | 0;
  }

  /** Bytes that may be added. */
  get room(): number {
    return Math.max(0, (this.limit - this.length) | 0);
  }

  /** Whether it may take another frame: see {@link Holdings}. */
  get mayGrow(): boolean {
    return this.holdings.mayHold(this);
  }

  /** The first byte will have this sequence number. Only while empty. */
  begin(sequence: number): void {
    this.start = sequence;
    this.end = sequence;
  }

  /** Adds a copy of `bytes`; returns how many fitted, fewer when the limit is reached or the pool runs low. */
  write(bytes: Uint8Array, start: number, length: number): number {
    let left = Math.min(length, this.room);
    let at = start;
    while (left > 0) {
      const chunk = this.#writableChunk();
      if (chunk === null) break;
      const part = Math.min(left, chunk.tailroom);
      this.#memory.write(chunk.end, bytes, at, part);
      this.#extend(chunk, part);
      at = (at + part) | 0;
      left = (left - part) | 0;
    }
    return (at - start) | 0;
  }

  /** A copy of `length` bytes, no more than a frame holds, would be taken whole. */
  hasRoomFor(length: number): boolean {
    if (this.room < length) return false;
    const last = this.#lastChunk();
    return (last !== null && last.references === 1 && last.tailroom >= length) || this.mayGrow;
  }

  /** As {@link write}, of bytes in the packet memory. */
  writeFrom(from: number, length: number): number {
    let left = Math.min(length, this.room);
    let at = from;
    while (left > 0) {
      const chunk = this.#writableChunk();
      if (chunk === null) break;
      const part = Math.min(left, chunk.tailroom);
      this.#memory.copy(chunk.end, at, part);
      this.#extend(chunk, part);
      at = (at + part) | 0;
      left = (left - part) | 0;
    }
    return (at - from) | 0;
  }

  /** Takes the packet, with all its segments: its data are the next bytes. The caller has checked {@link room}. */
  append(packet: Packet): void {
    let segment: Packet | null = packet;
    while (segment !== null) {
      const next: Packet | null = segment.nextSegment;
      segment.nextSegment = null;
      this.#appendSegment(segment);
      segment = next;
    }
  }

  /** Gives up the bytes before `sequence`: they are acknowledged. */
  release(sequence: number): void {
    this.start = sequence;
    const first = this.#first;
    while (this.#first !== this.#next) {
      const index = this.#first & (this.#chunks.length - 1);
      if (seq.isGreater(this.#ends[index]!, sequence)) break;
      this.#chunks[index]!.release();
      this.#chunks[index] = null;
      this.#first = (this.#first + 1) | 0;
    }
    if (this.#first !== first) this.unhold((this.#first - first) | 0);
  }

  /** Gives up everything. */
  clear(): void {
    this.release(this.end);
    this.forget();
  }

  /** Gives up the memory of a list that has grown. Only while empty. */
  shrink(): void {
    this.forget();
    if (this.#chunks.length <= LARGEST_KEPT) return;
    this.#chunks = [];
    this.#ends = new Int32Array(0);
  }

  /** Copies `length` bytes from `sequence` on, all of which are kept, to offset `target` of the memory. */
  copy(sequence: number, length: number, target: number): void {
    let index = this.#find(sequence);
    let at = sequence;
    let left = length;
    let to = target;
    const mask = (this.#chunks.length - 1) | 0;
    for (;;) {
      const slot = index & mask;
      const chunk = this.#chunks[slot]!;
      const behind = (this.#ends[slot]! - at) | 0;
      const part = Math.min(left, behind);
      this.#memory.copy(to, (chunk.offset + chunk.length - behind) | 0, part);
      left = (left - part) | 0;
      if (left === 0) {
        this.#cursor = part === behind ? (index + 1) | 0 : index;
        return;
      }
      at = (at + part) | 0;
      to = (to + part) | 0;
      index = (index + 1) | 0;
    }
  }

  /** As {@link copy}, and returns the sum of the bytes on top of `initial`. */
  copyAndSum(sequence: number, length: number, target: number, initial: number): number {
    let index = this.#find(sequence);
    let at = sequence;
    let left = length;
    let to = target;
    let sum = initial;
    const mask = (this.#chunks.length - 1) | 0;
    for (;;) {
      const slot = index & mask;
      const chunk = this.#chunks[slot]!;
      const behind = (this.#ends[slot]! - at) | 0;
      const part = Math.min(left, behind);
      const from = (chunk.offset + chunk.length - behind) | 0;
      if ((((to - target) | 0) & 1) === 0) sum = this.#memory.copyAndSum(to, from, part, sum);
      else {
        // A part at an odd position of the whole contributes its sum with the bytes swapped (RFC 1071 §2 (B)).
        const odd = this.#memory.copyAndSum(to, from, part, 0);
        sum = foldSum(sum + (((odd & 0xff) << 8) | (odd >>> 8)));
      }
      left = (left - part) | 0;
      if (left === 0) {
        this.#cursor = part === behind ? (index + 1) | 0 : index;
        return sum;
      }
      at = (at + part) | 0;
      to = (to + part) | 0;
      index = (index + 1) | 0;
    }
  }

  /** Bytes from `sequence`, which is kept, to the end of its chunk. */
  contiguous(sequence: number): number {
    const index = this.#find(sequence);
    this.#cursor = index;
    return (this.#ends[index & (this.#chunks.length - 1)]! - sequence) | 0;
  }

  /**
   * The `length` bytes from `sequence` on, which lie in one chunk, as they are: not a copy. Null while somebody else has a
   * share in the chunk: it waits to be sent already.
   */
  view(sequence: number, length: number): Packet | null {
    const index = this.#find(sequence);
    const slot = index & (this.#chunks.length - 1);
    const chunk = this.#chunks[slot]!;
    const behind = (this.#ends[slot]! - sequence) | 0;
    this.#cursor = length === behind ? (index + 1) | 0 : index;
    return this.#pool.view(chunk, (chunk.offset + chunk.length - behind) | 0, length);
  }

  #lastChunk(): Packet | null {
    if (this.#first === this.#next) return null;
    return this.#chunks[(this.#next - 1) & (this.#chunks.length - 1)]!;
  }

  /** A chunk with room behind its text; one that a packet on its way shares has none. Null when there may be no other. */
  #writableChunk(): Packet | null {
    const chunk = this.#lastChunk();
    return chunk === null || chunk.tailroom === 0 || chunk.references !== 1 ? this.#newChunk() : chunk;
  }

  /** A fresh chunk at the end, without headroom: it is never sent itself. */
  #newChunk(): Packet | null {
    if (!this.mayGrow) return null;
    const chunk = this.#pool.take();
    if (chunk === null) return null;
    chunk.offset = chunk.base;
    this.#push(chunk);
    return chunk;
  }

  #appendSegment(segment: Packet): void {
    const length = segment.length;
    if (length <= SHORT) {
      const last = this.#lastChunk();
      if (length === 0 || (last !== null && canHold(last, segment))) {
        if (length > 0) {
          this.#memory.copy(last!.end, segment.offset, length);
          this.#extend(last!, length);
        }
        segment.release();
        return;
      }
    }
    this.end = (this.end + length) | 0;
    this.#push(segment);
  }

  #extend(chunk: Packet, length: number): void {
    chunk.length = (chunk.length + length) | 0;
    this.end = (this.end + length) | 0;
    this.#ends[(this.#next - 1) & (this.#chunks.length - 1)] = this.end;
  }

  #push(chunk: Packet): void {
    this.hold(1);
    if (((this.#next - this.#first) | 0) === this.#chunks.length) this.#grow();
    const index = this.#next & (this.#chunks.length - 1);
    this.#chunks[index] = chunk;
    this.#ends[index] = this.end;
    this.#next = (this.#next + 1) | 0;
  }

  #grow(): void {
    const capacity = this.#chunks.length === 0 ? INITIAL_CHUNKS : this.#chunks.length * 2;
    const chunks = new Array<Packet | null>(capacity).fill(null);
    const ends = new Int32Array(capacity);
    const mask = this.#chunks.length - 1;
    for (let i = this.#first; i !== this.#next; i = (i + 1) | 0) {
      chunks[i & (capacity - 1)] = this.#chunks[i & mask]!;
      ends[i & (capacity - 1)] = this.#ends[i & mask]!;
    }
    this.#chunks = chunks;
    this.#ends = ends;
  }

  /** Position of the chunk that holds the byte: the one of the last copy, or by binary search. */
  #find(sequence: number): number {
    const mask = (this.#chunks.length - 1) | 0;
    const cursor = this.#cursor;
    if (((cursor - this.#first) | 0) >= 0 && ((this.#next - cursor) | 0) > 0) {
      const slot = cursor & mask;
      const end = this.#ends[slot]!;
      const behind = (end - sequence) | 0;
      if (behind > 0 && behind <= this.#chunks[slot]!.length) return cursor;
    }
    let low = this.#first;
    let high = (this.#next - 1) | 0;
    while (((high - low) | 0) > 0) {
      const middle = (low + (((high - low) | 0) >> 1)) | 0;
      if (seq.isGreater(this.#ends[middle & mask]!, sequence)) high = middle;
      else low = (middle + 1) | 0;
    }
    return low;
  }
}

/** There is room behind the text, in a frame of the same memory that nobody else has a share in. */
function canHold(last: Packet, segment: Packet): boolean {
  return last.tailroom >= segment.length && last.references === 1 && last.memory === segment.memory;
}
