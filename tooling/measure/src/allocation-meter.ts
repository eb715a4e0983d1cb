import { GCProfiler, getHeapStatistics } from 'node:v8';

/**
 * Counts the bytes this thread allocates on the JavaScript heap, garbage included: the growth of the used heap plus all
 * that collections freed meanwhile.
 */
export class AllocationMeter {
  readonly #profiler = new GCProfiler();
  #before = 0;

  start(): void {
    this.#profiler.start();
    this.#before = getHeapStatistics().used_heap_size;
  }

  /** Bytes allocated since {@link start}; once per start. */
  stop(): number {
    const after = getHeapStatistics().used_heap_size;
    let freed = 0;
    for (const { beforeGC, afterGC } of this.#profiler.stop().statistics) {
      freed += beforeGC.heapStatistics.usedHeapSize - afterGC.heapStatistics.usedHeapSize;
    }
    return after - this.#before + freed;
  }
}

/** Bytes allocated by `work`. */
export function allocatedBytes(work: () => void): number {
  const meter = new AllocationMeter();
  meter.start();
  work();
  return meter.stop();
}

/**
 * Bytes that `work` allocates once it is compiled: the least of several measurements after several rounds of warming up,
 * because the compiler allocates on this heap too, now and then. What has many parts is compiled later, on a busy machine
 * later still, and needs more measurements.
 */
export function steadyStateBytes(work: () => void, measurements = 5): number {
  for (let round = 0; round < 5; round++) work();
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < measurements; round++) least = Math.min(least, allocatedBytes(work));
  return least;
}
