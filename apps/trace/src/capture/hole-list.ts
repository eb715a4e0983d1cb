interface Hole {
  start: number;
  end: number;
  readonly time: number;
}

const MAXIMUM_HOLES = 1024;

/** Bytes a capture has skipped so far, and since when: they come late, again, or never. The oldest are forgotten first. */
export class HoleList {
  readonly #holes: Hole[] = [];

  open(start: number, end: number, time: number): void {
    this.#holes.push({ start, end, time });
    if (this.#holes.length > MAXIMUM_HOLES) this.#holes.shift();
  }

  /** Bytes that came after all. Returns when they were first missed, or NaN. */
  fill(start: number, end: number): number {
    const index = this.#holes.findIndex((hole) => hole.start < end && start < hole.end);
    const hole = this.#holes[index];
    if (hole === undefined) return Number.NaN;
    const rest: Hole[] = [];
    if (hole.start < start) rest.push({ ...hole, end: start });
    if (end < hole.end) rest.push({ ...hole, start: end });
    this.#holes.splice(index, 1, ...rest);
    return hole.time;
  }

  /** Gives up on everything before `limit`. Returns how many bytes of it never came. */
  closeBelow(limit: number): number {
    let missing = 0;
    while (this.#holes.length > 0 && this.#holes[0]!.start < limit) {
      const hole = this.#holes[0]!;
      missing += Math.min(hole.end, limit) - hole.start;
      if (hole.end > limit) {
        hole.start = limit;
        break;
      }
      this.#holes.shift();
    }
    return missing;
  }
}
