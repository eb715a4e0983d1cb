import { Errno } from '@prism-net/errors';
import type { Expression, SystemCall } from '../../language/syntax.js';
import { constants } from '../../values/constants.js';
import type { Evaluator } from '../../values/evaluator.js';
import { Difference, Unsupported } from '../../values/unsupported.js';
import { ALWAYS, readinessOf } from '../readiness.js';
import { ScriptPoller } from '../script-socket.js';
import {
  argument,
  type CallContext,
  type CallDefinition,
  numberArgument,
  open,
  type PendingCall,
} from '../system-calls.js';

const constant = (name: string): number => constants.get(name)!;
const INVALID = constant('POLLNVAL');
const ONE_SHOT = constant('EPOLLONESHOT');
const EDGE = constant('EPOLLET');
const { EBADF, EINVAL } = Errno;
const EEXIST = 17;
const ENOENT = 2;

function readiness({ descriptors }: CallContext, descriptor: number, events: number): number {
  if (descriptor < 0) return 0;
  const found = descriptors.get(descriptor);
  if (found === undefined || found instanceof ScriptPoller) return INVALID;
  return readinessOf(found) & (events | ALWAYS);
}

/** When a timeout in milliseconds, the given argument, is over; undefined: never. */
function deadlineOf(context: CallContext, call: SystemCall, index: number): number | undefined {
  const milliseconds = numberArgument(context, call, index);
  return milliseconds < 0 ? undefined : context.host.time + milliseconds * 1000;
}

function waiting(attempt: () => number | null, deadline: number | undefined): PendingCall {
  return { attempt, waits: true, ...(deadline === undefined ? {} : { deadline }) };
}

export const poll: CallDefinition = {
  run(context, call): PendingCall {
    const { evaluator, host } = context;
    const entries = evaluator.list(argument(call, 0)).map((entry) => ({
      descriptor: evaluator.number(required(evaluator, entry, 'fd', 0)),
      events: evaluator.number(required(evaluator, entry, 'events', 1)),
      expected: evaluator.field(entry, 'revents', 2),
    }));
    const deadline = deadlineOf(context, call, 2);
    const attempt = (): number | null => {
      const actual = entries.map(({ descriptor, events }) => readiness(context, descriptor, events));
      const ready = actual.filter((bits) => bits !== 0).length;
      if (ready === 0 && (deadline === undefined || host.time < deadline)) return null;
      for (const [i, { descriptor, expected }] of entries.entries()) {
        if (expected === undefined || expected.kind === 'ellipsis') continue;
        compareEvents('poll', descriptor, evaluator.number(expected), actual[i]!);
      }
      return ready;
    };
    return waiting(attempt, deadline);
  },
};

function required(evaluator: Evaluator, entry: Expression, name: string, place: number): Expression {
  const found = evaluator.field(entry, name, place);
  if (found === undefined) throw new Difference(`an entry needs ${name}`);
  return found;
}

function compareEvents(what: string, descriptor: number, wanted: number, actual: number): void {
  if (wanted === actual) return;
  throw new Difference(`events of descriptor ${descriptor} by ${what}`, eventNames(wanted), eventNames(actual));
}

function eventNames(bits: number): string {
  const names = [
    'POLLIN',
    'POLLPRI',
    'POLLOUT',
    'POLLERR',
    'POLLHUP',
    'POLLNVAL',
    'POLLRDNORM',
    'POLLWRNORM',
    'POLLRDHUP',
  ];
  return names.filter((name) => (bits & constant(name)) !== 0).join('|') || '0';
}

export const epollCreate: CallDefinition = {
  run(context, call) {
    return open(context, call, new ScriptPoller());
  },
};

/** `{events=…, fd=…}`; u32, u64 and ptr are other names of what is given back. */
function interestOf(evaluator: Evaluator, event: Expression): { events: number; data: number } {
  const events = evaluator.number(required(evaluator, event, 'events', 0)) >>> 0;
  const names = ['fd', 'u32', 'u64', 'ptr'];
  const data = names.map((name) => evaluator.field(event, name, -1)).find((each) => each !== undefined);
  return { events, data: data === undefined ? 0 : evaluator.number(data) };
}

export const epollCtl: CallDefinition = {
  check(evaluator, call) {
    const event = call.arguments[3];
    if (event?.kind === 'struct' && (interestOf(evaluator, event).events & EDGE) !== 0) {
      throw new Unsupported('edge-triggered epoll (EPOLLET)');
    }
  },
  run(context, call) {
    const { evaluator, descriptors } = context;
    const poller = descriptors.get(numberArgument(context, call, 0));
    const descriptor = numberArgument(context, call, 2);
    if (!(poller instanceof ScriptPoller)) return poller === undefined ? -EBADF : -EINVAL;
    if (!descriptors.has(descriptor)) return -EBADF;
    const operation = numberArgument(context, call, 1);
    const isKnown = poller.interests.has(descriptor);
    if (operation === constant('EPOLL_CTL_DEL')) return poller.interests.delete(descriptor) ? 0 : -ENOENT;
    if (operation === constant('EPOLL_CTL_ADD') && isKnown) return -EEXIST;
    if (operation === constant('EPOLL_CTL_MOD') && !isKnown) return -ENOENT;
    poller.interests.set(descriptor, interestOf(evaluator, argument(call, 3)));
    return 0;
  },
};

export const epollWait: CallDefinition = {
  run(context, call): number | PendingCall {
    const { evaluator, descriptors, host } = context;
    const poller = descriptors.get(numberArgument(context, call, 0));
    if (!(poller instanceof ScriptPoller)) return poller === undefined ? -EBADF : -EINVAL;
    const expected = expectedEvents(evaluator, argument(call, 1));
    const maximum = numberArgument(context, call, 2);
    const deadline = deadlineOf(context, call, 3);
    const attempt = (): number | null => {
      const ready: { descriptor: number; events: number; data: number }[] = [];
      for (const [descriptor, { events, data }] of poller.interests) {
        const bits = readiness(context, descriptor, events);
        if (bits !== 0 && ready.length < maximum) ready.push({ descriptor, events: bits, data });
      }
      if (ready.length === 0 && (deadline === undefined || host.time < deadline)) return null;
      for (const [i, { descriptor, events, data }] of ready.entries()) {
        const wanted = expected[i];
        if (wanted !== undefined) {
          compareEvents('epoll_wait', descriptor, wanted.events, events);
          if (wanted.data !== data) throw new Difference('data of epoll_wait', String(wanted.data), String(data));
        }
        const interest = poller.interests.get(descriptor)!;
        if ((interest.events & ONE_SHOT) !== 0) interest.events = 0;
      }
      return ready.length;
    };
    return waiting(attempt, deadline);
  },
};

function expectedEvents(evaluator: Evaluator, argument: Expression): { events: number; data: number }[] {
  if (argument.kind === 'ellipsis') return [];
  const list = argument.kind === 'list' ? argument.elements : [argument];
  return list.map((each) => interestOf(evaluator, each));
}
