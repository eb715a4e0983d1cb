import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { invalidArgument, requireWholeNumber } from '@prism-net/errors';
import { placeMemory } from '@prism-net/linux';
import { ethernet, vlan } from '@prism-net/wire';
import type { RingSizes, XdpLinkOptions } from './xdp-options.js';

/** What the kernel leaves free in front of a frame it receives into (XDP_PACKET_HEADROOM). */
const KERNEL_HEADROOM = 256;
/** Two bytes more, so that the IP header behind 14 bytes of Ethernet starts on a 4-byte boundary. */
export const UMEM_HEADROOM = 2;
const DEFAULT_FRAMES = 4096;
/** Chunks of the UMEM are at least this, and at most a page. */
const SMALL_FRAME = 2048;
const LARGE_FRAME = 4096;
/** Indices and flags in front of the records; more than any kernel uses, rounded to pages anyway. */
const RING_HEADER = 512;
const PAGE = 4096;

/** Bytes of a packet that fit into one frame of this size. */
export function receiveRoom(frameSize: number): number {
  return frameSize - KERNEL_HEADROOM - UMEM_HEADROOM;
}

/** The longest frame of an interface. */
export function longestFrame(mtu: number): number {
  return mtu + ethernet.HEADER_LENGTH + vlan.TAG_LENGTH;
}

/** Bytes of kernel ring region that rings of these sizes need. */
export function ringBytes({ receive, transmit, fill, completion }: RingSizes): number {
  const page = (bytes: number) => Math.ceil((bytes + RING_HEADER) / PAGE) * PAGE;
  return page(receive * 16) + page(transmit * 16) + page(fill * 8) + page(completion * 8);
}

/** The pool of the link: the one given, one in the memory given, or one in a memory made for it. */
export function packetsFor(options: XdpLinkOptions, mtu: number, rings: RingSizes): PacketPool {
  const name = options.name ?? `xdp:${options.interface}`;
  const pool = options.pool ?? poolFor(options, mtu, rings, name);
  const { frameSize } = pool.memory.layout;
  if (frameSize !== SMALL_FRAME && frameSize !== LARGE_FRAME) {
    throw invalidArgument(
      'openXdpLink',
      `frames of the memory must have 2048 or 4096 bytes for AF_XDP, not ${frameSize}`,
    );
  }
  return pool;
}

function poolFor(options: XdpLinkOptions, mtu: number, rings: RingSizes, name: string): PacketPool {
  const { memory } = options;
  if (memory !== undefined) return PacketPool.create(memory, options.frames ?? memory.unreservedFrames, { name });
  const frames = options.frames ?? DEFAULT_FRAMES;
  const frameSize = longestFrame(mtu) <= receiveRoom(SMALL_FRAME) ? SMALL_FRAME : LARGE_FRAME;
  const made = PacketMemory.create({ frames, frameSize, kernelRingBytes: ringBytes(rings), place: placeMemory() });
  return PacketPool.create(made, frames, { name });
}

/** Frames for the kernel to receive into, and free ones that are left to senders however many packets are held. */
export function shareOut(pool: PacketPool, rings: RingSizes, fillFrames: number | undefined): [number, number] {
  const { frames } = pool.region;
  const most = Math.min(rings.fill, frames);
  const fill = fillFrames ?? Math.min(most, Math.max(1, frames >> 1));
  requireWholeNumber('openXdpLink', 'fillFrames', fill, 1, most);
  return [fill, Math.min(frames - fill, frames >> 3)];
}
