import {
  Errno,
  invalidArgument,
  posixError,
  requireKnownOptions,
  requirePowerOfTwo,
  requireWholeNumber,
} from '@prism-net/errors';
import { instantiateKernels, type Kernels } from './kernels.js';
import { type LinearMemory, webAssembly } from './web-assembly.js';

const WASM_PAGE = 65_536;
const HUGE_PAGE = 2 * 1024 * 1024;
const CACHE_LINE = 128;
/** What the kernel maps rings in units of. */
const MAPPED_PAGE = 4096;
/** The first page stays free: offset 0 is never a valid packet offset, and compiled code may want scratch space. */
const RESERVED_BYTES = WASM_PAGE;
/** Offsets stay int32. */
const MAXIMUM_BYTES = 2 ** 31;

export interface PacketMemoryOptions {
  /** Frames in the packet region. Default 4,096. */
  readonly frames?: number;
  /** Bytes per frame, headroom included; a power of two from 512 to 65,536. Default 2,048. */
  readonly frameSize?: number;
  /** Bytes set aside for the rings of kernel drivers, which map them in place. Default 0. */
  readonly kernelRingBytes?: number;
  /** Bytes for control structures shared between threads: rings, tables, application data. Default 64 KiB. */
  readonly controlBytes?: number;
  /** Detect double release, use after release and leaks. Slower; meant for tests. Default false. */
  readonly debug?: boolean;
  /**
   * Called once, before the memory is first touched, so that a native driver can align the packet region by *address*,
   * ask for huge pages, lock it or place it on a NUMA node. Returns the address of byte 0 modulo 2 MiB and what it
   * achieved. Without it the packet region is aligned by offset, on ordinary pages. `alias`: the same bytes as a buffer
   * that is not shared, for long copies between packet memory and other arrays, which V8 does byte by byte on shared ones.
   */
  readonly place?: (memory: LinearMemory) => {
    readonly addressModulo2MiB: number;
    readonly alias?: ArrayBuffer | undefined;
    readonly placement: Placement;
  };
}

const OPTIONS = [
  'frames',
  'frameSize',
  'kernelRingBytes',
  'controlBytes',
  'debug',
  'place',
] as const satisfies readonly (keyof PacketMemoryOptions)[];

/** What kind of pages the memory got. JavaScript alone cannot ask for any of this; native drivers can. */
export interface Placement {
  readonly hugePages: boolean;
  readonly locked: boolean;
  readonly numaNode: number | undefined;
  /** Why it is not better, for `doctor`-like tools and logs. */
  readonly reason: string;
}

/** Offsets of the regions, in bytes from the start of the memory. */
export interface PacketMemoryLayout {
  readonly kernelRingOffset: number;
  readonly kernelRingBytes: number;
  readonly controlOffset: number;
  readonly controlBytes: number;
  readonly packetOffset: number;
  readonly frameSize: number;
  readonly frames: number;
}

/** What another thread needs to attach: can be passed by `postMessage` or `workerData`. */
export interface SharedPacketMemory {
  readonly memory: LinearMemory;
  readonly layout: PacketMemoryLayout;
  readonly debug: boolean;
  readonly placement: Placement;
}

/** A run of frames of the packet region, to build a {@link PacketPool} on. Can be passed between threads. */
export interface FrameRegion {
  readonly firstFrame: number;
  readonly frames: number;
}

const ORDINARY_PAGES: Placement = {
  hugePages: false,
  locked: false,
  numaNode: undefined,
  reason: 'ordinary pages: huge pages, locking and NUMA placement need a native link driver',
};

/**
 * One linear memory that holds every packet of a shard, and that native drivers, worker threads and WebAssembly see at
 * the same offsets:
 *
 *     | reserved | kernel rings | control: rings, tables | packet region: frame 0 | frame 1 | …  |
 *     0          64 KiB                                   2 MiB boundary
 *
 * Each thread has its own `PacketMemory` object over the shared bytes. Regions are handed out (`reserve…`) by the thread
 * that created the memory, before it shares what it reserved.
 */
