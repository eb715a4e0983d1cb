import type { EventKind } from './event-kinds.js';

/**
 * One direction of one connection over time: what every picture is drawn from, and what every source makes. Times are
 * microseconds since the trace began; sequence numbers count bytes of data from the sender's first, and do not wrap.
 */
export interface ConnectionTrace {
  /** Sender and receiver. */
  readonly title: string;
  /** Where the trace comes from: a scenario or a capture. */
  readonly source: string;
  readonly samples: Samples;
  readonly events: readonly TraceEvent[];
  readonly totals: TraceTotals;
  /** What a reader of the picture must know: what the source could not see, and what was left out. */
  readonly notes: readonly string[];
}

/** What is sampled. Bytes, microseconds and sequence numbers. */
export const quantities = [
  'congestionWindow',
  'slowStartThreshold',
  'inFlight',
  'receiveWindow',
  'roundTrip',
  'smoothedRoundTrip',
  'sequence',
  'acknowledged',
] as const;
export type Quantity = (typeof quantities)[number];

/**
 * A table by columns, `length` rows of each are in use, in the order of time. `NaN` where a quantity is unknown. A
 * quantity holds its value until the next row, but for `roundTrip`, the single measurement.
 */
export type Samples = { readonly length: number; readonly time: Float64Array } & {
  readonly [Q in Quantity]: Float64Array;
};

export interface TraceEvent {
  readonly kind: EventKind;
  readonly time: number;
  /** The first byte it is about; NaN when it is about none. */
  readonly sequence: number;
  /** Bytes it is about, 0 for none. */
  readonly length: number;
}

export interface TraceTotals {
  readonly duration: number;
  /** Bytes of data that reached the receiver, as the sender learnt. */
  readonly delivered: number;
  /** Segments with data the sender sent, and their bytes: repeated ones too. */
  readonly segments: number;
  readonly sentBytes: number;
  /** How often each kind of event happened, also where `events` leaves some out. */
  readonly events: Readonly<Partial<Record<EventKind, number>>>;
}

/** Delivered bytes per second; 0 for a trace without duration. */
export function goodput({ delivered, duration }: TraceTotals): number {
  return duration > 0 ? delivered / (duration / 1e6) : 0;
}

/** The extremes of a quantity; NaN when it was never known. */
export function range(samples: Samples, quantity: Quantity): { readonly minimum: number; readonly maximum: number } {
  const column = samples[quantity];
  let minimum = Number.NaN;
  let maximum = Number.NaN;
  for (let row = 0; row < samples.length; row++) {
    const value = column[row]!;
    if (Number.isNaN(value)) continue;
    if (!(value >= minimum)) minimum = value;
    if (!(value <= maximum)) maximum = value;
  }
  return { minimum, maximum };
}
