import type { TcpLayer } from './tcp-layer.js';

/** What TCP did since it began, and what there is now. Drops stand in `PacketAccounts`. */
export interface TcpStatistics {
  readonly connections: number;
  /** Of these, idle ones that have given their control block back. */
  readonly parked: number;
  readonly halfOpen: number;
  readonly timeWait: number;
  readonly orphans: number;
  readonly orphansEvicted: number;
  /** Reset because packets were short and theirs did not move. */
  readonly standingEvicted: number;
  readonly activeOpens: number;
  readonly passiveOpens: number;
  readonly resetsSent: number;
  /** Not sent because of `resetsPerSecond`. */
  readonly resetsLimited: number;
  readonly challengeAcknowledgements: number;
  readonly cookiesSent: number;
  readonly cookiesAccepted: number;
}

const Index = {
  ACTIVE: 0,
  PASSIVE: 1,
  RESETS: 2,
  CHALLENGES: 3,
  COOKIES_SENT: 4,
  COOKIES_ACCEPTED: 5,
  LIMITED: 6,
} as const;

/** Counts past 31 bits. */
export class TcpCounter {
  readonly #counts = new Float64Array(7);

  established(isPassive: boolean): void {
    this.#counts[isPassive ? Index.PASSIVE : Index.ACTIVE]! += 1;
  }
  resetsSent(): void {
    this.#counts[Index.RESETS]! += 1;
  }
  resetsLimited(): void {
    this.#counts[Index.LIMITED]! += 1;
  }
  challenges(): void {
    this.#counts[Index.CHALLENGES]! += 1;
  }
  cookieSent(): void {
    this.#counts[Index.COOKIES_SENT]! += 1;
  }
  cookieAccepted(): void {
    this.#counts[Index.COOKIES_ACCEPTED]! += 1;
  }

  snapshot(layer: TcpLayer): TcpStatistics {
    const [activeOpens = 0, passiveOpens = 0, resetsSent = 0, challenges = 0, sent = 0, accepted = 0, limited = 0] =
      this.#counts;
    return {
      connections: layer.size,
      parked: layer.blocks.parked,
      halfOpen: layer.passiveOpen.halfOpen,
      timeWait: layer.timeWait.size,
      orphans: layer.orphans.size,
      orphansEvicted: layer.orphans.evicted,
      standingEvicted: layer.shortage.evicted,
      activeOpens,
      passiveOpens,
      resetsSent,
      resetsLimited: limited,
      challengeAcknowledgements: challenges,
      cookiesSent: sent,
      cookiesAccepted: accepted,
    };
  }
}
