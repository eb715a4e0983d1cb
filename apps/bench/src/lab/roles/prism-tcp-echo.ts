import { createNanosecondClock } from '@prism-net/time';
import { RoundTripMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { PrismHost } from '../prism-host.js';

export async function prismTcpEchoServer(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  host.stack.listen({ port: PORT, noDelay: true }).onConnection((socket) => {
    socket.onReadable(() => {
      // What was received is sent back as it is, in its packets.
      for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) socket.commit(packet);
      if (socket.isEndOfStream) socket.close();
    });
  });
  host.settle();
  channel.ready(host.conditions);
  await host.run(channel);
  host.close();
  channel.done();
}

export async function prismTcpEchoClient(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  channel.ready(host.conditions);
  const loop = host.run(channel);
  const socket = await host.stack.connect({ address: job.peer, port: PORT, noDelay: true });
  const clock = createNanosecondClock();
  const meter = new RoundTripMeter();
  const question = new Uint8Array(job.payload).map((_, i) => i);
  let askedAt = 0;
  let answered = 0;
  const ask = (): void => {
    askedAt = clock.now();
    answered = 0;
    socket.tryWrite(question);
  };
  socket.onReadable(() => {
    for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
      answered += packet.length;
      packet.release();
    }
    if (answered < job.payload) return;
    meter.record((clock.now() - askedAt) | 0);
    ask();
  });
  host.settle();
  ask();
  channel.measured(await meter.measure(job));
  await loop;
  host.close();
  channel.done();
}
