import { kernelsBase64 } from './kernels.generated.js';
import { type LinearMemory, webAssembly } from './web-assembly.js';

/** The WebAssembly functions over one packet memory. All offsets and lengths are bytes. */
export interface Kernels {
  /** Folded big-endian sum of `length` bytes at `at`, on top of the sum `initial`. `length` ≤ 512 KiB. */
  sum(at: number, length: number, initial: number): number;
  /** Copies `length` bytes and returns their sum on top of `initial`. The ranges must not overlap. */
  copyAndSum(to: number, from: number, length: number, initial: number): number;
  /** memmove. */
  copy(to: number, from: number, length: number): void;
  fill(at: number, value: number, length: number): void;
}

let compiled: object | undefined;

/** Instantiates the kernels over a memory; once per memory and thread. */
export function instantiateKernels(memory: LinearMemory): Kernels {
  compiled ??= new webAssembly.Module(Uint8Array.from(atob(kernelsBase64), (character) => character.charCodeAt(0)));
  const instance = new webAssembly.Instance(compiled, { prism: { memory } });
  return instance.exports as Kernels;
}
