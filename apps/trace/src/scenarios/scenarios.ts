import type { Scenario } from './scenario.js';

const MEGABYTE = 1_000_000;
/** 20 Mbit/s and a round trip of 40 ms, with a queue of about as much as is on the way … */
const access = { rateBitsPerSecond: 20e6, delayMicroseconds: 20_000, queueLimit: 60 } as const;
/** … or a queue that is never full. */
const ample = { ...access, queueLimit: 4000 } as const;
const bursts = { lossBurst: { pGoodToBad: 0.001, pBadToGood: 0.15 } } as const;

const scenarios: readonly Scenario[] = [
  {
    name: 'slow-start',
    summary: 'the window doubles each round trip, until it has filled the path',
    cable: ample,
    bytes: MEGABYTE / 2,
  },
  {
    name: 'sawtooth',
    summary: 'the queue overflows, the window falls, and grows back',
    cable: { ...access, rateBitsPerSecond: 10e6, queueLimit: 40 },
    bytes: 20 * MEGABYTE,
  },
  {
    name: 'new-reno',
    summary: 'as sawtooth, with NewReno',
    cable: { ...access, rateBitsPerSecond: 10e6, queueLimit: 40 },
    bytes: 20 * MEGABYTE,
    tcp: { congestionControl: 'newreno' },
  },
  {
    name: 'loss',
    summary: 'one frame in 200 is lost',
    cable: { ...ample, forward: { loss: 0.005 } },
    bytes: 4 * MEGABYTE,
  },
  {
    name: 'burst-loss',
    summary: 'frames are lost half a dozen at a time',
    cable: { ...ample, forward: bursts },
    bytes: 6 * MEGABYTE,
  },
  {
    name: 'no-sack',
    summary: 'as burst-loss, without selective acknowledgements',
    cable: { ...ample, forward: bursts },
    bytes: 6 * MEGABYTE,
    tcp: { selectiveAcknowledgements: false },
  },
  {
    name: 'tail-loss',
    summary: 'the last segments are lost, and nothing comes behind them that could tell',
    cable: ample,
    bytes: 200_000,
    script: (run) => {
      run.onSent = (end) => {
        if (end < 195_000) return;
        run.onSent = null;
        run.cable.forward.change({ isUp: false });
        run.simulation.after(20_000, () => run.cable.forward.change({ isUp: true }));
      };
    },
  },
  {
    name: 'timeout',
    summary: 'the cable is out for two seconds',
    cable: access,
    bytes: 6 * MEGABYTE,
    script: ({ simulation, cable }) => {
      simulation.at(1_200_000, () => cable.setUp(false));
      simulation.at(3_200_000, () => cable.setUp(true));
    },
  },
  {
    name: 'spurious-timeout',
    summary: 'the path stalls for a second, and loses nothing',
    cable: ample,
    bytes: 4 * MEGABYTE,
    script: ({ simulation, cable }) => {
      simulation.at(500_000, () => cable.change({ delayMicroseconds: 1_000_000 }));
      simulation.at(550_000, () => cable.change({ delayMicroseconds: 20_000 }));
    },
  },
  {
    name: 'reordering',
    summary: 'one frame in 50 comes 8 ms late',
    cable: { ...ample, forward: { reorder: 0.02, reorderMicroseconds: 8000 } },
    bytes: 4 * MEGABYTE,
  },
  {
    name: 'bufferbloat',
    summary: 'a queue of 800 frames on a slow line: the round trip grows fortyfold',
    cable: { rateBitsPerSecond: 8e6, delayMicroseconds: 15_000, queueLimit: 800 },
    bytes: 12 * MEGABYTE,
  },
  {
    name: 'ecn',
    summary: 'a queue that marks instead of losing',
    cable: { ...ample, markAt: 50 },
    bytes: 16 * MEGABYTE,
    tcp: { ecn: 'active' },
  },
  {
    name: 'receive-window',
    summary: 'the receive window starts small, and grows with what the application reads',
    cable: ample,
    bytes: 4 * MEGABYTE,
    receiver: {},
  },
  {
    name: 'zero-window',
    summary: 'the receiving application does not read for two seconds',
    cable: ample,
    bytes: 4 * MEGABYTE,
    receiver: { receiveBuffer: 200_000 },
    script: (run) => {
      run.simulation.at(700_000, () => run.read(false));
      run.simulation.at(2_700_000, () => run.read(true));
    },
  },
  {
    name: 'path-mtu',
    summary: 'behind a router packets of 1,280 bytes are the longest: it says so',
    cable: ample,
    bytes: MEGABYTE,
    routerMtu: 1280,
  },
  {
    name: 'black-hole',
    summary: 'packets longer than 1,200 bytes vanish without a word',
    cable: { ...ample, mtu: 1200 },
    bytes: MEGABYTE / 2,
  },
];

export function findScenario(name: string): Scenario | undefined {
  return scenarios.find((scenario) => scenario.name === name);
}

export const scenarioNames: readonly string[] = scenarios.map(({ name }) => name);

/** A line for each. */
export function listScenarios(): string {
  return scenarios.map(({ name, summary }) => `  ${name.padEnd(18)}${summary}\n`).join('');
}
