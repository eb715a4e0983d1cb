import type { CongestionControl } from '../congestion-control.js';
import { MAXIMUM_WINDOW } from '../congestion-window.js';
import { bandwidthDelayProduct, Network, PACKET } from './network.testkit.js';
import type { Sender } from './sender.testkit.js';

const RATE = 1_250_000;
const ROUND_TRIP = 50_000;

/** What happens when, in seconds. */
const SCRIPT: readonly (readonly [number, string, (network: Network, sender: Sender) => void])[] = [
  [0, 'slow start, until the queue of one bandwidth-delay product is full', () => {}],
  [3, 'one packet is lost', ({ link }) => link.fates.push('lose')],
  [4, 'one packet is marked', ({ link }) => link.fates.push('mark')],
  [5, 'nothing arrives for 0.6 s', ({ link }) => (link.isCut = true)],
  [5.6, 'the path is back', ({ link }) => (link.isCut = false)],
  [7.5, 'the application has 4 packets for each 50 ms', (_network, sender) => (sender.supply = 0)],
  [8.5, 'the application has nothing', () => {}],
  [9.5, 'the application has everything again', (_network, sender) => (sender.supply = Number.POSITIVE_INFINITY)],
];
const END = 10.5;

function rounded(value: number): string {
  return Number.isInteger(value) ? `${value}` : `${Number(value.toPrecision(4))}`;
}

/** A line per round trip: window, threshold, rate, in flight, and the algorithm's own state. */
export function goldenTrace(control: CongestionControl): string {
  const network = new Network({ bytesPerSecond: RATE, queueBytes: bandwidthDelayProduct(RATE, ROUND_TRIP) });
  // Before the clock wraps, so that it wraps while things happen.
  const sender = network.add(control, { roundTripMicroseconds: ROUND_TRIP, clock: 0x7fff_ffff - 6_000_000 });
  const lines = [
    `# ${control.name}: 10 Mbit/s, round trip ${ROUND_TRIP / 1000} ms, packets of ${PACKET} bytes; the state once per round trip`,
    '# s | window threshold | bytes/s | in flight | state',
  ];
  let next = 0;
  const rounds = Math.round((END * 1e6) / ROUND_TRIP);
  for (let round = 0; round < rounds; round++) {
    const seconds = (round * ROUND_TRIP) / 1e6;
    while (next < SCRIPT.length && SCRIPT[next]![0] <= seconds) {
      const [at, what, happen] = SCRIPT[next++]!;
      lines.push(`# ${at} s: ${what}`);
      happen(network, sender);
      sender.send();
    }
    if (seconds >= 7.5 && seconds < 8.5) {
      sender.supply += 4;
      sender.send();
    }
    network.run(ROUND_TRIP / 1e6);
    const { window, inFlight } = sender;
    const threshold = window.slowStartThreshold === MAXIMUM_WINDOW ? '-' : window.slowStartThreshold;
    const state = Object.entries(control.describe()).map(([name, value]) => `${name}=${rounded(value)}`);
    const time = ((round + 1) * ROUND_TRIP) / 1e6;
    lines.push(
      `${time.toFixed(2)} | ${window.window} ${threshold} | ${rounded(window.bytesPerSecond)} | ${inFlight} | ${state.join(' ')}`,
    );
  }
  return `${lines.join('\n')}\n`;
}