export class PacketMemory {
  readonly memory: LinearMemory;
  readonly layout: PacketMemoryLayout;
  readonly placement: Placement;
  readonly debug: boolean;
  readonly buffer: SharedArrayBuffer;
  readonly view: DataView;
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly kernels: Kernels;
  /** Payload copies done through this object: [calls, bytes]. A measurement, so that "zero-copy" is not a claim. */
  readonly copies = new Float64Array(2);

  #nextControl: number;
  #nextFrame = 0;
  /** Runs of pages, by their offset within the kernel ring region, ascending. */
  #freeKernelRings: { offset: number; length: number }[];
  /** What {@link write} was last called with, and a view of it once it has come twice. */
  #source: Uint8Array | null = null;
  #sourceView: DataView | null = null;

  /** {@link bytes}, not shared where there is such a view of it. */
  readonly #copyable: Uint8Array;
  readonly #isAttached: boolean;

  private constructor(shared: SharedPacketMemory, isAttached: boolean, alias: ArrayBuffer | undefined) {
    this.#isAttached = isAttached;
    this.memory = shared.memory;
    this.layout = shared.layout;
    this.placement = shared.placement;
    this.debug = shared.debug;
    this.buffer = shared.memory.buffer as unknown as SharedArrayBuffer;
    this.view = new DataView(this.buffer);
    this.bytes = new Uint8Array(this.buffer);
    this.words = new Int32Array(this.buffer);
    this.#copyable = alias === undefined ? this.bytes : new Uint8Array(alias);
    this.kernels = instantiateKernels(shared.memory);
    this.#nextControl = shared.layout.controlOffset;
    const { kernelRingBytes } = shared.layout;
    this.#freeKernelRings = kernelRingBytes === 0 ? [] : [{ offset: 0, length: kernelRingBytes }];
  }

  /** @throws PosixError EINVAL when an option is out of range or the memory would exceed 2 GiB, ENOMEM when there is none. */
  static create(options: PacketMemoryOptions = {}): PacketMemory {
    requireKnownOptions('PacketMemory', options, OPTIONS);
    const frames = options.frames ?? 4096;
    const frameSize = options.frameSize ?? 2048;
    const kernelRingBytes = roundUp(options.kernelRingBytes ?? 0, WASM_PAGE);
    const controlBytes = roundUp(options.controlBytes ?? WASM_PAGE, CACHE_LINE);
    requireWholeNumber('PacketMemory', 'kernelRingBytes', options.kernelRingBytes ?? 0, 0, MAXIMUM_BYTES);
    requireWholeNumber('PacketMemory', 'controlBytes', options.controlBytes ?? 0, 0, MAXIMUM_BYTES);
    requireWholeNumber('PacketMemory', 'frames', frames, 1, MAXIMUM_BYTES / 512);
    requirePowerOfTwo('PacketMemory', 'frameSize', frameSize, 512, 65_536);

    const beforePackets = RESERVED_BYTES + kernelRingBytes + controlBytes;
    // One huge page of slack, because the address of the memory is known only once it exists.
    const total = roundUp(roundUp(beforePackets, HUGE_PAGE) + HUGE_PAGE + frames * frameSize, WASM_PAGE);
    if (total > MAXIMUM_BYTES) {
      throw invalidArgument(
        'PacketMemory',
        `packet memory of ${frames} frames × ${frameSize} bytes beside ${kernelRingBytes + controlBytes} bytes for rings and ` +
          'control structures would exceed 2 GiB; ask for less',
      );
    }
    const pages = total / WASM_PAGE;
    const memory = allocate(pages);
    const placed = options.place?.(memory);
    const skew = placed?.addressModulo2MiB ?? 0;
    requireWholeNumber('PacketMemory', 'addressModulo2MiB, as returned by place,', skew, 0, HUGE_PAGE - 1);
    const layout: PacketMemoryLayout = {
      kernelRingOffset: RESERVED_BYTES,
      kernelRingBytes,
      controlOffset: RESERVED_BYTES + kernelRingBytes,
      controlBytes,
      packetOffset: roundUp(beforePackets + skew, HUGE_PAGE) - skew,
      frameSize,
      frames,
    };
    const debug = options.debug ?? false;
    const placement = placed?.placement ?? ORDINARY_PAGES;
    return new PacketMemory({ memory, layout, debug, placement }, false, placed?.alias);
  }

