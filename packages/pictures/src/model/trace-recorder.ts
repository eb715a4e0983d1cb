import type { ConnectionTrace, Quantity, Samples, TraceEvent } from './connection-trace.js';
import { quantities } from './connection-trace.js';
import type { EventKind } from './event-kinds.js';

export interface TraceRecorderOptions {
  /** Rows kept at most, a multiple of four; above that, every four become two with the same extremes. */
  readonly maximumSamples?: number;
  /** Events kept at most; above that, they are only counted. */
  readonly maximumEvents?: number;
}

const INITIAL_ROWS = 1024;

/**
 * Gathers a trace. The source writes the current value of what it knows into {@link now}, and calls {@link sample} when
 * that changed. Memory is bounded, however long the connection is.
 */
export class TraceRecorder {
  /** Current values; NaN: unknown. */
  readonly now: Record<Quantity, number>;
  /** Counted by the source. */
  delivered = 0;
  segments = 0;
  sentBytes = 0;
  readonly notes: string[] = [];

  readonly #maximumSamples: number;
  readonly #maximumEvents: number;
  readonly #events: TraceEvent[] = [];
  readonly #counts: Partial<Record<EventKind, number>> = {};
  readonly #columns: Float64Array[];
  #time: Float64Array;
  #length = 0;
  #lastTime = 0;

  constructor(options: TraceRecorderOptions = {}) {
    this.#maximumSamples = options.maximumSamples ?? 1 << 20;
    this.#maximumEvents = options.maximumEvents ?? 1 << 18;
    this.now = Object.fromEntries(quantities.map((quantity) => [quantity, Number.NaN])) as Record<Quantity, number>;
    const rows = Math.min(INITIAL_ROWS, this.#maximumSamples);
    this.#time = new Float64Array(rows);
    this.#columns = quantities.map(() => new Float64Array(rows));
  }

  /** Appends a row of the current values. Time that goes backwards, as in merged captures, stands still. */
  sample(time: number): void {
    if (this.#length === this.#time.length) this.#makeRoom();
    const row = this.#length++;
    this.#time[row] = this.#advance(time);
    for (let column = 0; column < quantities.length; column++) {
      this.#columns[column]![row] = this.now[quantities[column]!];
    }
    this.now.roundTrip = Number.NaN;
  }

  /** Events may come in any order. */
  event(kind: EventKind, time: number, sequence: number, length = 0): void {
    this.#counts[kind] = (this.#counts[kind] ?? 0) + 1;
    this.#advance(time);
    if (this.#events.length < this.#maximumEvents) {
      this.#events.push({ kind, time, sequence, length });
    }
  }

  count(kind: EventKind): number {
    return this.#counts[kind] ?? 0;
  }

  /** The trace. The recorder is not to be used any more. */
  finish(title: string, source: string): ConnectionTrace {
    const events = Object.values(this.#counts).reduce((sum, count) => sum + count, 0);
    const unseen = events - this.#events.length;
    if (unseen > 0)
      this.notes.push(`Only the first ${this.#maximumEvents} events are drawn; ${unseen} more are counted.`);
    const columns = quantities.map((quantity, column) => [quantity, this.#columns[column]!] as const);
    return {
      title,
      source,
      samples: { length: this.#length, time: this.#time, ...Object.fromEntries(columns) } as Samples,
      events: this.#events.sort((a, b) => a.time - b.time),
      totals: {
        duration: this.#lastTime,
        delivered: this.delivered,
        segments: this.segments,
        sentBytes: this.sentBytes,
        events: this.#counts,
      },
      notes: this.notes,
    };
  }

  #advance(time: number): number {
    if (time > this.#lastTime) this.#lastTime = time;
    return this.#lastTime;
  }

  #makeRoom(): void {
    if (this.#length >= this.#maximumSamples) {
      this.#compact();
      return;
    }
    const rows = Math.min(this.#length * 2, this.#maximumSamples);
    this.#time = grown(this.#time, rows);
    for (let column = 0; column < this.#columns.length; column++) {
      this.#columns[column] = grown(this.#columns[column]!, rows);
    }
  }

  /** Halves the table: of each four values the two extremes stay, in their order. */
  #compact(): void {
    const half = this.#length >> 1;
    for (const values of this.#columns) {
      for (let from = 0, to = 0; from < this.#length; from += 4, to += 2) {
        let low = from;
        let high = from;
        for (let row = from + 1; row < from + 4; row++) {
          if (!(values[row]! >= values[low]!) && !Number.isNaN(values[row]!)) low = row;
          if (!(values[row]! <= values[high]!) && !Number.isNaN(values[row]!)) high = row;
        }
        const first = values[Math.min(low, high)]!;
        values[to + 1] = values[Math.max(low, high)]!;
        values[to] = first;
      }
    }
    for (let from = 0, to = 0; from < this.#length; from += 4, to += 2) {
      const first = this.#time[from]!;
      this.#time[to + 1] = this.#time[from + 3]!;
      this.#time[to] = first;
    }
    this.#length = half;
  }
}

function grown(column: Float64Array, rows: number): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(rows);
  larger.set(column);
  return larger;
}
