import { HEADROOM, type Packet } from '@prism-net/buffers';
import type { ControlBlock } from '../control-block.js';

/** Less text than this is sooner copied than sent as a segment of its own. */
const LEAST_VIEW = 2048;

/** The sum of the text of the last packet made, or -1 when it was left to others. */
export let textSum = -1;

/**
 * A packet with the text from `sequence` on. Longer than `size`, it is a virtual segment: a chain with `size` bytes in
 * each frame but the last, and headroom in front of each, so that it can be cut into segments without copying; or, for a
 * link that takes it as it is, full frames. Null when the pool is empty.
 */
export function takeText(block: ControlBlock, sequence: number, length: number, size: number): Packet | null {
  const { pool } = block.layer;
  const first = pool.take();
  if (first === null) return null;
  const capacity = (first.frameSize - HEADROOM) | 0;
  if (length > size && block.path!.takesVirtualSegments) {
    first.gsoSize = size;
    textSum = -1;
    return takeFullFrames(block, first, sequence, length);
  }
  if (length > size || length > capacity) return takeChain(block, first, sequence, length, size, capacity);
  first.length = length;
  if (block.path!.completesChecksum) {
    block.sendBuffer.copy(sequence, length, first.offset);
    textSum = -1;
  } else {
    textSum = block.sendBuffer.copyAndSum(sequence, length, first.offset, 0);
  }
  return first;
}

function takeChain(
  block: ControlBlock,
  first: Packet,
  sequence: number,
  length: number,
  size: number,
  capacity: number,
): Packet | null {
  const { sendBuffer, layer } = block;
  const isVirtual = length > size;
  let frame = first;
  let at = sequence;
  let left = length;
  let leftOfSegment = size;
  for (;;) {
    const part = Math.min(left, leftOfSegment, capacity);
    sendBuffer.copy(at, part, frame.offset);
    frame.length = part;
    at = (at + part) | 0;
    left = (left - part) | 0;
    leftOfSegment = (leftOfSegment - part) | 0;
    if (leftOfSegment === 0) leftOfSegment = size;
    if (left === 0) break;
    const next = layer.pool.take();
    if (next === null) {
      first.release();
      return null;
    }
    frame.nextSegment = next;
    frame = next;
  }
  if (isVirtual) {
    first.gsoSize = size;
    textSum = -1;
  } else {
    textSum = block.path!.completesChecksum ? -1 : first.sum(0);
  }
  return first;
}

/**
 * Headers, and behind them the frames of the send buffer themselves, where the link only reads them and nobody else sends
 * from them; the rest is copied into full frames.
 */
function takeFullFrames(block: ControlBlock, first: Packet, sequence: number, length: number): Packet | null {
  const { sendBuffer } = block;
  const { sendsViews } = block.path!;
  if (!sendsViews) return copyBehind(block, first, sequence, length) === null ? giveUp(first) : first;
  let last = first;
  let at = sequence;
  let left = length;
  while (left > 0) {
    const part = Math.min(left, sendBuffer.contiguous(at));
    const view = part >= LEAST_VIEW ? sendBuffer.view(at, part) : null;
    if (view !== null) {
      last.nextSegment = view;
      last = view;
    } else {
      const end = copyBehind(block, last, at, part);
      if (end === null) return giveUp(first);
      last = end;
    }
    at = (at + part) | 0;
    left = (left - part) | 0;
  }
  return first;
}

function giveUp(first: Packet): null {
  first.release();
  return null;
}

/** Copies text behind that of `last`, as far as that is a frame of its own, and into further frames. Returns the last one. */
function copyBehind(block: ControlBlock, last: Packet, sequence: number, length: number): Packet | null {
  const { sendBuffer, layer } = block;
  let frame = last;
  let at = sequence;
  let left = length;
  for (;;) {
    const part = frame.viewOf === null ? Math.min(left, frame.tailroom) : 0;
    if (part > 0) {
      sendBuffer.copy(at, part, frame.end);
      frame.length = (frame.length + part) | 0;
      at = (at + part) | 0;
      left = (left - part) | 0;
    }
    if (left === 0) return frame;
    const next = layer.pool.take();
    if (next === null) return null;
    next.offset = next.base;
    frame.nextSegment = next;
    frame = next;
  }
}
