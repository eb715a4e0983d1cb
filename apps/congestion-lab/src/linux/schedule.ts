/** What befalls a connection on its way: the same for the kernel's and for Prism's. */
export interface Schedule {
  readonly name: string;
  readonly summary: string;
  readonly bitsPerSecond: number;
  readonly roundTripMicroseconds: number;
  /** Of the drop-tail queue, in bandwidth-delay products. */
  readonly queue: number;
  /** One data frame in so many is lost; 0: none. */
  readonly lossEvery: number;
  /** Share of data frames lost at random. */
  readonly loss: number;
}

const ACCESS = { bitsPerSecond: 50e6, roundTripMicroseconds: 30_000, queue: 1, lossEvery: 0, loss: 0 };

export const SCHEDULES: readonly Schedule[] = [
  { ...ACCESS, name: 'clean', summary: '50 Mbit/s, 30 ms, a queue of one bandwidth-delay product' },
  { ...ACCESS, name: 'periodic', summary: 'as clean, one frame in 1000 lost', lossEvery: 1000 },
  { ...ACCESS, name: 'random', summary: 'as clean, 1 % of the frames lost at random', loss: 0.01 },
];

/** Bytes in flight on the empty path. */
export function productBytes({ bitsPerSecond, roundTripMicroseconds }: Schedule): number {
  return (bitsPerSecond * roundTripMicroseconds) / 8e6;
}
