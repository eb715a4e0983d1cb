import type { ConnectionOptions } from '@prism-net/tcp';
import type { Expression, SystemCall } from '../language/syntax.js';
import type { Evaluator } from '../values/evaluator.js';
import { Difference, Unsupported } from '../values/unsupported.js';
import type { Configuration } from './configuration.js';
import type { Flows } from './flows.js';
import type { Host } from './host.js';
import type { ScriptPoller, ScriptSocket } from './script-socket.js';

/** Tried until it has a result: what the call returns, a negative error number, or null while it must wait. */
export type Attempt = () => number | null;

export interface PendingCall {
  readonly attempt: Attempt;
  /** Wait although the socket does not block, as poll and epoll_wait do. */
  readonly waits?: boolean;
  /** What a call that may not wait returns; default -EAGAIN. */
  readonly wouldBlock?: number;
  /** When it gives up by itself, in the script's time. */
  readonly deadline?: number;
}

/** Everything a system call may touch. */
export interface CallContext {
  readonly host: Host;
  readonly configuration: Configuration;
  readonly evaluator: Evaluator;
  readonly flows: Flows;
  readonly descriptors: Map<number, ScriptSocket | ScriptPoller>;
  /** Options of every new socket, from sysctls. */
  readonly socketDefaults: ConnectionOptions;
}

/** A system call that the host has something for. */
export interface CallDefinition {
  /** Does it, or at least begins. @throws Difference, Unsupported */
  run(context: CallContext, call: SystemCall): number | PendingCall;
  /** What of it the host does not have, found without running it. @throws Unsupported */
  check?(evaluator: Evaluator, call: SystemCall): void;
}

/** @throws Difference when the call has fewer arguments */
export function argument(call: SystemCall, index: number): Expression {
  const found = call.arguments[index];
  if (found !== undefined) return found;
  throw new Difference(`${call.name}() needs at least ${index + 1} arguments`);
}

export function numberArgument(context: CallContext, call: SystemCall, index: number): number {
  return context.evaluator.number(argument(call, index));
}

/** The socket behind the first argument; undefined when there is none: EBADF. */
export function socketArgument(context: CallContext, call: SystemCall): ScriptSocket | undefined {
  const found = context.descriptors.get(numberArgument(context, call, 0));
  return found !== undefined && 'kind' in found ? found : undefined;
}

/** Makes the descriptor the script calls it by. */
export function open(context: CallContext, call: SystemCall, what: ScriptSocket | ScriptPoller): number {
  const descriptor = newDescriptor(context, call);
  if (context.descriptors.has(descriptor)) {
    throw new Difference(`${call.name}() returns the descriptor ${descriptor}, which is open already`);
  }
  context.descriptors.set(descriptor, what);
  return descriptor;
}

function newDescriptor({ evaluator, descriptors }: CallContext, call: SystemCall): number {
  if (evaluator.isNumber(call.result)) {
    const wanted = evaluator.number(call.result);
    if (wanted >= 0) return wanted;
  }
  let free = 3;
  while (descriptors.has(free)) free++;
  return free;
}

/** Flags of a message that change nothing here. @throws Unsupported naming the others */
export function requireFlags(
  flags: number,
  known: Readonly<Record<string, number>>,
  all: ReadonlyMap<string, number>,
): void {
  let left = flags;
  for (const value of Object.values(known)) left &= ~value;
  if (left === 0) return;
  const name = [...all].find(([key, value]) => key.startsWith('MSG_') && value !== 0 && (left & value) === value)?.[0];
  throw new Unsupported(`the flag ${name ?? left}`);
}
