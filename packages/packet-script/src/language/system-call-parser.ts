import { parseExpression, parseResult } from './expression-parser.js';
import type { Expression, SystemCall } from './syntax.js';
import { parseTime } from './time-parser.js';
import type { TokenReader } from './token-reader.js';

/** `... end name(arguments) = result ERRNO (note)`. */
export function parseSystemCall(reader: TokenReader): SystemCall {
  const end = reader.isKind('ellipsis') ? parseEnd(reader) : null;
  if (!reader.isKind('word')) throw reader.unexpected('the name of a system call');
  const { text: name, line, column } = reader.next();
  reader.expect('(', `behind ${name}`);
  const list: Expression[] = [];
  if (!reader.is(')')) {
    do list.push(parseExpression(reader));
    while (reader.accept(','));
  }
  reader.expect(')', `at the end of the arguments of ${name}`);
  reader.expect('=', `and a result behind ${name}(…)`);
  const result = parseResult(reader);
  const errno = reader.isKind('word') ? reader.next().text : null;
  const note = reader.accept('(') ? reader.balanced() : null;
  return { kind: 'system-call', name, arguments: list, result, errno, note, end, line, column };
}

function parseEnd(reader: TokenReader): number {
  reader.next();
  reader.accept('+');
  return parseTime(reader, 'the time at which the call returns');
}
