import type { StackStatistics } from '@prism-net/stack';
import type { LoadClient } from '../client/load-client.js';
import type { JournalTotals } from '../client/order-journal.js';
import type { ReplyTotals } from '../session/reply-tracker.js';

interface SteadyStateReport {
  readonly bytesAllocated: number;
  readonly packets: number;
}

/** The session port, as the gateway saw it. */
export interface SessionPortReport {
  readonly orders: number;
  readonly cancels: number;
  /** Rejected before the book. */
  readonly rejected: number;
  /** Sent again and ignored. */
  readonly duplicates: number;
  readonly malformed: number;
  /** Each side for itself. */
  readonly executions: number;
  readonly cancellations: number;
  /** Sequenced messages. */
  readonly messages: number;
  /** Connections by how they ended; see `Ending`. */
  readonly endings: readonly number[];
  readonly refusedConnections: number;
}

/** The session port, as its load client saw it. */
export interface SessionClientReport {
  readonly totals: JournalTotals;
  readonly executions: number;
  readonly cancellations: number;
  readonly rejects: number;
  /** By OUCH's reason. */
  readonly rejectsByCode: readonly number[];
  readonly cancelsSent: number;
  /** Sequenced messages received. */
  readonly messages: number;
  readonly faults: { readonly malformed: number; readonly reconnects: number; readonly connectErrors: number };
}

/** What the gateway's thread says at its end. */
export interface GatewayReport {
  readonly orders: number;
  readonly replies: number;
  /** Replies the stack refused to send: zero, or orders go unanswered. */
  readonly refusedSends: number;
  /** Orders refused by the gateway itself, by reject reason. */
  readonly rejects: readonly number[];
  readonly session: SessionPortReport | undefined;
  /** The mode of its link that is really in force. */
  readonly linkMode: string;
  readonly statistics: StackStatistics;
  readonly steadyState: SteadyStateReport;
}

/** What the load client's thread says at its end. */
export interface ClientReport {
  readonly totals: ReplyTotals;
  /** Answers by reject reason. */
  readonly rejects: readonly number[];
  readonly faults: LoadClient['faults'];
  readonly session: SessionClientReport | undefined;
  readonly linkMode: string;
  /** From the first order to the last answer. */
  readonly seconds: number;
  readonly statistics: StackStatistics;
  readonly steadyState: SteadyStateReport;
}

/** What the book's thread says at its end. */
export interface BookReport {
  readonly orders: number;
  readonly executions: number;
  readonly resting: number;
  readonly steadyState: SteadyStateReport;
}
