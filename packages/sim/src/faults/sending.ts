import type { ConnectionOptions } from '@prism-net/tcp';
import type { Dice } from './dice.js';

/** By what rules a side of a flow sends. */
export interface Sending {
  /** From the beginning; congestion control, pacing and the largest rate. */
  readonly options: ConnectionOptions;
  /** What the application sets later. */
  readonly changes: readonly {
    /** Microseconds since the start; without effect while, or when no longer, there is a connection. */
    readonly at: number;
    readonly options: ConnectionOptions;
  }[];
}

const ALGORITHMS = ['cubic', 'newreno', 'dctcp', 'bbr', 'bbr'] as const;
/** Bytes per second; the slowest take half a minute for what most sides send. */
const SLOWEST = 10_000;
const FASTEST = 200_000_000;

/** Half of the sides go by the settings of their hosts. `at`: when the flow begins. */
export function drawSending(dice: Dice, at: number): Sending {
  if (dice.happens(0.5)) return { options: {}, changes: [] };
  const options = drawOptions(dice);
  const changes = [];
  for (let left = dice.pick(0, 0, 1, 3); left > 0; left--) {
    changes.push({ at: at + dice.anySize(1000, 5_000_000), options: drawOptions(dice) });
  }
  return { options, changes };
}

function drawOptions(dice: Dice): ConnectionOptions {
  const pacing = dice.pick(undefined, undefined, true, false);
  return {
    congestionControl: ALGORITHMS[dice.between(0, ALGORITHMS.length - 1)]!,
    ...(pacing === undefined ? {} : { pacing }),
    ...(dice.happens(0.3) ? { maximumPacingRate: dice.pick(0, dice.anySize(SLOWEST, FASTEST)) } : {}),
  };
}
