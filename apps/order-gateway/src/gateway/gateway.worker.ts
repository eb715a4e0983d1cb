import { parentPort, workerData } from 'node:worker_threads';
import { Doorbell, SpscRing } from '@prism-net/rings';
import { CryptoRandom, createHashKey } from '@prism-net/tables';
import { RiskCheck } from '../risk/risk-check.js';
import type { GatewayReport } from '../runtime/reports.js';
import {
  Control,
  GATEWAY_PORT,
  Live,
  ORDER_RING_CAPACITY,
  REFERENCE_TICKS,
  REPORT_RING_CAPACITY,
  type RunPlan,
} from '../runtime/run-plan.js';
import { SteadyState } from '../runtime/steady-state.js';
import { openWorkerLink } from '../runtime/worker-link.js';
import { runWorkerLoop, spinRoundsFor } from '../runtime/worker-loop.js';
import { ORDER_WORDS, REPORT_WORDS } from './book-messages.js';
import { ClientTable } from './client-table.js';
import { OrderGateway } from './order-gateway.js';

const plan = workerData as RunPlan;
const { options } = plan;
const control = new Int32Array(plan.control);
const live = new Float64Array(plan.live);
const ownLink = await openWorkerLink(plan.gatewayLink, 'gateway');
const { link, stack } = ownLink;
const servesAlone = plan.clientLink === undefined;
const random = new CryptoRandom();
const bookBell = new Doorbell({ buffer: plan.bookBell, byteOffset: 0 });

const gateway = new OrderGateway({
  stack,
  port: GATEWAY_PORT,
  clients: new ClientTable(1024, random),
  risk: new RiskCheck({
    hashKey: createHashKey(random),
    referenceTicks: REFERENCE_TICKS,
    collarPermille: options.collarPermille,
    maximumQuantityLots: options.maximumQuantity * 100,
    killAfterOrders: options.killAfterOrders,
    killSwitch: control.subarray(Control.kill, Control.kill + 1),
  }),
  toBook: new SpscRing({
    buffer: plan.orders,
    byteOffset: 0,
    capacity: ORDER_RING_CAPACITY,
    wordsPerItem: ORDER_WORDS,
  }),
  fromBook: new SpscRing({
    buffer: plan.reports,
    byteOffset: 0,
    capacity: REPORT_RING_CAPACITY,
    wordsPerItem: REPORT_WORDS,
  }),
  ringBook: () => bookBell.ring(),
});

const hasNoReports = (): boolean => !gateway.hasReports;
/** The load client knows more about answers, where there is one. */
function showLive(): void {
  live[Live.sent] = gateway.orders;
  live[Live.answered] = gateway.replies;
}

const steady = new SteadyState(options.seconds);
let rounds = 0;
Atomics.add(control, Control.ready, 1);
await runWorkerLoop(
  {
    poll() {
      rounds = (rounds + 1) | 0;
      if ((rounds & 0xfff) === 0) {
        steady.observe(gateway.orders + gateway.replies);
        if (servesAlone) showLive();
      }
      if (Atomics.load(control, Control.stopClient) !== 0) steady.finish(gateway.orders + gateway.replies);
      const reports = gateway.sendReports();
      return (reports + stack.poll()) | 0;
    },
    sleep(milliseconds, naps) {
      if (servesAlone) showLive();
      return ownLink.sleep(milliseconds, hasNoReports, naps);
    },
  },
  control,
  spinRoundsFor(options.cores),
);
steady.finish(gateway.orders + gateway.replies);

const report: GatewayReport = {
  orders: gateway.orders,
  replies: gateway.replies,
  refusedSends: gateway.refusedSends,
  rejects: Array.from(gateway.rejects),
  linkMode: link.capabilities.mode,
  statistics: stack.statistics(),
  steadyState: steady.report,
};
stack.close();
parentPort!.postMessage(report);
