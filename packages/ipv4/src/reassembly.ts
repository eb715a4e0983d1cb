export interface ReassemblyOptions {
  /** Incomplete datagrams at once. Default 64. */
  readonly datagrams?: number;
  /** Incomplete datagrams of one source at once. Default 16. */
  readonly datagramsPerSource?: number;
  /** Fragments of one datagram. Default 64. */
  readonly fragmentsPerDatagram?: number;
  /** Frames held by all incomplete datagrams together. Default 1,024. */
  readonly frames?: number;
  /** How long a datagram may take to become complete. Default 30,000 (RFC 791 §3.2 suggests 15 s, RFC 1122 §3.3.2 60 s). */
  readonly timeoutMilliseconds?: number;
}
