import { Difference, Unsupported } from '../values/unsupported.js';
import { type CodeExpression, calculate, parseCodeExpression, parseOr, type Variables } from './code-expression.js';
import { CodeTokens } from './code-tokens.js';
import { isTrue, toText } from './code-value.js';

export interface CodeContext {
  /** Read and written by the fragment. */
  readonly variables: Variables;
  /** What `print` writes. */
  readonly print: (text: string) => void;
}

type Statement = (context: CodeContext) => void;

const AUGMENTED = /^(\*\*|\/\/|<<|>>|[-+*/%&|^])=$/;
/** A condition that never becomes false must not hang the run. */
const MOST_ITERATIONS = 100_000;

/**
 * Runs a fragment in the subset of Python that scripts use: assert, print, assignments, if, for, while.
 *
 * @throws Difference when an assertion fails, Unsupported for whatever is not of the subset.
 */
export function runCode(text: string, context: CodeContext): void {
  const tokens = new CodeTokens(dedent(text));
  for (const statement of parseBlock(tokens, -1)) statement(context);
}

/** The first line has lost its blanks: the others lose what they have in common. */
function dedent(text: string): string {
  const [first = '', ...others] = text.split('\n');
  const indents = others.filter((line) => line.trim() !== '').map((line) => /^\s*/.exec(line)![0].length);
  // Behind an `if …:` of the first line the others are its block.
  const common = first.trimEnd().endsWith(':') ? 0 : Math.min(...indents, 1000);
  return [first.trimStart(), ...others.map((line) => line.slice(Math.min(common, line.length)))].join('\n');
}

/** Statements that stand further right than `outer`. */
function parseBlock(tokens: CodeTokens, outer: number): Statement[] {
  const statements: Statement[] = [];
  for (;;) {
    while (tokens.kind === 'newline') tokens.next();
    if (tokens.kind === 'end' || tokens.current.indent <= outer) return statements;
    statements.push(parseStatement(tokens));
  }
}

function parseStatement(tokens: CodeTokens): Statement {
  const { text, indent } = tokens.current;
  if (tokens.kind === 'name') {
    if (text === 'if') return parseIf(tokens, indent);
    if (text === 'for') return parseFor(tokens, indent);
    if (text === 'while') return parseWhile(tokens, indent);
  }
  return parseSimple(tokens);
}

function parseSimple(tokens: CodeTokens): Statement {
  const statement = simpleStatement(tokens);
  if (tokens.kind !== 'newline' && tokens.kind !== 'end') {
    throw new Unsupported(`code fragment: '${tokens.current.text}' behind the end of a statement`);
  }
  return statement;
}

function simpleStatement(tokens: CodeTokens): Statement {
  if (tokens.accept('pass')) return () => {};
  if (tokens.accept('assert')) return parseAssert(tokens);
  if (tokens.text === 'print' && tokens.kind === 'name') return parsePrint(tokens);
  for (const keyword of [
    'import',
    'from',
    'def',
    'class',
    'try',
    'with',
    'return',
    'lambda',
    'global',
    'del',
    'raise',
  ]) {
    if (tokens.text === keyword) throw new Unsupported(`code fragment: ${keyword}`);
  }
  const following = tokens.peek(1);
  if (tokens.kind === 'name' && following.kind === 'operator') {
    if (following.text === '=') return parseAssignment(tokens);
    const augmented = AUGMENTED.exec(following.text);
    if (augmented !== null) return parseAugmented(tokens, augmented[1]!);
  }
  const expression = parseCodeExpression(tokens);
  return ({ variables }) => {
    expression(variables);
  };
}

function parseAssert(tokens: CodeTokens): Statement {
  const from = tokens.current;
  const condition = parseOr(tokens);
  const source = tokens.sourceFrom(from);
  const message = tokens.accept(',') ? parseOr(tokens) : null;
  return ({ variables }) => {
    if (isTrue(condition(variables))) return;
    const details = message === null ? namesIn(source, variables) : toText(message(variables));
    throw new Difference('the assertion does not hold', source, details);
  };
}

