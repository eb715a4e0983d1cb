import type { Packet } from '@prism-net/buffers';
import { type Cable, FrameEvent, type Line, type SimulatedHost, Simulation } from '@prism-net/sim';
import { ethernet, ipv4, tcp } from '@prism-net/wire';
import { Drops } from './drops.js';
import { Flow } from './flow.js';
import type { Measurement } from './measurement.js';
import { FRAME, framesInFlight, type PathOptions } from './path-options.js';
import { Histogram, jainIndex } from './statistics.js';

const FIRST_PORT = 5000;
const FRAMES = 8192;
/** Bytes of a full segment. */
const TEXT = 1448;
/** Bytes. */
const LEAST_BUFFER = 262_144;
/** Samples of the queue, and of what flows received, per round trip. */
const SAMPLES = 8;
const TCP_AT = ethernet.HEADER_LENGTH + ipv4.MINIMUM_HEADER_LENGTH;

/** What is told of data segments. */
const TOLD: ReadonlySet<FrameEvent> = new Set([
  FrameEvent.SENT,
  FrameEvent.LOST,
  FrameEvent.QUEUE_FULL,
  FrameEvent.LINE_DOWN,
  FrameEvent.MARKED,
]);

/** `sequence` as on the wire; `isAgain`: it was sent before. */
export type SegmentWatcher = (
  event: FrameEvent,
  flow: Flow,
  sequence: number,
  length: number,
  isAgain: boolean,
) => void;

interface Counters {
  readonly time: number;
  readonly frames: number;
  readonly lost: number;
  readonly marked: number;
  readonly arrivedBytes: number;
  readonly segments: number;
  readonly retransmissions: number;
  readonly timeouts: number;
  readonly received: readonly number[];
}

/**
 * Senders, a bottleneck and a receiver: whole stacks in virtual time. Flows of the same round trip share a sender that is
 * plugged straight into the bottleneck; others have a sender each, behind a router.
 */
export class Path {
  readonly options: PathOptions;
  readonly simulation: Simulation;
  /** Frames in the bandwidth-delay product, as the path was at first. */
  readonly product: number;
  readonly bottleneck: Cable;
  readonly flows: Flow[] = [];
  readonly drops: Drops;
  /** Hears of what befalls data segments at the bottleneck. */
  onSegment: SegmentWatcher | null = null;
  readonly #hosts: SimulatedHost[] = [];
  readonly #ports = new Map<number, Flow>();
  #queue = new Histogram();
  #begin: Counters;
  #arrivedBytes = 0;
  #bitsPerSecond: number;