  /**
   * The same memory in another thread, which works on regions that were reserved by the thread that created it. `alias`:
   * see {@link PacketMemoryOptions.place}.
   */
  static attach(shared: SharedPacketMemory, alias?: ArrayBuffer): PacketMemory {
    return new PacketMemory(shared, true, alias);
  }

  /** What another thread needs for {@link PacketMemory.attach}. */
  share(): SharedPacketMemory {
    return { memory: this.memory, layout: this.layout, debug: this.debug, placement: this.placement };
  }

  /** Sets bytes of the control region aside for good and returns their offset, aligned to a cache line pair. */
  reserveControl(bytes: number): number {
    this.#requireCreator();
    requireWholeNumber('PacketMemory', 'bytes', bytes, 0, MAXIMUM_BYTES);
    const offset = this.#nextControl;
    const next = roundUp(offset + bytes, CACHE_LINE);
    const end = this.layout.controlOffset + this.layout.controlBytes;
    if (next > end) {
      throw posixError(
        Errno.ENOMEM,
        'PacketMemory',
        `control region: ${bytes} bytes asked, ${end - offset} left of ${this.layout.controlBytes}; raise controlBytes`,
      );
    }
    this.#nextControl = next;
    return offset;
  }

  /**
   * Sets whole pages of the kernel ring region aside, for a driver that has the kernel map its rings there, and returns
   * their offset. {@link releaseKernelRings} gives them back, once ordinary pages are there again.
   */
  reserveKernelRings(bytes: number): number {
    this.#requireCreator();
    requireWholeNumber('PacketMemory', 'bytes', bytes, 1, MAXIMUM_BYTES);
    const length = roundUp(bytes, MAPPED_PAGE);
    const { kernelRingOffset, kernelRingBytes } = this.layout;
    const index = this.#freeKernelRings.findIndex((run) => run.length >= length);
    const run = this.#freeKernelRings[index];
    if (run === undefined) {
      throw posixError(
        Errno.ENOMEM,
        'PacketMemory',
        `kernel ring region: no ${length} bytes in a row left of ${kernelRingBytes}; raise kernelRingBytes`,
      );
    }
    if (run.length === length) this.#freeKernelRings.splice(index, 1);
    else this.#freeKernelRings[index] = { offset: run.offset + length, length: run.length - length };
    return kernelRingOffset + run.offset;
  }

  /** Gives pages that {@link reserveKernelRings} returned back. */
  releaseKernelRings(offset: number, bytes: number): void {
    const free = [
      ...this.#freeKernelRings,
      { offset: offset - this.layout.kernelRingOffset, length: roundUp(bytes, MAPPED_PAGE) },
    ].sort((left, right) => left.offset - right.offset);
    this.#freeKernelRings = [];
    for (const run of free) {
      const last = this.#freeKernelRings.at(-1);
      if (last !== undefined && last.offset + last.length === run.offset) last.length += run.length;
      else this.#freeKernelRings.push({ ...run });
    }
  }

  /** Sets frames of the packet region aside for good. */
  reserveFrames(frames: number): FrameRegion {
    this.#requireCreator();
    requireWholeNumber('PacketMemory', 'frames', frames, 1, this.layout.frames);
    const firstFrame = this.#nextFrame;
    if (firstFrame + frames > this.layout.frames) {
      throw posixError(
        Errno.ENOMEM,
        'PacketMemory',
        `packet region: ${frames} frames asked, ${this.layout.frames - firstFrame} left of ${this.layout.frames}; raise frames`,
      );
    }
    this.#nextFrame = firstFrame + frames;
    return { firstFrame, frames };
  }

  /** Frames that can still be reserved through this object. */
  get unreservedFrames(): number {
    return this.#isAttached ? 0 : this.layout.frames - this.#nextFrame;
  }

  /** The folded big-endian sum of `length` bytes at `at` on top of `initial`. */
  sum(at: number, length: number, initial: number): number {
    return this.kernels.sum(at, length, initial);
  }

  /** Copies within the memory (memmove). Counted in {@link copies}. */
  copy(to: number, from: number, length: number): void {
    this.#countCopy(length);
    this.kernels.copy(to, from, length);
  }

