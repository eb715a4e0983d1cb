import { createSocket, type Socket } from 'node:dgram';
import { parentPort, workerData } from 'node:worker_threads';

/** One side of the contestant to the order gateway: the same datagrams through node:dgram and the kernel's loopback. */
export interface DgramOrdersJob {
  readonly role: 'gateway' | 'client';
  /** The gateway's port; for the client. */
  readonly port: number;
  readonly seconds: number;
  /** Orders that may wait for their answer. */
  readonly window: number;
}

export interface DgramOrdersResult {
  readonly ordersPerSecond: number;
  /** Round-trip times in microseconds, sampled. */
  readonly roundTrips: Float64Array;
}

const ORDER_BYTES = 25;
const REPLY_BYTES = 40;
const SAMPLES = 1 << 17;
/** An answer that takes longer counts as lost, and its order's place in the window is free again. */
const LOST_MILLISECONDS = 500;

const job = workerData as DgramOrdersJob;
if (job.role === 'gateway') runGateway();
else runClient();

/** Answers every order at once. It checks nothing and matches nothing, which makes the contestant's task the lighter one. */
function runGateway(): void {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const reply = Buffer.alloc(REPLY_BYTES);
  socket.on('message', (order, { port, address }) => {
    order.copy(reply, 8, 0, 8);
    socket.send(Buffer.from(reply), port, address);
  });
  socket.bind(0, '127.0.0.1', () => parentPort!.postMessage(socket.address().port));
}

function runClient(): void {
  const socket: Socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const sentAt = new Float64Array(job.window);
  const roundTrips = new Float64Array(SAMPLES);
  let answered = 0;
  let lastAnswer = performance.now();
  const send = (slot: number): void => {
    const order = Buffer.alloc(ORDER_BYTES);
    order.writeUInt32LE(slot, 0);
    sentAt[slot] = performance.now();
    socket.send(order);
  };
  socket.on('message', (reply) => {
    const slot = reply.readUInt32LE(8) % job.window;
    const now = performance.now();
    roundTrips[answered % SAMPLES] = (now - sentAt[slot]!) * 1000;
    answered++;
    lastAnswer = now;
    send(slot);
  });
  socket.connect(job.port, '127.0.0.1', () => {
    const started = performance.now();
    for (let slot = 0; slot < job.window; slot++) send(slot);
    // The kernel drops datagrams of a socket that is not read in time: fill the window again when it has run dry.
    const refill = setInterval(() => {
      if (performance.now() - lastAnswer < LOST_MILLISECONDS) return;
      for (let slot = 0; slot < job.window; slot++) send(slot);
    }, LOST_MILLISECONDS);
    setTimeout(() => {
      clearInterval(refill);
      const seconds = (performance.now() - started) / 1000;
      socket.close();
      const result: DgramOrdersResult = {
        ordersPerSecond: answered / seconds,
        roundTrips: roundTrips.slice(0, Math.min(answered, SAMPLES)),
      };
      parentPort!.postMessage(result);
    }, job.seconds * 1000);
  });
}
