import { Unsupported } from '../values/unsupported.js';
import { type CodeToken, tokenizeCode } from './code-lexer.js';

/** Reads the tokens of a fragment. */
export class CodeTokens {
  readonly #tokens: readonly CodeToken[];
  #at = 0;

  constructor(text: string) {
    this.#tokens = tokenizeCode(text);
  }

  get current(): CodeToken {
    return this.#tokens[Math.min(this.#at, this.#tokens.length - 1)]!;
  }

  get kind(): CodeToken['kind'] {
    return this.current.kind;
  }

  /** Empty for strings, so that none is taken for an operator. */
  get text(): string {
    const { kind, text } = this.current;
    return kind === 'string' || kind === 'number' ? '' : text;
  }

  peek(ahead: number): CodeToken {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
  }

  next(): string {
    const { text } = this.current;
    this.#at++;
    return text;
  }

  accept(text: string): boolean {
    if (this.text !== text) return false;
    this.#at++;
    return true;
  }

  expect(text: string): void {
    if (this.accept(text)) return;
    const found = this.current.text.trim() === '' ? 'the end of the line' : `'${this.current.text}'`;
    throw new Unsupported(`code fragment: expected '${text}', found ${found}`);
  }

  /** What was read since that token, blanks made one. */
  sourceFrom(token: CodeToken): string {
    const from = this.#tokens.indexOf(token);
    const words = this.#tokens.slice(from, this.#at).map(({ text }) => text);
    return words
      .join(' ')
      .replace(/ ?([()[\]]) ?/g, '$1')
      .replace(/([=<>])\(/g, '$1 (');
  }

  isAtEnd(): boolean {
    return this.kind === 'newline' || this.kind === 'end' || ')]}'.includes(this.text || ' ');
  }
}
