import type { ServiceReports } from '../runtime/run.js';
import { accountLine, number, perPacket, rejectList, wrap } from './run-report.js';
import { sessionServiceLine } from './session-report.js';

/** Figures of a gateway that served who came; what its clients saw only they know. */
export function toServiceFigures({ gateway, book }: ServiceReports): Record<string, number> {
  return {
    orders: gateway.orders,
    replies: gateway.replies,
    refusedSends: gateway.refusedSends,
    ...(gateway.session === undefined
      ? {}
      : { sessionOrders: gateway.session.orders, sessionMessages: gateway.session.messages }),
    trades: book.executions,
    restingOrders: book.resting,
    unexplainedDrops: gateway.statistics.receive.unexplained,
    bytesAllocatedPerPacketGateway: perPacket(gateway.steadyState),
  };
}

/** 0 when no reply was refused by the stack and every frame is accounted for. */
export function serviceExitCodeOf({ gateway }: ServiceReports): 0 | 1 {
  return gateway.refusedSends === 0 && gateway.statistics.receive.unexplained === 0 ? 0 : 1;
}

/** The report a person reads when the gateway was stopped; `columns`: the width of the terminal, if it goes to one. */
export function renderServiceReport({ gateway, book }: ServiceReports, columns?: number): string {
  const lines = [
    '',
    `${number(gateway.orders + (gateway.session?.orders ?? 0))} orders, ${number(gateway.replies + (gateway.session?.messages ?? 0))} answers and later fills; link ${gateway.linkMode}`,
    ...(gateway.session === undefined
      ? []
      : [`  datagram port: ${number(gateway.orders)} orders, ${number(gateway.replies)} answers and later fills`]),
    `  the book made ${number(book.executions)} trades and holds ${number(book.resting)} orders`,
    `  rejects of the gateway: ${rejectList(gateway.rejects)}`,
    `  the stack refused to send ${number(gateway.refusedSends)} replies`,
    ...(gateway.session === undefined ? [] : [sessionServiceLine(gateway.session)]),
    '',
    'frames',
    `  ${accountLine(gateway.statistics)}`,
    '',
  ];
  return lines.map((line) => wrap(line, columns ?? Number.POSITIVE_INFINITY)).join('\n');
}
