import type { Packet } from '@prism-net/buffers';
import { seq } from '@prism-net/wire';

/** Text up to this long is copied behind its neighbour, rather than keeping a frame of its own. */
const SHORT = 512;

/**
 * Text that arrived ahead of a gap: disjoint ranges in the order of their sequence numbers, each a chain of packets. The
 * number of ranges and of bytes is bounded, an insertion costs O(log n) comparisons and one
 * memmove of what lies behind (CVE-2018-5390). Of overlapping text what came first is kept.
 */
export class ReassemblyQueue {
  /** Ranges now kept. */
  count = 0;
  /** Frames now kept, for the accounts. */
  frames = 0;
  /** Bytes now kept. */
  bytes = 0;
  /** First and behind-last sequence number of each range. Empty until something arrives out of order. */
  starts: Int32Array = NONE;
  ends: Int32Array = NONE;
  /** Position of the range that the last segment became part of: the first of SACK blocks (RFC 2018 §4). */
  latest = -1;

  /**
   * Where the packets of each range are: a move of ranges moves numbers only. Behind the last range stand the places that
   * are free.
   */
  #places: Int32Array = NONE;
  /** By place. */
  readonly #first: (Packet | null)[] = [];
  readonly #last: (Packet | null)[] = [];
  /** Frames of each range. */
  #frames: Int32Array = NONE;
  /** Frames of the ranges that the last packet swallowed. */
  #overlaidFrames = 0;

