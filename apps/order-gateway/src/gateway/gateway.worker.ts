import { parentPort, workerData } from 'node:worker_threads';
import { Doorbell, SpscRing } from '@prism-net/rings';
import { CryptoRandom, createHashKey } from '@prism-net/tables';
import { createNanosecondClock } from '@prism-net/time';
import { RiskCheck } from '../risk/risk-check.js';
import type { GatewayReport, SessionPortReport } from '../runtime/reports.js';
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
import { SessionPort } from '../session-port/session-port.js';
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

const risk = new RiskCheck({
  hashKey: createHashKey(random),
  referenceTicks: REFERENCE_TICKS,
  collarPermille: options.collarPermille,
  maximumQuantityLots: options.maximumQuantity * 100,
  killAfterOrders: options.killAfterOrders,
  killSwitch: control.subarray(Control.kill, Control.kill + 1),
});
const toBook = new SpscRing({
  buffer: plan.orders,
  byteOffset: 0,
  capacity: ORDER_RING_CAPACITY,
  wordsPerItem: ORDER_WORDS,
});
const ringBook = (): void => bookBell.ring();

const sessions = plan.session === undefined ? undefined : openSessionPort(plan.session);
function openSessionPort({ account, port, symbol }: NonNullable<RunPlan['session']>): SessionPort {
  const date = new Date();
  return new SessionPort({
    stack,
    port,
    accounts: [account],
    symbol,
    risk,
    toBook,
    underWay: ORDER_RING_CAPACITY + REPORT_RING_CAPACITY,
    ringBook,
    nanosecondsSinceMidnight: (date.getTime() - new Date(date).setHours(0, 0, 0, 0)) * 1e6,
    nanoseconds: createNanosecondClock(),
  });
}

const gateway = new OrderGateway({
  stack,
  port: options.ports === 'session' ? undefined : GATEWAY_PORT,
  clients: new ClientTable(1024, random),
  risk,
  toBook,
  fromBook: new SpscRing({
    buffer: plan.reports,
    byteOffset: 0,
    capacity: REPORT_RING_CAPACITY,
    wordsPerItem: REPORT_WORDS,
  }),
  ringBook,
  ...(sessions === undefined ? {} : { sessions }),
});

const packets = (): number => gateway.orders + gateway.replies + (sessions?.messages ?? 0);
const hasNoReports = (): boolean => !gateway.hasReports;
/** The load client knows more about answers, where there is one. */
function showLive(): void {
  live[Live.sent] = gateway.orders;
  live[Live.answered] = gateway.replies;
  live[Live.sessionSent] = sessions?.entry.orders ?? 0;
  live[Live.sessionAnswered] = sessions?.sentMessages ?? 0;
}

const steady = new SteadyState(options.seconds);
let rounds = 0;
Atomics.add(control, Control.ready, 1);
await runWorkerLoop(
  {
    poll() {
      rounds = (rounds + 1) | 0;
      if ((rounds & 0xfff) === 0) {
        steady.observe(packets());
        if (servesAlone) showLive();
      }
      if (Atomics.load(control, Control.stopClient) !== 0) steady.finish(packets());
      const work = (gateway.sendReports() + stack.poll()) | 0;
      return sessions === undefined ? work : (work + sessions.poll(stack.lastPoll)) | 0;
    },
    sleep(milliseconds, naps) {
      if (servesAlone) showLive();
      return ownLink.sleep(milliseconds, hasNoReports, naps);
    },
  },
  control,
  spinRoundsFor(options.cores),
);
steady.finish(packets());
const session = sessions === undefined ? undefined : sessionReport(sessions);
// Whoever is still logged in is told.
sessions?.endDay();
for (let round = 0; round < 16; round++) {
  sessions?.poll(stack.lastPoll);
  stack.poll();
}

const report: GatewayReport = {
  orders: gateway.orders,
  replies: gateway.replies,
  refusedSends: gateway.refusedSends,
  rejects: Array.from(gateway.rejects),
  session,
  linkMode: link.capabilities.mode,
  statistics: stack.statistics(),
  steadyState: steady.report,
};
sessions?.close();
stack.close();
parentPort!.postMessage(report);

function sessionReport({ answers, entry, server }: SessionPort): SessionPortReport {
  return {
    orders: entry.orders,
    cancels: entry.cancels,
    rejected: entry.rejected,
    duplicates: entry.duplicates,
    malformed: entry.malformed,
    executions: answers.executions,
    cancellations: answers.cancellations,
    messages: server.sessions[0]!.store.total,
    endings: Array.from(server.endings),
    refusedConnections: server.refused,
  };
}
