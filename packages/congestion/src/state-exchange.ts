/**
 * Takes and gives state number by number, always in the same order, to save what an object knows and to have it back:
 *
 *     this.count = state.number(this.count);
 *
 * While saving, every method returns what it was given; while restoring, what was saved. What is nearly always as in a new
 * object goes to the `rare` ones, which then cost nothing.
 */
export interface StateExchange {
  /** An int32. */
  number(value: number): number;
  rare(value: number): number;
  flag(value: boolean): boolean;
  double(value: number): number;
  rareDouble(value: number): number;
}
