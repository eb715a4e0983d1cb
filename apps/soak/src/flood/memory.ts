import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes. */
export interface MemoryFigures {
  readonly heap: number;
  /** Memory behind typed arrays, packets included. */
  readonly arrayBuffers: number;
  readonly resident: number;
}

/** After the collector has run. */
export function memoryFigures(): MemoryFigures {
  collectGarbage();
  const { heapUsed, arrayBuffers, rss } = process.memoryUsage();
  return { heap: heapUsed, arrayBuffers, resident: rss };
}

let collector: (() => void) | null = null;

export function collectGarbage(): void {
  if (collector === null) {
    setFlagsFromString('--expose-gc');
    collector = runInNewContext('gc') as () => void;
  }
  collector();
}
