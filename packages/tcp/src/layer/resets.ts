import { AnswerLimiter } from '@prism-net/ipv4';
import { createHashKey, type HashKey, hash4 } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import { tcp } from '@prism-net/wire';
import type { Network } from '../path/network.js';
import type { Addresses, Segment } from '../segment.js';
import type { TcpLayer } from './tcp-layer.js';

const DESTINATIONS = 1024;

/**
 * Resets in answer to segments that fit no connection (RFC 9293 §3.10.7.1), as many as the settings allow: a flood with
 * forged sources makes no more of them, and nobody learns by counting them what others sent (RFC 5961 §7 on counters).
 * Whoever gets none repeats the segment, and gets one later.
 */
export class Resets {
  readonly #layer: TcpLayer;
  /** Made for the first reset: many hosts never send one. */
  #limiter: AnswerLimiter | null = null;
  #key: HashKey | null = null;

  constructor(layer: TcpLayer) {
    this.#layer = layer;
  }

  /** Answers `segment`, unless it is a reset itself or there were too many. */
  answer(network: Network, addresses: Addresses, segment: Segment, now: Instant): void {
    if (segment.has(tcp.Flag.RST)) return;
    const { counter, control } = this.#layer;
    if (!this.#allow(addresses, now)) {
      counter.resetsLimited();
      return;
    }
    counter.resetsSent();
    control.reset(network, addresses, segment, now);
  }

  #allow(addresses: Addresses, now: Instant): boolean {
    const limiter = this.#limiter ?? this.#createLimiter(now);
    const { k0, k1 } = this.#key!;
    const { remoteA, remoteB, remoteC, remoteD } = addresses;
    return limiter.allow(hash4(k0, k1, remoteA, remoteB, remoteC, remoteD), now);
  }

  #createLimiter(now: Instant): AnswerLimiter {
    const { random, settings } = this.#layer;
    const perDestination = settings.resetsPerSecond >> 1;
    const limits = {
      perDestinationPerSecond: perDestination,
      perDestinationBurst: perDestination,
      destinations: DESTINATIONS,
      perSecond: settings.resetsPerSecond,
      burst: settings.resetsPerSecond,
    };
    this.#key = createHashKey(random);
    this.#limiter = new AnswerLimiter(limits, random, now);
    return this.#limiter;
  }
}
