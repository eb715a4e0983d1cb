import { parseScript } from './language/parser.js';
import type { HeaderOption, Script } from './language/syntax.js';
import { ScriptSyntaxError } from './language/token.js';
import { BadFrame } from './packet/observed-packet.js';
import type { FirstDifference, ScriptResult } from './report.js';
import { addDefine, applyOptions, type Configuration, defaultConfiguration } from './runtime/configuration.js';
import { ScriptRun } from './runtime/script-run.js';
import { findUnsupported } from './runtime/support.js';
import { Difference, Unsupported } from './values/unsupported.js';

export interface RunOptions {
  /** Symbols for the script, as `-D name=value` gives them. */
  readonly defines?: Readonly<Record<string, string>>;
  /** Microseconds an event may be early or late; over the script's own `--tolerance_usecs`. Default: the script's, or 4,000. */
  readonly toleranceMicroseconds?: number;
  /**
   * Stricter than packetdrill: nothing may be left unexpected at the end, and echoes of timestamps are compared.
   * Default false.
   */
  readonly strict?: boolean;
  /** Where the host draws its secrets from: sequence numbers, ports. A script holds for any. Default 1. */
  readonly seed?: number;
}

/**
 * Runs a script against a Prism stack in virtual time: no privileges, no network, and no waiting. The result is the same
 * every time. Scripts never make this throw.
 *
 * @param script parsed, or as text; a text that does not parse fails at the place of the mistake
 */
export function runScript(script: Script | string, options: RunOptions = {}): ScriptResult {
  const printed: string[] = [];
  let parsed: Script;
  try {
    parsed = typeof script === 'string' ? parseScript(script, definesOf(options)) : script;
  } catch (error) {
    if (!(error instanceof ScriptSyntaxError)) throw error;
    const { line, column, message } = error;
    return failed({ line, time: 0, message: `syntax error in column ${column}: ${message}`, expected: '', actual: '' });
  }
  const configuration = defaultConfiguration();
  for (const [name, value] of Object.entries(options.defines ?? {}))
    addDefine(configuration.defines, `${name}=${value}`);
  if (parsed.options.some(({ name }) => name === 'dry_run')) return { outcome: 'passed', time: 0, printed };
  const unsupported = findUnsupported(parsed, withDefines(configuration, parsed.options).defines);
  if (unsupported !== null) return { outcome: 'unsupported', ...unsupported };
  applyOptions(configuration, parsed.options);
  if (options.toleranceMicroseconds !== undefined) configuration.tolerance = options.toleranceMicroseconds;
  const { seed = 1, strict: isStrict = false } = options;
  const run = new ScriptRun(parsed, { configuration, seed, isStrict, print: (text) => printed.push(text) });
  try {
    run.run();
    return { outcome: 'passed', time: run.time, printed };
  } catch (error) {
    const { line, time } = run;
    if (error instanceof Unsupported) return { outcome: 'unsupported', line, reason: error.message };
    if (error instanceof BadFrame)
      return failed({ line, time, message: `the host ${error.message}`, expected: '', actual: '' });
    if (!(error instanceof Difference)) throw error;
    const { message, expected, actual } = error;
    return failed({ line, time, message, expected, actual });
  }

  function failed(difference: FirstDifference): ScriptResult {
    return { outcome: 'failed', printed, ...difference };
  }
}

function definesOf({ defines }: RunOptions): { defines?: Readonly<Record<string, string>> } {
  return defines === undefined ? {} : { defines };
}

/** The script's own definitions, on top of the given ones. */
function withDefines(configuration: Configuration, options: readonly HeaderOption[]): Configuration {
  for (const { name, value } of options) if (name === 'define') addDefine(configuration.defines, value ?? '');
  return configuration;
}
