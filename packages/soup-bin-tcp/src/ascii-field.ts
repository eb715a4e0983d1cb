/*
 * Fields of fixed width in ASCII. Alphanumeric ones are padded with spaces (on the right; session names on the left),
 * numbers are right-justified and padded with spaces on the left. Read at login only.
 */
const SPACE = 0x20;
const ZERO = 0x30;

/** No number: a character that is neither a digit nor padding in front of them, or nothing but padding. */
export const NOT_A_NUMBER = -1;

/** Writes `text`, cut or padded to `width`. Characters beyond ASCII become '?'. */
export function writeText(view: DataView, at: number, width: number, text: string, padLeft = false): void {
  const cut = text.slice(0, width);
  const padded = padLeft ? cut.padStart(width) : cut.padEnd(width);
  for (let n = 0; n < width; n++) {
    const code = padded.charCodeAt(n);
    view.setUint8(at + n, code < 0x80 ? code : 0x3f);
  }
}

/** The text without its padding on either side. */
export function readText(view: DataView, at: number, width: number): string {
  let text = '';
  for (let n = 0; n < width; n++) text += String.fromCharCode(view.getUint8(at + n));
  return text.replace(/^ +| +$/g, '');
}

/** Writes a whole number from 0 to 2^53 - 1. */
export function writeNumber(view: DataView, at: number, width: number, value: number): void {
  writeText(view, at, width, String(value), true);
}

/** A whole number ≥ 0 (zeros or spaces in front, spaces behind), or {@link NOT_A_NUMBER}; beyond 2^53 only roughly. */
export function readNumber(view: DataView, at: number, width: number): number {
  let value = NOT_A_NUMBER;
  let hasEnded = false;
  for (let n = 0; n < width; n++) {
    const code = view.getUint8(at + n);
    if (code === SPACE) {
      hasEnded = value !== NOT_A_NUMBER;
      continue;
    }
    const digit = code - ZERO;
    if (digit < 0 || digit > 9 || hasEnded) return NOT_A_NUMBER;
    value = value === NOT_A_NUMBER ? digit : value * 10 + digit;
  }
  return value;
}
