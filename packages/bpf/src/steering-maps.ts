import { type BpfMap, createMap } from './bpf-map.js';
import type { CompiledSteering } from './compile-steering.js';
import { loadProgram, type Program } from './program.js';
import { FRAGMENT_KEY_LENGTH, REMEMBERED_DATAGRAMS } from './steering-program.js';

export interface LoadedSteering {
  readonly program: Program;
  readonly counters: BpfMap;
}

/**
 * Loads a compiled steering specification, with counters at zero and no fragments remembered. `sockets` is where its
 * redirected frames go, by receive queue; it stays the caller's.
 *
 * @throws LinkUnavailableError, VerifierError as loadProgram.
 */
export function loadSteering(compiled: CompiledSteering, sockets: BpfMap, hasFragments: boolean): LoadedSteering {
  const counters = createMap({
    type: 'per-cpu array',
    keySize: 4,
    valueSize: 8,
    entries: compiled.counters,
    name: 'prism_counters',
  });
  let fragments: BpfMap | undefined;
  try {
    if (compiled.remembersFragments) {
      fragments = createMap({
        type: 'lru hash',
        keySize: FRAGMENT_KEY_LENGTH,
        valueSize: 4,
        entries: REMEMBERED_DATAGRAMS,
        name: 'prism_fragments',
      });
    }
    const maps = fragments === undefined ? { sockets, counters } : { sockets, counters, fragments };
    const program = loadProgram({ code: compiled, maps, name: 'prism_steering', hasFragments });
    return { program, counters };
  } catch (error) {
    counters.close();
    throw error;
  } finally {
    // The program holds it.
    fragments?.close();
  }
}
