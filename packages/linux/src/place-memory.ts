import type { PacketMemoryOptions, SharedPacketMemory } from '@prism-net/buffers';
import { linuxAddon } from './addon.js';

export interface PlacementOptions {
  /** Ask for pages of 2 MiB: fewer misses of the translation buffer. Default true. */
  readonly hugePages?: boolean;
  /** Keep the memory from being swapped out. Default false: it counts against RLIMIT_MEMLOCK. */
  readonly lock?: boolean;
  /** Take the memory from this NUMA node, that of the card, where it has some left. */
  readonly numaNode?: number;
}

const HUGE_PAGE = 2 * 1024 * 1024;

/**
 * The `place` option of a PacketMemory on Linux. What the machine refuses is no error: `memory.placement` says what was
 * achieved, and why not more.
 */
export function placeMemory(options: PlacementOptions = {}): NonNullable<PacketMemoryOptions['place']> {
  return (memory) => {
    const addon = linuxAddon();
    const bytes = new Uint8Array(memory.buffer as unknown as ArrayBuffer);
    const refused: string[] = [];
    const achieved = (wanted: boolean, what: string, call: () => number): boolean => {
      if (!wanted) return false;
      const errno = call();
      if (errno !== 0) refused.push(`${what} refused (errno ${errno})`);
      return errno === 0;
    };
    const { numaNode } = options;
    const isOnNode =
      numaNode !== undefined && achieved(true, `NUMA node ${numaNode}`, () => addon.preferNode(bytes, numaNode));
    const hugePages = achieved(options.hugePages ?? true, 'huge pages', () => addon.adviseHugePages(bytes));
    // Last: locking touches the memory, and pages that were touched stay as small as they are.
    const locked = achieved(options.lock ?? false, 'locking', () => addon.lock(bytes));
    return {
      addressModulo2MiB: addon.addressOf(bytes) % HUGE_PAGE,
      alias: addon.aliasOf(bytes),
      placement: { hugePages, locked, numaNode: isOnNode ? numaNode : undefined, reason: refused.join(', ') },
    };
  };
}

/**
 * The memory as a buffer that is not shared, for `PacketMemory.attach` in another thread: JavaScript copies from and to it
 * faster. Undefined where the runtime has none.
 */
export function aliasMemory({ memory }: Pick<SharedPacketMemory, 'memory'>): ArrayBuffer | undefined {
  return linuxAddon().aliasOf(new Uint8Array(memory.buffer as unknown as ArrayBuffer));
}

/** The address of the first byte of an array, for calls that take pointers. Valid as long as the array lives. */
export function addressOf(bytes: ArrayBufferView): number {
  return linuxAddon().addressOf(bytes);
}
