import type { RareState } from './rare-state.js';

/** Rows of a chunk: chunks come and go with the connections whose numbers fall into them. */
const CHUNK_SHIFT = 10;
const CHUNK_ROWS = 1 << CHUNK_SHIFT;

/** The rows in which parked connections lie, by their number in the table of connections; in chunks made on demand. */
export class ParkedRows {
  readonly #rowWords: number;
  readonly #chunks: (Int32Array | null)[] = [];
  readonly #used: number[] = [];
  /** For the few that have something unusual to remember. */
  readonly #rares = new Map<number, RareState>();
  size = 0;

  constructor(rowWords: number) {
    this.#rowWords = rowWords;
  }

  /** Bytes of all rows. */
  get bytes(): number {
    let bytes = 0;
    for (const chunk of this.#chunks) bytes += chunk?.byteLength ?? 0;
    for (const rares of this.#rares.values()) bytes += rares.byteLength;
    return bytes;
  }

  /** A new row with the first of `words`. */
  add(slot: number, words: Int32Array): void {
    const index = slot >> CHUNK_SHIFT;
    while (this.#chunks.length <= index) {
      this.#chunks.push(null);
      this.#used.push(0);
    }
    this.#used[index]!++;
    this.size++;
    const chunk = (this.#chunks[index] ??= new Int32Array(this.#rowWords << CHUNK_SHIFT));
    const start = this.start(slot);
    for (let i = 0; i < this.#rowWords; i = (i + 1) | 0) chunk[(start + i) | 0] = words[i]!;
  }

  chunk(slot: number): Int32Array {
    return this.#chunks[slot >> CHUNK_SHIFT]!;
  }

  /** Where in its chunk the row begins. */
  start(slot: number): number {
    return Math.imul(slot & (CHUNK_ROWS - 1), this.#rowWords);
  }

  setRares(slot: number, rares: RareState): void {
    this.#rares.set(slot, rares);
  }

  rares(slot: number): RareState | undefined {
    return this.#rares.get(slot);
  }

  delete(slot: number): void {
    const index = slot >> CHUNK_SHIFT;
    this.#used[index]!--;
    this.size--;
    if (this.#used[index] === 0) this.#chunks[index] = null;
    if (this.#rares.size > 0) this.#rares.delete(slot);
  }
}