  /**
   * Takes the packet, a chain of `frames` frames that holds the text from `sequence` to `end`; where there is text already
   * that stays. False, and the packet is still the caller's, when there is nothing new in it, or it would be one range more
   * than `maximumRanges`.
   */
  insert(given: Packet, sequence: number, end: number, frames: number, maximumRanges: number): boolean {
    if (this.count === this.starts.length) this.#grow();
    let packet = given;
    let start = sequence;
    // The first range that ends at or behind the start.
    const at = this.#search(start);
    const isExtension = at < this.count && seq.isLessOrEqual(this.starts[at]!, start);
    if (isExtension) {
      const known = this.ends[at]!;
      if (seq.isLessOrEqual(end, known)) {
        this.latest = at;
        return false;
      }
      if (known !== start) packet = trimFront(packet, (known - start) | 0);
      start = known;
    } else if (this.count >= maximumRanges) {
      return false;
    }
    const next = isExtension ? (at + 1) | 0 : at;
    const stop = this.#overlayFrom(next, packet, start, end);
    const all = (frames + this.#overlaidFrames) | 0;
    if (isExtension) this.#extend(at, packet, stop, all);
    else this.#insertAt(at, packet, start, stop, all);
    this.latest = at;
    this.frames = (this.frames + frames) | 0;
    this.bytes = (this.bytes + ((stop - start) | 0)) | 0;
    if (((at + 1) | 0) < this.count && this.starts[(at + 1) | 0] === stop) this.#join(at);
    return true;
  }

  /**
   * For text in order, from `sequence` to `end`, that reaches into what came ahead of it: what came first is copied over
   * the packet's own, and where a range goes on behind the end, or the packet is not ours alone, the packet is cut in
   * front of it. Returns the new end; {@link takenFrames} frames went into it.
   */
  overlay(packet: Packet, sequence: number, end: number): number {
    const stop = this.#overlayFrom(0, packet, sequence, end);
    this.takenFrames = this.#overlaidFrames;
    this.frames = (this.frames - this.#overlaidFrames) | 0;
    return stop;
  }

  /**
   * When the first range begins at or before `sequence`, takes it out and returns its packets with the text before
   * `sequence` cut off; `taken` frames. Null when there is none, or nothing new in it.
   */
  take(sequence: number): Packet | null {
    this.takenFrames = 0;
    while (this.count > 0 && seq.isLessOrEqual(this.starts[0]!, sequence)) {
      const packet = this.#first[this.#places[0]!]!;
      const start = this.starts[0]!;
      const end = this.ends[0]!;
      const frames = this.#frames[0]!;
      this.#removeAt(0);
      this.frames = (this.frames - frames) | 0;
      this.bytes = (this.bytes - ((end - start) | 0)) | 0;
      this.takenFrames = (this.takenFrames + frames) | 0;
      const known = (sequence - start) | 0;
      if (seq.isGreater(end, sequence)) {
        this.takenEnd = end;
        return known > 0 ? trimFront(packet, known) : packet;
      }
      packet.release();
    }
    return null;
  }
  /** Frames that left by the last {@link take}, and the sequence number behind what it returned. */
  takenFrames = 0;
  takenEnd = 0;

  /** Releases the range with the highest sequence numbers, and returns its number of frames: memory is short. */
  prune(): number {
    if (this.count === 0) return 0;
    const last = this.count - 1;
    const frames = this.#frames[last]!;
    this.bytes = (this.bytes - ((this.ends[last]! - this.starts[last]!) | 0)) | 0;
    this.frames = (this.frames - frames) | 0;
    this.#first[this.#places[last]!]!.release();
    this.#removeAt(last);
    return frames;
  }

  /** Releases everything, and returns the number of frames. */
  clear(): number {
    const frames = this.frames;
    for (let i = 0; i < this.count; i++) {
      const place = this.#places[i]!;
      this.#first[place]!.release();
      this.#first[place] = null;
      this.#last[place] = null;
    }
    this.count = 0;
    this.frames = 0;
    this.bytes = 0;
    this.latest = -1;
    return frames;
  }

  /** Gives up the memory of a list that has grown. Only while empty. */
  shrink(): void {
    this.takenFrames = 0;
    this.takenEnd = 0;
    if (this.starts.length <= INITIAL_RANGES) return;
    this.starts = NONE;
    this.ends = NONE;
    this.#frames = NONE;
    this.#places = NONE;
    this.#first.length = 0;
    this.#last.length = 0;
  }

  /** Position of the first range whose end is not before `sequence`; `count` when there is none. */
  #search(sequence: number): number {
    const { ends } = this;
    let low = 0;
    let high = this.count;
    // Most often behind everything there is.
    if (high > 0 && seq.isLess(ends[high - 1]!, sequence)) return high;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (seq.isLess(ends[middle]!, sequence)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** {@link overlay}, for the ranges from `index` on. */
  #overlayFrom(index: number, packet: Packet, sequence: number, end: number): number {
    this.#overlaidFrames = 0;
    while (index < this.count && seq.isLess(this.starts[index]!, end)) {
      const start = this.starts[index]!;
      const known = (this.ends[index]! - start) | 0;
      if (seq.isGreater(this.ends[index]!, end) || isShared(packet)) {
        packet.trim((start - sequence) | 0);
        return start;
      }
      const range = this.#first[this.#places[index]!]!;
      copyOver(range, packet, (start - sequence) | 0);
      range.release();
      this.#overlaidFrames = (this.#overlaidFrames + this.#frames[index]!) | 0;
      this.bytes = (this.bytes - known) | 0;
      this.#removeAt(index);
    }
    return end;
  }

  /**
   * Range `at` has reached the next: they become one. The first packet of the next is copied when it is short, or text that
   * comes from behind, byte by byte, would take a frame for each.
   */
  #join(at: number): void {
    const next = (at + 1) | 0;
    const last = this.#last[this.#places[at]!]!;
    let packet: Packet | null = this.#first[this.#places[next]!]!;
    if (canHold(last, packet)) {
      const following: Packet | null = packet.nextSegment;
      packet.nextSegment = null;
      absorb(last, packet);
      packet = following;
    }
    if (packet !== null) {
      last.nextSegment = packet;
      this.#last[this.#places[at]!] = this.#last[this.#places[next]!]!;
    }
    this.ends[at] = this.ends[next]!;
    this.#frames[at] = (this.#frames[at]! + this.#frames[next]!) | 0;
    this.#removeAt(next);
  }

  #extend(at: number, packet: Packet, end: number, frames: number): void {
    const last = this.#last[this.#places[at]!]!;
    if (packet.nextSegment === null && canHold(last, packet)) {
      absorb(last, packet);
    } else {
      last.nextSegment = packet;
      this.#last[this.#places[at]!] = lastSegment(packet);
    }
    this.ends[at] = end;
    this.#frames[at] = (this.#frames[at]! + frames) | 0;
  }

