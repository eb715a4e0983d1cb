import { Worker } from 'node:worker_threads';
import { PacketMemory } from '@prism-net/buffers';
import { createSharedMemoryLink, sharedMemoryLinkBytes } from '@prism-net/link';
import { Doorbell, SpscRing } from '@prism-net/rings';
import { ORDER_WORDS, REPORT_WORDS } from '../gateway/book-messages.js';
import { LatencyHistogram } from '../report/latency-histogram.js';
import type { BookReport, ClientReport, GatewayReport } from './reports.js';
import {
  CONTROL_WORDS,
  Control,
  LIVE_DOUBLES,
  ORDER_RING_CAPACITY,
  REPORT_RING_CAPACITY,
  type RunOptions,
  type RunPlan,
} from './run-plan.js';

const LINK_CAPACITY = 4096;
const THREADS = 3;
const MTU = 1500;

export interface RunReports {
  readonly client: ClientReport;
  readonly gateway: GatewayReport;
  readonly book: BookReport;
}

export interface Run {
  readonly plan: RunPlan;
  readonly conditions: Readonly<Record<string, string | number>>;
  /** Ends the load; {@link finished} resolves once the last answers are in. */
  stop(): void;
  /** Rejects when a thread fails. The other threads then end too. */
  readonly finished: Promise<RunReports>;
}

/** Starts the three threads: gateway, book and load client. */
export function startRun(options: RunOptions): Run {
  // Orders in flight, their replies and fills, and what both rings hold: frames are the client's and the gateway's.
  const frames = 2 ** Math.ceil(Math.log2(Math.max(4096, 2 * options.window)));
  const linkOptions = { capacity: LINK_CAPACITY, mtu: MTU };
  const memory = PacketMemory.create({ frames: 2 * frames, controlBytes: sharedMemoryLinkBytes(LINK_CAPACITY) });
  const link = createSharedMemoryLink(memory, linkOptions);
  const ring = (capacity: number, words: number) => new SharedArrayBuffer(SpscRing.byteLength(capacity, words));
  const plan: RunPlan = {
    options,
    memory: memory.share(),
    gatewayLink: link.left,
    clientLink: link.right,
    gatewayFrames: memory.reserveFrames(frames),
    clientFrames: memory.reserveFrames(frames),
    control: new SharedArrayBuffer(4 * CONTROL_WORDS),
    live: new SharedArrayBuffer(8 * LIVE_DOUBLES),
    latencies: new SharedArrayBuffer(LatencyHistogram.byteLength),
    orders: ring(ORDER_RING_CAPACITY, ORDER_WORDS),
    reports: ring(REPORT_RING_CAPACITY, REPORT_WORDS),
    bookBell: new SharedArrayBuffer(Doorbell.byteLength),
  };
  const control = new Int32Array(plan.control);
  const book = start<BookReport>('book', '../book/book.worker.js', plan);
  const gateway = start<GatewayReport>('gateway', '../gateway/gateway.worker.js', plan);
  const client = start<ClientReport>('load client', '../client/client.worker.js', plan);

  const stop = (): void => {
    Atomics.store(control, Control.stopClient, 1);
  };
  // The time runs from when all threads do: a short load must not be over before it has begun.
  let timer: NodeJS.Timeout | undefined;
  const starter = setInterval(() => {
    if (Atomics.load(control, Control.ready) < THREADS) return;
    clearInterval(starter);
    if (Number.isFinite(options.seconds)) timer = setTimeout(stop, options.seconds * 1000);
  }, 2);
  const finished = (async () => {
    try {
      const clientReport = await Promise.race([client, failureOf(gateway), failureOf(book)]);
      Atomics.store(control, Control.stop, 1);
      return { client: clientReport, gateway: await gateway, book: await book };
    } finally {
      clearInterval(starter);
      clearTimeout(timer);
      Atomics.store(control, Control.stop, 1);
    }
  })();
  const conditions = {
    link: 'shared-memory',
    mtu: MTU,
    window: options.window,
    seed: options.seed,
    seconds: Number.isFinite(options.seconds) ? options.seconds : 'until stopped',
    cores: options.cores,
    threads: 'gateway, book, load client',
  };
  return { plan, conditions, stop, finished };
}

/** A worker's report; rejects when it fails or ends without one. */
function start<Report>(name: string, file: string, plan: RunPlan): Promise<Report> {
  const worker = new Worker(new URL(file, import.meta.url), { workerData: plan });
  return new Promise((resolve, reject) => {
    worker.once('message', resolve);
    worker.once('error', (cause) => reject(new Error(`the thread of the ${name} failed: ${cause.message}`, { cause })));
    worker.once('exit', (code) => reject(new Error(`the thread of the ${name} ended early, with code ${code}`)));
  });
}

/** Never resolves; rejects when the report does. */
function failureOf(report: Promise<unknown>): Promise<never> {
  return new Promise((_, reject) => report.catch(reject));
}
