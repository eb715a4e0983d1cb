import { Column, type Envelope } from './envelope.js';

/** Writes path data with small relative numbers: tenths of a pixel at most, and no command that moves nowhere. */
class Pen {
  data = '';
  #x = 0;
  #y = 0;
  /** Movement not written yet: runs of equal values become one command. */
  #pendingX = 0;

  moveTo(x: number, y: number): void {
    this.#flush();
    this.#x = tenths(x);
    this.#y = tenths(y);
    this.data += `M${this.#x / 10} ${this.#y / 10}`;
  }

  right(x: number): void {
    this.#pendingX += tenths(x) - this.#x;
    this.#x = tenths(x);
  }

  vertical(y: number): void {
    const difference = tenths(y) - this.#y;
    if (difference === 0) return;
    this.#flush();
    this.data += `v${difference / 10}`;
    this.#y = tenths(y);
  }

  close(): void {
    this.#flush();
    this.data += 'z';
  }

  finish(): string {
    this.#flush();
    return this.data;
  }

  #flush(): void {
    if (this.#pendingX !== 0) this.data += `h${this.#pendingX / 10}`;
    this.#pendingX = 0;
  }
}

function tenths(pixels: number): number {
  return Math.round(pixels * 10);
}

/** Where columns and values are. */
export interface Placement {
  x(column: number): number;
  y(value: number): number;
  /** The bottom of the panel. */
  readonly base: number;
}

/**
 * A quantity that holds its value until the next sample; interrupted where it is unknown. With `isArea` it is closed along
 * the bottom.
 */
export function stepPath(envelope: Envelope, place: Placement, isArea: boolean): string {
  const { state, first, minimum, maximum, last } = envelope;
  const pen = new Pen();
  let isDown = false;
  let end = 0;
  for (let column = 0; column < state.length; column++) {
    if (state[column] === Column.EMPTY) continue;
    end = column;
    const x = place.x(column);
    if (state[column] === Column.UNKNOWN) {
      if (isDown) finishRun(pen, x, place, isArea);
      isDown = false;
      continue;
    }
    if (isDown) {
      pen.right(x);
      pen.vertical(place.y(first[column]!));
    } else {
      pen.moveTo(x, isArea ? place.base : place.y(first[column]!));
      pen.vertical(place.y(first[column]!));
    }
    isDown = true;
    // The shorter way through both extremes.
    const isHighFirst = maximum[column]! - first[column]! < first[column]! - minimum[column]!;
    pen.vertical(place.y(isHighFirst ? maximum[column]! : minimum[column]!));
    pen.vertical(place.y(isHighFirst ? minimum[column]! : maximum[column]!));
    pen.vertical(place.y(last[column]!));
  }
  if (isDown) finishRun(pen, place.x(end), place, isArea);
  return pen.finish();
}

function finishRun(pen: Pen, x: number, place: Placement, isArea: boolean): void {
  pen.right(x);
  if (!isArea) return;
  pen.vertical(place.base);
  pen.close();
}

/** Single measurements: per column a dot, or a stroke from the least to the largest. */
export function pointsPath({ state, minimum, maximum }: Envelope, place: Placement): string {
  let data = '';
  for (let column = 0; column < state.length; column++) {
    if (state[column] !== Column.KNOWN) continue;
    const top = tenths(place.y(maximum[column]!));
    const height = tenths(place.y(minimum[column]!)) - top;
    data += `M${tenths(place.x(column)) / 10} ${top / 10}${height > 0 ? `v${height / 10}` : 'h0'}`;
  }
  return data;
}
