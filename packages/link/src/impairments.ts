import { Errno, posixError, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { requireProbability } from './link-options.js';

/** What goes wrong in one direction. Everything left out does not happen. */
export interface Impairments {
  /** Probability from 0 to 1 that a packet is lost, each independently. */
  readonly loss?: number;
  /**
   * Loss in bursts (Gilbert-Elliott): the path is good or bad, changes its state before a packet with the two given
   * probabilities, and loses packets while bad with probability `lossBad`. Default of `lossBad`: 1.
   */
  readonly lossBurst?: { readonly pGoodToBad: number; readonly pBadToGood: number; readonly lossBad?: number };
  readonly delayMicroseconds?: number;
  /** Up to this much more delay, each amount equally likely. Jitter alone never reorders packets. */
  readonly jitterMicroseconds?: number;
  /** Probability that a packet is held back, so that later ones overtake it. */
  readonly reorder?: number;
  /** How long a reordered packet is held back. Default 1,000. */
  readonly reorderMicroseconds?: number;
  /** Probability that a packet arrives twice. */
  readonly duplicate?: number;
  /** Probability that one bit, anywhere in the frame, is flipped. */
  readonly corrupt?: number;
  /** Bits of frames (no preamble, no gap) per second; packets queue for their turn. */
  readonly rateBitsPerSecond?: number;
  /** Packets on the way or queued at most; more are lost. Default 1,000. */
  readonly queueLimit?: number;
}

const IMPAIRMENTS = [
  'loss',
  'lossBurst',
  'delayMicroseconds',
  'jitterMicroseconds',
  'reorder',
  'reorderMicroseconds',
  'duplicate',
  'corrupt',
  'rateBitsPerSecond',
  'queueLimit',
] as const satisfies readonly (keyof Impairments)[];

const LONGEST_MICROSECONDS = 600_000_000;

/** The threshold of probability 0. */
export const NEVER = -(2 ** 31);

/** {@link Impairments} checked. A probability is an int32 threshold: it happens when 32 random bits are not above it. */
export interface ResolvedImpairments {
  readonly loss: number;
  readonly goodToBad: number;
  readonly badToGood: number;
  readonly lossBad: number;
  readonly delayMicroseconds: number;
  readonly jitterMicroseconds: number;
  readonly reorder: number;
  readonly reorderMicroseconds: number;
  readonly duplicate: number;
  readonly corrupt: number;
  /** 0: unlimited. */
  readonly microsecondsPerByte: number;
  readonly queueLimit: number;
}

/** @throws EINVAL when a value is out of range. */
export function resolveImpairments(direction: string, impairments: Impairments): ResolvedImpairments {
  const where = 'impair';
  requireKnownOptions(`impair ${direction}`, impairments, IMPAIRMENTS);
  const threshold = (option: string, value = 0): number => {
    const probability = requireProbability(where, `${direction}.${option}`, value);
    return Math.max(NEVER, Math.floor(probability * 2 ** 32) - 2 ** 31 - 1);
  };
  const time = (option: string, value = 0): number =>
    requireWholeNumber(where, `${direction}.${option}`, value, 0, LONGEST_MICROSECONDS);
  const { lossBurst, rateBitsPerSecond } = impairments;
  if (rateBitsPerSecond !== undefined && !(rateBitsPerSecond >= 1000 && rateBitsPerSecond <= 1e15)) {
    throw posixError(
      Errno.EINVAL,
      where,
      `${direction}.rateBitsPerSecond must be from 1,000 to 10^15, not ${rateBitsPerSecond}`,
    );
  }
  return {
    loss: threshold('loss', impairments.loss),
    goodToBad: threshold('lossBurst.pGoodToBad', lossBurst?.pGoodToBad),
    badToGood: threshold('lossBurst.pBadToGood', lossBurst?.pBadToGood),
    lossBad: threshold('lossBurst.lossBad', lossBurst?.lossBad ?? 1),
    delayMicroseconds: time('delayMicroseconds', impairments.delayMicroseconds),
    jitterMicroseconds: time('jitterMicroseconds', impairments.jitterMicroseconds),
    reorder: threshold('reorder', impairments.reorder),
    reorderMicroseconds: time('reorderMicroseconds', impairments.reorderMicroseconds ?? 1000),
    duplicate: threshold('duplicate', impairments.duplicate),
    corrupt: threshold('corrupt', impairments.corrupt),
    microsecondsPerByte: rateBitsPerSecond === undefined ? 0 : 8_000_000 / rateBitsPerSecond,
    queueLimit: requireWholeNumber(where, `${direction}.queueLimit`, impairments.queueLimit ?? 1000, 1, 1 << 20),
  };
}

/** What happened in one direction, by kind. */
export class ImpairmentStatistics {
  readonly #counts = new Float64Array(7);

  /** Lost independently. */
  get lost(): number {
    return this.#counts[0]!;
  }
  /** Lost while the path was bad. */
  get lostInBurst(): number {
    return this.#counts[1]!;
  }
  get corrupted(): number {
    return this.#counts[2]!;
  }
  get duplicated(): number {
    return this.#counts[3]!;
  }
  get reordered(): number {
    return this.#counts[4]!;
  }
  /** Lost because the queue was full. */
  get queueFull(): number {
    return this.#counts[5]!;
  }
  /** Packets not duplicated, or lost instead of corrupted, because the pool had no frame for a copy. */
  get noFrame(): number {
    return this.#counts[6]!;
  }

  /** A plain copy for reports. */
  snapshot(): ImpairmentStatisticsSnapshot {
    const { lost, lostInBurst, corrupted, duplicated, reordered, queueFull, noFrame } = this;
    return { lost, lostInBurst, corrupted, duplicated, reordered, queueFull, noFrame };
  }

  count(kind: ImpairmentKind): void {
    this.#counts[kind]! += 1;
  }
}

export type ImpairmentStatisticsSnapshot = {
  readonly [Name in Exclude<keyof ImpairmentStatistics, 'count' | 'snapshot'>]: number;
};

export const ImpairmentKind = {
  LOST: 0,
  LOST_IN_BURST: 1,
  CORRUPTED: 2,
  DUPLICATED: 3,
  REORDERED: 4,
  QUEUE_FULL: 5,
  NO_FRAME: 6,
} as const;
export type ImpairmentKind = (typeof ImpairmentKind)[keyof typeof ImpairmentKind];
