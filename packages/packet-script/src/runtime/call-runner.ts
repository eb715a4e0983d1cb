import { formatCall, formatTime } from '../language/printer.js';
import type { SystemCall } from '../language/syntax.js';
import { errnoName } from '../values/errno-names.js';
import { Difference, Unsupported } from '../values/unsupported.js';
import { systemCalls } from './calls/index.js';
import { checkTime, type Schedule } from './outbound.js';
import type { Attempt, CallContext, PendingCall } from './system-calls.js';

/** How long a call may block that the script does not say blocks, or the script's end may wait for one. */
const LONGEST_BLOCKING = 60_000_000;
const EAGAIN = 11;

interface Blocked {
  readonly call: SystemCall;
  readonly attempt: Attempt;
  readonly deadline: number;
  readonly schedule: Schedule;
  /** Set when it has returned. */
  result: number | null;
  time: number;
  error: unknown;
}

/** Makes the script's system calls. One may block while the script goes on; then it is looked after in every poll. */
export class CallRunner {
  readonly #context: CallContext;
  #blocked: Blocked | null = null;

  constructor(context: CallContext) {
    this.#context = context;
    context.host.onPolled = () => this.#lookAgain();
  }

  /** @throws Difference when it returns something else than the script says, Unsupported */
  run(call: SystemCall, schedule: Schedule): void {
    // The descriptor may be one that the call before opens.
    this.finish();
    const definition = systemCalls.get(call.name);
    if (definition === undefined) throw new Unsupported(`the system call ${call.name}`);
    const { host } = this.#context;
    const begun = definition.run(this.#context, call);
    const pending: PendingCall = typeof begun === 'number' ? { attempt: () => begun } : begun;
    const first = pending.attempt();
    if (call.end !== null) this.#block(call, pending, first, schedule);
    else this.#check(call, first ?? this.#wait(call, pending));
    host.settle();
  }

  /** Waits for the call that blocks, if one does. @throws Difference when it does not return, or not as expected */
  finish(): void {
    const blocked = this.#blocked;
    if (blocked === null) return;
    const { host } = this.#context;
    const until = Math.max(blocked.schedule.end + blocked.schedule.tolerance, host.time);
    host.advanceTo(until, () => blocked.result !== null || blocked.error !== undefined);
    this.#blocked = null;
    if (blocked.error !== undefined) throw blocked.error;
    if (blocked.result === null) {
      throw new Difference(`${blocked.call.name}() blocks still`, formatCall(blocked.call), 'no return');
    }
    this.#check(blocked.call, blocked.result);
    const { call, time, schedule } = blocked;
    checkTime(time, schedule, `${call.name}() returned`, formatCall(call), 'it returned');
  }

  /** A call that the script does not say blocks, and that must wait. */
  #wait(call: SystemCall, pending: PendingCall): number {
    const { host, descriptors, evaluator } = this.#context;
    const first = call.arguments[0];
    const found =
      first === undefined || !evaluator.isNumber(first) ? undefined : descriptors.get(evaluator.number(first));
    const isNonBlocking = found !== undefined && 'isNonBlocking' in found && found.isNonBlocking;
    if (pending.waits !== true && (isNonBlocking || pending.wouldBlock === -EAGAIN))
      return pending.wouldBlock ?? -EAGAIN;
    let result: number | null = null;
    const until = pending.deadline ?? host.time + LONGEST_BLOCKING;
    host.advanceTo(until, () => (result = pending.attempt()) !== null);
    result ??= pending.attempt();
    if (result !== null) return result;
    throw new Difference(
      `${call.name}() blocks; a call that blocks is written as START...END ${call.name}(…)`,
      formatCall(call),
      'no return',
    );
  }

  #block(call: SystemCall, pending: PendingCall, first: number | null, schedule: Schedule): void {
    const { time } = this.#context.host;
    const deadline = pending.deadline ?? Number.POSITIVE_INFINITY;
    this.#blocked = { call, attempt: pending.attempt, deadline, schedule, result: first, time, error: undefined };
    if (first !== null) this.finish();
  }

  #lookAgain(): void {
    const blocked = this.#blocked;
    if (blocked === null || blocked.result !== null || blocked.error !== undefined) return;
    try {
      const result = blocked.attempt();
      if (result === null) return;
      blocked.result = result;
      blocked.time = this.#context.host.time;
    } catch (error) {
      blocked.error = error;
    }
  }

  #check(call: SystemCall, result: number): void {
    const { evaluator } = this.#context;
    if (call.result.kind === 'ellipsis') return;
    const wanted = evaluator.number(call.result);
    const actual = result < 0 ? -1 : result;
    const errno = result < 0 ? errnoName(-result) : null;
    const isSameErrno = call.errno === null || call.errno === errno || sameErrno(call.errno, errno);
    if (wanted === actual && isSameErrno) return;
    const time = formatTime(this.#context.host.time);
    throw new Difference(
      `${call.name}() returned something else`,
      formatCall(call),
      `${actual}${errno === null ? '' : ` ${errno}`} at ${time}`,
    );
  }
}

/** Names of the same number. */
function sameErrno(a: string, b: string | null): boolean {
  const aliases: Readonly<Record<string, string>> = { EWOULDBLOCK: 'EAGAIN', ENOTSUP: 'EOPNOTSUPP' };
  return b !== null && (aliases[a] ?? a) === (aliases[b] ?? b);
}
