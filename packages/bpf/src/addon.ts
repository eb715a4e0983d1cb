import { loadAddon } from '@prism-net/linux';

/** What native/*.cc exports. Calls that fail throw a SystemError, except where an error's number is returned. */
export interface BpfAddon {
  close(descriptor: number): void;
  createMap(type: number, key: number, value: number, entries: number, flags: number, name: string): number;
  lookUp(map: number, key: Uint8Array, value: Uint8Array): number;
  update(map: number, key: Uint8Array, value: Uint8Array): void;
  delete(map: number, key: Uint8Array): number;
  loadProgram(
    instructions: Uint8Array,
    name: string,
    license: string,
    flags: number,
    log: Uint8Array | undefined,
  ): number;
  testRun(program: number, frame: Uint8Array, room: Uint8Array, repeat: number, answer: Int32Array): void;
  createLink(program: number, interfaceIndex: number, flags: number): number;
  updateLink(link: number, program: number): void;
  objectIdentifier(descriptor: number): number;
}

export function bpfAddon(): BpfAddon {
  return loadAddon<BpfAddon>(import.meta.url, 'bpf');
}
