import { Unsupported } from '../values/unsupported.js';
import type { CodeTokens } from './code-tokens.js';
import { type CodeValue, formatText, isEqual, isTrue, toNumber, toText } from './code-value.js';

export type Variables = Map<string, CodeValue>;
/** A compiled expression: gives its value when asked. */
export type CodeExpression = (variables: Variables) => CodeValue;

const COMPARISONS = new Set(['==', '!=', '<', '>', '<=', '>=', 'in', 'is', 'not']);
const ARITHMETIC: readonly (readonly string[])[] = [
  ['|'],
  ['^'],
  ['&'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '//', '%'],
];

/** Python's expressions, with `&&`, `||` and `!` as other languages write them. */
export function parseCodeExpression(tokens: CodeTokens): CodeExpression {
  const first = parseOr(tokens);
  const items = [first];
  while (tokens.accept(',')) {
    if (tokens.isAtEnd()) break;
    items.push(parseOr(tokens));
  }
  return items.length === 1 ? first : (variables) => items.map((item) => item(variables));
}

/** One value, without the comma of a tuple; `a if b else c` included. */
export function parseOr(tokens: CodeTokens): CodeExpression {
  const value = parseDisjunction(tokens);
  if (!tokens.accept('if')) return value;
  const condition = parseDisjunction(tokens);
  tokens.expect('else');
  const otherwise = parseOr(tokens);
  return (variables) => (isTrue(condition(variables)) ? value(variables) : otherwise(variables));
}

function parseDisjunction(tokens: CodeTokens): CodeExpression {
  let left = parseConjunction(tokens);
  while (tokens.accept('or') || tokens.accept('||')) {
    const [a, b] = [left, parseConjunction(tokens)];
    left = (variables) => {
      const value = a(variables);
      return isTrue(value) ? value : b(variables);
    };
  }
  return left;
}

function parseConjunction(tokens: CodeTokens): CodeExpression {
  let left = parseNegation(tokens);
  while (tokens.accept('and') || tokens.accept('&&')) {
    const [a, b] = [left, parseNegation(tokens)];
    left = (variables) => {
      const value = a(variables);
      return isTrue(value) ? b(variables) : value;
    };
  }
  return left;
}

function parseNegation(tokens: CodeTokens): CodeExpression {
  if (!tokens.accept('not') && !tokens.accept('!')) return parseComparison(tokens);
  const operand = parseNegation(tokens);
  return (variables) => !isTrue(operand(variables));
}

/** Chained as in Python: `5 <= x <= 10`. */
function parseComparison(tokens: CodeTokens): CodeExpression {
  const first = parseBinary(tokens, 0);
  const rest: [string, CodeExpression][] = [];
  while (COMPARISONS.has(tokens.text)) {
    let operator = tokens.next();
    if (operator === 'not') operator = `not ${tokens.next()}`;
    if (operator === 'is' && tokens.accept('not')) operator = 'is not';
    rest.push([operator, parseBinary(tokens, 0)]);
  }
  if (rest.length === 0) return first;
  return (variables) => {
    let left = first(variables);
    for (const [operator, expression] of rest) {
      const right = expression(variables);
      if (!compare(operator, left, right)) return false;
      left = right;
    }
    return true;
  };
}

function compare(operator: string, left: CodeValue, right: CodeValue): boolean {
  switch (operator) {
    case '==':
    case 'is':
      return isEqual(left, right);
    case '!=':
    case 'is not':
      return !isEqual(left, right);
    case 'in':
    case 'not in': {
      const isIn = Array.isArray(right)
        ? right.some((each) => isEqual(left, each))
        : toText(right).includes(toText(left));
      return isIn === (operator === 'in');
    }
    default: {
      const isText = typeof left === 'string' && typeof right === 'string';
      const [a, b] = isText ? [left, right] : [toNumber(left), toNumber(right)];
      if (operator === '<') return a < b;
      if (operator === '>') return a > b;
      return operator === '<=' ? a <= b : a >= b;
    }
  }
}

function parseBinary(tokens: CodeTokens, level: number): CodeExpression {
  const operators = ARITHMETIC[level];
  if (operators === undefined) return parseUnary(tokens);
  let left = parseBinary(tokens, level + 1);
  while (tokens.kind === 'operator' && operators.includes(tokens.text)) {
    const operator = tokens.next();
    const [a, b] = [left, parseBinary(tokens, level + 1)];
    left = (variables) => calculate(operator, a(variables), b(variables));
  }
  return left;
}

export function calculate(operator: string, left: CodeValue, right: CodeValue): CodeValue {
  if (typeof left === 'string') {
    if (operator === '%') return formatText(left, Array.isArray(right) ? right : [right]);
    if (operator === '+') return left + toText(right);
  }
  if (operator === '+' && Array.isArray(left) && Array.isArray(right)) return [...left, ...right];
  const [a, b] = [toNumber(left), toNumber(right)];
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / b;
    case '//':
      return Math.floor(a / b);
    case '%':
      return a - b * Math.floor(a / b);
    case '**':
      return a ** b;
    default:
      return Number(bitwise(operator, BigInt(Math.trunc(a)), BigInt(Math.trunc(b))));
  }
}