  constructor(options: PathOptions) {
    const { seed, bitsPerSecond, roundTripMicroseconds, queue = 1, markAt, loss = 0, jitterMicroseconds = 0 } = options;
    this.options = options;
    this.#bitsPerSecond = bitsPerSecond;
    this.product = framesInFlight(bitsPerSecond, roundTripMicroseconds);
    this.simulation = new Simulation({ seed, networkFrames: FRAMES });
    const { simulation } = this;
    const queueLimit = Math.max(4, Math.round(queue * this.product));
    const trips = [...new Set(options.flows.map((flow) => flow.roundTripMicroseconds ?? roundTripMicroseconds))];
    const receiver = this.#host('receiver', '10.0.0.2/24', trips.length > 1 ? '10.0.0.1' : null);
    const senders = new Map<number, SimulatedHost>();
    const line = {
      forward: {
        rateBitsPerSecond: bitsPerSecond,
        queueLimit,
        loss,
        ...(markAt === undefined ? {} : { markAt: Math.max(1, Math.round(markAt)) }),
      },
      backward: { jitterMicroseconds },
    };
    if (trips.length === 1) {
      const sender = this.#host('sender', '10.0.0.1/24', null);
      senders.set(trips[0]!, sender);
      const delayMicroseconds = Math.round(trips[0]! / 2);
      this.bottleneck = simulation.connect(sender, receiver, { ...line, delayMicroseconds });
    } else {
      const router = simulation.router('router', {
        address: ['10.0.0.1/24', ...trips.map((_, i) => `10.0.${i + 1}.1/24`)],
        frames: FRAMES,
        receiveQueue: FRAMES,
      });
      this.bottleneck = simulation.connect(router, receiver, line);
      for (const [i, trip] of trips.entries()) {
        const sender = this.#host(`sender ${i + 1}`, `10.0.${i + 1}.2/24`, `10.0.${i + 1}.1`);
        senders.set(trip, sender);
        simulation.connect(sender, router, { delayMicroseconds: Math.round(trip / 2) });
      }
    }
    simulation.introduceNeighbours();
    this.drops = new Drops(simulation, this.bottleneck.forward);
    // Four times what path and queue hold: buffers limit no window that is obeyed, and show one that is not;
    // together half of what the hosts have, so that nothing runs short of packets.
    const longest = Math.max(...trips) / roundTripMicroseconds;
    const most = (FRAMES * TEXT) / 2 / options.flows.length;
    const buffer = Math.floor(
      Math.min(most, Math.max(LEAST_BUFFER, 4 * (longest * this.product + queueLimit) * FRAME)),
    );
    for (const [i, each] of options.flows.entries()) {
      const sender = senders.get(each.roundTripMicroseconds ?? roundTripMicroseconds)!;
      const port = FIRST_PORT + i;
      const { congestionControl, isGreedy = true, atMicroseconds = 0 } = each;
      const { ecn = true } = options;
      const flow = new Flow({
        simulation,
        sender,
        receiver,
        address: '10.0.0.2',
        port,
        congestionControl,
        isGreedy,
        ecn,
        buffer,
      });
      this.flows.push(flow);
      this.#ports.set(port, flow);
      simulation.at(atMicroseconds, () => flow.connect());
    }
    for (const sender of senders.values()) {
      sender.tcp.probe = (connection, segment) => {
        for (const flow of this.flows) if (flow.connection === connection) flow.look(segment, simulation.time);
      };
    }
    simulation.watch((event, where, packet) => this.#onFrame(event, where, packet));
    this.#begin = this.#count();
    this.#sample();
  }

  /** Lets this much time pass. */
  run(microseconds: number): void {
    this.simulation.runFor(microseconds);
    for (const { outcome, name } of this.flows) {
      if (outcome !== null) throw this.simulation.error(`a connection of ${name} ended with error ${outcome}`);
    }
  }

  /** What {@link measure} tells begins here. */
  mark(): void {
    this.#queue = new Histogram();
    for (const flow of this.flows) flow.watch.reset(this.simulation.time);
    this.#begin = this.#count();
  }

  /** What happened since {@link mark}. */
  measure(): Measurement {
    const before = this.#begin;
    const now = this.#count();
    const { time } = this.simulation;
    const seconds = Math.max(1, now.time - before.time) / 1e6;
    const frames = Math.max(1, now.frames - before.frames);
    const goodputs = now.received.map((bytes, i) => ((bytes - (before.received[i] ?? 0)) * 8) / seconds);
    return {
      seconds,
      utilisation: ((now.arrivedBytes - before.arrivedBytes) * 8) / seconds / this.#bitsPerSecond,
      queueMean: this.#queue.mean / this.product,
      queue95: this.#queue.percentile(0.95) / this.product,
      queueMaximum: this.#queue.maximum / this.product,
      loss: (now.lost - before.lost) / frames,
      marked: (now.marked - before.marked) / frames,
      retransmitted: (now.retransmissions - before.retransmissions) / Math.max(1, now.segments - before.segments),
      timeouts: now.timeouts - before.timeouts,
      goodputs,
      jain: jainIndex(goodputs),
      windows: this.flows.map(({ watch, segmentSize }) => watch.mean(time) / segmentSize),
      flightMaximum: this.flows.reduce((sum, { watch }) => sum + watch.largestFlight, 0) / (this.product * FRAME),
    };
  }

  /** The bottleneck's rate from now on; utilisation is told of it. */
  changeRate(bitsPerSecond: number): void {
    this.#bitsPerSecond = bitsPerSecond;
    this.bottleneck.forward.change({ rateBitsPerSecond: bitsPerSecond });
  }

  /** Ends the simulation. @throws SimulationError for what leaked. */
  close(): void {
    this.simulation.assertClean();
  }

  /** As {@link close}, after something went wrong. */
  abandon(): void {
    this.simulation.close();
  }

  #host(name: string, address: string, gateway: string | null): SimulatedHost {
    const host = this.simulation.host(name, {
      address,
      frames: FRAMES,
      receiveQueue: FRAMES,
      ...(gateway === null ? {} : { gateway }),
    });
    this.#hosts.push(host);
    return host;
  }

  #sample(): void {
    this.#queue.add(this.bottleneck.forward.queued);
    this.simulation.after(this.options.roundTripMicroseconds / SAMPLES, () => this.#sample());
  }

  #onFrame(event: FrameEvent, line: Line, packet: Packet): void {
    if (event === FrameEvent.ARRIVED) {
      if (line === this.bottleneck.forward) this.#arrivedBytes += packet.totalLength;
      return;
    }
    if (line !== this.bottleneck.forward || !TOLD.has(event)) return;
    const { view, offset } = packet;
    const at = offset + TCP_AT;
    const headers = ipv4.MINIMUM_HEADER_LENGTH + tcp.headerLength(view, at);
    const length = ipv4.totalLength(view, offset + ethernet.HEADER_LENGTH) - headers;
    const flow = this.#ports.get(tcp.destinationPort(view, at));
    if (length <= 0 || flow === undefined) return;
    const sequence = tcp.sequence(view, at);
    const isAgain = event === FrameEvent.SENT && flow.onSegment((sequence + length) | 0);
    this.onSegment?.(event, flow, sequence, length, isAgain);
  }

  #count(): Counters {
    const line = this.bottleneck.forward;
    const sum = (of: (flow: Flow) => number): number => this.flows.reduce((total, flow) => total + of(flow), 0);
    return {
      time: this.simulation.time,
      frames: line.count(FrameEvent.SENT),
      lost: line.count(FrameEvent.QUEUE_FULL) + line.count(FrameEvent.LOST) + line.count(FrameEvent.LINE_DOWN),
      marked: line.count(FrameEvent.MARKED),
      arrivedBytes: this.#arrivedBytes,
      segments: sum(({ segments }) => segments),
      retransmissions: sum(({ retransmissions }) => retransmissions),
      timeouts: sum(({ timeouts }) => timeouts),
      received: this.flows.map(({ received }) => received),
    };
  }
}
