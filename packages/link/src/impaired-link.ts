import type { Packet, PacketPool } from '@prism-net/buffers';
import { requireKnownOptions } from '@prism-net/errors';
import type { Clock, Instant } from '@prism-net/time';
import { ImpairedPath } from './impaired-path.js';
import { type ImpairmentStatistics, type Impairments, resolveImpairments } from './impairments.js';
import type { Link, LinkCapabilities } from './link.js';
import { FRAME_OVERHEAD } from './link-options.js';
import { LinkStatistics } from './link-statistics.js';

export interface ImpairOptions {
  /** The same seed gives the same packets the same fate. */
  readonly seed: number;
  readonly clock: Clock;
  /** Where duplicates, and copies of shared packets that get corrupted, come from. */
  readonly pool: PacketPool;
  /** What befalls packets that are transmitted. */
  readonly transmit?: Impairments;
  /** What befalls packets that are received. */
  readonly receive?: Impairments;
}

export interface ImpairedLink extends Link {
  /** By kind and direction. */
  readonly impairments: { readonly transmit: ImpairmentStatistics; readonly receive: ImpairmentStatistics };
}

/** Packets moved at once between the paths and the link below. */
const BURST = 64;

class Impaired implements ImpairedLink {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  readonly pool?: PacketPool;
  readonly impairments: { readonly transmit: ImpairmentStatistics; readonly receive: ImpairmentStatistics };

  readonly #link: Link;
  readonly #clock: Clock;
  readonly #outbound: ImpairedPath;
  readonly #inbound: ImpairedPath;
  readonly #scratch: Packet[] = [];
  /** Packets that are due and wait for the link below to take them, oldest first. */
  readonly #staged: Packet[] = [];
  #stagedCount = 0;
  /** The last transmit was refused in part, and nobody has been told of room since. */
  #refused = false;
  #closed = false;

  constructor(link: Link, options: ImpairOptions) {
    this.#link = link;
    this.#clock = options.clock;
    this.name = link.name;
    if (link.pool !== undefined) this.pool = link.pool;
    // What is lost is a frame of the wire, not 64 KiB at once: virtual segments are cut before they get here.
    this.capabilities = { ...link.capabilities, segmentation: 0 };
    // One source of random numbers per direction: the fates do not depend on how the directions interleave.
    const { seed, pool } = options;
    this.#outbound = new ImpairedPath(resolveImpairments('transmit', options.transmit ?? {}), pool, seed);
    this.#inbound = new ImpairedPath(resolveImpairments('receive', options.receive ?? {}), pool, seed ^ 0x5bd1e995);
    this.impairments = { transmit: this.#outbound.statistics, receive: this.#inbound.statistics };
  }

  receive(burst: Packet[], maximum: number): number {
    if (this.#closed) return 0;
    const now = this.#clock.now();
    this.#flush(now);
    const scratch = this.#scratch;
    const arrived = this.#link.receive(scratch, Math.min(maximum, BURST));
    let lost = 0;
    for (let i = 0; i < arrived; i = (i + 1) | 0) lost = (lost + this.#inbound.push(scratch[i]!, now)) | 0;
    if (lost !== 0) this.statistics.countDropped(lost);
    let count = 0;
    let bytes = 0;
    while (count < maximum) {
      const packet = this.#inbound.shiftDue(now);
      if (packet === null) break;
      burst[count] = packet;
      count = (count + 1) | 0;
      bytes = (bytes + packet.totalLength) | 0;
    }
    if (count !== 0) this.statistics.countReceived(count, bytes);
    return count;
  }

  /** Pushes back only while the link below does: a queue that is full loses packets, as a network does. */
  transmit(burst: Packet[], from: number, count: number): number {
    if (this.#closed) {
      this.statistics.countDropped(count);
      return this.#link.transmit(burst, from, count);
    }
    const now = this.#clock.now();
    this.#flush(now);
    const maximumFrame = this.capabilities.mtu + FRAME_OVERHEAD;
    let taken = 0;
    let sent = 0;
    let bytes = 0;
    let lost = 0;
    for (; taken < count; taken = (taken + 1) | 0) {
      if (this.#outbound.isFull) this.#flush(now);
      if (this.#stagedCount !== 0) break;
      const packet = burst[(from + taken) | 0]!;
      const length = packet.totalLength;
      if (length > maximumFrame) {
        packet.release();
        lost = (lost + 1) | 0;
        continue;
      }
      sent = (sent + 1) | 0;
      bytes = (bytes + length) | 0;
      lost = (lost + this.#outbound.push(packet, now)) | 0;
    }
    this.#flush(now);
    this.#refused = taken < count;
    if (sent !== 0) this.statistics.countTransmitted(sent, bytes);
    if (lost !== 0) this.statistics.countDropped(lost);
    if (taken < count) this.statistics.countRefused((count - taken) | 0);
    return taken;
  }

  arm(wake: () => void): boolean {
    if (this.#closed) return true;
    const now = this.#clock.now();
    this.#flush(now);
    const hasRoomAgain = this.#refused && this.#stagedCount === 0;
    if (hasRoomAgain) this.#refused = false;
    if (!hasRoomAgain && this.#inbound.untilDue(now) !== 0) return this.#link.arm(wake);
    this.#link.arm(nothing); // an earlier arming ends
    return false;
  }

  /** Counts packets on the way out too: they leave when receive or transmit is called, by then at the latest. */
  nextReceive(): number {
    if (this.#closed) return -1;
    const now = this.#clock.now();
    // While the link below refuses, time changes nothing for the packets on the way out.
    const outbound = this.#stagedCount === 0 ? this.#outbound.untilDue(now) : -1;
    return earlier(earlier(outbound, this.#inbound.untilDue(now)), this.#link.nextReceive());
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let i = 0; i < this.#stagedCount; i++) this.#staged[i]!.release();
    this.#stagedCount = 0;
    this.#outbound.clear();
    this.#inbound.clear();
    this.#link.close();
  }

  /** Passes on what is due, in bursts, until the link below has enough. */
  #flush(now: Instant): void {
    const staged = this.#staged;
    for (;;) {
      while (this.#stagedCount < BURST) {
        const packet = this.#outbound.shiftDue(now);
        if (packet === null) break;
        staged[this.#stagedCount] = packet;
        this.#stagedCount = (this.#stagedCount + 1) | 0;
      }
      const count = this.#stagedCount;
      if (count === 0) return;
      const taken = this.#link.transmit(staged, 0, count);
      for (let i = taken; i < count; i = (i + 1) | 0) staged[(i - taken) | 0] = staged[i]!;
      this.#stagedCount = (count - taken) | 0;
      if (taken < count) return;
    }
  }
}

function nothing(): void {}

/** The earlier of two waits, -1 meaning never. */
function earlier(a: number, b: number): number {
  if (a < 0) return b;
  return b < 0 ? a : Math.min(a, b);
}

const IMPAIR_OPTIONS = [
  'seed',
  'clock',
  'pool',
  'transmit',
  'receive',
] as const satisfies readonly (keyof ImpairOptions)[];

/**
 * Puts a bad network in front of a link: loss, delay, reordering, duplication, corruption, a limited rate. Owns the
 * link: closing the result closes it.
 *
 * @throws EINVAL when an impairment is out of range.
 */
export function impair(link: Link, options: ImpairOptions): ImpairedLink {
  requireKnownOptions('impair', options, IMPAIR_OPTIONS);
  return new Impaired(link, options);
}
