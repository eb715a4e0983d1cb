import { loadAddon } from '@prism-net/linux';

/** What native/tap.cc exports. Set-up calls that fail throw a SystemError; those of the data path return numbers. */
export interface TapAddon {
  readonly Tap: new (name: string, multiQueue: boolean, checksum: boolean, segmentation: boolean) => NativeTap;
}

/** One queue of a TAP device. See the comments in native/tap.cc. */
export interface NativeTap {
  name(): string;
  descriptor(): number;
  setPersistent(persistent: boolean): void;
  setSendBuffer(bytes: number): void;
  attach(
    memory: Uint8Array,
    fill: Int32Array,
    received: Int32Array,
    table: Int32Array,
    status: Int32Array,
    frameSize: number,
    firstOffset: number,
    framesPerPacket: number,
  ): void;
  receive(maximum: number, filled: number, enough: number): number;
  transmit(packets: number): number;
  poll(): number;
  close(): void;
}

export function tapAddon(): TapAddon {
  return loadAddon<TapAddon>(import.meta.url, 'link-tap');
}

/** Indices of the status array: the error that ended a call, and the packets refused for good. */
export const Status = { ERROR: 0, REFUSED: 1, WORDS: 2 } as const;

/**
 * Words of a packet in the tables shared with native/tap.cc: its bytes, or its number of frames, and the virtio-net
 * header. In the table of packets to send, offset and length of each frame follow.
 */
export const PacketWord = {
  LENGTH: 0,
  FRAMES: 0,
  /** Flags in the low byte, the type of segmentation in the next. */
  FLAGS: 1,
  SEGMENT_SIZE: 2,
  HEADER_LENGTH: 3,
  CHECKSUM_START: 4,
  CHECKSUM_OFFSET: 5,
  COUNT: 6,
} as const;

/** Bits of poll(2). */
export const PollEvent = { READABLE: 1, WRITABLE: 4, ERROR: 8 } as const;
