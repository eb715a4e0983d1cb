import type { TokenReader } from './token-reader.js';

/**
 * Reads the numbers of a packet line. A word in place of a number is a symbol, defined by `--define` or `-D`; one that is
 * not defined is noted, so that the script still parses and says what it lacks.
 */
export class NumberReader {
  readonly unsupported: string[] = [];
  readonly #reader: TokenReader;
  readonly #defines: ReadonlyMap<string, string>;

  constructor(reader: TokenReader, defines: ReadonlyMap<string, string>) {
    this.#reader = reader;
    this.#defines = defines;
  }

  /** A whole number from 0 to `maximum`. */
  integer(what: string, maximum: number): number {
    const token = this.#reader.current;
    const value = this.any(what);
    if (value < 0 || value > maximum || !Number.isInteger(value)) {
      throw this.#reader.error(`${token.text} ${what} is out of range: 0 to ${maximum}`, token);
    }
    return value;
  }

  /** As {@link integer}; null for `...` and `*`. */
  integerOrAny(what: string, maximum: number): number | null {
    if (!this.#reader.isKind('ellipsis') && !this.#reader.is('*')) return this.integer(what, maximum);
    this.#reader.next();
    return null;
  }

  any(what: string): number {
    const reader = this.#reader;
    const { kind, text } = reader.current;
    if (kind === 'integer' || kind === 'hexadecimal') {
      reader.next();
      return Number(text);
    }
    if (kind !== 'word') throw reader.unexpected(`a number ${what}`);
    reader.next();
    const defined = this.#defines.get(text);
    const value = Number(defined?.replace(/^["`]|["`]$/g, '') ?? Number.NaN);
    if (!Number.isNaN(value)) return value;
    this.unsupported.push(`symbol ${text} without a definition`);
    return 0;
  }

  /** Text in place of a word: the definition, where there is one. */
  symbol(word: string): string {
    return this.#defines.get(word)?.replace(/^["`]|["`]$/g, '') ?? word;
  }
}