  /** Copies within the memory and sums in one pass. The ranges must not overlap. Counted in {@link copies}. */
  copyAndSum(to: number, from: number, length: number, initial: number): number {
    this.#countCopy(length);
    return this.kernels.copyAndSum(to, from, length, initial);
  }

  /**
   * Copies `length` bytes of `source`, from its byte `start` on, to offset `at` of the memory. Counted in {@link copies}.
   * Short copies go word by word: `TypedArray.set` into shared memory costs 20 ns before its first byte.
   */
  write(at: number, source: Uint8Array, start: number, length: number): void {
    this.#countCopy(length);
    if (length > 256) this.#copyable.set(source.subarray(start, start + length), at);
    else if (source === this.#source) this.#writeWords(at, start, length);
    else this.#writeBytes(at, source, start, length);
  }

  /** From the source of the calls before: four words a turn. */
  #writeWords(at: number, start: number, length: number): void {
    const from = this.#sourceView;
    if (from === null) {
      // The second call with the same source: a sender that reuses its buffer. A view would not pay for one call.
      const source = this.#source!;
      this.#sourceView = new DataView(source.buffer, source.byteOffset, source.byteLength);
      this.#writeBytes(at, source, start, length);
      return;
    }
    const to = this.view;
    let target = at;
    let cursor = start;
    const end = (cursor + length) | 0;
    for (const last = (end - 15) | 0; cursor < last; cursor = (cursor + 16) | 0, target = (target + 16) | 0) {
      const a = from.getInt32(cursor);
      const b = from.getInt32((cursor + 4) | 0);
      const c = from.getInt32((cursor + 8) | 0);
      const d = from.getInt32((cursor + 12) | 0);
      to.setInt32(target, a);
      to.setInt32((target + 4) | 0, b);
      to.setInt32((target + 8) | 0, c);
      to.setInt32((target + 12) | 0, d);
    }
    for (const last = (end - 3) | 0; cursor < last; cursor = (cursor + 4) | 0, target = (target + 4) | 0) {
      to.setInt32(target, from.getInt32(cursor));
    }
    for (; cursor < end; cursor = (cursor + 1) | 0, target = (target + 1) | 0) {
      to.setUint8(target, from.getUint8(cursor));
    }
  }

  #writeBytes(at: number, source: Uint8Array, start: number, length: number): void {
    if (source !== this.#source) {
      this.#source = source;
      this.#sourceView = null;
    }
    const to = this.view;
    let target = at;
    let cursor = start;
    const end = (cursor + length) | 0;
    for (const last = (end - 3) | 0; cursor < last; cursor = (cursor + 4) | 0, target = (target + 4) | 0) {
      const high = (source[cursor]! << 24) | (source[cursor + 1]! << 16);
      to.setInt32(target, high | (source[cursor + 2]! << 8) | source[cursor + 3]!);
    }
    for (; cursor < end; cursor = (cursor + 1) | 0, target = (target + 1) | 0) to.setUint8(target, source[cursor]!);
  }

  /** Copies `length` bytes of the memory at `from` to byte `to` of `target`. Counted in {@link copies}. */
  read(from: number, target: Uint8Array, to: number, length: number): void {
    this.#countCopy(length);
    if (length > 256) {
      target.set(this.#copyable.subarray(from, from + length), to);
      return;
    }
    for (let i = 0; i < length; i = (i + 1) | 0) target[to + i] = this.bytes[from + i]!;
  }

  /** Two threads that both reserve would hand out the same region twice. */
  #requireCreator(): void {
    if (!this.#isAttached) return;
    throw invalidArgument(
      'PacketMemory',
      'regions are reserved by the thread that created the memory; reserve there and pass them on',
    );
  }

  #countCopy(length: number): void {
    this.copies[0]! += 1;
    this.copies[1]! += length;
  }
}

function allocate(pages: number): LinearMemory {
  try {
    return new webAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw Object.assign(
      posixError(
        Errno.ENOMEM,
        'PacketMemory',
        `the system has no ${pages * WASM_PAGE} bytes of packet memory; ask for fewer frames`,
      ),
      {
        cause,
      },
    );
  }
}

function roundUp(value: number, multiple: number): number {
  return Math.ceil(value / multiple) * multiple;
}
