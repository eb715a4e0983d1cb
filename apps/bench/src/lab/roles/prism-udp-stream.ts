import { HEADROOM, type Packet } from '@prism-net/buffers';
import { type DatagramSocket, Errno, parseIpv4Address } from '@prism-net/socket';
import type { Instant } from '@prism-net/time';
import { RateMeter } from '../meters.js';
import type { PeerChannel } from '../peer-channel.js';
import { type PeerJob, PORT } from '../peer-job.js';
import { type Application, PrismHost } from '../prism-host.js';

/** What an interface hands its link at once. */
const BURST = 32;

/** Sends datagrams as fast as the link takes them. */
export async function prismUdpSource(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  const source = new UdpSource(host, job);
  host.settle();
  channel.ready(host.conditions);
  await host.run(channel, source);
  const { statistics } = host.link;
  const figures = {
    sent: source.sent,
    nativeCallsPerTransmittedPacket: host.nativeCalls.sending / statistics.transmittedPackets,
    nativeCallsPerTransmittedBurst: host.nativeCalls.sending / source.bursts,
    packetsPerBurst: source.sent / source.bursts,
  };
  host.close();
  channel.done(figures);
}

class UdpSource implements Application {
  sent = 0;
  bursts = 0;
  readonly #host: PrismHost;
  readonly #socket: DatagramSocket;
  /** The payload lies ready in packet memory, as received data would. */
  readonly #template: Packet;
  readonly #payload: number;
  readonly #peer: number;
  #isResolved = false;

  constructor(host: PrismHost, job: PeerJob) {
    this.#host = host;
    this.#socket = host.stack.udpSocket({ port: PORT + 1 }).connect(PORT, job.peer);
    this.#payload = job.payload;
    this.#peer = parseIpv4Address(job.peer);
    this.#template = this.#socket.reserve()!;
  }

  round(_now: Instant): void {
    const networkInterface = this.#host.stack.interfaces[0]!;
    // One datagram goes ahead, so that the neighbour's address is known to the others.
    if (!this.#isResolved) {
      if (this.sent === 0) this.#send();
      const { neighbours } = networkInterface;
      const slot = neighbours.lookup(this.#peer);
      this.#isResolved = slot >= 0 && neighbours.isUsable(slot);
      return;
    }
    const room = Math.min(networkInterface.transmitRoom, BURST);
    let count = 0;
    while (count < room && this.#send()) count = (count + 1) | 0;
    if (count > 0) this.bursts++;
  }

  /** False when no packet is left, or nobody takes it. */
  #send(): boolean {
    const first = this.#socket.reserve();
    if (first === null) return false;
    let left = this.#fill(first, this.#payload);
    let last = first;
    while (left > 0) {
      const next = this.#socket.reserve();
      if (next === null) {
        first.release();
        return false;
      }
      // Only the first segment gets headers pushed in front.
      next.offset = (next.offset - HEADROOM) | 0;
      last.nextSegment = next;
      last = next;
      left = this.#fill(next, left);
    }
    if (this.#socket.commit(first) !== Errno.NONE) return false;
    this.sent++;
    return true;
  }

  /** What does not fit. */
  #fill(packet: Packet, bytes: number): number {
    const part = Math.min(bytes, packet.tailroom);
    packet.memory.copy(packet.offset, this.#template.base, part);
    packet.length = part;
    return (bytes - part) | 0;
  }
}

export async function prismUdpSink(job: PeerJob, channel: PeerChannel): Promise<void> {
  const host = await PrismHost.open(job);
  const meter = new RateMeter();
  const socket = host.stack.udpSocket({ port: PORT, receiveQueue: 4096 });
  let seen = 0;
  socket.onReadable(() => {
    for (let packet = socket.receivePacket(); packet !== null; packet = socket.receivePacket()) {
      seen = (seen + packet.view.getUint8(packet.offset)) | 0;
      meter.count(1, packet.nextSegment === null ? packet.length : packet.totalLength);
      packet.release();
    }
  });
  host.settle();
  channel.ready(host.conditions);
  meter.measure(job).then(({ itemsPerSecond, gbitPerSecond }) => {
    channel.measured({ packetsPerSecond: itemsPerSecond, gbitPerSecond });
  });
  const calls = host.nativeCalls.receiving;
  await host.run(channel);
  const figures = {
    received: meter.items,
    nativeCallsPerReceivedPacket: (host.nativeCalls.receiving - calls) / Math.max(1, meter.items),
    dropped: host.link.statistics.dropped + socket.endpoint.overflows,
  };
  host.close();
  channel.done(figures);
}
