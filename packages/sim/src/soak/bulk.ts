import type { ConnectionOptions } from '@prism-net/tcp';
import type { LineOptions } from '../line-options.js';
import { Simulation } from '../simulation.js';
import { checkConnections } from '../streams/connection-invariants.js';
import { SegmentWatch } from '../streams/segment-watch.js';
import type { StreamHash } from '../streams/stream-end.js';
import { runTransfers, Transfer } from '../streams/transfer.js';

/** Hashes a stream; what `createHash('sha256')` of Node.js gives. */
export interface StreamDigest extends StreamHash {
  digest(encoding: 'hex'): string;
}

export interface BulkOptions {
  readonly seed: number;
  readonly bytes: number;
  /** Both ways. */
  readonly loss: number;
  readonly reorder: number;
  readonly duplicate: number;
  readonly corrupt: number;
  readonly createDigest: () => StreamDigest;
  /** Watches every segment: a third slower. Default true. */
  readonly watch?: boolean;
  /** When it begins; see {@link findWrap}. Default 0. */
  readonly at?: number;
  readonly options?: ConnectionOptions;
}

export interface BulkReport {
  readonly sent: string;
  readonly received: string;
  /** The first and the last sequence number, unsigned. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Virtual time. */
  readonly microseconds: number;
  readonly steps: number;
}

/** A gigabit, a round trip of a millisecond, and a queue for some of them. */
const LINE: LineOptions = { rateBitsPerSecond: 1e9, delayMicroseconds: 500, queueLimit: 500 };

/**
 * Sends a long stream over one bad cable and hashes it at both ends. @throws SimulationError when it hangs, differs,
 * leaks, or breaks an invariant.
 */
export function runBulk(options: BulkOptions): BulkReport {
  const { seed, bytes, loss, reorder, duplicate, corrupt, createDigest, watch = true, at = 0 } = options;
  const { simulation, client, server } = bulkNetwork(seed);
  simulation.runFor(at);
  simulation.cables[0]!.change({ ...LINE, loss, reorder, duplicate, corrupt });
  for (const host of [client, server]) checkConnections(simulation, host);
  if (watch) new SegmentWatch(simulation);
  const [sentHash, receivedHash] = [createDigest(), createDigest()];
  const transfer = new Transfer(simulation, {
    client,
    server,
    address: '10.0.0.2',
    fromClient: { bytes, zeroCopy: true },
    ending: 'half-close',
    ...(options.options === undefined ? {} : { options: options.options }),
    sentHash,
    receivedHash,
  });
  runTransfers(simulation, [transfer], 24 * 3600e6);
  const { initialSendSequence, nextSequence } = transfer.client!;
  const { time, steps } = simulation;
  simulation.assertClean();
  return {
    sent: sentHash.digest('hex'),
    received: receivedHash.digest('hex'),
    firstSequence: initialSendSequence >>> 0,
    lastSequence: nextSequence >>> 0,
    microseconds: time - at,
    steps,
  };
}

/**
 * A seed and a time at which a stream of so many bytes must begin, so that its sequence numbers cross 2^32 half way. The
 * initial sequence number grows with time, a step every 4 µs (RFC 6528 §3), for an hour at most here: the first seed
 * from `firstSeed` on that is near enough.
 */
export function findWrap(firstSeed: number, bytes: number): { readonly seed: number; readonly at: number } {
  for (let seed = firstSeed; ; seed++) {
    const missing = (2 ** 32 - Math.floor(bytes / 2) - initialSequence(seed)) >>> 0;
    const at = missing * 4;
    if (at < 3600e6) return { seed, at };
  }
}

/** Of a stream that begins at once. */
function initialSequence(seed: number): number {
  const { simulation, client, server } = bulkNetwork(seed);
  const transfer = new Transfer(simulation, { client, server, address: '10.0.0.2' });
  runTransfers(simulation, [transfer]);
  simulation.close();
  return transfer.client!.initialSendSequence >>> 0;
}

function bulkNetwork(seed: number) {
  const simulation = new Simulation({ seed });
  const client = simulation.host('client', { address: '10.0.0.1/24', frames: 4096 });
  const server = simulation.host('server', { address: '10.0.0.2/24', frames: 4096, receiveQueue: 1024 });
  simulation.connect(client, server);
  simulation.introduceNeighbours();
  // The clock of sequence numbers starts with the first connection.
  const first = new Transfer(simulation, { client, server, address: '10.0.0.2', port: 4999 });
  runTransfers(simulation, [first]);
  first.close();
  return { simulation, client, server };
}

/** Every combination of the losses and of reordering, duplicates and corruption, each with or without. */
export function bulkMatrix(): Pick<BulkOptions, 'loss' | 'reorder' | 'duplicate' | 'corrupt'>[] {
  const cells: Pick<BulkOptions, 'loss' | 'reorder' | 'duplicate' | 'corrupt'>[] = [];
  for (const loss of [0, 0.001, 0.01, 0.05]) {
    for (let set = 0; set < 8; set++) {
      const rate = (bit: number): number => ((set & bit) === 0 ? 0 : 0.01);
      cells.push({ loss, reorder: rate(1), duplicate: rate(2), corrupt: rate(4) });
    }
  }
  return cells;
}
