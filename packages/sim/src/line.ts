import { type Packet, type PacketPool, PacketQueue, updateChecksum16 } from '@prism-net/buffers';
import { SeededRandom } from '@prism-net/tables';
import { ethernet, ipv4 } from '@prism-net/wire';
import { Fate } from './fate.js';
import { FrameEvent } from './frame-event.js';
import { type LineOptions, type ResolvedLine, resolveLine } from './line-options.js';
import type { Schedule } from './schedule.js';
import { TimedQueue } from './timed-queue.js';
import type { VirtualClock } from './virtual-clock.js';

/** Where a line ends. */
export interface FrameSink {
  /** Takes the packet and returns true; or returns false, when it has no room. */
  arrive(packet: Packet): boolean;
}

/** Hears of everything that happens on lines. The packet is only lent. */
export interface LineObserver {
  onFrame(event: FrameEvent, line: Line, packet: Packet): void;
}

/** What the lines of a simulation share. */
export interface LineContext {
  readonly clock: VirtualClock;
  readonly schedule: Schedule;
  /** Where duplicates come from. */
  readonly pool: PacketPool;
  readonly observer: LineObserver;
}

/**
 * One direction of a cable. A frame meets, in this order: an outage, a black hole, loss, corruption, duplication, the
 * queue for the line's rate, delay.
 */
export class Line {
  readonly name: string;
  /** Its rank among the lines of the simulation. */
  readonly index: number;
  /** Frames released by {@link clear}. */
  cleared = 0;
  /** Told when frames that wait for the line become fewer. */
  onRoom: (() => void) | null = null;

  readonly #context: LineContext;
  readonly #sink: FrameSink;
  readonly #random: SeededRandom;
  #options: LineOptions;
  #line: ResolvedLine;
  #fate: Fate | null = null;
  readonly #waiting = new PacketQueue();
  readonly #onTheWay = new TimedQueue();
  /** When the line has sent all it was given, not rounded. */
  #free = 0;
  /** When the last frame that keeps its place arrives. */
  #lastArrival = 0;
  /** By {@link FrameEvent}. */
  readonly #counts = new Float64Array(16);

  constructor(name: string, context: LineContext, sink: FrameSink, seed: number, options: LineOptions) {
    this.name = name;
    this.#context = context;
    this.#sink = sink;
    this.#random = new SeededRandom(seed);
    this.#options = options;
    this.#line = resolveLine(options);
    this.#drawFate();
    this.index = context.schedule.add();
  }

  get options(): LineOptions {
    return this.#options;
  }

