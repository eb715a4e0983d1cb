/** What the kit says of one scenario, or of all: `note` is for what a reader should know, and is no failure. */
export type Verdict = 'pass' | 'note' | 'FAIL';

/** How a figure is printed. */
export type Unit = '%' | '×' | 's' | 'BDP' | 'segments' | '';

/** Gathers what is wrong or remarkable. */
export class Judge {
  readonly #failures: string[] = [];
  readonly #notes: string[] = [];
  readonly #facts: string[] = [];

  get verdict(): Verdict {
    if (this.#failures.length > 0) return 'FAIL';
    return this.#notes.length > 0 ? 'note' : 'pass';
  }

  /** The failures; or else the notes; or else what was found. */
  get reason(): string {
    if (this.#failures.length > 0) return this.#failures.join('; ');
    return [...this.#notes, ...this.#facts].join('; ');
  }

  fail(text: string): void {
    this.#failures.push(text);
  }

  note(text: string): void {
    this.#notes.push(text);
  }

  fact(text: string): void {
    this.#facts.push(text);
  }

  /** FAIL below `least`, a note below `good`. What is not a number fails. */
  atLeast(what: string, value: number, least: number, good = least, unit: Unit = '%'): void {
    if (!(value >= least)) this.fail(`${what} ${show(value, unit)}, less than ${show(least, unit)}`);
    else if (value < good) this.note(`${what} ${show(value, unit)}, less than ${show(good, unit)}`);
  }

  /** FAIL above `most`, a note above `good`. What is not a number fails. */
  atMost(what: string, value: number, most: number, good = most, unit: Unit = '%'): void {
    if (!(value <= most)) this.fail(`${what} ${show(value, unit)}, more than ${show(most, unit)}`);
    else if (value > good) this.note(`${what} ${show(value, unit)}, more than ${show(good, unit)}`);
  }
}

/** A figure with its unit; shares (`%`) are given as 0 to 1. */
export function show(value: number, unit: Unit): string {
  if (!Number.isFinite(value)) return String(value);
  if (unit === '%') return `${significant(value * 100)} %`;
  return unit === '' || unit === '×' ? `${significant(value)}${unit}` : `${significant(value)} ${unit}`;
}

function significant(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(2)));
}
