import type { StackStatistics } from '@prism-net/stack';
import type { LoadClient } from '../client/load-client.js';
import type { ReplyTotals } from '../session/reply-tracker.js';

interface SteadyStateReport {
  readonly bytesAllocated: number;
  readonly packets: number;
}

/** What the gateway's thread says at its end. */
export interface GatewayReport {
  readonly orders: number;
  readonly replies: number;
  /** Replies the stack refused to send: zero, or orders go unanswered. */
  readonly refusedSends: number;
  /** Orders refused by the gateway itself, by reject reason. */
  readonly rejects: readonly number[];
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
