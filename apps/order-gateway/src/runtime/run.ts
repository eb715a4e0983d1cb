import { randomInt } from 'node:crypto';
import { Worker } from 'node:worker_threads';
import { Doorbell, SpscRing } from '@prism-net/rings';
import { ORDER_WORDS, REPORT_WORDS } from '../gateway/book-messages.js';
import { LatencyHistogram } from '../report/latency-histogram.js';
import { MTU, planMemoryLink } from './link-plan.js';
import { openNativeNetwork } from './native-network.js';
import type { BookReport, ClientReport, GatewayReport } from './reports.js';
import {
  CONTROL_WORDS,
  Control,
  LIVE_DOUBLES,
  ORDER_RING_CAPACITY,
  REPORT_RING_CAPACITY,
  type RunOptions,
  type RunPlan,
  type SessionPlan,
  Stop,
  SYMBOL,
} from './run-plan.js';

/** What the gateway's own threads say. */
export interface ServiceReports {
  readonly gateway: GatewayReport;
  readonly book: BookReport;
}

/** Of a run with a load client. */
export interface RunReports extends ServiceReports {
  readonly client: ClientReport;
}

export function hasClient(reports: ServiceReports | RunReports): reports is RunReports {
  return 'client' in reports;
}

export interface Run {
  readonly plan: RunPlan;
  readonly conditions: Readonly<Record<string, string | number>>;
  /** Ends the load; {@link finished} resolves once the last answers are in, or with `hurry` after about a second. */
  stop(hurry?: boolean): void;
  /** Rejects when a thread fails. The other threads then end too. */
  readonly finished: Promise<RunReports | ServiceReports>;
}

/** Starts the threads: gateway, book, and load client unless the gateway serves on an interface. @throws Error */
export function startRun(options: RunOptions): Run {
  const network = options.link === 'memory' ? undefined : openNativeNetwork(options);
  const links = network?.plans ?? planMemoryLink(options.window);
  const ring = (capacity: number, words: number) => new SharedArrayBuffer(SpscRing.byteLength(capacity, words));
  const plan: RunPlan = {
    options,
    gatewayLink: links.gateway,
    clientLink: links.client,
    gatewayAddress: links.gateway.address.split('/')[0]!,
    control: new SharedArrayBuffer(4 * CONTROL_WORDS),
    live: new SharedArrayBuffer(8 * LIVE_DOUBLES),
    latencies: new SharedArrayBuffer(LatencyHistogram.byteLength),
    sessionLatencies: new SharedArrayBuffer(LatencyHistogram.byteLength),
    session: sessionPlanOf(options),
    orders: ring(ORDER_RING_CAPACITY, ORDER_WORDS),
    reports: ring(REPORT_RING_CAPACITY, REPORT_WORDS),
    bookBell: new SharedArrayBuffer(Doorbell.byteLength),
  };
  const control = new Int32Array(plan.control);
  const book = start<BookReport>('book', '../book/book.worker.js', plan);
  const gateway = start<GatewayReport>('gateway', '../gateway/gateway.worker.js', plan);
  const client =
    links.client === undefined ? undefined : start<ClientReport>('load client', '../client/client.worker.js', plan);
  const threads = client === undefined ? 2 : 3;

  let endService = (): void => {};
  const service = new Promise<void>((resolve) => {
    endService = resolve;
  });
  const stop = (hurry = false): void => {
    Atomics.store(control, Control.stopClient, hurry ? Stop.HURRY : Stop.DRAIN);
    endService();
  };
  // The time runs from when all threads do: a short load must not be over before it has begun.
  let timer: NodeJS.Timeout | undefined;
  const starter = setInterval(() => {
    if (Atomics.load(control, Control.ready) < threads) return;
    clearInterval(starter);
    if (Number.isFinite(options.seconds)) timer = setTimeout(stop, options.seconds * 1000, false);
  }, 2);
  const finished = (async () => {
    try {
      const clientReport = await Promise.race([client ?? service, failureOf(gateway), failureOf(book)]);
      Atomics.store(control, Control.stop, 1);
      const reports = { gateway: await gateway, book: await book };
      return clientReport === undefined ? reports : { ...reports, client: clientReport };
    } finally {
      clearInterval(starter);
      clearTimeout(timer);
      Atomics.store(control, Control.stop, 1);
      // A thread that failed may leave another one waiting: nobody waits for them.
      network?.close();
    }
  })();
  const conditions = {
    link: links.gateway.kind === 'memory' ? 'shared-memory' : links.gateway.specification,
    mtu: MTU,
    window: options.window,
    ports: plan.session === undefined ? 'datagram' : options.ports,
    seed: options.seed,
    seconds: Number.isFinite(options.seconds) ? options.seconds : 'until stopped',
    cores: options.cores,
    threads: client === undefined ? 'gateway, book' : 'gateway, book, load client',
  };
  return { plan, conditions, stop, finished };
}

/** On an interface only those who were given an account may log in; in a run of its own the load client has one. */
function sessionPlanOf(options: RunOptions): SessionPlan | undefined {
  const isAlone = options.interface !== undefined;
  if (options.ports === 'datagram' || (isAlone && options.account === undefined)) return undefined;
  const [username = 'LOAD', password = 'prism'] = options.account?.split(':') ?? [];
  // Its messages end with the process: a name of its own keeps clients of another run from resuming in this one.
  const session = `RUN${randomInt(1_000_000, 9_999_999)}`;
  return { port: options.sessionPort, symbol: SYMBOL, account: { username, password, session } };
}

/** A worker's report; rejects when it fails or ends without one. */
function start<Report>(name: string, file: string, plan: RunPlan): Promise<Report> {
  const worker = new Worker(new URL(file, import.meta.url), { workerData: plan });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', (cause) => {
      // What the machine does not allow says all there is to say.
      const isRefusal = cause.name === 'LinkUnavailableError';
      reject(isRefusal ? cause : new Error(`the thread of the ${name} failed: ${cause.message}`, { cause }));
    });
    worker.once('exit', (code) => reject(new Error(`the thread of the ${name} ended early, with code ${code}`)));
  });
}

/** Never resolves; rejects when the report does. */
function failureOf(report: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => report.catch(reject));
}
