/** What a kind of algorithm promises, beyond what every one must keep. */
export interface Expectations {
  /** The queue of a deep buffer stays short (below 1.5 bandwidth-delay products) once the flow has found the rate. */
  readonly lowQueue?: boolean;
  /** Loss at random, of up to a per cent, costs little: the rate is known otherwise. */
  readonly toleratesLoss?: boolean;
  /** Flows of the same algorithm share equally (Jain ≥ 0.95), and not only roughly. */
  readonly fair?: boolean;
}

const declared = new Map<string, Expectations>([
  ['newreno', { fair: true }],
  ['cubic', { fair: true }],
  ['bbr', { lowQueue: true, toleratesLoss: true }],
  ['dctcp', { fair: true }],
]);

/** What the kit is to hold the algorithm registered as `name` to. The last declaration counts. */
export function declareExpectations(name: string, expectations: Expectations): void {
  declared.set(name, expectations);
}

export function expectationsOf(name: string): Expectations {
  return declared.get(name) ?? {};
}
