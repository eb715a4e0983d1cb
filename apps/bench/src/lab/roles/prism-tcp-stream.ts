import { createHash, randomBytes } from 'node:crypto';
import { Errno, type StreamSocket } from '@prism-net/socket';
import { RateMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { type Application, PrismHost } from '../prism-host.js';

/**
 * Receive window and send buffer of a stream: no more than the second-level cache likes, and enough for the other end to
 * find something when it wakes up. Super-segments of 64 KiB ask for more than single frames.
 */
export function streamBuffers({ link }: PrismHost): { readonly receiveBuffer: number; readonly sendBuffer: number } {
  const takesSuperSegments = link.capabilities.segmentation > 0;
  return takesSuperSegments
    ? { receiveBuffer: 1 << 20, sendBuffer: 384 << 10 }
    : { receiveBuffer: 256 << 10, sendBuffer: 256 << 10 };
}

export function streamConditions(host: PrismHost): Readonly<Record<string, string | number>> {
  return { ...host.conditions, ...streamBuffers(host) };
}

/** Sends to whoever connects, in writes of `payload` bytes, for ever, or so many bytes of noise. */
export async function prismTcpSource(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  const sender = new StreamSender(host, job.payload);
  host.stack.listen({ port: PORT, ...streamBuffers(host) }).onConnection((socket) => {
    if (job.hashedBytes === undefined) sender.socket = socket;
    else writeNoise(socket, job.hashedBytes, channel);
  });
  if (job.hashedBytes === undefined) host.settle();
  channel.ready(streamConditions(host));
  await host.run(channel, sender);
  const { statistics } = host.link;
  const figures = {
    nativeCallsPerTransmittedPacket: host.nativeCalls.sending / statistics.transmittedPackets,
    retransmitted: sender.socket?.tcpInfo().retransmitted ?? 0,
  };
  host.close();
  channel.done(figures);
}

/** Keeps the send buffer of a socket full, by the zero-copy API. */
export class StreamSender implements Application {
  socket: StreamSocket | null = null;
  readonly #payload: number;
  /** What the application sends lies ready in packet memory, as received data would. */
  readonly #template: number;
  readonly #memory;

  constructor(host: PrismHost, payload: number) {
    this.#payload = payload;
    const { pool } = host.stack;
    this.#memory = pool.memory;
    this.#template = pool.take()!.base;
  }

  round(): void {
    const { socket } = this;
    if (socket === null) return;
    while (socket.writableBytes >= this.#payload) if (!this.#write(socket)) return;
  }

  /** One write, in as many packets as its bytes need. */
  #write(socket: StreamSocket): boolean {
    let left = this.#payload;
    while (left > 0) {
      const packet = socket.reserve();
      if (packet === null) return false;
      const part = Math.min(left, packet.tailroom);
      this.#memory.copy(packet.offset, this.#template, part);
      packet.length = part;
      if (socket.commit(packet) !== Errno.NONE) return false;
      left = (left - part) | 0;
    }
    return true;
  }
}

/** Connects and takes what comes. */
export async function prismTcpSink(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  channel.ready(streamConditions(host));
  const loop = host.run(channel);
  const socket = await host.stack.connect({ address: job.peer, port: PORT, ...streamBuffers(host) });
  const meter = new RateMeter();
  if (job.hashedBytes === undefined) {
    countReceived(socket, meter);
    host.settle();
    const { gbitPerSecond } = await meter.measure(job);
    channel.measured({ gbitPerSecond });
  } else {
    const hash = createHash('sha256');
    for await (const chunk of socket) {
      hash.update(chunk);
      meter.count(1, chunk.length);
    }
    channel.measured({ bytes: meter.bytes }, hash.digest('hex'));
  }
  await loop;
  const figures = { nativeCallsPerReceivedPacket: host.nativeCalls.receiving / host.link.statistics.receivedPackets };
  host.close();
  channel.done(figures);
}

/** The application takes every packet and looks at it. */
export function countReceived(socket: StreamSocket, meter: RateMeter): void {
  let seen = 0;
  socket.onReadable(() => {
    for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
      seen = (seen + packet.view.getUint8(packet.offset)) | 0;
      meter.count(1, packet.length);
      packet.release();
    }
  });
}

async function writeNoise(socket: StreamSocket, bytes: number, channel: PeerChannel): Promise<void> {
  const hash = createHash('sha256');
  const block = randomBytes(1 << 20);
  for (let left = bytes; left > 0; left -= block.length) {
    const part = block.subarray(0, Math.min(left, block.length));
    part.writeUInt32BE(left >>> 0, 0);
    hash.update(part);
    await socket.write(part);
  }
  socket.end();
  channel.measured({ bytes }, hash.digest('hex'));
}
