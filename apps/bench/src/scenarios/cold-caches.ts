/** Larger than a level 2 cache, and than one core's share of most level 3 caches. */
const MEBIBYTES = 32;
const SLICES = 32;

/** What a process does between two sends: walks through memory, and runs code of all kinds. */
export class OtherWork {
  readonly #memory = new Int32Array((MEBIBYTES << 20) >> 2);
  readonly #document: string;
  #at = 0;
  /** Something comes of it, so that it cannot be left out. */
  result = 0;

  constructor() {
    const book = Array.from({ length: 24 }, (_, i) => ({
      price: 100 + i,
      side: i & 1 ? 'buy' : 'sell',
      name: `S${i}`,
    }));
    this.#document = JSON.stringify(book);
  }

  /** All of it: a few milliseconds; `between` is called after each 32nd part but the last. */
  run(between: (() => void) | null): void {
    for (let slice = 0; slice < SLICES; slice++) {
      this.#walk();
      this.#compute(slice);
      if (between !== null && slice !== SLICES - 1) between();
    }
  }

  #walk(): void {
    const memory = this.#memory;
    const end = (this.#at + memory.length / SLICES) | 0;
    // One word of each cache line.
    for (let at = this.#at; at < end; at = (at + 16) | 0) memory[at] = (memory[at]! + at) | 0;
    this.result = (this.result + memory[this.#at]!) | 0;
    this.#at = end === memory.length ? 0 : end;
  }

  #compute(seed: number): void {
    const book = JSON.parse(this.#document) as { price: number; side: string; name: string }[];
    book.sort((a, b) => ((a.price * 7 + seed) % 11) - ((b.price * 7 + seed) % 11));
    const sides = new Map<string, number>();
    for (const { side, price, name } of book) {
      sides.set(side, (sides.get(side) ?? 0) + price + name.replace(/S(\d)/u, '$1').length);
    }
    this.result = (this.result + sides.size + book[0]!.price) | 0;
  }
}
