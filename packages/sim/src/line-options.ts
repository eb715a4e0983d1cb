import { invalidArgument, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import type { Impairments } from '@prism-net/link';

/** One direction of a cable. Everything left out is perfect: no delay, no limit, no loss. */
export interface LineOptions
  extends Pick<Impairments, 'loss' | 'lossBurst' | 'duplicate' | 'corrupt' | 'reorder' | 'reorderMicroseconds'> {
  /** Bits of frames (no preamble, no gap) per second; frames queue for their turn. */
  readonly rateBitsPerSecond?: number;
  /** How long a frame travels. */
  readonly delayMicroseconds?: number;
  /** Up to this much longer, each amount equally likely. Jitter alone never reorders. */
  readonly jitterMicroseconds?: number;
  /** Frames that wait for the line at most; further ones are lost. Only a line with a rate has a queue. Default 1,000. */
  readonly queueLimit?: number;
  /** What a full queue does to a host that sends: `drop` its frames, or make it `wait` as a network card does. Default `drop`. */
  readonly whenFull?: 'drop' | 'wait';
  /** Frames that wait before ECN-capable ones are marked as having met congestion (RFC 3168 §5). Default: never. */
  readonly markAt?: number;
  /** Longest network packet it carries; longer ones vanish, and nobody is told: a black hole. Default: the ports'. */
  readonly mtu?: number;
  /** False: everything sent is lost; what is on the way arrives. Default true. */
  readonly isUp?: boolean;
}

/** {@link LineOptions} checked, with defaults. */
export interface ResolvedLine {
  /** 0: unlimited. */
  readonly microsecondsPerByte: number;
  readonly delayMicroseconds: number;
  readonly jitterMicroseconds: number;
  readonly queueLimit: number;
  readonly waits: boolean;
  readonly markAt: number;
  readonly maximumFrame: number;
  readonly isUp: boolean;
  readonly reorder: number;
  readonly reorderMicroseconds: number;
  /** What `impair` of the link package does; null: nothing. */
  readonly fate: Impairments | null;
}

const LINE_OPTIONS = Object.keys({
  loss: 1,
  lossBurst: 1,
  duplicate: 1,
  corrupt: 1,
  reorder: 1,
  reorderMicroseconds: 1,
  rateBitsPerSecond: 1,
  delayMicroseconds: 1,
  jitterMicroseconds: 1,
  queueLimit: 1,
  whenFull: 1,
  markAt: 1,
  mtu: 1,
  isUp: 1,
} satisfies Record<keyof Required<LineOptions>, 1>);

const LONGEST_MICROSECONDS = 600_000_000;
const LONGEST_QUEUE = 1 << 20;
/** Ethernet header and a VLAN tag: what a frame may have beyond the MTU. */
export const FRAME_OVERHEAD = 18;

/** @throws PosixError EINVAL when a value is out of range. (`impair` checks its own.) */
export function resolveLine(options: LineOptions): ResolvedLine {
  const where = 'cable';
  requireKnownOptions(where, options, LINE_OPTIONS);
  const { loss = 0, duplicate = 0, corrupt = 0, lossBurst, reorder = 0, rateBitsPerSecond, mtu } = options;
  const whole = (name: keyof LineOptions, fallback: number, minimum: number, maximum: number): number =>
    requireWholeNumber(where, name, (options[name] as number | undefined) ?? fallback, minimum, maximum);
  if (rateBitsPerSecond !== undefined && !(rateBitsPerSecond >= 1000 && rateBitsPerSecond <= 1e15)) {
    throw invalidArgument(where, `rateBitsPerSecond must be from 1,000 to 10^15, not ${rateBitsPerSecond}`);
  }
  if (!(reorder >= 0 && reorder <= 1)) throw invalidArgument(where, `reorder must be from 0 to 1, not ${reorder}`);
  const isPerfect = loss === 0 && duplicate === 0 && corrupt === 0 && lossBurst === undefined;
  return {
    microsecondsPerByte: rateBitsPerSecond === undefined ? 0 : 8_000_000 / rateBitsPerSecond,
    delayMicroseconds: whole('delayMicroseconds', 0, 0, LONGEST_MICROSECONDS),
    jitterMicroseconds: whole('jitterMicroseconds', 0, 0, LONGEST_MICROSECONDS),
    queueLimit: whole('queueLimit', 1000, 1, LONGEST_QUEUE),
    waits: options.whenFull === 'wait',
    markAt: whole('markAt', LONGEST_QUEUE, 0, LONGEST_QUEUE),
    maximumFrame: mtu === undefined ? LONGEST_QUEUE : whole('mtu', 0, 68, 65_535) + FRAME_OVERHEAD,
    isUp: options.isUp ?? true,
    reorder,
    reorderMicroseconds: whole('reorderMicroseconds', 1000, 0, LONGEST_MICROSECONDS),
    fate: isPerfect ? null : { loss, duplicate, corrupt, ...(lossBurst === undefined ? {} : { lossBurst }) },
  };
}
