import { formatExpression } from '../language/printer.js';
import type { Expression, StructField } from '../language/syntax.js';
import { constants } from './constants.js';
import { errnoNumber } from './errno-names.js';
import { Difference, Unsupported } from './unsupported.js';

/** Bytes of C's types, for `sizeof`. */
// biome-ignore format: a table
const SIZES: Readonly<Record<string, number>> = {
  char: 1, short: 2, int: 4, unsigned: 4, long: 8, size_t: 8, uint8_t: 1, uint16_t: 2, uint32_t: 4, uint64_t: 8,
  'unsigned int': 4, 'struct linger': 8, 'struct sockaddr_in': 16, 'struct sockaddr_in6': 28, 'struct in6_addr': 16,
  'struct timeval': 16, 'struct tcp_info': 248,
};

/** The value of an expression, as far as it is a number. Symbols come from `--define`, `-D` and C's headers. */
export class Evaluator {
  readonly #defines: ReadonlyMap<string, string>;

  constructor(defines: ReadonlyMap<string, string>) {
    this.#defines = defines;
  }

  /** @throws Difference when it is no number, Unsupported for a name that is not known. */
  number(expression: Expression): number {
    switch (expression.kind) {
      case 'number':
        return expression.value;
      case 'word':
        return this.#word(expression.name);
      case 'binary':
        return this.#binary(expression.operator, this.number(expression.left), this.number(expression.right));
      case 'unary':
        return this.#unary(expression.operator, this.number(expression.operand));
      case 'call':
        return this.#call(expression.name, expression.arguments);
      default:
        throw new Difference(`${formatExpression(expression)} is no number`);
    }
  }

  isNumber(expression: Expression): boolean {
    return !['ellipsis', 'string', 'list', 'struct', 'raw', 'assignment'].includes(expression.kind);
  }

  /** `[5]` or 5. */
  bracketed(expression: Expression): number {
    if (expression.kind !== 'list') return this.number(expression);
    const [first, ...others] = expression.elements;
    if (first === undefined || others.length > 0) {
      throw new Difference(`${formatExpression(expression)} should have one element`);
    }
    return this.number(first);
  }

  list(expression: Expression): readonly Expression[] {
    if (expression.kind === 'list') return expression.elements;
    throw new Difference(`${formatExpression(expression)} should be a list [...]`);
  }

  struct(expression: Expression): readonly StructField[] {
    if (expression.kind === 'struct') return expression.fields;
    throw new Difference(`${formatExpression(expression)} should be a struct {...}`);
  }

  /** A field by its name, or by its place where fields have no names; undefined when there is none. */
  field(expression: Expression, name: string, place: number): Expression | undefined {
    const fields = this.struct(expression);
    const named = fields.find((field) => field.name === name);
    if (named !== undefined) return named.value;
    const positional = fields[place];
    return positional?.name === null ? positional.value : undefined;
  }

  #word(name: string): number {
    const defined = this.#defines.get(name)?.replace(/^["`]|["`]$/g, '');
    if (defined !== undefined) {
      const value = Number(defined);
      return Number.isNaN(value) ? this.#word(defined) : value;
    }
    const value = constants.get(name) ?? errnoNumber(name);
    if (value === undefined) throw new Unsupported(`the constant ${name} is not known`);
    return value;
  }

  #unary(operator: string, value: number): number {
    if (operator === '-') return -value;
    return operator === '~' ? ~value : Number(value === 0);
  }

  #binary(operator: string, left: number, right: number): number {
    switch (operator) {
      case '|':
        return (left | right) >>> 0;
      case '&':
        return (left & right) >>> 0;
      case '^':
        return (left ^ right) >>> 0;
      case '<<':
        return (left << right) >>> 0;
      case '>>':
        return left >> right;
      case '+':
        return left + right;
      case '-':
        return left - right;
      case '*':
        return left * right;
      case '/':
        return Math.trunc(left / right);
      default:
        return left % right;
    }
  }

  #call(name: string, list: readonly Expression[]): number {
    const [first] = list;
    if (first === undefined) throw new Difference(`${name}() needs an argument`);
    if (name === 'sizeof') {
      const type = first.kind === 'word' ? first.name : formatExpression(first);
      const size = SIZES[type];
      if (size === undefined) throw new Unsupported(`sizeof(${type}) is not known`);
      return size;
    }
    // Numbers are in host order here until they are written into a packet.
    if (name === 'inet_addr' && first.kind === 'string') return parseDotted(first.value);
    return this.number(first);
  }
}

/** 192.0.2.1 as an unsigned number; NaN when it is none. */
function parseDotted(text: string): number {
  const parts = text.split('.').map(Number);
  if (parts.length !== 4 || parts.some((part) => !(part >= 0 && part <= 255))) return Number.NaN;
  return parts.reduce((sum, part) => sum * 256 + part, 0);
}
