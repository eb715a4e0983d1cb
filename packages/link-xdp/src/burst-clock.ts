import { type Packet, TimestampSource } from '@prism-net/buffers';
import type { XdpAddon } from './addon.js';
import type { XdpStatistics } from './xdp-statistics.js';

/** Stamps received packets with the time at which their burst was taken from the ring. */
export class BurstClock {
  readonly #addon: XdpAddon;
  readonly #details: XdpStatistics;
  readonly #time = new Int32Array(2);

  constructor(addon: XdpAddon, details: XdpStatistics) {
    this.#addon = addon;
    this.#details = details;
  }

  stamp(burst: Packet[], count: number): void {
    const time = this.#time;
    this.#details.countReceiveCall();
    this.#addon.readClock(time);
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const packet = burst[i]!;
      packet.timestampSource = TimestampSource.SOFTWARE;
      packet.timestampSeconds = time[0]!;
      packet.timestampNanoseconds = time[1]!;
    }
  }
}
