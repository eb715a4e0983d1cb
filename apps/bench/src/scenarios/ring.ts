import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { MpmcRing, SpscRing } from '@prism-net/rings';
import { nsPerOperation, quantile, summarise, timerCostNs } from '../measure.js';
import type { Figures, RunScenario } from '../scenario.js';
import type { RingJob, RingJobResult } from './ring.worker.js';

const CAPACITY = 1024;
const BURST = 32;
/** Of each run; fewer when less than {@link FULL_SECONDS} are allowed. */
const ITEMS_ONE_THREAD = 2_000_000;
const ITEMS_TWO_THREADS = 20_000_000;
const ITEMS_POST_MESSAGE = 500_000;
const LATENCY_BURSTS = 20_000;
const FULL_SECONDS = 10;

const sink = new Int32Array(1);

function spscRing(): SpscRing {
  const buffer = new SharedArrayBuffer(SpscRing.byteLength(CAPACITY));
  return new SpscRing({ buffer, byteOffset: 0, capacity: CAPACITY });
}

export const ring: RunScenario = async ({ runs, seconds }) => {
  const share = Math.min(1, seconds / FULL_SECONDS);
  const oneThread = Math.ceil(ITEMS_ONE_THREAD * share);
  const twoThreads = Math.ceil(ITEMS_TWO_THREADS * share);
  const timerNs = timerCostNs();
  const spsc = spscRing();
  const buffer = new SharedArrayBuffer(MpmcRing.byteLength(CAPACITY));
  const mpmc = new MpmcRing({ buffer, byteOffset: 0, capacity: CAPACITY });

  // One item in, one item out, so that the ring is never more than one deep: no burst effect helps.
  const spscPairs = (count: number): void => {
    for (let i = 0; i < count; i = (i + 1) | 0) {
      spsc.enqueue(i);
      sink[0] = spsc.dequeue();
    }
  };
  const mpmcPairs = (count: number): void => {
    for (let i = 0; i < count; i = (i + 1) | 0) {
      mpmc.enqueue(i);
      sink[0] = mpmc.dequeue();
    }
  };
  for (let warm = 0; warm < 3; warm++) {
    spscPairs(oneThread);
    mpmcPairs(oneThread);
    latencies(spscRing(), timerNs);
  }

  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    const { enqueue, dequeue } = latencies(spscRing(), timerNs);
    ours.push({
      spscOpsPerSecond: 1e9 / nsPerOperation(spscPairs, oneThread),
      mpmcOpsPerSecond: 1e9 / nsPerOperation(mpmcPairs, oneThread),
      spscTwoThreadOpsPerSecond: await betweenWorkers('ring', twoThreads),
      enqueueP50Ns: quantile(enqueue, 0.5),
      enqueueP99Ns: quantile(enqueue, 0.99),
      dequeueP50Ns: quantile(dequeue, 0.5),
      dequeueP99Ns: quantile(dequeue, 0.99),
    });
    theirs.push({
      spscTwoThreadOpsPerSecond: await betweenWorkers('postMessage', Math.ceil(ITEMS_POST_MESSAGE * share)),
    });
  }
  const { medians, spread } = summarise(ours);
  return {
    figures: medians,
    baseline: summarise(theirs).medians,
    baselineName: 'bursts of 32 int32 over a MessagePort (postMessage) between the same two workers',
    spread,
    runs,
    conditions: {
      capacity: CAPACITY,
      burst: BURST,
      itemsTwoThreads: twoThreads,
      timerNs,
      operation: 'one item in and out',
    },
  };
};

/** Nanoseconds per enqueue and per dequeue, item by item, each sample over one burst and less the timer's cost. */
function latencies(latencyRing: SpscRing, timerNs: number): { enqueue: Float64Array; dequeue: Float64Array } {
  const enqueue = new Float64Array(LATENCY_BURSTS);
  const dequeue = new Float64Array(LATENCY_BURSTS);
  for (let sample = 0; sample < LATENCY_BURSTS; sample++) {
    const start = performance.now();
    for (let i = 0; i < BURST; i = (i + 1) | 0) latencyRing.enqueue(i);
    const middle = performance.now();
    for (let i = 0; i < BURST; i = (i + 1) | 0) sink[0] = latencyRing.dequeue();
    const end = performance.now();
    enqueue[sample] = ((middle - start) * 1e6 - timerNs) / BURST;
    dequeue[sample] = ((end - middle) * 1e6 - timerNs) / BURST;
  }
  return { enqueue, dequeue };
}

/** Items per second that cross from one worker to another, in order and complete (the consumer checks). */
async function betweenWorkers(transport: RingJob['transport'], items: number): Promise<number> {
  const buffer = new SharedArrayBuffer(SpscRing.byteLength(CAPACITY));
  const start = new Int32Array(new SharedArrayBuffer(4));
  const { port1, port2 } = new MessageChannel();
  const job = (role: RingJob['role'], port: MessagePort): Worker => {
    const data: RingJob = { role, transport, items, burst: BURST, capacity: CAPACITY, buffer, start, port };
    return new Worker(new URL('./ring.worker.js', import.meta.url), {
      workerData: data,
      transferList: [port],
    });
  };
  const producer = job('producer', port1);
  const consumer = job('consumer', port2);
  const result = await new Promise<RingJobResult>((resolve, reject) => {
    consumer.on('message', resolve);
    for (const worker of [producer, consumer]) worker.on('error', reject);
  });
  await Promise.all([producer.terminate(), consumer.terminate()]);
  if (!result.inOrder) throw new Error(`ring: items were lost, doubled or reordered (${transport})`);
  return (items / result.milliseconds) * 1000;
}
