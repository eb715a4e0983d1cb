import type { TcpSettings } from '@prism-net/tcp';
import { Dice } from '../faults/dice.js';
import type { LineOptions } from '../line-options.js';
import type { SimulatedHostOptions } from '../simulated-host.js';
import type { StreamEnding, StreamPlan } from '../streams/stream-plan.js';

/** Two applications under attack. */
export interface MangledFlow {
  readonly port: number;
  /** Opens in the middle of the attack, this long after its begin, in microseconds; 0: before it. */
  readonly after: number;
  readonly fromClient: StreamPlan;
  readonly fromServer: StreamPlan;
  readonly ending: StreamEnding;
}

/** Two hosts, what they do with each other, and how they are attacked: everything drawn from one seed. */
export interface ManglingPlan {
  readonly seed: number;
  /** What the clocks show at first. */
  readonly start: number;
  /** Forged frames in all. */
  readonly segments: number;
  readonly client: Omit<SimulatedHostOptions, 'address' | 'gateway'>;
  readonly server: Omit<SimulatedHostOptions, 'address' | 'gateway'>;
  /** From each host to the attacker. */
  readonly line: LineOptions;
  readonly flows: readonly MangledFlow[];
  /** Time between two salvos, on average. */
  readonly gapMicroseconds: number;
  /** Frames in a salvo, at most. */
  readonly salvo: number;
  /** Only frames that can have no effect. */
  readonly isBlind: boolean;
}

export const FIRST_PORT = 5000;

/** The same arguments give the same plan. */
export function drawManglingPlan(seed: number, segments: number): ManglingPlan {
  const dice = new Dice(seed);
  const gapMicroseconds = dice.pick(200, 500, 1000, 2000);
  const salvo = dice.pick(4, 16, 32, 32, 64);
  const duration = (segments / (salvo / 2)) * gapMicroseconds;
  const flows: MangledFlow[] = [];
  for (let left = dice.between(2, 5); left > 0; left--) flows.push(drawFlow(dice, flows.length, duration, 0));
  for (let left = dice.pick(0, 1, 2); left > 0; left--) {
    flows.push(drawFlow(dice, flows.length, duration * 0.4, dice.between(1, Math.ceil(duration * 0.7))));
  }
  return {
    seed,
    // Often shortly before the clock changes sign or wraps.
    start: dice.pick(0, 2 ** 31 - 300_000, -300_000, dice.word()),
    segments,
    client: drawHost(dice),
    server: drawHost(dice),
    line: drawLine(dice),
    flows,
    gapMicroseconds,
    salvo,
    isBlind: dice.happens(0.25),
  };
}

function drawFlow(dice: Dice, index: number, duration: number, after: number): MangledFlow {
  return {
    port: FIRST_PORT + index,
    after,
    fromClient: drawSide(dice, duration),
    fromServer: drawSide(dice, duration),
    ending: dice.pick('close', 'half-close', 'half-close'),
  };
}

/** Nobody sends more than this. */
const MOST_BYTES = 400_000;

function drawSide(dice: Dice, duration: number): StreamPlan {
  // A little at a time for as long as the attack lasts, or as much as there is room for.
  const isTrickle = dice.happens(0.6);
  const writeEveryMicroseconds = isTrickle ? dice.anySize(500, Math.max(1000, duration / 20)) : 0;
  const writeBytes = isTrickle ? dice.anySize(1, 4000) : dice.anySize(500, 65_536);
  const writes = isTrickle ? Math.ceil((duration * dice.fraction(0.5, 1.5)) / writeEveryMicroseconds) : 0;
  const bytes = isTrickle ? Math.min(MOST_BYTES, writes * writeBytes) : dice.anySize(20_000, MOST_BYTES);
  const isSlowReader = dice.happens(0.15);
  const readBytes = isSlowReader ? dice.anySize(500, 10_000) : 65_536;
  return {
    bytes,
    writeBytes,
    writeEveryMicroseconds,
    readBytes,
    // Two seconds for all at most, or nothing else happens.
    readEveryMicroseconds: isSlowReader ? dice.anySize(100, (2e6 * readBytes) / MOST_BYTES) : 0,
    zeroCopy: dice.happens(0.3),
    noDelay: dice.happens(0.3),
    receiveBuffer: dice.pick(0, 0, 0, 4096, 16_384, 200_000),
    sendBuffer: dice.pick(0, 0, 0, 4096, 16_384, 200_000),
  };
}

function drawHost(dice: Dice): Omit<SimulatedHostOptions, 'address' | 'gateway'> {
  const tcp: Partial<TcpSettings> = {
    timestamps: dice.happens(0.6),
    selectiveAcknowledgements: dice.happens(0.75),
    windowScaling: dice.happens(0.8),
    ecn: dice.pick('active', 'passive', 'off'),
    synCookies: dice.pick('when-full', 'when-full', 'always', 'never'),
    synCacheSize: dice.pick(4, 64, 256),
    congestionControl: dice.pick('cubic', 'newreno'),
    maximumRanges: dice.pick(8, 1024),
    receiveBuffer: dice.pick(65_536, 16_384, 262_144),
  };
  return {
    frames: dice.pick(512, 1024, 2048),
    receiveQueue: dice.pick(128, 256),
    clockGranularityMicroseconds: dice.pick(1, 1, 1000),
    interruptDelayMicroseconds: dice.pick(0, 0, 20),
    stack: { tcp },
  };
}

function drawLine(dice: Dice): LineOptions {
  return {
    rateBitsPerSecond: dice.pick(2e6, 10e6, 50e6),
    delayMicroseconds: dice.pick(100, 1000, 5000, 20_000),
    queueLimit: dice.pick(20, 100),
    ...(dice.happens(0.3) ? { markAt: 5 } : {}),
    ...(dice.happens(0.3) ? { loss: dice.pick(0.001, 0.01) } : {}),
    ...(dice.happens(0.2) ? { reorder: 0.01, reorderMicroseconds: dice.anySize(100, 5000) } : {}),
    ...(dice.happens(0.2) ? { duplicate: 0.01 } : {}),
  };
}
