/** When each of a kind of things wants its next turn: microseconds since the start of the simulation, Infinity for never. */
export class Schedule {
  due = new Float64Array(16).fill(Number.POSITIVE_INFINITY);
  length = 0;

  /** A place for one more thing; its number is its rank among those that are due at the same time. */
  add(): number {
    if (this.length === this.due.length) {
      const larger = new Float64Array(this.length * 2).fill(Number.POSITIVE_INFINITY);
      larger.set(this.due);
      this.due = larger;
    }
    this.length += 1;
    return this.length - 1;
  }

  /** The number of what is due first; -1 when nothing is. */
  first(): number {
    const { due, length } = this;
    let first = -1;
    let earliest = Number.POSITIVE_INFINITY;
    for (let i = 0; i < length; i = (i + 1) | 0) {
      const time = due[i]!;
      if (time < earliest) {
        earliest = time;
        first = i;
      }
    }
    return first;
  }
}
