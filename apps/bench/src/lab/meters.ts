import { quantile } from '../measure.js';
import type { Figures } from '../scenario.js';
import { sleep } from './peer-channel.js';
import type { PeerJob } from './peer-job.js';

/** A quarter of an hour of the fastest round trips would not fill it in a run. */
const SAMPLES = 1 << 22;

/** Times round trips, in the same way for every contestant. */
export class RoundTripMeter {
  readonly #samples = new Int32Array(SAMPLES);
  #count = 0;
  #isRecording = false;
  /** Questions asked again because no answer came. */
  repeated = 0;

  record(nanoseconds: number): void {
    if (!this.#isRecording || this.#count === SAMPLES) return;
    this.#samples[this.#count] = nanoseconds;
    this.#count = (this.#count + 1) | 0;
  }

  async measure({ warmUpSeconds, seconds }: PeerJob): Promise<Figures> {
    await sleep(warmUpSeconds);
    this.repeated = 0;
    this.#isRecording = true;
    await sleep(seconds);
    this.#isRecording = false;
    if (this.#count === 0) throw new Error('no round trip was completed: the peer does not answer');
    const samples = Float64Array.from(this.#samples.subarray(0, this.#count));
    return {
      roundTripP50Us: quantile(samples, 0.5) / 1000,
      roundTripP99Us: quantile(samples, 0.99) / 1000,
      roundTripP999Us: quantile(samples, 0.999) / 1000,
      roundTrips: this.#count,
      repeated: this.repeated,
    };
  }
}

/** Counts what a receiving application is handed, in the same way for every contestant. */
export class RateMeter {
  /** Items and bytes; doubles, because they pass 31 bits. */
  readonly #counts = new Float64Array(2);

  count(items: number, bytes: number): void {
    this.#counts[0]! += items;
    this.#counts[1]! += bytes;
  }

  get items(): number {
    return this.#counts[0]!;
  }

  get bytes(): number {
    return this.#counts[1]!;
  }

  /** Items and bytes per second, from some time after the first came. */
  async measure({ warmUpSeconds, seconds }: PeerJob): Promise<{ itemsPerSecond: number; gbitPerSecond: number }> {
    while (this.items === 0) await sleep(0.005);
    await sleep(warmUpSeconds);
    const start = performance.now();
    const { items, bytes } = this;
    await sleep(seconds);
    const milliseconds = performance.now() - start;
    return {
      itemsPerSecond: ((this.items - items) * 1000) / milliseconds,
      gbitPerSecond: ((this.bytes - bytes) * 8) / (milliseconds * 1e6),
    };
  }
}