  #insertAt(at: number, packet: Packet, start: number, end: number, frames: number): void {
    const place = this.#places[this.count]!;
    this.#move(at, at + 1, this.count);
    this.count = (this.count + 1) | 0;
    this.starts[at] = start;
    this.ends[at] = end;
    this.#frames[at] = frames;
    this.#places[at] = place;
    this.#first[place] = packet;
    this.#last[place] = lastSegment(packet);
  }

  #removeAt(at: number): void {
    const place = this.#places[at]!;
    this.#move(at + 1, at, this.count);
    this.count = (this.count - 1) | 0;
    this.#places[this.count] = place;
    this.#first[place] = null;
    this.#last[place] = null;
    if (this.latest > at) this.latest = (this.latest - 1) | 0;
    else if (this.latest === at) this.latest = Math.min(at, this.count - 1);
  }

  /** Moves the ranges `from` … `end - 1` to `to`. */
  #move(from: number, to: number, end: number): void {
    if (from >= end) return;
    this.starts.copyWithin(to, from, end);
    this.ends.copyWithin(to, from, end);
    this.#frames.copyWithin(to, from, end);
    this.#places.copyWithin(to, from, end);
  }

  /** Only a connection that loses packets needs the room. */
  #grow(): void {
    const capacity = Math.max(INITIAL_RANGES, this.starts.length * 2);
    this.starts = longer(this.starts, capacity);
    this.ends = longer(this.ends, capacity);
    this.#frames = longer(this.#frames, capacity);
    this.#places = longer(this.#places, capacity);
    while (this.#first.length < capacity) {
      this.#places[this.#first.length] = this.#first.length;
      this.#first.push(null);
      this.#last.push(null);
    }
  }
}

const INITIAL_RANGES = 16;
const NONE = new Int32Array(0);

function longer(words: Int32Array, capacity: number): Int32Array {
  const copy = new Int32Array(capacity);
  copy.set(words);
  return copy;
}

function lastSegment(packet: Packet): Packet {
  let last = packet;
  while (last.nextSegment !== null) last = last.nextSegment;
  return last;
}

/** The packet is short, and there is room for it behind the text of `last`, whose frame nobody else has a share in. */
function canHold(last: Packet, packet: Packet): boolean {
  const { length } = packet;
  return length <= SHORT && last.tailroom >= length && last.references === 1 && last.memory === packet.memory;
}

/** Copies a packet of one segment behind the text of `last`, and releases it. */
function absorb(last: Packet, packet: Packet): void {
  packet.memory.copy(last.end, packet.offset, packet.length);
  last.length = (last.length + packet.length) | 0;
  packet.release();
}

/** Cuts `bytes` off the front of a chain; returns the segment that is first now. */
function trimFront(packet: Packet, bytes: number): Packet {
  let left = bytes;
  let first = packet;
  while (left >= first.length && first.nextSegment !== null) {
    left = (left - first.length) | 0;
    const next = first.nextSegment;
    first.nextSegment = null;
    first.release();
    first = next;
  }
  first.consume(left);
  return first;
}

/** Somebody else sees what we write into it. */
function isShared(packet: Packet): boolean {
  for (let each: Packet | null = packet; each !== null; each = each.nextSegment) if (each.references !== 1) return true;
  return false;
}

/** Copies the text of one chain over that of another, whose byte `at` is the first to be replaced. */
function copyOver(from: Packet, chain: Packet, at: number): void {
  let target = chain;
  let position = at;
  for (let source: Packet | null = from; source !== null; source = source.nextSegment) {
    let offset = source.offset;
    let left = source.length;
    while (left > 0) {
      if (position >= target.length) {
        position = (position - target.length) | 0;
        target = target.nextSegment!;
        continue;
      }
      const part = Math.min(left, (target.length - position) | 0);
      const to = (target.offset + position) | 0;
      if (source.memory === target.memory) target.memory.copy(to, offset, part);
      else target.memory.write(to, source.memory.bytes, offset, part);
      offset = (offset + part) | 0;
      left = (left - part) | 0;
      position = (position + part) | 0;
    }
  }
}
