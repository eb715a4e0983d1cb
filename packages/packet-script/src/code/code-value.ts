import { Unsupported } from '../values/unsupported.js';

export type CodeValue = number | string | boolean | null | readonly CodeValue[];

export function isTrue(value: CodeValue): boolean {
  if (Array.isArray(value)) return value.length > 0;
  return Boolean(value);
}

export function isEqual(a: CodeValue, b: CodeValue): boolean {
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((each, i) => isEqual(each, b[i] as CodeValue));
  }
  // True is 1 in Python.
  if (typeof a === 'boolean' || typeof b === 'boolean') return Number(a) === Number(b) && a !== null && b !== null;
  return a === b;
}

export function toNumber(value: CodeValue): number {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  throw new Unsupported(`code fragment: ${toText(value)} is no number`);
}

/** As `str` writes it. */
export function toText(value: CodeValue): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (Array.isArray(value)) return `[${value.map(toText).join(', ')}]`;
  return String(value);
}

/** Python's `format % values`. */
export function formatText(format: string, values: readonly CodeValue[]): string {
  let next = 0;
  return format.replace(
    /%[-+ #0]*\d*(?:\.(\d+))?([diufeEgGxXosrc%])/g,
    (_, digits: string | undefined, type: string) => {
      if (type === '%') return '%';
      const value = values[next++] ?? null;
      if (type === 's' || type === 'r' || type === 'c') return toText(value);
      const number = toNumber(value);
      if (type === 'x') return number.toString(16);
      if (type === 'X') return number.toString(16).toUpperCase();
      if (type === 'o') return number.toString(8);
      if ('feEgG'.includes(type)) return number.toFixed(digits === undefined ? 6 : Number(digits));
      return String(Math.trunc(number));
    },
  );
}
