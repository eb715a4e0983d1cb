/** Bits of the eight dots of a cell (Unicode 9.0, §21.1 "Braille Patterns"): two columns of four. */
const DOTS = [
  [0x01, 0x02, 0x04, 0x40],
  [0x08, 0x10, 0x20, 0x80],
] as const;

/** A grid of dots, two by four to a character. Dot 0, 0 is at the top left. */
export class BrailleCanvas {
  readonly width: number;
  readonly height: number;
  readonly #columns: number;
  readonly #cells: Uint8Array;
  /** What drew last into a cell, and so colours it. */
  readonly #inks: Uint8Array;

  constructor(columns: number, rows: number) {
    this.#columns = columns;
    this.width = 2 * columns;
    this.height = 4 * rows;
    this.#cells = new Uint8Array(columns * rows);
    this.#inks = new Uint8Array(columns * rows);
  }

  /** Sets a dot; outside of the grid, none. */
  dot(x: number, y: number, ink: number): void {
    if (x < 0 || x >= this.width || y < 0 || y >= this.height) return;
    const cell = (y >> 2) * this.#columns + (x >> 1);
    this.#cells[cell] = this.#cells[cell]! | DOTS[x & 1]![y & 3]!;
    this.#inks[cell] = ink;
  }

  /** A row of characters; `paint` colours runs of one ink. Cells without dots are spaces. */
  row(index: number, paint: (text: string, ink: number) => string): string {
    let line = '';
    let run = '';
    let ink = 0;
    for (let column = 0; column < this.#columns; column++) {
      const cell = index * this.#columns + column;
      const dots = this.#cells[cell]!;
      const character = dots === 0 ? ' ' : String.fromCharCode(0x2800 + dots);
      if (dots !== 0 && this.#inks[cell] !== ink) {
        line += paint(run, ink);
        run = '';
        ink = this.#inks[cell]!;
      }
      run += character;
    }
    return line + paint(run.trimEnd(), ink);
  }
}