/** Python's integers have no width. */
function bitwise(operator: string, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '|':
      return a | b;
    case '&':
      return a & b;
    case '^':
      return a ^ b;
    case '<<':
      return a << b;
    default:
      return a >> b;
  }
}

function parseUnary(tokens: CodeTokens): CodeExpression {
  for (const sign of ['-', '+', '~'] as const) {
    if (!tokens.accept(sign)) continue;
    const operand = parseUnary(tokens);
    return (variables) => {
      const value = toNumber(operand(variables));
      if (sign === '+') return value;
      return sign === '-' ? -value : -value - 1;
    };
  }
  const base = parsePostfix(tokens);
  if (!tokens.accept('**')) return base;
  const exponent = parseUnary(tokens);
  return (variables) => calculate('**', base(variables), exponent(variables));
}

function parsePostfix(tokens: CodeTokens): CodeExpression {
  let value = parsePrimary(tokens);
  while (tokens.accept('[')) {
    const [list, index] = [value, parseOr(tokens)];
    tokens.expect(']');
    value = (variables) => {
      const from = list(variables);
      if (!Array.isArray(from) && typeof from !== 'string') throw new Unsupported('code fragment: index of a number');
      const element = from.at(toNumber(index(variables)));
      if (element === undefined) throw new Unsupported('code fragment: index out of range');
      return element;
    };
  }
  if (tokens.text === '.') throw new Unsupported('code fragment: methods and attributes');
  return value;
}

function parsePrimary(tokens: CodeTokens): CodeExpression {
  const { kind } = tokens;
  if (kind === 'number') {
    const value = Number(tokens.next().replaceAll('_', ''));
    return () => value;
  }
  if (kind === 'string') {
    let text = '';
    while (tokens.kind === 'string') text += unquote(tokens.next());
    return () => text;
  }
  if (tokens.accept('(')) return parseTuple(tokens, ')');
  if (tokens.accept('[')) {
    const items = parseList(tokens, ']');
    return (variables) => items.map((item) => item(variables));
  }
  if (kind !== 'name') throw new Unsupported(`code fragment: '${tokens.text || 'end'}' where a value should be`);
  const name = tokens.next();
  if (name === 'True' || name === 'False') return () => name === 'True';
  if (name === 'None') return () => null;
  if (tokens.accept('(')) return parseCall(tokens, name);
  return (variables) => {
    const value = variables.get(name);
    if (value === undefined) throw new Unsupported(`code fragment: ${name} is not provided`);
    return value;
  };
}

function parseTuple(tokens: CodeTokens, closing: string): CodeExpression {
  if (tokens.accept(closing)) return () => [];
  const first = parseOr(tokens);
  if (tokens.accept(closing)) return first;
  tokens.expect(',');
  const items = [first, ...parseList(tokens, closing)];
  return (variables) => items.map((item) => item(variables));
}

function parseList(tokens: CodeTokens, closing: string): CodeExpression[] {
  const items: CodeExpression[] = [];
  while (!tokens.accept(closing)) {
    items.push(parseOr(tokens));
    if (tokens.text !== closing) tokens.expect(',');
  }
  return items;
}

function parseCall(tokens: CodeTokens, name: string): CodeExpression {
  const call = FUNCTIONS[name];
  if (call === undefined) throw new Unsupported(`code fragment: the function ${name}`);
  const items = parseList(tokens, ')');
  return (variables) => call(items.map((item) => item(variables)));
}

const FUNCTIONS: Readonly<Record<string, (values: readonly CodeValue[]) => CodeValue>> = {
  abs: ([value]) => Math.abs(toNumber(value ?? null)),
  bool: ([value]) => isTrue(value ?? null),
  float: ([value]) => Number(value),
  hex: ([value]) => `0x${toNumber(value ?? null).toString(16)}`,
  int: ([value]) => Math.trunc(Number(value)),
  len: ([value]) => (Array.isArray(value) ? value.length : toText(value ?? null).length),
  max: (values) => Math.max(...flat(values)),
  min: (values) => Math.min(...flat(values)),
  range: ([first, last, step]) => {
    const [from, to] = last === undefined ? [0, toNumber(first ?? 0)] : [toNumber(first ?? 0), toNumber(last)];
    const by = toNumber(step ?? 1);
    const length = Math.min(Math.max(Math.ceil((to - from) / by), 0), 65_536);
    return Array.from({ length }, (_, i) => from + i * by);
  },
  repr: ([value]) => toText(value ?? null),
  round: ([value, digits]) => Number(toNumber(value ?? null).toFixed(toNumber(digits ?? 0))),
  str: ([value]) => toText(value ?? null),
  sum: (values) => flat(values).reduce((sum, each) => sum + each, 0),
};

function flat(values: readonly CodeValue[]): number[] {
  const [first] = values;
  return (values.length === 1 && Array.isArray(first) ? first : values).map(toNumber);
}

function unquote(text: string): string {
  const body = text.replace(/^[rbfu]/, '');
  const quotes = /^("""|'''|"|')/.exec(body)![0].length;
  return body.slice(quotes, -quotes).replace(/\\(.)/g, (_, escaped: string) => (escaped === 'n' ? '\n' : escaped));
}
