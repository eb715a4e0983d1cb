import { parentPort, workerData } from 'node:worker_threads';
import { createNanosecondClock } from '@prism-net/time';
import { ExpectedMarket } from '../flow/expected-market.js';
import { OrderFlow } from '../flow/order-flow.js';
import { REJECT_REASON_COUNT, type RejectReason } from '../orders/reject-reason.js';
import { LatencyHistogram } from '../report/latency-histogram.js';
import type { ClientReport, SessionClientReport } from '../runtime/reports.js';
import {
  Control,
  GATEWAY_PORT,
  Live,
  REFERENCE_TICKS,
  type RunPlan,
  type SessionPlan,
  Stop,
} from '../runtime/run-plan.js';
import { SteadyState } from '../runtime/steady-state.js';
import { openWorkerLink } from '../runtime/worker-link.js';
import { runWorkerLoop, spinRoundsFor } from '../runtime/worker-loop.js';
import { ReplyTracker } from '../session/reply-tracker.js';
import { LoadClient } from './load-client.js';
import { OrderJournal } from './order-journal.js';
import { Pacer } from './pacer.js';
import { SessionClient } from './session-client.js';
import { SessionFlow } from './session-flow.js';

/** How long the gateway may take to be there. */
const PATIENCE_MILLISECONDS = 10_000;
const PING_MILLISECONDS = 500;
/** After the last order: how long the next answer may take, before those still out count as lost … */
const DRAIN_MILLISECONDS = 2000;
/** … and how long it must be quiet once all are in: fills of resting orders come behind the answer that caused them. */
const QUIET_MILLISECONDS = 20;
/** All of that together, when somebody waits for the end. */
const HURRY_MILLISECONDS = 1000;
/** Orders the session may send in one round. */
const SEND_BURST = 64;

const plan = workerData as RunPlan;
const { options } = plan;
const control = new Int32Array(plan.control);
const live = new Float64Array(plan.live);
const ownLink = await openWorkerLink(plan.clientLink!, 'client');
const { link, stack } = ownLink;

const nanoseconds = createNanosecondClock();
const tracker = new ReplyTracker(2 ** Math.ceil(Math.log2(Math.max(16 * options.window, 65_536))));
// Both flows trade in one book.
const market = new ExpectedMarket(REFERENCE_TICKS);
const client = new LoadClient({
  stack,
  gatewayAddress: plan.gatewayAddress,
  gatewayPort: GATEWAY_PORT,
  flow: new OrderFlow({
    seed: options.seed,
    referenceTicks: REFERENCE_TICKS,
    maximumQuantityLots: options.maximumQuantity * 100,
    market,
  }),
  tracker,
  pacer: new Pacer(options.ordersPerSecond, nanoseconds.now()),
  latencies: new LatencyHistogram(plan.latencies),
  window: options.window,
  nanoseconds,
});

const sendsDatagrams = options.ports !== 'session';
const journal = new OrderJournal(2 ** Math.ceil(Math.log2(Math.max(16 * options.sessionWindow, 4096))));
const session = plan.session === undefined ? undefined : openSession(plan.session);
function openSession({ account, port, symbol }: SessionPlan): SessionClient {
  return new SessionClient({
    username: account.username,
    password: account.password,
    stack,
    gatewayAddress: plan.gatewayAddress,
    gatewayPort: port,
    flow: new SessionFlow({
      seed: (options.seed + 1) >>> 0,
      symbol,
      referenceTicks: REFERENCE_TICKS,
      maximumQuantityLots: options.maximumQuantity * 100,
      market,
    }),
    journal,
    pacer: new Pacer(options.ordersPerSecond, nanoseconds.now()),
    latencies: new LatencyHistogram(plan.sessionLatencies),
    window: options.sessionWindow,
    nanoseconds,
  });
}

// The address of the gateway is resolved first: ARP lets few packets wait for their neighbour.
// As long as the gateway's own link is not open a router says that there is no way, or nothing: asked again until it is.
const patienceEnds = performance.now() + PATIENCE_MILLISECONDS;
let resolved = false;
let refusal: Error | undefined;
function resolve(): void {
  refusal = undefined;
  stack.ping(plan.gatewayAddress, { timeoutMilliseconds: PING_MILLISECONDS }).then(
    () => {
      resolved = true;
    },
    (error: Error) => {
      refusal = error;
    },
  );
}
resolve();
while (!resolved) {
  if (refusal !== undefined) {
    // Thrown here, not there: this loop lets promises settle but may never reach the event loop, where rejections are reported.
    if (performance.now() >= patienceEnds) throw refusal;
    resolve();
  }
  stack.poll();
  await ownLink.sleep(1);
}

