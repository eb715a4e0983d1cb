import { AllocationMeter } from '@prism-net/measure';
import { InProcessSession } from './session-port/in-process-session.js';

/*
 * The session port's cost: load client, gateway and book in one thread, one session over one TCP connection between two
 * stacks, or over node:net. Prints one JSON object: node dist/session-bench.js [seconds] [window] [net]
 */
const seconds = Number(process.argv[2] ?? 5);
const window = Number(process.argv[3] ?? 256);
const isOverNet = process.argv[4] === 'net';
const BURST = 64;
/** Rounds between two looks at the time. */
const ROUNDS = 256;
/** Until the code is compiled. */
const WARM_UP_SECONDS = Math.min(3, seconds / 2);

const session = new InProcessSession({ seed: 1, window, isOverNet });
await session.login();
await runFor(WARM_UP_SECONDS);
session.latencies.reset();
const before = session.journal.answeredOrders;
const meter = new AllocationMeter();
meter.start();
const elapsed = await runFor(seconds - WARM_UP_SECONDS);
const bytesAllocated = meter.stop();
const answered = session.journal.answeredOrders - before;
for (let round = 0; round < 1000 && session.journal.outstanding > 0; round++) await session.rounds(1, 0);

const totals = session.journal.totals();
const { entry, server } = session.port;
const figures = {
  ordersPerSecond: answered / elapsed,
  nanosecondsPerOrder: (elapsed / answered) * 1e9,
  bytesAllocatedPerOrder: Math.max(0, bytesAllocated) / answered,
  roundTripP50Us: session.latencies.percentile(50) / 1000,
  roundTripP99Us: session.latencies.percentile(99) / 1000,
  orders: totals.sent,
  answered: totals.answered,
  lost: totals.lost + totals.outstanding,
  duplicated: totals.doubled,
  executions: session.client.executions,
  messagesMissing: server.sessions[0]!.store.total - (session.client.soup.nextNumber - 1),
};
session.close();
console.log(
  JSON.stringify({
    figures,
    conditions: {
      window,
      threads: 1,
      link: isOverNet ? 'node:net over loopback' : 'pipe',
      duplicatesSeen: entry.duplicates,
    },
  }),
);

/** Returns the seconds it really took. */
async function runFor(length: number): Promise<number> {
  const started = performance.now();
  const end = started + length * 1000;
  let now = started;
  while (now < end) {
    await session.rounds(ROUNDS, BURST);
    now = performance.now();
  }
  return (now - started) / 1000;
}
