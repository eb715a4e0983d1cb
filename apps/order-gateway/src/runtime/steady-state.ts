import { AllocationMeter } from '@prism-net/measure';

/**
 * Bytes a thread allocates per packet in steady state: measured from `warmUpSeconds` after the start, when the code has
 * been compiled, to the end of the load.
 */
export class SteadyState {
  readonly #meter = new AllocationMeter();
  readonly #startAt: number;
  #packetsBefore = -1;
  #allocated = -1;
  #packets = 0;

  constructor(runSeconds: number) {
    this.#startAt = performance.now() + Math.min(3, runSeconds / 2) * 1000;
  }

  /** To be called now and then (not per packet), with the number of packets so far. */
  observe(packets: number): void {
    if (this.#packetsBefore >= 0 || performance.now() < this.#startAt) return;
    this.#packetsBefore = packets;
    this.#meter.start();
  }

  /** The load is over. */
  finish(packets: number): void {
    if (this.#packetsBefore < 0 || this.#allocated >= 0) return;
    this.#allocated = this.#meter.stop();
    this.#packets = packets - this.#packetsBefore;
  }

  get report(): { readonly bytesAllocated: number; readonly packets: number } {
    return { bytesAllocated: Math.max(0, this.#allocated), packets: this.#packets };
  }
}
