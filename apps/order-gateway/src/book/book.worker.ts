import { parentPort, workerData } from 'node:worker_threads';
import { Doorbell, SpscRing } from '@prism-net/rings';
import { CryptoRandom, createHashKey } from '@prism-net/tables';
import { ORDER_WORDS, REPORT_WORDS } from '../gateway/book-messages.js';
import { bellOf } from '../runtime/link-plan.js';
import type { BookReport } from '../runtime/reports.js';
import {
  Control,
  EXECUTION_LIMIT,
  ORDER_RING_CAPACITY,
  REPORT_RING_CAPACITY,
  type RunPlan,
} from '../runtime/run-plan.js';
import { SteadyState } from '../runtime/steady-state.js';
import { runWorkerLoop, spinRoundsFor } from '../runtime/worker-loop.js';
import { BookService } from './book-service.js';
import { OrderBook } from './order-book.js';
import { SessionDesk } from './session-desk.js';

const BURST = 64;

const plan = workerData as RunPlan;
const control = new Int32Array(plan.control);
const gatewayBell = bellOf(plan.gatewayLink);
const ownBell = new Doorbell({ buffer: plan.bookBell, byteOffset: 0 });
const book = new OrderBook({ executionLimit: EXECUTION_LIMIT });
const reports = new SpscRing({
  buffer: plan.reports,
  byteOffset: 0,
  capacity: REPORT_RING_CAPACITY,
  wordsPerItem: REPORT_WORDS,
});
const service = new BookService(
  book,
  new SpscRing({ buffer: plan.orders, byteOffset: 0, capacity: ORDER_RING_CAPACITY, wordsPerItem: ORDER_WORDS }),
  reports,
  plan.session === undefined ? null : new SessionDesk(book, reports, createHashKey(new CryptoRandom())),
);
const isIdle = (): boolean => !service.hasOrders;

const steady = new SteadyState(plan.options.seconds);
let rounds = 0;
Atomics.add(control, Control.ready, 1);
await runWorkerLoop(
  {
    poll() {
      rounds = (rounds + 1) | 0;
      if ((rounds & 0xfff) === 0) steady.observe(service.orders);
      if (Atomics.load(control, Control.stopClient) !== 0) steady.finish(service.orders);
      const done = service.poll(BURST);
      if (done > 0) gatewayBell.ring();
      return done;
    },
    sleep(milliseconds) {
      ownBell.wait(milliseconds, isIdle);
      return undefined;
    },
  },
  control,
  spinRoundsFor(plan.options.cores),
);

const report: BookReport = {
  orders: service.orders,
  executions: service.executions,
  resting: book.restingOrders,
  steadyState: steady.report,
};
parentPort!.postMessage(report);
