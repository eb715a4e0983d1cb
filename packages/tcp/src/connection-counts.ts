/** Indices of `ControlBlock.counts`. */
export const Count = {
  SEGMENTS_IN: 0,
  SEGMENTS_OUT: 1,
  BYTES_RECEIVED: 2,
  BYTES_SENT: 3,
  BYTES_ACKNOWLEDGED: 4,
  // Of these most connections have none.
  RETRANSMITTED: 5,
  OUT_OF_ORDER: 6,
  DUPLICATES: 7,
} as const;

/** Those of which every connection has some come first. */
export const COMMON_COUNTS = 5;