while (session !== undefined && !session.soup.isLoggedIn) {
  if (performance.now() >= patienceEnds) throw new Error('the session port does not let the load client log in');
  session.poll(stack.now(), 0);
  stack.poll();
  await ownLink.sleep(1);
}

const steady = new SteadyState(options.seconds);
let rounds = 0;
let isDraining = false;
/** Once draining: when the last answer or fill came. */
let endedAt = 0;
let drainingSince = 0;
/** {@link packets} at that time. */
let drained = 0;
const packets = (): number => {
  const datagrams = tracker.sentOrders + tracker.answeredOrders + tracker.fills;
  return session === undefined ? datagrams : datagrams + journal.sentOrders + session.soup.nextNumber - 1;
};
const outstanding = (): number => tracker.outstanding + journal.outstanding;

function showLive(): void {
  live[Live.sent] = tracker.sentOrders;
  live[Live.answered] = tracker.answeredOrders;
  live[Live.rejected] = tracker.rejectedOrders;
  live[Live.fills] = tracker.fills;
  live[Live.sessionSent] = journal.sentOrders;
  live[Live.sessionAnswered] = journal.answeredOrders;
}

function stopSending(): void {
  isDraining = true;
  steady.finish(packets());
  drainingSince = performance.now();
  endedAt = drainingSince;
}

const startedAt = performance.now();
Atomics.add(control, Control.ready, 1);
await runWorkerLoop(
  {
    poll() {
      rounds = (rounds + 1) | 0;
      if ((rounds & 0xfff) === 0) {
        showLive();
        steady.observe(packets());
      }
      if (!isDraining && Atomics.load(control, Control.stopClient) !== 0) stopSending();
      let work = isDraining || !sendsDatagrams ? 0 : client.sendOrders();
      if (session !== undefined) work = (work + session.poll(stack.lastPoll, isDraining ? 0 : SEND_BURST)) | 0;
      work = (work + stack.poll()) | 0;
      if (isDraining && work > 0 && packets() !== drained) {
        // Heartbeats of the session are work for ever, but no answers.
        drained = packets();
        endedAt = performance.now();
      }
      return work;
    },
    sleep(milliseconds, naps) {
      showLive();
      // A paced client has to wake up by itself for its next order.
      return ownLink.sleep(options.ordersPerSecond === 0 ? milliseconds : 0.05, undefined, naps);
    },
    isDone() {
      if (!isDraining) return false;
      const now = performance.now();
      const isUrgent = Atomics.load(control, Control.stopClient) === Stop.HURRY;
      if (isUrgent && now - drainingSince > HURRY_MILLISECONDS) return true;
      return now - endedAt > (outstanding() > 0 ? DRAIN_MILLISECONDS : QUIET_MILLISECONDS);
    },
  },
  control,
  spinRoundsFor(options.cores),
);
tracker.giveUp();
journal.giveUp();
session?.logout(stack.lastPoll);
for (let round = 0; round < 16; round++) stack.poll();
showLive();

const report: ClientReport = {
  totals: tracker.totals(),
  rejects: Array.from({ length: REJECT_REASON_COUNT }, (_, reason) => tracker.answersFor(reason as RejectReason)),
  faults: client.faults,
  session: session === undefined ? undefined : sessionReport(session),
  linkMode: link.capabilities.mode,
  seconds: (endedAt - startedAt) / 1000,
  statistics: stack.statistics(),
  steadyState: steady.report,
};
session?.close();
stack.close();
parentPort!.postMessage(report);

function sessionReport({
  cancellations,
  cancelsSent,
  executions,
  faults,
  rejects,
  rejectsByCode,
  soup,
}: SessionClient): SessionClientReport {
  const messages = soup.nextNumber - 1;
  return {
    totals: journal.totals(),
    executions,
    cancellations,
    rejects,
    rejectsByCode: Array.from(rejectsByCode),
    cancelsSent,
    messages,
    faults,
  };
}
