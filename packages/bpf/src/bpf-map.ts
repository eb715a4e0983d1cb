import { readFileSync } from 'node:fs';
import { invalidArgument, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { bpfAddon } from './addon.js';
import { callKernel } from './refused.js';

/** enum bpf_map_type of <linux/bpf.h>. */
export const MapType = {
  hash: 1,
  array: 2,
  'per-cpu array': 6,
  'lru hash': 9,
  devices: 14,
  processors: 16,
  sockets: 17,
} as const;
export type MapType = keyof typeof MapType;

export interface BpfMapOptions {
  readonly type: MapType;
  /** Bytes. */
  readonly keySize: number;
  /** Bytes. */
  readonly valueSize: number;
  readonly entries: number;
  /** Up to 15 letters, digits, '_' and '.', for `bpftool map`. */
  readonly name?: string;
}

/**
 * Makes a map: memory shared by programs in the kernel and this process. It lives until it is closed and no program
 * refers to it.
 *
 * @throws LinkUnavailableError EPERM, E2BIG (too large), EINVAL.
 */
export function createMap(options: BpfMapOptions): BpfMap {
  requireKnownOptions('createMap', options, ['type', 'keySize', 'valueSize', 'entries', 'name']);
  const { type, keySize, valueSize, entries } = options;
  const code = MapType[type];
  if (code === undefined) {
    throw invalidArgument('createMap', `there is no type '${type}'; there are ${Object.keys(MapType).join(', ')}`);
  }
  requireWholeNumber('createMap', 'keySize', keySize, 1, 512);
  requireWholeNumber('createMap', 'valueSize', valueSize, 1, 0x10000);
  requireWholeNumber('createMap', 'entries', entries, 1, 0x7fffffff);
  const name = objectName('createMap', options.name ?? 'prism');
  const descriptor = callKernel(`the map ${name}`, () =>
    bpfAddon().createMap(code, keySize, valueSize, entries, 0, name),
  );
  return new BpfMap(descriptor, options);
}

/** The names the kernel accepts: BPF_OBJ_NAME_LEN is 16 with the final zero. */
export function objectName(syscall: string, name: string): string {
  if (/^[\w.]{1,15}$/.test(name)) return name;
  throw invalidArgument(syscall, `"${name}" is no name: up to 15 letters, digits, '_' and '.'`);
}

/** A map that is open; see {@link createMap}. */
export class BpfMap {
  readonly keySize: number;
  readonly valueSize: number;
  readonly entries: number;
  /** Values that one look-up returns, one behind the other: 1, or one of each possible processor. */
  readonly valuesPerKey: number;
  readonly #descriptor: number;
  #isOpen = true;

  constructor(descriptor: number, options: BpfMapOptions) {
    this.#descriptor = descriptor;
    this.keySize = options.keySize;
    this.entries = options.entries;
    const isPerProcessor = options.type === 'per-cpu array';
    this.valuesPerKey = isPerProcessor ? possibleProcessors() : 1;
    // The kernel pads the value of each processor to eight bytes.
    this.valueSize = isPerProcessor ? (options.valueSize + 7) & ~7 : options.valueSize;
  }

  /** For other calls of the kernel; stays the map's own. @throws PosixError EINVAL when the map is closed. */
  get descriptor(): number {
    if (!this.#isOpen) throw invalidArgument('BpfMap', 'the map is closed');
    return this.#descriptor;
  }

  /** Writes the value of a key: bytes in host order, or one uint32. @throws LinkUnavailableError E2BIG, EBADF, EOPNOTSUPP … */
  update(key: Uint8Array | number, value: Uint8Array | number): void {
    const valueBytes = bytesOf('value', value, this.valueSize * this.valuesPerKey);
    const keyBytes = bytesOf('key', key, this.keySize);
    callKernel('the value', () => bpfAddon().update(this.descriptor, keyBytes, valueBytes));
  }

  /** The value of a key, for a per-CPU map those of all processors one behind the other; undefined when there is none. */
  lookup(key: Uint8Array | number): Uint8Array | undefined {
    const value = new Uint8Array(this.valueSize * this.valuesPerKey);
    return bpfAddon().lookUp(this.descriptor, bytesOf('key', key, this.keySize), value) === 0 ? value : undefined;
  }

  /** Whether there was a value to be deleted. */
  delete(key: Uint8Array | number): boolean {
    return bpfAddon().delete(this.descriptor, bytesOf('key', key, this.keySize)) === 0;
  }

  /** Idempotent. Programs that use the map go on. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    bpfAddon().close(this.#descriptor);
  }
}

function bytesOf(what: string, given: Uint8Array | number, size: number): Uint8Array {
  if (typeof given !== 'number') {
    if (given.byteLength === size) return given;
    throw invalidArgument('BpfMap', `the ${what} has ${given.byteLength} bytes instead of ${size}`);
  }
  if (size !== 4) throw invalidArgument('BpfMap', `the ${what} has ${size} bytes and cannot be given as a number`);
  requireWholeNumber('BpfMap', what, given, 0, 0xffffffff);
  return new Uint8Array(Uint32Array.of(given).buffer);
}

/** The kernel keeps a value for every processor that might ever be plugged in: '0-3', '0,2-3'. */
function possibleProcessors(): number {
  let count = 0;
  for (const range of readFileSync('/sys/devices/system/cpu/possible', 'utf8').trim().split(',')) {
    const [first, last = first] = range.split('-').map(Number);
    count += last! - first! + 1;
  }
  return count;
}
