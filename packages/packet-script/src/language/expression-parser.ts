import type { Expression, Position, StructField } from './syntax.js';
import type { TokenReader } from './token-reader.js';

/** Functions and operators that look like calls inside of arguments. */
const FUNCTIONS = new Set([
  'htons',
  'htonl',
  'htonll',
  'ntohs',
  'ntohl',
  'inet_addr',
  'inet6_addr',
  'inet_pton',
  'sizeof',
]);

/** How tightly C's binary operators bind. */
const PRECEDENCE: Readonly<Record<string, number>> = {
  '|': 1,
  '^': 2,
  '&': 3,
  '<<': 4,
  '>>': 4,
  '+': 5,
  '-': 5,
  '*': 6,
  '/': 6,
  '%': 6,
};
const OR = PRECEDENCE['|']!;
const ANY_OPERATOR = 0;

/** An argument of a system call. */
export function parseExpression(reader: TokenReader): Expression {
  return parseBinary(reader, ANY_OPERATOR, true);
}

/**
 * The result of a system call. Of the operators only `|` can follow it: `+` and `*` begin the time of the next event,
 * which may stand on the same line.
 */
export function parseResult(reader: TokenReader): Expression {
  return parseBinary(reader, ANY_OPERATOR, false);
}

function parseBinary(reader: TokenReader, above: number, isInside: boolean): Expression {
  let left = parseUnary(reader, isInside);
  for (;;) {
    const operator = operatorAt(reader);
    const precedence = operator === '' ? -1 : PRECEDENCE[operator]!;
    if (precedence <= above || (!isInside && precedence !== OR)) return left;
    // `a -1`: the lexer has taken the sign for the number's.
    if (!reader.isKind('integer') && !reader.isKind('decimal')) {
      for (let i = 0; i < operator.length; i++) reader.next();
      const right = parseBinary(reader, precedence, isInside);
      left = { kind: 'binary', operator, left, right, line: left.line, column: left.column };
    } else {
      const right = parseBinary(reader, precedence, isInside);
      left = { kind: 'binary', operator: '+', left, right, line: left.line, column: left.column };
    }
  }
}

function operatorAt(reader: TokenReader): string {
  const { kind, text } = reader.current;
  if ((kind === 'integer' || kind === 'decimal') && text.startsWith('-')) return '-';
  if (kind !== 'punctuation') return '';
  if ((text === '<' || text === '>') && reader.is(text, 1) && reader.isAdjacent(1)) return text + text;
  return text in PRECEDENCE ? text : '';
}

function parseUnary(reader: TokenReader, isInside: boolean): Expression {
  const { line, column, text } = reader.current;
  for (const operator of ['-', '~', '!', '&']) {
    if (!reader.accept(operator)) continue;
    const operand = parseUnary(reader, isInside);
    // The address of something is passed where the language passes the thing itself.
    return operator === '&' ? operand : { kind: 'unary', operator: text, operand, line, column };
  }
  return parsePrimary(reader);
}

function parsePrimary(reader: TokenReader): Expression {
  const { kind, text, line, column } = reader.current;
  const at: Position = { line, column };
  switch (kind) {
    case 'ellipsis':
      reader.next();
      return { kind: 'ellipsis', ...at };
    case 'integer':
    case 'hexadecimal':
    case 'decimal':
      reader.next();
      return { kind: 'number', value: Number(text), text, ...at };
    case 'ipv4':
    case 'ipv6':
      reader.next();
      return { kind: 'string', value: text, isPrefix: false, ...at };
    case 'string':
      return parseString(reader, at);
    case 'word':
      return parseWord(reader, at);
    default:
      break;
  }
  if (reader.accept('[')) return { kind: 'list', elements: parseElements(reader, ']'), ...at };
  if (reader.accept('{')) return parseStruct(reader, at);
  if (reader.accept('(')) return parseParenthesis(reader);
  throw reader.unexpected('a value');
}

