import type { StateExchange } from '@prism-net/congestion';

/** Goes over the fields of a connection, to save them or to restore them: one list of fields for both ways. */
export interface StateCursor extends StateExchange {
  /** Saving (`StateWriter`); else restoring (`StateReader`). */
  readonly isSaving: boolean;
  /** It went over so many fields of each kind. */
  hasDone(layout: StateLayout): boolean;
}

/** Fields of each kind; doubles among the numbers count twice. */
export interface StateLayout {
  /** Those of flags included. */
  readonly words: number;
  readonly flags: number;
  readonly rareWords: number;
  readonly rareDoubles: number;
}

/** Most words of one kind that a connection may have. */
export const MOST_WORDS = 256;

/** Words before the others that hold flags, one bit each. */
export const FLAG_WORDS = 2;
