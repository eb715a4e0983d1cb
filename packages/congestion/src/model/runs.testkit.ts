import type { CongestionControl } from '../congestion-control.js';
import { bandwidthDelayProduct, fairness, Network } from './network.testkit.js';

export const RATE = 2_500_000;
export const ROUND_TRIP = 40_000;
/** 100 packets. */
export const PRODUCT = bandwidthDelayProduct(RATE, ROUND_TRIP);

export interface Run {
  /** In bandwidth-delay products. */
  readonly queue: number;
  /** Marked from here on, in bandwidth-delay products. */
  readonly mark?: number;
  readonly loss?: number;
  readonly loseEvery?: number;
  /** µs. */
  readonly roundTrip?: number;
  readonly bytesPerSecond?: number;
  /** Seconds before, and seconds while, it is measured. */
  readonly seconds?: readonly [number, number];
  readonly isDeaf?: boolean;
}

export interface Figures {
  readonly utilisation: number;
  /** In bandwidth-delay products. */
  readonly averageQueue: number;
  readonly largestQueue: number;
  /** Shares of the rate. */
  readonly shares: readonly number[];
  readonly fairness: number;
}

/** Flows of these algorithms behind one bottleneck, each half a second after the one before. */
export function run(controls: readonly CongestionControl[], options: Run): Figures {
  const { queue, mark, loss = 0, roundTrip = ROUND_TRIP, bytesPerSecond = RATE, seconds = [10, 20] } = options;
  const product = bandwidthDelayProduct(bytesPerSecond, roundTrip);
  const network = new Network({
    bytesPerSecond,
    queueBytes: queue * product,
    loss,
    loseEvery: options.loseEvery ?? 0,
    ...(mark === undefined ? {} : { markBytes: mark * product }),
  });
  for (const [i, control] of controls.entries()) {
    network.add(control, {
      roundTripMicroseconds: roundTrip,
      startAt: i * 500_000,
      isDeaf: options.isDeaf ?? false,
      // What a receiver with twice the room that there is on the path would offer.
      receiveWindow: 2 * (1 + queue) * product,
    });
  }
  const { link, goodputs } = network.run(seconds[0]).measure().run(seconds[1]);
  return {
    utilisation: link.utilisation,
    averageQueue: link.averageQueue / product,
    largestQueue: link.largestQueue / product,
    shares: goodputs.map((goodput) => goodput / bytesPerSecond),
    fairness: fairness(goodputs),
  };
}
