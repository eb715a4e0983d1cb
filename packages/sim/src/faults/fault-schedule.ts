import type { LineOptions } from '../line-options.js';
import { Dice } from './dice.js';
import { drawFlows, type Flow } from './flow.js';
import { drawTopology, type Topology } from './topology.js';

/** Something that goes wrong for a while. */
export interface Fault {
  /** Microseconds since the start. */
  readonly at: number;
  readonly lastsMicroseconds: number;
  readonly what: FaultAction;
}

export type FaultAction =
  /** A line, or both of a cable, behaves otherwise. */
  | {
      readonly kind: 'line';
      readonly name: string;
      readonly cable: number;
      readonly direction: 'both' | 'forward' | 'backward';
      readonly options: LineOptions;
    }
  /** The routers at the ends of a cable learn that it carries less. */
  | { readonly kind: 'mtu'; readonly cable: number; readonly mtu: number }
  /** A host or router does nothing. */
  | { readonly kind: 'pause'; readonly node: string };

/** A network, what goes wrong in it, and what its hosts do: everything drawn from one seed. */
export interface FaultSchedule {
  readonly seed: number;
  /** What the clocks show at first. */
  readonly start: number;
  /** Neighbours are known from the start, without ARP: where frames get corrupted, ARP believes what it hears. */
  readonly knowsNeighbours: boolean;
  readonly topology: Topology;
  readonly faults: readonly Fault[];
  readonly flows: readonly Flow[];
}

/** After this much time all faults are over. */
export const FAULTS_END_MICROSECONDS = 20_000_000;

/** The same seed gives the same schedule. */
export function drawFaultSchedule(seed: number): FaultSchedule {
  const dice = new Dice(seed);
  const topology = drawTopology(dice);
  const faults = drawFaults(dice, topology);
  const flows = drawFlows(dice, topology);
  return {
    seed,
    // Often shortly before the clock changes sign or wraps.
    start: dice.pick(0, 2 ** 31 - 3_000_000, -3_000_000, dice.word()),
    knowsNeighbours: faults.some(isCorruption) || dice.happens(0.3),
    topology,
    faults,
    flows,
  };
}

/** Some of the time the fault flips bits. */
export function isCorruption({ what }: Fault): boolean {
  return what.kind === 'line' && what.options.corrupt !== undefined;
}

function drawFaults(dice: Dice, topology: Topology): Fault[] {
  const faults: Fault[] = [];
  for (let left = dice.pick(0, 1, 2, 3, 4, 6, 8); left > 0; left--) {
    // Most early: flows are short.
    const at = dice.anySize(1000, FAULTS_END_MICROSECONDS * 0.6);
    const longest = Math.min(6_000_000, FAULTS_END_MICROSECONDS - at);
    faults.push({ at, lastsMicroseconds: dice.anySize(1000, longest), what: drawAction(dice, topology, faults) });
  }
  return faults.sort((one, other) => one.at - other.at);
}

function drawAction(dice: Dice, { nodes, cables }: Topology, others: readonly Fault[]): FaultAction {
  const cable = dice.between(0, cables.length - 1);
  const direction = dice.pick('both', 'forward', 'backward');
  const line = (name: string, options: LineOptions): FaultAction => ({ kind: 'line', name, cable, direction, options });
  const { rateBitsPerSecond = 100e6, delayMicroseconds = 0 } = cables[cable]!.options;
  const kinds = ['loss', 'burst', 'outage', 'reorder', 'duplicate', 'corrupt', 'rate', 'delay', 'hole', 'mtu', 'pause'];
  switch (kinds[dice.between(0, kinds.length - 1)]) {
    case 'loss':
      return line('loss', { loss: dice.fraction(0.01, 0.3) });
    case 'burst':
      return line('bursts of loss', {
        lossBurst: { pGoodToBad: dice.fraction(0.001, 0.05), pBadToGood: dice.fraction(0.05, 0.5) },
      });
    case 'outage':
      return line('outage', { isUp: false });
    case 'reorder':
      return line('reordering', { reorder: dice.fraction(0.01, 0.5), reorderMicroseconds: dice.anySize(50, 50_000) });
    case 'duplicate':
      return line('duplicates', { duplicate: dice.fraction(0.01, 0.5) });
    case 'corrupt':
      // Two flipped bits in one packet may leave its checksum as it was: only one cable flips them, once per packet.
      if (others.some(isCorruption)) return line('loss', { loss: dice.fraction(0.01, 0.3) });
      return line('corruption', { corrupt: dice.fraction(0.005, 0.1) });
    case 'rate':
      return line('slow', { rateBitsPerSecond: Math.max(64_000, rateBitsPerSecond / dice.pick(2, 10, 50)) });
    case 'delay':
      return line('long way', { delayMicroseconds: delayMicroseconds + dice.anySize(100, 400_000) });
    case 'hole':
      return line('black hole', { mtu: dice.pick(576, 1000, 1280, 1400) });
    case 'mtu':
      return { kind: 'mtu', cable, mtu: dice.pick(576, 1000, 1280, 1400) };
    default: {
      const able = nodes.filter(({ kind }) => kind !== 'switch');
      return { kind: 'pause', node: able[dice.between(0, able.length - 1)]!.name };
    }
  }
}
