import { Simulation } from '../simulation.js';
import { runTransfers, Transfer } from '../streams/transfer.js';

/** One transfer over a bottleneck. */
export interface GoodputCell {
  readonly congestionControl: string;
  readonly loss: number;
  readonly roundTripMicroseconds: number;
  /** The queue in front of the bottleneck, in bandwidth-delay products. */
  readonly buffer: number;
}

const RATE = 10e6;
const FRAME_BITS = 1514 * 8;
const LOSSES = [0, 0.001, 0.01, 0.05];
const ROUND_TRIPS = [2000, 20_000, 100_000];
const BUFFERS = [0.25, 1, 4];

/** Payload delivered per second of the time from the connection's begin to its last byte, in bits. */
export function measureGoodput(cell: GoodputCell): number {
  const { congestionControl, loss, roundTripMicroseconds, buffer } = cell;
  const bytes = roundTripMicroseconds >= 100_000 ? 3e6 : 2e6;
  const product = (RATE / 1e6) * roundTripMicroseconds;
  const simulation = new Simulation({ seed: 1 });
  const client = simulation.host('client', { address: '10.0.0.1/24', gateway: '10.0.0.254', frames: 2048 });
  const router = simulation.router('router', { address: ['10.0.0.254/24', '10.0.1.254/24'] });
  const server = simulation.host('server', { address: '10.0.1.1/24', gateway: '10.0.1.254', frames: 2048 });
  const delayMicroseconds = roundTripMicroseconds / 4;
  simulation.connect(client, router, { rateBitsPerSecond: 1e9, delayMicroseconds });
  simulation.connect(router, server, {
    delayMicroseconds,
    rateBitsPerSecond: RATE,
    queueLimit: Math.max(4, Math.round((buffer * product) / FRAME_BITS)),
    forward: { loss },
  });
  simulation.introduceNeighbours();
  const options = { congestionControl };
  const fromClient = { bytes };
  const transfer = new Transfer(simulation, { client, server, address: '10.0.1.1', fromClient, options });
  runTransfers(simulation, [transfer]);
  const seconds = transfer.server!.lastReadAt / 1e6;
  simulation.assertClean();
  return (bytes * 8) / seconds;
}

/** The goodput for loss × round trip × buffer of each algorithm, as Markdown: a change of behaviour shows as a diff. */
export function goodputTable(algorithms: readonly string[]): string {
  const lines = [
    '# Goodput',
    '',
    `Mbit/s of payload over a bottleneck of ${RATE / 1e6} Mbit/s, one stream of 2 MB (3 MB where the round trip is 100 ms), by loss,`,
    'round trip, and queue in bandwidth-delay products. Virtual time: the figures are the same on every machine.',
  ];
  const heads = ['round trip', 'queue', ...LOSSES.map((loss) => `${loss * 100} % loss`)];
  for (const congestionControl of algorithms) {
    lines.push('', `## ${congestionControl}`, '', '```text', row(heads));
    for (const roundTripMicroseconds of ROUND_TRIPS) {
      for (const buffer of BUFFERS) {
        const cells = LOSSES.map((loss) =>
          (measureGoodput({ congestionControl, loss, roundTripMicroseconds, buffer }) / 1e6).toFixed(2),
        );
        lines.push(row([`${roundTripMicroseconds / 1000} ms`, String(buffer), ...cells]));
      }
    }
    lines.push('```');
  }
  return `${lines.join('\n')}\n`;
}

function row(cells: readonly string[]): string {
  return cells.map((cell) => cell.padStart(11)).join('');
}
