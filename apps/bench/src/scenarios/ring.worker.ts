import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { SpscRing } from '@prism-net/rings';

/** One side of the transfer between two workers. */
export interface RingJob {
  readonly role: 'producer' | 'consumer';
  readonly transport: 'ring' | 'postMessage';
  readonly items: number;
  readonly burst: number;
  readonly capacity: number;
  readonly buffer: SharedArrayBuffer;
  /** Set to 1 by the consumer once it is ready. */
  readonly start: Int32Array;
  readonly port: object;
}

export interface RingJobResult {
  readonly milliseconds: number;
  readonly inOrder: boolean;
}

const job = workerData as RingJob;
const port = job.port as MessagePort;
const burst = new Int32Array(job.burst);

/** Lets the other thread on when both share a core: only after many fruitless tries. */
const idle = new Int32Array(new SharedArrayBuffer(4));
let fruitless = 0;
function pause(): void {
  if (++fruitless % 20_000 === 0) Atomics.wait(idle, 0, 0, 0.05);
}

function produceIntoRing(ring: SpscRing): void {
  let next = 0;
  while (next < job.items) {
    const count = Math.min(job.burst, job.items - next);
    for (let i = 0; i < count; i = (i + 1) | 0) burst[i] = (next + i) | 0;
    let done = 0;
    while (done < count) {
      const accepted = ring.enqueueBurst(burst, done, count - done);
      if (accepted === 0) pause();
      done = (done + accepted) | 0;
    }
    next = (next + count) | 0;
  }
}

function consumeFromRing(ring: SpscRing): RingJobResult {
  let expected = 0;
  let inOrder = true;
  Atomics.store(job.start, 0, 1);
  Atomics.notify(job.start, 0);
  const started = performance.now();
  while (expected < job.items) {
    const count = ring.dequeueBurst(burst, 0, job.burst);
    if (count === 0) pause();
    for (let i = 0; i < count; i = (i + 1) | 0) {
      if (burst[i] !== expected) inOrder = false;
      expected = (expected + 1) | 0;
    }
  }
  return { milliseconds: performance.now() - started, inOrder };
}

function produceByMessages(): void {
  for (let next = 0; next < job.items; next += job.burst) {
    const items = new Int32Array(Math.min(job.burst, job.items - next));
    for (let i = 0; i < items.length; i++) items[i] = next + i;
    port.postMessage(items);
  }
}

function consumeMessages(): Promise<RingJobResult> {
  return new Promise((resolve) => {
    let expected = 0;
    let inOrder = true;
    const started = performance.now();
    port.on('message', (items: Int32Array) => {
      for (const item of items) if (item !== expected++) inOrder = false;
      if (expected >= job.items) resolve({ milliseconds: performance.now() - started, inOrder });
    });
    Atomics.store(job.start, 0, 1);
    Atomics.notify(job.start, 0);
  });
}

const ring = new SpscRing({ buffer: job.buffer, byteOffset: 0, capacity: job.capacity });
if (job.role === 'consumer') {
  parentPort!.postMessage(job.transport === 'ring' ? consumeFromRing(ring) : await consumeMessages());
} else {
  Atomics.wait(job.start, 0, 0);
  if (job.transport === 'ring') produceIntoRing(ring);
  else produceByMessages();
}
