/** A table on the console, whose rows appear as they come. */
export class Table {
  readonly #widths: readonly number[];

  /** Titles, each as wide as its column is with `widths` left out. */
  constructor(titles: readonly string[], widths: readonly number[]) {
    this.#widths = titles.map((title, i) => Math.max(title.length, widths[i] ?? 0));
    this.print(titles);
    console.log(this.#widths.map((width) => '─'.repeat(width)).join('  '));
  }

  /** The first column stands left, numbers right. */
  print(cells: readonly string[]): void {
    const padded = cells.map((cell, i) => (i === 0 ? cell.padEnd(this.#widths[i]!) : cell.padStart(this.#widths[i]!)));
    console.log(padded.join('  '));
  }
}

/** What was before, during and after. */
export function course(values: readonly number[], digits = 1): string {
  return values.map((value) => value.toFixed(digits)).join(' → ');
}
