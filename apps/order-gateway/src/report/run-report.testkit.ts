import { OuchRejectReason } from '@prism-net/ouch';
import type { StackStatistics } from '@prism-net/stack';
import type { JournalTotals } from '../client/order-journal.js';
import { RejectReason } from '../orders/reject-reason.js';
import type { ClientReport, GatewayReport, SessionClientReport } from '../runtime/reports.js';
import type { RunReports } from '../runtime/run.js';

function statistics(received: number, unexplained = 0): StackStatistics {
  return {
    receive: {
      received,
      delivered: received - 3 - unexplained,
      handled: 2,
      forwarded: 0,
      held: 0,
      dropped: { ARP_NOT_FOR_US: 1 },
      unexplained,
    },
    transmitDrops: {},
  } as unknown as StackStatistics;
}

export interface Blemishes {
  readonly totals?: Partial<ClientReport['totals']>;
  readonly faults?: Partial<ClientReport['faults']>;
  readonly refusedSends?: number;
  readonly unexplained?: number;
  readonly seconds?: number;
  readonly session?: {
    readonly totals?: Partial<JournalTotals>;
    readonly faults?: Partial<SessionClientReport['faults']>;
    readonly messages?: number;
  };
}

/** 200,000 orders over the session, without a blemish. */
function sessionOf({ session = {} }: Blemishes): SessionClientReport {
  return {
    totals: {
      sent: 200_000,
      answered: 200_000,
      outstanding: 0,
      lost: 0,
      doubled: 0,
      unknown: 0,
      resent: 0,
      ...session.totals,
    },
    executions: 300_000,
    cancellations: 20_000,
    rejects: 1000,
    rejectsByCode: Array.from({ length: 64 }, (_, code) =>
      code === OuchRejectReason.invalidQuantity ? 600 : code === OuchRejectReason.replaceNotAllowed ? 400 : 0,
    ),
    cancelsSent: 25_000,
    messages: session.messages ?? 520_001,
    faults: { malformed: 0, reconnects: 0, connectErrors: 0, ...session.faults },
  };
}

/** The reports of a flawless run of 1,000,000 orders in two seconds, but for the blemishes. */
export function reportsOf(blemishes: Blemishes = {}): RunReports {
  const rejects = new Array<number>(49).fill(0);
  rejects[RejectReason.none] = 990_000;
  rejects[RejectReason.killSwitch] = 7000;
  rejects[RejectReason.priceOffTick] = 3000;
  const steadyState = (bytesAllocated: number) => ({ bytesAllocated, packets: 1000 });
  const client: ClientReport = {
    totals: {
      sent: 1_000_000,
      answered: 1_000_000,
      outstanding: 0,
      lost: 0,
      doubled: 0,
      unknown: 0,
      late: 0,
      duplicatesAccepted: 0,
      falseDuplicates: 0,
      fills: 600_000,
      answersByKind: { accepted: 700_000, filled: 200_000, partiallyFilled: 90_000, rejected: 10_000 },
      ...blemishes.totals,
    },
    rejects,
    session: sessionOf(blemishes),
    linkMode: 'in-process',
    faults: { sequenceGaps: 0, malformed: 0, refused: 0, ...blemishes.faults },
    seconds: blemishes.seconds ?? 2,
    statistics: statistics(1_600_003),
    steadyState: steadyState(250),
  };
  const gateway: GatewayReport = {
    orders: 1_000_000,
    replies: 1_600_000,
    refusedSends: blemishes.refusedSends ?? 0,
    rejects,
    session: {
      orders: 200_000,
      cancels: 25_000,
      rejected: 600,
      duplicates: 0,
      malformed: 0,
      executions: 300_000,
      cancellations: 20_000,
      messages: 520_001,
      endings: [0, 1],
      refusedConnections: 0,
    },
    linkMode: 'in-process',
    statistics: statistics(1_000_003, blemishes.unexplained),
    steadyState: steadyState(500),
  };
  const book = { orders: 990_000, executions: 600_000, resting: 1234, steadyState: steadyState(0) };
  return { client, gateway, book };
}
