import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import type { Link } from '@prism-net/link';
import { openPacketLink } from '@prism-net/link-packet';
import { SeededRandom } from '@prism-net/tables';
import { ethernet, ipv4, tcp } from '@prism-net/wire';
import { Lane } from './lane.js';
import { productBytes, type Schedule } from './schedule.js';

const FRAMES = 8192;
/** Frames at least this long carry data. */
const DATA_FRAME = 200;
const TCP_PROTOCOL = 6;

/**
 * The path between two interfaces of one network namespace, for whoever is at its ends. Seen from it, goodput is what the
 * receiver acknowledges: the same measure for every sender.
 */
export class Emulator {
  /** µs between two looks at the links, at most: how busy the machine was with other things. */
  longestPause = 0;
  readonly outward: Lane;
  readonly homeward: Lane;
  readonly #links: readonly Link[];
  readonly #random: SeededRandom;
  readonly #schedule: Schedule;
  #dataFrames = 0;
  /** By the client's port. */
  readonly #acknowledgements = new Map<number, number>();
  #latest = 0;
  #isRunning = true;
  #largestFrame = 0;
  #port = -1;
  /** When the first byte was acknowledged, ms; and bytes in each tenth of a second since. */
  #first = -1;
  readonly #acknowledged: number[] = [];

  constructor(networkNamespace: string, left: string, right: string, schedule: Schedule, seed: number) {
    const pool = PacketPool.create(PacketMemory.create({ frames: FRAMES, frameSize: 2048 }), FRAMES);
    const open = (name: string): Link => openPacketLink({ interface: name, networkNamespace, promiscuous: true, pool });
    const [from, to] = [open(left), open(right)];
    this.#links = [from, to];
    this.#schedule = schedule;
    this.#random = new SeededRandom(seed);
    const delayMicroseconds = schedule.roundTripMicroseconds / 2;
    this.outward = new Lane(from, to, {
      bitsPerSecond: schedule.bitsPerSecond,
      delayMicroseconds,
      queueBytes: schedule.queue * productBytes(schedule),
      isLost: (packet) => this.#isLost(packet),
      onDelivered: () => {},
    });
    this.homeward = new Lane(to, from, {
      bitsPerSecond: 0,
      delayMicroseconds,
      queueBytes: Number.POSITIVE_INFINITY,
      isLost: () => false,
      onDelivered: (packet) => this.#look(packet),
    });
    this.#loop();
  }

  /** Counts the connections to this port from now on. */
  begin(port: number): void {
    this.#port = port;
    this.#first = -1;
    this.#latest = 0;
    this.longestPause = 0;
    this.#acknowledged.length = 0;
    this.#acknowledgements.clear();
  }

  /** Bits per second that were acknowledged in so many seconds from the first on. */
  goodput(seconds: number): number {
    const tenths = this.#acknowledged.slice(0, Math.round(seconds * 10));
    return (tenths.reduce((sum, bytes) => sum + (bytes ?? 0), 0) * 8) / seconds;
  }

  /** Bytes of the longest frame: what was one packet on the wire. */
  get largestFrame(): number {
    return this.#largestFrame;
  }

  close(): void {
    this.#isRunning = false;
    this.outward.clear();
    this.homeward.clear();
    for (const link of this.#links) link.close();
  }

  #loop(): void {
    if (!this.#isRunning) return;
    const now = performance.now() * 1000;
    if (this.#latest > 0) this.longestPause = Math.max(this.longestPause, now - this.#latest);
    this.#latest = now;
    const hasWork = [this.outward.poll(now), this.homeward.poll(now)].includes(true);
    // A millisecond is a few frames: it lengthens delays, and changes neither rate nor queue.
    if (hasWork) setImmediate(() => this.#loop());
    else setTimeout(() => this.#loop(), 1);
  }

  #isLost(packet: Packet): boolean {
    const { lossEvery, loss } = this.#schedule;
    if (packet.totalLength > this.#largestFrame) this.#largestFrame = packet.totalLength;
    if (packet.totalLength < DATA_FRAME) return false;
    this.#dataFrames++;
    if (lossEvery > 0 && this.#dataFrames % lossEvery === 0) return true;
    return loss > 0 && this.#random.nextUnit() < loss;
  }

  #look({ view, offset, length }: Packet): void {
    if (this.#port < 0 || length < ethernet.HEADER_LENGTH + 40) return;
    if (ethernet.etherType(view, offset) !== ethernet.EtherType.IPV4) return;
    const at = offset + ethernet.HEADER_LENGTH;
    if (ipv4.protocol(view, at) !== TCP_PROTOCOL) return;
    const segment = at + ipv4.headerLength(view, at);
    if (tcp.sourcePort(view, segment) !== this.#port) return;
    const client = tcp.destinationPort(view, segment);
    const acknowledgement = tcp.acknowledgement(view, segment);
    const last = this.#acknowledgements.get(client);
    const isFirst = last === undefined || (tcp.flags(view, segment) & tcp.Flag.SYN) !== 0;
    const advance = isFirst ? 0 : (acknowledgement - last) | 0;
    if (advance < 0) return;
    if (advance > 0) {
      const now = performance.now();
      if (this.#first < 0) this.#first = now;
      const tenth = Math.floor((now - this.#first) / 100);
      this.#acknowledged[tenth] = (this.#acknowledged[tenth] ?? 0) + advance;
    }
    this.#acknowledgements.set(client, acknowledgement);
  }
}
