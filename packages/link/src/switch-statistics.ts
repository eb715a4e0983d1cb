/** What a switch did with the frames sent into it, drops by cause. */
export class SwitchStatistics {
  readonly #counts = new Float64Array(10);

  /** To the one port where the address was learned. */
  get forwarded(): number {
    return this.#counts[0]!;
  }
  /** Frames sent to all other ports; each may have been copied several times. */
  get flooded(): number {
    return this.#counts[1]!;
  }
  /** Addresses learned, and learned anew at another port. */
  get learned(): number {
    return this.#counts[2]!;
  }
  get moved(): number {
    return this.#counts[3]!;
  }
  /** Addresses forgotten to make room for others. */
  get evicted(): number {
    return this.#counts[4]!;
  }
  /** Dropped because the destination is where the frame came from. */
  get droppedLocal(): number {
    return this.#counts[5]!;
  }
  /** Dropped (per port) because the receiving port was full. */
  get droppedFull(): number {
    return this.#counts[6]!;
  }
  /** Not copied (per port) because the pool had no frame. */
  get droppedNoFrame(): number {
    return this.#counts[7]!;
  }
  /** Dropped because too long for the ports, or too short for a header. */
  get droppedLength(): number {
    return this.#counts[8]!;
  }
  /** Dropped because no open port was left to go to, or the sending port was closed. */
  get droppedClosed(): number {
    return this.#counts[9]!;
  }

  /** A plain copy for reports. */
  snapshot(): SwitchStatisticsSnapshot {
    const { forwarded, flooded, learned, moved, evicted } = this;
    const { droppedLocal, droppedFull, droppedNoFrame, droppedLength, droppedClosed } = this;
    const dropped = { droppedLocal, droppedFull, droppedNoFrame, droppedLength, droppedClosed };
    return { forwarded, flooded, learned, moved, evicted, ...dropped };
  }

  count(cause: SwitchEvent): void {
    this.#counts[cause]! += 1;
  }
}

export type SwitchStatisticsSnapshot = {
  readonly [Name in Exclude<keyof SwitchStatistics, 'count' | 'snapshot'>]: number;
};

export const SwitchEvent = {
  FORWARDED: 0,
  FLOODED: 1,
  LEARNED: 2,
  MOVED: 3,
  EVICTED: 4,
  DROPPED_LOCAL: 5,
  DROPPED_FULL: 6,
  DROPPED_NO_FRAME: 7,
  DROPPED_LENGTH: 8,
  DROPPED_CLOSED: 9,
} as const;
export type SwitchEvent = (typeof SwitchEvent)[keyof typeof SwitchEvent];
