import { createSocket, type Socket } from 'node:dgram';
import { createNanosecondClock } from '@prism-net/time';
import { RoundTripMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { spin } from './spin.js';

const REPEAT_MILLISECONDS = 50;

/** Connected at both ends: `send` then needs neither an address nor a look-up. */
export async function openDatagramSocket(own: number, port: number, peer: string): Promise<Socket> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20, sendBufferSize: 4 << 20 });
  await new Promise<void>((resolve) => socket.bind(own, resolve));
  await new Promise<void>((resolve) => socket.connect(port, peer, resolve));
  socket.on('error', tolerate);
  return socket;
}

/** The other end of a connected socket may not listen yet, or not any more. */
function tolerate(error: NodeJS.ErrnoException): void {
  if (error.code !== 'ECONNREFUSED') throw error;
}

export async function dgramEchoServer(job: PeerJob, channel: PeerChannel): Promise<void> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 }).on('error', tolerate);
  await new Promise<void>((resolve) => socket.bind(PORT, resolve));
  // Connected with the first question: before, the address of a TAP's other end may not be reachable.
  socket.once('message', () => {
    socket.connect(PORT + 1, job.peer, () => socket.on('message', (question) => socket.send(question)));
  });
  if (job.spin === true) spin(channel);
  channel.ready();
  await channel.stopped;
  channel.done();
}

export async function dgramEchoClient(job: PeerJob, channel: PeerChannel): Promise<void> {
  const socket = await openDatagramSocket(PORT + 1, PORT, job.peer);
  const clock = createNanosecondClock();
  const meter = new RoundTripMeter();
  const question = Buffer.alloc(job.payload, 7);
  let number = 0;
  let askedAt = 0;
  const ask = (): void => {
    askedAt = clock.now();
    question.writeInt32BE(number, 0);
    socket.send(question);
  };
  socket.on('message', (answer) => {
    if (answer.readInt32BE(0) !== number) return;
    meter.record((clock.now() - askedAt) | 0);
    number = (number + 1) | 0;
    ask();
  });
  let before = -1;
  const repeat = setInterval(() => {
    if (number === before) {
      meter.repeated++;
      ask();
    }
    before = number;
  }, REPEAT_MILLISECONDS);
  if (job.spin === true) spin(channel);
  channel.ready();
  ask();
  channel.measured(await meter.measure(job));
  clearInterval(repeat);
  await channel.stopped;
  channel.done();
}