/** The values behind the names of an expression, for the report. */
function namesIn(source: string, variables: Variables): string {
  const names = new Set(source.match(/[A-Za-z_]\w*/g) ?? []);
  const known = [...names].filter((name) => variables.has(name));
  return known.map((name) => `${name} = ${toText(variables.get(name) ?? null)}`).join(', ') || 'False';
}

function parsePrint(tokens: CodeTokens): Statement {
  tokens.next();
  const hasParentheses = tokens.accept('(');
  const items: CodeExpression[] = [];
  while (!tokens.isAtEnd()) {
    items.push(parseOr(tokens));
    if (!tokens.accept(',')) break;
  }
  if (hasParentheses) tokens.expect(')');
  return ({ variables, print }) => print(items.map((item) => toText(item(variables))).join(' '));
}

function parseAssignment(tokens: CodeTokens): Statement {
  const name = tokens.next();
  tokens.next();
  const value = parseCodeExpression(tokens);
  return ({ variables }) => {
    variables.set(name, value(variables));
  };
}

function parseAugmented(tokens: CodeTokens, operator: string): Statement {
  const name = tokens.next();
  tokens.next();
  const value = parseCodeExpression(tokens);
  return ({ variables }) => {
    const before = variables.get(name);
    if (before === undefined) throw new Unsupported(`code fragment: ${name} is not provided`);
    variables.set(name, calculate(operator, before, value(variables)));
  };
}

/** What stands behind a colon: statements on the same line, or a block further right. */
function parseSuite(tokens: CodeTokens, indent: number): Statement {
  tokens.expect(':');
  const statements: Statement[] = [];
  if (tokens.kind === 'newline') statements.push(...parseBlock(tokens, indent));
  else {
    statements.push(parseSimple(tokens));
    while (tokens.text === ';' && tokens.peek(1).kind !== 'newline' && tokens.peek(1).kind !== 'end') {
      tokens.next();
      statements.push(parseSimple(tokens));
    }
  }
  if (statements.length === 0) throw new Unsupported('code fragment: a block without statements');
  return (context) => {
    for (const statement of statements) statement(context);
  };
}

function parseIf(tokens: CodeTokens, indent: number): Statement {
  const branches: [CodeExpression, Statement][] = [];
  let otherwise: Statement = () => {};
  do {
    tokens.next();
    const condition = parseOr(tokens);
    branches.push([condition, parseSuite(tokens, indent)]);
  } while (atBranch(tokens, 'elif', indent));
  if (atBranch(tokens, 'else', indent)) {
    tokens.next();
    otherwise = parseSuite(tokens, indent);
  }
  return (context) => {
    const branch = branches.find(([condition]) => isTrue(condition(context.variables)));
    (branch?.[1] ?? otherwise)(context);
  };
}

/** Steps over line ends to an `elif` or `else` of the same `if`; false: there is none. */
function atBranch(tokens: CodeTokens, word: string, indent: number): boolean {
  let ahead = 0;
  while (tokens.peek(ahead).kind === 'newline') ahead++;
  const token = tokens.peek(ahead);
  if (token.kind !== 'name' || token.text !== word || token.indent !== indent) return false;
  while (tokens.kind === 'newline') tokens.next();
  return true;
}

function parseFor(tokens: CodeTokens, indent: number): Statement {
  tokens.next();
  const name = tokens.next();
  tokens.expect('in');
  const list = parseCodeExpression(tokens);
  const body = parseSuite(tokens, indent);
  return (context) => {
    const values = list(context.variables);
    if (!Array.isArray(values)) throw new Unsupported('code fragment: for over something that is no list');
    for (const value of values) {
      context.variables.set(name, value);
      body(context);
    }
  };
}

function parseWhile(tokens: CodeTokens, indent: number): Statement {
  tokens.next();
  const condition = parseOr(tokens);
  const body = parseSuite(tokens, indent);
  return (context) => {
    for (let i = 0; isTrue(condition(context.variables)); i++) {
      if (i >= MOST_ITERATIONS) throw new Unsupported('code fragment: a loop without end');
      body(context);
    }
  };
}
