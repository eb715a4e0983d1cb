/** Bytes of text in a segment that a host takes which says nothing (RFC 9293 §3.7.1, MUST-15). */
export function defaultSegmentSize(family: number): number {
  return family === 6 ? 1220 : 536;
}
