/** The little of the WebAssembly API that Prism uses: neither Node's types nor es2023 declare it, and `dom` says too much. */
export interface LinearMemory {
  readonly buffer: ArrayBufferLike;
}

interface WebAssemblyApi {
  readonly Memory: new (limits: { initial: number; maximum: number; shared: boolean }) => LinearMemory;
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: object };
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
