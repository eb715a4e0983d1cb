import { createSocket } from 'node:dgram';
import { RateMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { openDatagramSocket } from './node-dgram-echo.js';

/** Datagrams handed to the kernel before the event loop gets a turn. */
const BURST = 64;

export async function dgramSource(job: PeerJob, channel: PeerChannel): Promise<void> {
  const socket = await openDatagramSocket(PORT + 1, PORT, job.peer);
  const datagram = Buffer.alloc(job.payload, 7);
  let sent = 0;
  const send = (): void => {
    if (channel.isStopped) return;
    // What the socket's buffer does not take queues up in Node: back-pressure.
    if (socket.getSendQueueCount() === 0) {
      for (let i = 0; i < BURST; i++) socket.send(datagram);
      sent += BURST;
    }
    setImmediate(send);
  };
  channel.ready();
  send();
  await channel.stopped;
  channel.done({ sent: sent - socket.getSendQueueCount() });
}

export async function dgramSink(job: PeerJob, channel: PeerChannel): Promise<void> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 << 20 });
  const meter = new RateMeter();
  let seen = 0;
  socket.on('message', (datagram) => {
    seen = (seen + datagram[0]!) | 0;
    meter.count(1, datagram.length);
  });
  await new Promise<void>((resolve) => socket.bind(PORT, resolve));
  channel.ready();
  const { itemsPerSecond, gbitPerSecond } = await meter.measure(job);
  channel.measured({ packetsPerSecond: itemsPerSecond, gbitPerSecond });
  await channel.stopped;
  channel.done({ received: meter.items });
}
