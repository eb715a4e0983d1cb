import type { Forge } from './forge.js';

/** One kind of attack. */
export interface Family {
  readonly name: string;
  /** Rows of the table of hostile inputs that it belongs to. */
  readonly rows: readonly number[];
  /** How often it is drawn, against the others. */
  readonly weight: number;
  /** One frame, or several that belong together, in order. */
  make(forge: Forge): Uint8Array | readonly Uint8Array[];
}
