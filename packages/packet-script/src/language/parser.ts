import { tokenize } from './lexer.js';
import { parsePacket } from './packet-parser.js';
import type { Action, EventTime, HeaderOption, Script, ScriptEvent, ShellCommand } from './syntax.js';
import { parseSystemCall } from './system-call-parser.js';
import { parseTime } from './time-parser.js';
import { TokenReader } from './token-reader.js';

export interface ParseOptions {
  /** Symbols that stand for other text, as given by `-D name=value`; a script's own `--define` come on top. */
  readonly defines?: Readonly<Record<string, string>>;
}

/**
 * Parses a packetdrill script, of the google/packetdrill dialect or FreeBSD's. What is understood but means nothing to
 * this interpreter (a tunnel, an option of another protocol) is kept and named; see `PacketAction.unsupported`.
 *
 * @throws ScriptSyntaxError for a text that is not in the language, with line and column.
 */
export function parseScript(text: string, options: ParseOptions = {}): Script {
  const reader = new TokenReader(text, tokenize(text));
  const headers = parseHeaderOptions(reader);
  const defines = new Map(Object.entries(options.defines ?? {}));
  for (const header of headers) addDefine(header, defines);

  const initCommand = reader.isKind('command') ? parseCommand(reader) : null;
  const events: ScriptEvent[] = [];
  let cleanupCommand: ShellCommand | null = null;
  while (!reader.isKind('end')) {
    if (reader.isKind('command') && reader.isKind('end', 1)) {
      cleanupCommand = parseCommand(reader);
      break;
    }
    events.push(parseEvent(reader, defines));
  }
  if (events.length === 0 && initCommand === null) throw reader.unexpected('an event, such as `+0 socket(…) = 3`');
  return { options: headers, initCommand, events, cleanupCommand };
}

function parseHeaderOptions(reader: TokenReader): HeaderOption[] {
  const headers: HeaderOption[] = [];
  while (reader.isKind('option')) {
    const { text: name, line, column } = reader.next();
    let value: string | null = null;
    if (reader.accept('=')) {
      if (reader.isKind('end')) throw reader.unexpected(`a value for --${name}`);
      value = reader.joined();
    }
    headers.push({ name, value, line, column });
  }
  return headers;
}

function addDefine({ name, value }: HeaderOption, defines: Map<string, string>): void {
  if (name !== 'define' || value === null) return;
  const equals = value.indexOf('=');
  if (equals > 0) defines.set(value.slice(0, equals), value.slice(equals + 1));
}

function parseCommand(reader: TokenReader): ShellCommand {
  const { text, line, column } = reader.next();
  return { kind: 'command', text, line, column };
}

function parseEvent(reader: TokenReader, defines: ReadonlyMap<string, string>): ScriptEvent {
  const { line, column } = reader.current;
  const hasTime = !reader.isKind('command') && !reader.isKind('code');
  // A command or a fragment without a time of its own belongs to the moment of the event before it.
  const time: EventTime = hasTime ? parseEventTime(reader) : { type: 'relative', start: 0 };
  const action = parseAction(reader, defines);
  const isOutbound = action.kind === 'packet' && action.direction === 'outbound';
  if (!isOutbound && time.type !== 'absolute' && time.type !== 'relative') {
    const what = time.type === 'any' ? "the time '*'" : 'a range of times';
    throw reader.error(`${what} is for outbound packets only`, { ...reader.current, line, column });
  }
  return { line, column, time, action };
}

function parseEventTime(reader: TokenReader): EventTime {
  if (reader.accept('*')) return { type: 'any' };
  const isRelative = reader.accept('+');
  const start = parseTime(reader, 'a time: 0.1, +0.1, 0.1~0.2 or *');
  if (!reader.accept('~')) return { type: isRelative ? 'relative' : 'absolute', start };
  reader.accept('+');
  const at = reader.current;
  const end = parseTime(reader, 'the end of the range of times');
  if (end < start) throw reader.error('the range of times is backwards', at);
  return { type: isRelative ? 'relative-range' : 'absolute-range', start, end };
}

function parseAction(reader: TokenReader, defines: ReadonlyMap<string, string>): Action {
  if (reader.is('<') || reader.is('>')) return parsePacket(reader, defines);
  if (reader.isKind('command')) return parseCommand(reader);
  if (reader.isKind('code')) {
    const { text, line, column } = reader.next();
    return { kind: 'code', text: text.trim(), line, column };
  }
  if (reader.isKind('word') || reader.isKind('ellipsis')) return parseSystemCall(reader);
  throw reader.unexpected("a packet ('<' or '>'), a system call, a `command` or a %{ fragment }%");
}
