import type { PacketMemory } from '@prism-net/buffers';
import { requireKnownOptions } from '@prism-net/errors';
import { SpscRing } from '@prism-net/rings';
import type { MacAddress } from '@prism-net/wire';
import { localMacAddress, requireSegmentation, requireSizes } from './link-options.js';

export interface SharedMemoryLinkOptions {
  /** Descriptors (segments of packets) each way, rounded up to a power of two. Default 1,024. */
  readonly capacity?: number;
  /** Default 1,500. */
  readonly mtu?: number;
  readonly names?: readonly [string, string];
  /** Default 02:00:00:00:00:01 (left) and 02:00:00:00:00:02 (right). */
  readonly macAddresses?: readonly [MacAddress, MacAddress];
  /** The ends accept PARTIAL checksums and deliver them as such: memory does not flip bits. Default false. */
  readonly checksumOffload?: boolean;
  /** Virtual segments (packets with a `gsoSize`) of up to this many bytes are handed over whole. Default 0: none. */
  readonly segmentation?: number;
}

/** What a thread needs to open its end: plain data for `workerData` or `postMessage`. */
export interface SharedMemoryLinkEnd {
  readonly side: 'left' | 'right';
  readonly name: string;
  readonly macAddress: MacAddress;
  readonly mtu: number;
  readonly capacity: number;
  readonly checksumOffload: boolean;
  readonly segmentation: number;
  /** Where in the packet memory the link's control structures start. */
  readonly controlOffset: number;
}

/**
 * A descriptor: one segment of a packet. The segments of a packet are committed together; all but the last have MORE
 * set, and the first one's other flags hold for the packet.
 */
export const Descriptor = {
  FRAME: 0,
  OFFSET: 1,
  LENGTH: 2,
  FLAGS: 3,
  WORDS: 4,
  MORE: 1,
  /** Two bits: the ChecksumState. */
  CHECKSUM_SHIFT: 1,
  CHECKSUM_MASK: 3,
  /** Upper half: `gsoSize`. */
  GSO_SHIFT: 16,
} as const;

const LINE = 128;

/** Offsets of one end's structures in the packet memory. What two threads write lies on different cache lines. */
export interface EndLayout {
  readonly transmitRing: number;
  readonly receiveRing: number;
  /** Frame numbers of the peer that this end gives back. */
  readonly returnRing: number;
  /** Own frame numbers that come back. */
  readonly returnedRing: number;
  readonly ownBell: number;
  readonly peerBell: number;
  /** Word index: this end waits for room in the transmit ring or for returned frames. */
  readonly ownWaiting: number;
  readonly peerWaiting: number;
  /** Word index: this end is closed. */
  readonly ownClosed: number;
  /** Word index: somebody has opened this end. */
  readonly ownOpened: number;
  readonly peerClosed: number;
}

/** Most segments of a packet, so that it always fits into an empty ring. */
export function maximumSegments(capacity: number): number {
  return Math.min(64, capacity);
}

export function layoutOf(end: SharedMemoryLinkEnd): EndLayout {
  const left = end.side === 'left';
  const descriptors = SpscRing.byteLength(end.capacity, Descriptor.WORDS);
  const returns = SpscRing.byteLength(end.capacity, 1);
  const ringsEnd = end.controlOffset + 2 * descriptors + 2 * returns;
  const own = left ? 0 : 1;
  const peer = 1 - own;
  const line = (number: number): number => ringsEnd + number * LINE;
  return {
    transmitRing: end.controlOffset + own * descriptors,
    receiveRing: end.controlOffset + peer * descriptors,
    returnRing: end.controlOffset + 2 * descriptors + own * returns,
    returnedRing: end.controlOffset + 2 * descriptors + peer * returns,
    ownBell: line(own),
    peerBell: line(peer),
    ownWaiting: line(2 + own) / 4,
    peerWaiting: line(2 + peer) / 4,
    ownClosed: line(4 + own) / 4,
    ownOpened: line(6 + own) / 4,
    peerClosed: line(4 + peer) / 4,
  };
}

/** Bytes of control memory a link of this capacity takes: for `controlBytes` of the packet memory. */
export function sharedMemoryLinkBytes(capacity = 1024): number {
  const rounded = roundUpToPowerOfTwo(capacity);
  return 2 * SpscRing.byteLength(rounded, Descriptor.WORDS) + 2 * SpscRing.byteLength(rounded, 1) + 8 * LINE;
}

const SHARED_MEMORY_OPTIONS = [
  'capacity',
  'mtu',
  'names',
  'macAddresses',
  'checksumOffload',
  'segmentation',
] as const satisfies readonly (keyof SharedMemoryLinkOptions)[];

/**
 * Makes a link between two threads that share `memory`: reserves its control structures (two descriptor rings, two
 * rings of returned frames, two doorbells) and returns what each thread gives to `openSharedMemoryLink`.
 *
 * To be called by the thread that created the memory. @throws EINVAL for an option out of range, ENOMEM when the
 * control region is too small (see {@link sharedMemoryLinkBytes}).
 */
export function createSharedMemoryLink(
  memory: PacketMemory,
  options: SharedMemoryLinkOptions = {},
): { readonly left: SharedMemoryLinkEnd; readonly right: SharedMemoryLinkEnd } {
  requireKnownOptions('createSharedMemoryLink', options, SHARED_MEMORY_OPTIONS);
  const { mtu = 1500, checksumOffload = false, segmentation = 0 } = options;
  requireSizes('createSharedMemoryLink', mtu, options.capacity ?? 1024);
  requireSegmentation('createSharedMemoryLink', segmentation);
  const capacity = roundUpToPowerOfTwo(options.capacity ?? 1024);
  const names = options.names ?? ['left', 'right'];
  const macAddresses = options.macAddresses ?? [localMacAddress(1), localMacAddress(2)];
  const controlOffset = memory.reserveControl(sharedMemoryLinkBytes(capacity));
  const common = { mtu, capacity, checksumOffload, segmentation, controlOffset };
  return {
    left: { ...common, side: 'left', name: names[0], macAddress: macAddresses[0] },
    right: { ...common, side: 'right', name: names[1], macAddress: macAddresses[1] },
  };
}

function roundUpToPowerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(value));
}
