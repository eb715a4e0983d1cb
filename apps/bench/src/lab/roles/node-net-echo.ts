import { once } from 'node:events';
import { createConnection, createServer } from 'node:net';
import { createNanosecondClock } from '@prism-net/time';
import { RoundTripMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { spin } from './spin.js';

export async function netEchoServer(job: PeerJob, channel: PeerChannel): Promise<void> {
  const server = createServer({ noDelay: true }, (socket) => {
    socket.on('data', (data) => socket.write(data));
    socket.on('error', () => socket.destroy());
  });
  server.listen(PORT);
  await once(server, 'listening');
  if (job.spin === true) spin(channel);
  channel.ready();
  await channel.stopped;
  channel.done();
}

export async function netEchoClient(job: PeerJob, channel: PeerChannel): Promise<void> {
  const clock = createNanosecondClock();
  const meter = new RoundTripMeter();
  const question = Buffer.alloc(job.payload, 7);
  let askedAt = 0;
  let answered = 0;
  const socket = createConnection({
    host: job.peer,
    port: PORT,
    noDelay: true,
    // One buffer for everything that is received, rather than a new one each time.
    onread: {
      buffer: Buffer.alloc(65_536),
      callback: (bytes) => {
        answered += bytes;
        if (answered < job.payload) return true;
        meter.record((clock.now() - askedAt) | 0);
        ask();
        return true;
      },
    },
  });
  const ask = (): void => {
    askedAt = clock.now();
    answered = 0;
    socket.write(question);
  };
  await once(socket, 'connect');
  if (job.spin === true) spin(channel);
  channel.ready();
  ask();
  channel.measured(await meter.measure(job));
  await channel.stopped;
  channel.done();
}
