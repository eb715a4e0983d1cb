/** What a pixel column holds of a quantity. */
export const Column = { EMPTY: 0, KNOWN: 1, UNKNOWN: 2 } as const;

/**
 * A series reduced to what a picture of so many columns can show: per column the first, the extreme and the last values.
 * However many samples there are, no peak is lost.
 */
export interface Envelope {
  /** {@link Column}: no sample, known values, or only samples that say the value is not known. */
  readonly state: Uint8Array;
  readonly first: Float64Array;
  readonly minimum: Float64Array;
  readonly maximum: Float64Array;
  readonly last: Float64Array;
}

/** Reduces `length` samples of times from 0 to `duration`. */
export function envelope(
  time: Float64Array,
  values: Float64Array,
  length: number,
  duration: number,
  columns: number,
): Envelope {
  const state = new Uint8Array(columns);
  const first = new Float64Array(columns);
  const minimum = new Float64Array(columns);
  const maximum = new Float64Array(columns);
  const last = new Float64Array(columns);
  for (let row = 0; row < length; row++) {
    const column = columnOf(time[row]!, duration, columns);
    const value = values[row]!;
    if (Number.isNaN(value)) {
      if (state[column] === Column.EMPTY) state[column] = Column.UNKNOWN;
      continue;
    }
    if (state[column] !== Column.KNOWN) {
      state[column] = Column.KNOWN;
      first[column] = minimum[column] = maximum[column] = value;
    }
    if (value < minimum[column]!) minimum[column] = value;
    if (value > maximum[column]!) maximum[column] = value;
    last[column] = value;
  }
  return { state, first, minimum, maximum, last };
}

/** In which of `columns` a time lies. */
export function columnOf(time: number, duration: number, columns: number): number {
  if (!(duration > 0)) return 0;
  return Math.min(columns - 1, Math.max(0, Math.round((time / duration) * (columns - 1))));
}
