import type { AccountOptions } from '@prism-net/soup-bin-tcp';
import type { Options } from '../options.js';
import type { LinkPlan } from './link-plan.js';

/** Values of the control word {@link Control.stopClient}. */
export const Stop = {
  /** Send orders. */
  NOT: 0,
  /** Send no more, wait for the answers still out. */
  DRAIN: 1,
  /** As {@link DRAIN}, but somebody waits: for a second in all. */
  HURRY: 2,
} as const;

/** Words of {@link RunPlan.control}, shared by all threads. */
export const Control = {
  /** {@link Stop}: whether orders are still sent. */
  stopClient: 0,
  /** 1: end. */
  stop: 1,
  /** The risk check's kill switch. */
  kill: 2,
  /** Threads that are up and running. */
  ready: 3,
} as const;
export const CONTROL_WORDS = 4;

/** Doubles of {@link RunPlan.live}, written by one thread each, for the live line. */
export const Live = {
  sent: 0,
  answered: 1,
  rejected: 2,
  fills: 3,
  /** The same of the session port. */
  sessionSent: 4,
  sessionAnswered: 5,
} as const;
export const LIVE_DOUBLES = 6;

/** The command line's options, and the machine's cores. */
export interface RunOptions extends Options {
  readonly cores: number;
}

/** The session port of a run, and who may log in. */
export interface SessionPlan {
  readonly port: number;
  readonly symbol: string;
  readonly account: AccountOptions;
}

/** Everything a thread of the gateway needs, as plain data and shared memory. */
export interface RunPlan {
  readonly options: RunOptions;
  readonly gatewayLink: LinkPlan;
  /** `undefined`: there is no load client, the gateway serves who comes. */
  readonly clientLink: LinkPlan | undefined;
  /** Where the load client sends its orders. */
  readonly gatewayAddress: string;
  readonly control: SharedArrayBuffer;
  readonly live: SharedArrayBuffer;
  /** Latency histograms: of the datagram port, of the session port. */
  readonly latencies: SharedArrayBuffer;
  readonly sessionLatencies: SharedArrayBuffer;
  /** `undefined`: there is no session port. */
  readonly session: SessionPlan | undefined;
  /** Ring from the gateway to the book, ring back, and the bell that wakes the book. */
  readonly orders: SharedArrayBuffer;
  readonly reports: SharedArrayBuffer;
  readonly bookBell: SharedArrayBuffer;
}

export const ORDER_RING_CAPACITY = 4096;
export const REPORT_RING_CAPACITY = 8192;
/** Resting orders one order may execute against; its reports must fit their ring. */
export const EXECUTION_LIMIT = 1024;

export const GATEWAY_PORT = 9000;
/** The one instrument there is. */
export const SYMBOL = 'PRISM';
export const REFERENCE_TICKS = 10_000;
