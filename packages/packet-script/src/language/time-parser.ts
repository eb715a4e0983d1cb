import type { TokenReader } from './token-reader.js';

const MICROSECONDS = 1_000_000;

/** Seconds in the script, microseconds here. */
export function parseTime(reader: TokenReader, wanted: string): number {
  const token = reader.current;
  if (token.kind !== 'integer' && token.kind !== 'decimal') throw reader.unexpected(wanted);
  if (token.text.startsWith('-')) throw reader.error('the time is negative');
  reader.next();
  return Math.round(Number(token.text) * MICROSECONDS);
}
