import type { DatagramSocket } from '@prism-net/socket';
import { createNanosecondClock, type Instant } from '@prism-net/time';
import { RoundTripMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { type Application, PrismHost } from '../prism-host.js';

/** Without an answer for so long the question is asked again. */
const REPEAT_MICROSECONDS = 50_000;

export async function prismUdpEchoServer(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  const socket = host.stack.udpSocket({ port: PORT });
  socket.onReadable(() => {
    for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) socket.reply(packet);
  });
  host.settle();
  channel.ready(host.conditions);
  await host.run(channel);
  host.close();
  channel.done();
}

export async function prismUdpEchoClient(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  const client = new UdpEchoClient(host.stack.udpSocket({ port: PORT + 1 }).connect(PORT, job.peer), job.payload);
  host.settle();
  channel.ready(host.conditions);
  client.ask();
  client.meter.measure(job).then(
    (figures) => channel.measured(figures),
    (error) => channel.failed(error),
  );
  await host.run(channel, client);
  host.close();
  channel.done();
}

/** Asks, and asks the next question in the round in which the answer comes. */
export class UdpEchoClient implements Application {
  readonly meter = new RoundTripMeter();
  readonly #socket: DatagramSocket;
  readonly #nanoseconds = createNanosecondClock();
  readonly #question: Uint8Array;
  #number = 0;
  /** In nanoseconds; and, for repeating, in the stack's microseconds. */
  #askedAt = 0;
  #askedInRound: Instant = 0;
  #isAsked = false;

  constructor(socket: DatagramSocket, payload: number) {
    this.#socket = socket;
    this.#question = new Uint8Array(payload).map((_, i) => i);
    socket.onReadable(() => this.#answered());
  }

  ask(): void {
    this.#isAsked = false;
    this.#askedAt = this.#nanoseconds.now();
    const packet = this.#socket.reserve();
    if (packet === null) return;
    packet.memory.write(packet.offset, this.#question, 0, this.#question.length);
    packet.view.setInt32(packet.offset, this.#number);
    packet.length = this.#question.length;
    this.#socket.commit(packet);
  }

  round(now: Instant): void {
    if (!this.#isAsked) {
      this.#isAsked = true;
      this.#askedInRound = now;
    } else if (((now - this.#askedInRound) | 0) > REPEAT_MICROSECONDS) {
      this.meter.repeated++;
      this.ask();
    }
  }

  #answered(): void {
    for (let packet = this.#socket.receivePacket(); packet !== null; packet = this.#socket.receivePacket()) {
      const isAnswer = packet.view.getInt32(packet.offset) === this.#number;
      packet.release();
      if (!isAnswer) continue;
      this.meter.record((this.#nanoseconds.now() - this.#askedAt) | 0);
      this.#number = (this.#number + 1) | 0;
      this.ask();
    }
  }
}
