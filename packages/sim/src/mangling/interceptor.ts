import type { Packet, PacketPool } from '@prism-net/buffers';
import type { SeededRandom } from '@prism-net/tables';
import { ethernet, type MacAddress } from '@prism-net/wire';
import type { Line } from '../line.js';
import type { Jack } from '../port.js';
import type { SimulatedHost } from '../simulated-host.js';
import { SegmentReader } from '../streams/segment-reader.js';
import { Corpus } from './corpus.js';
import type { Forgery } from './forgery.js';
import type { Target } from './target.js';

/** Frames addressed to it go nowhere: the gateway to whatever addresses an attacker makes up. */
export const NOWHERE: MacAddress = { high: 0x0200, low: 0xffff };

/** The attacker's side of the cable to one host. */
export class Tap implements Jack {
  readonly name: string;
  readonly host: SimulatedHost;
  /** To the host: without delay, so that what is put in arrives at the same instant. */
  line: Line | null = null;
  /** What went by on its way to the host. */
  readonly corpus = new Corpus();
  /** On its way to the host, while the attacker holds it back. */
  readonly held: Packet[] = [];
  isHolding = false;
  #onward: ((packet: Packet) => void) | null = null;

  constructor(host: SimulatedHost) {
    this.name = `attacker.${host.name}`;
    this.host = host;
  }

  /** Where what the host sends goes. */
  connect(onward: (packet: Packet) => void): void {
    this.#onward = onward;
  }

  arrive(packet: Packet): boolean {
    this.#onward!(packet);
    return true;
  }

  /** To the host. Takes the packet. */
  deliver(packet: Packet): void {
    if (this.isHolding) this.held.push(packet);
    else this.line!.send(packet);
  }

  /** Lets go what was held back. */
  letGo(): void {
    this.isHolding = false;
    for (const packet of this.held) this.line!.send(packet);
    this.held.length = 0;
  }
}

/** Somebody on the way between two hosts, who reads everything, lets it pass, and adds frames of his own. */
export class Interceptor {
  readonly taps: readonly [Tap, Tap];
  /** Forged frames on their way that can have no effect. */
  readonly #idle = new Set<Packet>();
  readonly #pool: PacketPool;
  readonly #random: SeededRandom;
  readonly #reader = new SegmentReader();
  readonly #targets: readonly Target[];

  constructor(
    hosts: readonly [SimulatedHost, SimulatedHost],
    targets: readonly Target[],
    pool: PacketPool,
    random: SeededRandom,
  ) {
    this.#pool = pool;
    this.#random = random;
    this.#targets = targets;
    const [one, other] = hosts.map((host) => new Tap(host)) as [Tap, Tap];
    this.taps = [one, other];
    one.connect((packet) => this.#pass(packet, other));
    other.connect((packet) => this.#pass(packet, one));
  }

  tapOf(host: SimulatedHost): Tap {
    return this.taps[0].host === host ? this.taps[0] : this.taps[1];
  }

  /** Puts a copy of a forged frame on the line to the host; `isIdle`: it can have no effect. */
  inject(tap: Tap, forgery: Forgery, isIdle: boolean): void {
    const packet = this.#pool.take();
    if (packet === null) throw new Error('the network is out of frames: raise networkFrames');
    packet.memory.write(packet.offset, forgery.bytes, 0, forgery.length);
    packet.length = forgery.length;
    if (isIdle) this.#idle.add(packet);
    tap.line!.send(packet);
  }

  /** The frame was forged and can have no effect. */
  isIdle(packet: Packet): boolean {
    return this.#idle.size > 0 && this.#idle.has(packet);
  }

  /** The packet has arrived: from now on it may be another's. */
  forget(packet: Packet): void {
    if (this.#idle.size > 0) this.#idle.delete(packet);
  }

  /** What a host sent goes on to the other, unless it is for nobody. */
  #pass(packet: Packet, to: Tap): void {
    const isForOther =
      ethernet.destinationLow(packet.view, packet.offset) === to.host.ports[0]!.capabilities.macAddress.low;
    if (!isForOther) {
      packet.release();
      return;
    }
    const reader = this.#reader;
    if (reader.read(packet)) {
      to.corpus.add(packet, this.#random);
      if (reader.options.hasTimestamps) this.#observe(to.host);
    }
    to.deliver(packet);
  }

  #observe(host: SimulatedHost): void {
    const { source, sourcePort, destination, destinationPort, options } = this.#reader;
    for (const target of this.#targets) {
      if (target.host !== host || !target.isOf(destination, destinationPort, source, sourcePort)) continue;
      target.observe(options.timestampValue);
      return;
    }
  }
}
