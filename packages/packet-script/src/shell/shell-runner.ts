import { Unsupported } from '../values/unsupported.js';
import { type ShellStatement, splitShellCommand } from './shell-command.js';
import { applySysctl, type HostSettings } from './sysctl.js';

/** What a command asks of the run. */
export interface ShellEffect {
  /** Options of the host were set. */
  readonly changesSettings: boolean;
  /** Microseconds that pass. */
  readonly sleep: number;
}

/** Commands that change nothing the host could notice. */
const HARMLESS = new Set(['true', ':', 'echo', 'sync', 'cd', 'modprobe', 'ulimit', 'ethtool']);

/**
 * Does what a shell command means for the host: sysctls become its options, sleep lets time pass, the usual preparations
 * of test machines are known to be without meaning here. @throws Unsupported naming what has no equivalent
 */
export function runShellCommand(text: string, settings: HostSettings): ShellEffect {
  let changesSettings = false;
  let sleep = 0;
  for (const statement of splitShellCommand(text)) {
    if (statement.isPiped) throw new Unsupported(`the shell command '${firstLine(text)}' reads a pipe`);
    const effect = runStatement(statement, settings);
    changesSettings ||= effect === 'settings';
    if (typeof effect === 'number') sleep += effect;
  }
  return { changesSettings, sleep };
}

function runStatement(statement: ShellStatement, settings: HostSettings): 'settings' | 'nothing' | number {
  const [command = '', ...words] = statement.words;
  const name = command.split('/').at(-1)!;
  if (/^(?:defaults|common)\.sh$/.test(name)) {
    // What the scripts of that set rely on; everything else in it is as we do it anyway.
    settings.tcp.ecn = 'off';
    return 'settings';
  }
  if (name === 'sysctl' || name === 'set_sysctls.py') return setAll(assignments(words), statement);
  const target = statement.output;
  if (name === 'echo' && target?.startsWith('/proc/sys/')) {
    return setAll([[target.slice('/proc/sys/'.length), words.join(' ')]], statement);
  }
  if (name === 'sleep' || name === 'usleep') {
    const seconds = Number(words[0]) * (name === 'sleep' ? 1_000_000 : 1);
    if (seconds >= 0) return Math.round(seconds);
  }
  if (HARMLESS.has(name) || isHarmless(name, words)) return 'nothing';
  throw new Unsupported(`the shell command '${firstLine(statement.text)}'`);

  function setAll(pairs: readonly (readonly [string, string])[], { text }: ShellStatement): 'settings' {
    if (pairs.length === 0) throw new Unsupported(`the shell command '${firstLine(text)}'`);
    for (const [key, value] of pairs) {
      if (!applySysctl(key, value, settings)) throw new Unsupported(`sysctl ${key}=${value}`);
    }
    return 'settings';
  }
}

/** `name=value`, `name = value`, `-w name=value`. */
function assignments(words: readonly string[]): [string, string][] {
  const text = words.filter((word) => !/^-[a-zA-Z]+$/.test(word));
  const pairs: [string, string][] = [];
  for (let i = 0; i < text.length; i++) {
    const word = text[i]!;
    const equals = word.indexOf('=');
    if (equals > 0 && equals < word.length - 1) pairs.push([key(word.slice(0, equals)), word.slice(equals + 1)]);
    else if (equals === word.length - 1 && equals > 0) pairs.push([key(word.slice(0, -1)), text[++i] ?? '']);
    else if (text[i + 1] === '=') {
      pairs.push([key(word), text[i + 2] ?? '']);
      i += 2;
    } else return [];
  }
  return pairs;
}

function key(name: string): string {
  return name.replace(/^\/proc\/sys\//, '');
}

function isHarmless(name: string, words: readonly string[]): boolean {
  const line = words.join(' ');
  // The host keeps no metrics of peers, and has no queueing discipline.
  if (name === 'ip') return /\btcp_metrics\b.*\bflush\b|\broute\b.*\bflush\b.*\bcache\b/.test(line);
  if (name === 'tc') return /\bqdisc\b.*\b(?:pfifo|pfifo_fast|bfifo|noqueue)\b/.test(line);
  return name === 'nstat';
}

function firstLine(text: string): string {
  const line = text.trim().split('\n')[0]!;
  return line.length > 80 ? `${line.slice(0, 80)}…` : line;
}
