/** A simulation went wrong: it hangs, or an invariant does not hold. The message has what is needed to see it again. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError';
  readonly seed: number;
  /** Microseconds since the start of the simulation. */
  readonly time: number;

  constructor(message: string, seed: number, time: number, options?: ErrorOptions) {
    super(message, options);
    this.seed = seed;
    this.time = time;
  }
}
