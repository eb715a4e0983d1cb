import { Socket } from 'node:net';
import { RateMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';

/** Keeps so many connections under way: each asks a question, reads the answer and the end behind it, and closes. */
export async function netCycleClient(job: PeerJob, channel: PeerChannel): Promise<void> {
  const meter = new RateMeter();
  const question = Buffer.alloc(job.payload, 7);
  // Shared by all connections: what is received is only counted.
  const onread = { buffer: Buffer.alloc(4096), callback: () => true };
  const target = { host: job.peer, port: PORT, noDelay: true };
  let failed = 0;
  function ask(this: Socket): void {
    this.write(question);
  }
  function next(this: Socket, hadError: boolean): void {
    if (hadError) failed++;
    else meter.count(1, job.payload);
    if (!channel.isStopped) start();
  }
  const ignore = (): void => {};
  const start = (): void => {
    // An argument of `connect` in the documentation, and of the constructor in the code: the types know the first only.
    const socket = new Socket({ onread } as object);
    socket.on('connect', ask).on('close', next).on('error', ignore).connect(target);
  };
  channel.ready();
  for (let i = 0; i < (job.concurrency ?? 1); i++) start();
  const { itemsPerSecond } = await meter.measure(job);
  channel.measured({ cyclesPerSecond: itemsPerSecond });
  await channel.stopped;
  channel.done({ cycles: meter.items, failed });
}
