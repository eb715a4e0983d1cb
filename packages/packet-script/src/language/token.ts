/** What the lexer recognises. Punctuation is every other single character. */
export type TokenKind =
  | 'integer'
  | 'hexadecimal'
  | 'decimal'
  | 'word'
  | 'string'
  | 'command'
  | 'code'
  | 'option'
  | 'ellipsis'
  | 'ipv4'
  | 'ipv6'
  | 'punctuation'
  | 'end';

export interface Token {
  readonly kind: TokenKind;
  /** As written; without the quotes of a string, a command or a code fragment, and without the dashes of an option. */
  readonly text: string;
  /** Counted from 1. */
  readonly line: number;
  readonly column: number;
  /** Offsets into the script: first character, and the one behind the last. */
  readonly start: number;
  readonly end: number;
}

/** A script that is not in the language. The message names what was found and what was expected. */
export class ScriptSyntaxError extends Error {
  readonly line: number;
  readonly column: number;

  constructor(message: string, line: number, column: number) {
    super(message);
    this.name = 'ScriptSyntaxError';
    this.line = line;
    this.column = column;
  }
}
