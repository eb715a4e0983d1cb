/** Indices of `Connection.counts`. */
export const Count = {
  SEGMENTS_IN: 0,
  SEGMENTS_OUT: 1,
  BYTES_RECEIVED: 2,
  BYTES_SENT: 3,
  RETRANSMITTED: 4,
  OUT_OF_ORDER: 5,
  DUPLICATES: 6,
  BYTES_ACKNOWLEDGED: 7,
} as const;
