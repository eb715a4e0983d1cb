/** What became of virtual segments that were cut in software. Doubles in one array: they outgrow 31 bits. */
export class SegmentationStatistics {
  readonly #counts = new Float64Array(5);

  /** Virtual segments cut. */
  get virtualSegments(): number {
    return this.#counts[0]!;
  }
  /** Wire segments they became. */
  get wireSegments(): number {
    return this.#counts[1]!;
  }
  /** Virtual segments whose payload was copied into fresh frames. */
  get copied(): number {
    return this.#counts[2]!;
  }
  /** Wire segments that were not made, because the pool was empty. */
  get exhausted(): number {
    return this.#counts[3]!;
  }
  /** Packets that are no virtual segments of TCP, too long or damaged: dropped whole. */
  get refused(): number {
    return this.#counts[4]!;
  }

  countCut(wireSegments: number): void {
    this.#counts[0]! += 1;
    this.#counts[1]! += wireSegments;
  }
  countCopied(exhausted: number): void {
    this.#counts[2]! += 1;
    this.#counts[3]! += exhausted;
  }
  countRefused(): void {
    this.#counts[4]! += 1;
  }

  /** A plain copy for reports. */
  snapshot(): SegmentationStatisticsSnapshot {
    const { virtualSegments, wireSegments, copied, exhausted, refused } = this;
    return { virtualSegments, wireSegments, copied, exhausted, refused };
  }
}

export interface SegmentationStatisticsSnapshot {
  readonly virtualSegments: number;
  readonly wireSegments: number;
  readonly copied: number;
  readonly exhausted: number;
  readonly refused: number;
}