  /** Frames in the queue and on the way. */
  get inFlight(): number {
    return (this.#waiting.length + this.#onTheWay.length) | 0;
  }

  /** Frames in the queue. */
  get queued(): number {
    return this.#waiting.length;
  }

  /** A host that sends now has to wait. */
  get pushesBack(): boolean {
    return this.#line.waits && this.#waiting.length >= this.#line.queueLimit;
  }

  count(event: FrameEvent): number {
    return this.#counts[event]!;
  }

  /** Changes what is named and leaves the rest. What is on the way keeps its time of arrival. @throws PosixError EINVAL. */
  change(options: LineOptions): void {
    this.replace({ ...this.#options, ...options });
  }

  /** As {@link change}, but what is not named becomes perfect. */
  replace(options: LineOptions): void {
    this.#line = resolveLine(options);
    this.#options = options;
    this.#drawFate();
    this.#reschedule();
  }

  /** Takes a frame. */
  send(packet: Packet): void {
    const line = this.#line;
    this.#tell(FrameEvent.SENT, packet);
    if (!line.isUp) {
      this.#lose(packet, FrameEvent.LINE_DOWN);
      return;
    }
    if (packet.totalLength > line.maximumFrame) {
      this.#lose(packet, FrameEvent.TOO_LONG);
      return;
    }
    const fate = this.#fate;
    if (fate === null) {
      this.#enqueue(packet);
    } else {
      packet.retain(); // so that a loss can be told of
      const { survivors } = fate;
      const count = fate.meet(packet);
      if (count === 0) this.#tell(FrameEvent.LOST, packet);
      packet.release();
      if (fate.isCorrupted) this.#tell(FrameEvent.CORRUPTED, survivors[count - 1]!);
      if (fate.isDuplicated) this.#tell(FrameEvent.DUPLICATED, survivors[0]!);
      for (let i = 0; i < count; i = (i + 1) | 0) this.#enqueue(survivors[i]!);
    }
    this.#reschedule();
  }

  /** Moves on what is due. */
  advance(): void {
    const now = this.#context.clock.time;
    const hadQueue = this.#waiting.length > 0;
    while (this.#waiting.length > 0 && this.#free <= now) this.#depart(this.#waiting.shift()!);
    while (this.#onTheWay.firstDue <= now) {
      const packet = this.#onTheWay.shift();
      this.#tell(FrameEvent.ARRIVED, packet);
      if (!this.#sink.arrive(packet)) this.#lose(packet, FrameEvent.NOT_RECEIVED);
    }
    this.#reschedule();
    if (hadQueue) this.onRoom?.();
  }

  /** Releases what is queued or on the way. */
  clear(): void {
    this.cleared += this.inFlight;
    this.#waiting.clear();
    this.#onTheWay.clear();
    this.#reschedule();
  }

  #drawFate(): void {
    const { clock, pool } = this.#context;
    const { fate } = this.#line;
    this.#fate = fate === null ? null : new Fate(fate, this.#random.nextInt32(), clock, pool);
  }

  #enqueue(packet: Packet): void {
    const line = this.#line;
    const { time } = this.#context.clock;
    if (line.microsecondsPerByte === 0 && this.#waiting.length === 0) {
      this.#travel(packet, time);
      return;
    }
    if (this.#waiting.length >= line.markAt) this.#mark(packet);
    if (this.#waiting.length === 0 && this.#free <= time) {
      this.#free = time;
      this.#depart(packet);
      return;
    }
    if (this.#waiting.length >= line.queueLimit) {
      this.#lose(packet, FrameEvent.QUEUE_FULL);
      return;
    }
    this.#waiting.push(packet);
  }

  /** The line is free: its last bit leaves when the rate allows. */
  #depart(packet: Packet): void {
    this.#free += packet.totalLength * this.#line.microsecondsPerByte;
    this.#travel(packet, this.#free);
  }

  #travel(packet: Packet, departure: number): void {
    const { delayMicroseconds, jitterMicroseconds, reorder, reorderMicroseconds } = this.#line;
    let due = Math.ceil(departure) + delayMicroseconds;
    if (jitterMicroseconds !== 0) due += this.#random.nextBelow(jitterMicroseconds + 1);
    if (reorder !== 0 && this.#random.nextUnit() < reorder) {
      due += reorderMicroseconds;
      this.#tell(FrameEvent.REORDERED, packet);
    } else {
      due = Math.max(due, this.#lastArrival);
      this.#lastArrival = due;
    }
    this.#onTheWay.push(packet, due);
  }

  #reschedule(): void {
    let due = this.#onTheWay.firstDue;
    if (this.#waiting.length > 0) due = Math.min(due, Math.ceil(this.#free));
    this.#context.schedule.due[this.index] = due;
  }

  /** Sets Congestion Experienced in an IPv4 packet whose sender said it understands (RFC 3168 §5). */
  #mark(packet: Packet): void {
    const { view, offset } = packet;
    if (packet.length < ethernet.HEADER_LENGTH + ipv4.MINIMUM_HEADER_LENGTH) return;
    if (ethernet.etherType(view, offset) !== ethernet.EtherType.IPV4) return;
    const at = offset + ethernet.HEADER_LENGTH;
    const bits = ipv4.congestionNotification(view, at);
    if (bits === 0 || bits === 3) return;
    const before = view.getUint16(at);
    ipv4.setTrafficClass(view, at, ipv4.trafficClass(view, at) | 3);
    // From the old checksum, so that a header that was corrupted stays so.
    ipv4.setChecksum(view, at, updateChecksum16(ipv4.checksum(view, at), before, view.getUint16(at)));
    this.#tell(FrameEvent.MARKED, packet);
  }

  #lose(packet: Packet, event: FrameEvent): void {
    this.#tell(event, packet);
    packet.release();
  }

  #tell(event: FrameEvent, packet: Packet): void {
    this.#counts[event]! += 1;
    this.#context.observer.onFrame(event, this, packet);
  }
}
