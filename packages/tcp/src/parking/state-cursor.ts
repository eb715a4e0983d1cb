import type { StateExchange } from '@prism-net/congestion';

/** Goes over the fields of a connection, to save them or to restore them: one list of fields for both ways. */
export interface StateCursor extends StateExchange {
  /** Saving (`StateWriter`); else restoring (`StateReader`). */
  readonly isSaving: boolean;
}

/** Words before the others that hold flags, one bit each. */
export const FLAG_WORDS = 2;