/** Strings side by side are one, as in C; `...` behind: more may follow. */
function parseString(reader: TokenReader, at: Position): Expression {
  let value = '';
  while (reader.isKind('string')) value += reader.next().text;
  const isPrefix = reader.isKind('ellipsis');
  if (isPrefix) reader.next();
  return { kind: 'string', value, isPrefix, ...at };
}

function parseWord(reader: TokenReader, at: Position): Expression {
  const name = reader.next().text;
  if (FUNCTIONS.has(name) && reader.accept('(')) {
    return { kind: 'call', name, arguments: parseElements(reader, ')'), ...at };
  }
  // `struct linger` inside of sizeof and casts.
  if ((name === 'struct' || name === 'unsigned') && reader.isKind('word')) {
    return { kind: 'word', name: `${name} ${reader.next().text}`, ...at };
  }
  if (reader.is('=') && !reader.is('=', 1)) {
    reader.next();
    return { kind: 'assignment', name, value: parseExpression(reader), ...at };
  }
  return { kind: 'word', name, ...at };
}

function parseElements(reader: TokenReader, closing: string): Expression[] {
  const elements: Expression[] = [];
  while (!reader.accept(closing)) {
    elements.push(parseExpression(reader));
    if (!reader.is(closing)) reader.expect(',', `or '${closing}'`);
  }
  return elements;
}

/** A value in parentheses, or a cast, which changes nothing here: values have no width until a call takes them. */
function parseParenthesis(reader: TokenReader): Expression {
  if (isCast(reader)) {
    while (!reader.accept(')')) reader.next();
    return parseUnary(reader, true);
  }
  const inner = parseExpression(reader);
  reader.expect(')', 'at the end of the value in parentheses');
  return inner;
}

/** Words and stars only, then `)`, then the beginning of a value. */
function isCast(reader: TokenReader): boolean {
  let ahead = 0;
  while (reader.isKind('word', ahead) || reader.is('*', ahead)) ahead++;
  if (ahead === 0 || !reader.isKind('word') || !reader.is(')', ahead)) return false;
  const { kind, text } = reader.peek(ahead + 1);
  const startsValue = kind !== 'punctuation' ? kind !== 'end' : '({[~&'.includes(text);
  return startsValue;
}

function parseStruct(reader: TokenReader, at: Position): Expression {
  const isLabelStack = reader.is('(') && reader.isWord('label', 1);
  const isGreHeader = (reader.isWord('flags') || reader.isWord('Flags')) && !reader.is('=', 1);
  if (isLabelStack || isGreHeader) return { kind: 'raw', text: rawBraces(reader), ...at };
  const fields: StructField[] = [];
  while (!reader.accept('}')) {
    fields.push(parseField(reader));
    if (!reader.is('}')) reader.expect(',', "or '}'");
  }
  return { kind: 'struct', fields, ...at };
}

function rawBraces(reader: TokenReader): string {
  const from = reader.current.start;
  let depth = 1;
  for (;;) {
    if (reader.isKind('end')) throw reader.unexpected("'}'");
    const token = reader.next();
    if (token.kind !== 'punctuation') continue;
    if (token.text === '{') depth++;
    if (token.text === '}') depth--;
    if (depth === 0) return reader.textBetween(from, token.start);
  }
}

/** `name = value`, `.name = value`, `name(count) = value`, or a value alone. */
function parseField(reader: TokenReader): StructField {
  if (reader.is('.') && reader.isKind('word', 1)) reader.next();
  if (!reader.isKind('word') || FUNCTIONS.has(reader.current.text)) return positional(reader);
  if (reader.is('=', 1)) {
    const name = reader.next().text;
    reader.next();
    return { name, count: null, value: parseExpression(reader) };
  }
  if (!reader.is('(', 1)) return positional(reader);
  const name = reader.next().text;
  reader.next();
  const count = parseExpression(reader);
  reader.expect(')', `behind ${name}(`);
  reader.expect('=', `behind ${name}(…)`);
  return { name, count, value: parseExpression(reader) };
}

function positional(reader: TokenReader): StructField {
  return { name: null, count: null, value: parseExpression(reader) };
}
