import { tokenizeCode } from '../code/code-lexer.js';
import type { Action, Script } from '../language/syntax.js';
import { icmpTypeAndCode } from '../packet/icmp-names.js';
import { encodeOption } from '../packet/tcp-option-bytes.js';
import { runShellCommand } from '../shell/shell-runner.js';
import type { HostSettings } from '../shell/sysctl.js';
import { Evaluator } from '../values/evaluator.js';
import { Difference, Unsupported } from '../values/unsupported.js';
import { systemCalls } from './calls/index.js';
import { type ConfigurationError, checkOptions } from './configuration.js';

/**
 * The first thing in a script that the host has no equivalent for, found without running it; null: there is none that
 * can be seen beforehand. So a script that could not be run to its end is not begun, and does not count as failed.
 */
export function findUnsupported(script: Script, defines: ReadonlyMap<string, string>): ConfigurationError | null {
  const wrongOption = checkOptions(script);
  if (wrongOption !== null) return wrongOption;
  const evaluator = new Evaluator(defines);
  const settings: HostSettings = { tcp: {}, connection: {} };
  const actions: Action[] = script.events.map(({ action }) => action);
  if (script.initCommand !== null) actions.unshift(script.initCommand);
  for (const action of actions) {
    const reason = reasonOf(action, evaluator, settings);
    if (reason !== null) return { line: action.line, reason };
  }
  return null;
}

function reasonOf(action: Action, evaluator: Evaluator, settings: HostSettings): string | null {
  try {
    check(action, evaluator, settings);
    return null;
  } catch (error) {
    if (error instanceof Unsupported) return error.message;
    // Whatever else is wrong with it is found, and reported better, when it is run.
    if (error instanceof Difference) return null;
    throw error;
  }
}

function check(action: Action, evaluator: Evaluator, settings: HostSettings): void {
  switch (action.kind) {
    case 'packet': {
      const [first] = action.unsupported;
      if (first !== undefined) throw new Unsupported(first);
      if (action.ip.flowLabel !== undefined) throw new Unsupported('flow labels of IPv6');
      const { transport } = action;
      if (transport.protocol === 'tcp') for (const option of transport.options ?? []) encodeOption(option);
      if (transport.protocol === 'icmp') icmpTypeAndCode(transport);
      return;
    }
    case 'system-call': {
      const definition = systemCalls.get(action.name);
      if (definition === undefined) throw new Unsupported(`the system call ${action.name}`);
      definition.check?.(evaluator, action);
      return;
    }
    case 'command':
      runShellCommand(action.text, settings);
      return;
    case 'code':
      tokenizeCode(action.text);
  }
}
