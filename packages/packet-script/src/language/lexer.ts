import { ScriptSyntaxError, type Token, type TokenKind } from './token.js';

const GROUP = '[0-9a-fA-F]{1,4}';
const DOTTED = String.raw`\d+\.\d+\.\d+\.\d+`;
/** An address must show a double colon, eight groups or a dotted tail: `1:1001` is a range of sequence numbers. */
const IPV6 = [
  `(?:${GROUP}(?::${GROUP}){0,4})?::(?:${GROUP}:){0,5}${DOTTED}`,
  `(?:${GROUP}:){7}${GROUP}`,
  `(?:${GROUP}(?::${GROUP}){0,6})?::(?:${GROUP}(?::${GROUP}){0,6})?`,
].join('|');

/** Tried at one place; the longest match wins, the earlier of two that are equally long. */
const NUMBERS_AND_WORDS: readonly (readonly [TokenKind, RegExp])[] = [
  ['decimal', /-?\d*\.\d+/y],
  ['integer', /-?\d+/y],
  ['hexadecimal', /0x[0-9a-fA-F]+/y],
  ['word', /[a-zA-Z0-9_]+/y],
  ['ipv4', new RegExp(DOTTED, 'y')],
  ['ipv6', new RegExp(IPV6, 'y')],
];

const BLANK = /[ \t\r\n\f\v\ufeff]+/y;
const LINE_COMMENT = /\/\/[^\n]*/y;
const HASH_COMMENT = /#[^\n]*/y;
const BLOCK_COMMENT = /\/\*[\s\S]*?\*\//y;
const QUOTED: readonly (readonly [TokenKind, string, RegExp, number, string])[] = [
  ['code', '%{', /%\{[\s\S]*?\}%/y, 2, 'code fragment %{ without }%'],
  ['string', '"', /"(?:\\[\s\S]|[^"\\])*"/y, 1, 'string without closing "'],
  ['command', '`', /`(?:\\[\s\S]|[^`\\])*`/y, 1, 'command without closing `'],
];
const OPTION = /--[a-zA-Z][a-zA-Z0-9_]*/y;

/** Cuts a script into tokens; the last is of kind `end`. @throws ScriptSyntaxError for a quote or comment without end. */
export function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  const lines = new LineCounter(text);
  let at = 0;
  while (at < text.length) {
    const skipped = skip(text, at, lines);
    if (skipped > at) {
      at = skipped;
      continue;
    }
    const { kind, end, from, to } = tokenAt(text, at, lines);
    tokens.push({ kind, text: text.slice(from, to), ...lines.position(at), start: at, end });
    at = end;
  }
  tokens.push({ kind: 'end', text: '', ...lines.position(at), start: at, end: at });
  return tokens;
}

function skip(text: string, at: number, lines: LineCounter): number {
  const first = text[at];
  if (first === '/') {
    const line = match(LINE_COMMENT, text, at);
    if (line > at) return line;
    const block = match(BLOCK_COMMENT, text, at);
    if (block === at && text[at + 1] === '*') throw lines.error('comment /* without */', at);
    return block;
  }
  // Not in `sequence#`, the name of a GRE field.
  if (first === '#' && (at === 0 || /\s/.test(text[at - 1]!))) return match(HASH_COMMENT, text, at);
  return match(BLANK, text, at);
}

function tokenAt(text: string, at: number, lines: LineCounter) {
  for (const [kind, opening, pattern, quotes, fault] of QUOTED) {
    if (!text.startsWith(opening, at)) continue;
    const end = match(pattern, text, at);
    if (end === at) throw lines.error(fault, at);
    return { kind, end, from: at + quotes, to: end - quotes };
  }
  if (text.startsWith('...', at)) return { kind: 'ellipsis' as const, end: at + 3, from: at, to: at + 3 };
  const option = match(OPTION, text, at);
  if (option > at) return { kind: 'option' as const, end: option, from: at + 2, to: option };
  let kind: TokenKind = 'punctuation';
  let end = at;
  for (const [candidate, pattern] of NUMBERS_AND_WORDS) {
    const candidateEnd = match(pattern, text, at);
    if (candidateEnd <= end) continue;
    kind = candidate;
    end = candidateEnd;
  }
  if (end === at) end = at + 1;
  return { kind, end, from: at, to: end };
}

/** Where the match of a sticky pattern ends; `at` when there is none. */
function match(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/** Lines and columns of offsets that are asked for in ascending order. */
class LineCounter {
  readonly #text: string;
  #line = 1;
  #lineStart = 0;
  #seen = 0;

  constructor(text: string) {
    this.#text = text;
  }

  position(offset: number): { line: number; column: number } {
    for (; this.#seen < offset; this.#seen++) {
      if (this.#text[this.#seen] !== '\n') continue;
      this.#line++;
      this.#lineStart = this.#seen + 1;
    }
    return { line: this.#line, column: offset - this.#lineStart + 1 };
  }

  error(message: string, offset: number): ScriptSyntaxError {
    const { line, column } = this.position(offset);
    return new ScriptSyntaxError(message, line, column);
  }
}
