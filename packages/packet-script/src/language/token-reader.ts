import { ScriptSyntaxError, type Token, type TokenKind } from './token.js';

const OPENING = '([{';
const CLOSING = ')]}';
/** Counted, so that a mistake deep in an endless script cannot make the error unreadable. */
const LONGEST_QUOTE = 24;

/** The tokens of a script, read from front to back with as much look-ahead as wanted. */
export class TokenReader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(text: string, tokens: readonly Token[]) {
    this.#text = text;
    this.#tokens = tokens;
  }

  get current(): Token {
    return this.peek(0);
  }

  /** The token read last. */
  get previous(): Token {
    return this.#tokens[Math.max(this.#at - 1, 0)]!;
  }

  peek(ahead: number): Token {
    return this.#tokens[Math.min(this.#at + ahead, this.#tokens.length - 1)]!;
  }

  next(): Token {
    const token = this.current;
    if (token.kind !== 'end') this.#at++;
    return token;
  }

  is(punctuation: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'punctuation' && token.text === punctuation;
  }

  isKind(kind: TokenKind, ahead = 0): boolean {
    return this.peek(ahead).kind === kind;
  }

  isWord(word: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return token.kind === 'word' && token.text === word;
  }

  /** Reads the punctuation if it is next. */
  accept(punctuation: string): boolean {
    if (!this.is(punctuation)) return false;
    this.#at++;
    return true;
  }

  acceptWord(word: string): boolean {
    if (!this.isWord(word)) return false;
    this.#at++;
    return true;
  }

  expect(punctuation: string, where: string): Token {
    if (this.is(punctuation)) return this.next();
    throw this.unexpected(`'${punctuation}' ${where}`);
  }

  /** The next token touches the one before: no blank, no comment between. */
  isAdjacent(ahead = 0): boolean {
    const index = Math.min(this.#at + ahead, this.#tokens.length - 1);
    const before = this.#tokens[index - 1];
    return before !== undefined && before.end === this.#tokens[index]!.start;
  }

  /** The next token, and those that touch it, as one text. For values such as 192.0.2.1/24 or ipv4-mapped-ipv6. */
  joined(): string {
    const first = this.next();
    if (first.kind === 'string') return first.text;
    while (this.isAdjacent() && !this.isKind('end')) this.next();
    return this.#text.slice(first.start, this.previous.end);
  }

  /** As {@link joined}, but ends in front of any of these. */
  joinedUntil(punctuation: readonly string[]): string {
    const first = this.next();
    while (this.isAdjacent() && !this.isKind('end') && !punctuation.some((each) => this.is(each))) this.next();
    return this.#text.slice(first.start, this.previous.end);
  }

  /** Reads up to the bracket that closes the one read last, and that too; the text between, blanks collapsed. */
  balanced(): string {
    const opened = this.previous;
    const wanted = [CLOSING[OPENING.indexOf(opened.text)]!];
    const start = this.current.start;
    for (;;) {
      const token = this.next();
      if (token.kind === 'end') {
        throw new ScriptSyntaxError(`'${opened.text}' is never closed`, opened.line, opened.column);
      }
      if (token.kind !== 'punctuation') continue;
      const opens = OPENING.indexOf(token.text);
      if (opens >= 0) wanted.push(CLOSING[opens]!);
      else if (CLOSING.includes(token.text)) {
        if (wanted.pop() !== token.text) throw this.error(`'${token.text}' closes nothing`, token);
        if (wanted.length === 0) return this.textBetween(start, token.start);
      }
    }
  }

  textBetween(start: number, end: number): string {
    return this.#text.slice(start, end).replace(/\s+/g, ' ').trim();
  }

  error(message: string, at: Token = this.current): ScriptSyntaxError {
    return new ScriptSyntaxError(message, at.line, at.column);
  }

  unexpected(wanted: string): ScriptSyntaxError {
    return this.error(`expected ${wanted}, found ${describe(this.current)}`);
  }
}

export function describe(token: Token): string {
  if (token.kind === 'end') return 'the end of the script';
  const text = token.text.length > LONGEST_QUOTE ? `${token.text.slice(0, LONGEST_QUOTE)}…` : token.text;
  return token.kind === 'option' ? `'--${text}'` : `'${text.replace(/\s+/g, ' ')}'`;
}
