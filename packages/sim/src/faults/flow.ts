import type { StreamEnding, StreamPlan } from '../streams/stream-plan.js';
import type { Dice } from './dice.js';
import { drawSending, type Sending } from './sending.js';
import type { Topology } from './topology.js';

/** What two applications do with each other. */
export interface Flow {
  readonly client: string;
  readonly server: string;
  readonly port: number;
  /** Microseconds since the start. */
  readonly at: number;
  readonly fromClient: StreamPlan;
  readonly fromServer: StreamPlan;
  readonly ending: StreamEnding;
  readonly clientSending: Sending;
  readonly serverSending: Sending;
}

const FIRST_PORT = 5000;

export function drawFlows(dice: Dice, { addresses }: Topology): Flow[] {
  const hosts = Object.keys(addresses);
  const flows: Omit<Flow, 'clientSending' | 'serverSending'>[] = [];
  for (let left = dice.pick(1, 1, 1, 1, 2, 2, 3, 8); left > 0; left--) {
    const client = dice.between(0, hosts.length - 1);
    const server = (client + dice.between(1, hosts.length - 1)) % hosts.length;
    flows.push({
      client: hosts[client]!,
      server: hosts[server]!,
      port: FIRST_PORT + flows.length,
      at: dice.pick(0, 0, dice.anySize(1000, 3_000_000)),
      fromClient: drawSide(dice),
      fromServer: drawSide(dice),
      ending: dice.pick('close', 'close', 'half-close', 'half-close', 'half-close', 'half-close', 'abandon', 'abort'),
    });
  }
  // Last, so that what was drawn from a seed before is as it was.
  return flows.map((flow) => ({
    ...flow,
    clientSending: drawSending(dice, flow.at),
    serverSending: drawSending(dice, flow.at),
  }));
}

/** Writes of a side that sends a little at a time: few enough that it ends. */
const MOST_WRITES = 300;
/** So slowly does the slowest reader read that 400,000 bytes take it 20 seconds. */
const SLOWEST_MICROSECONDS_PER_BYTE = 50;

function drawSide(dice: Dice): StreamPlan {
  const long = dice.happens(0.03) ? 3_000_000 : 400_000;
  const bytes = dice.pick(0, dice.anySize(1, 2000), dice.anySize(1000, 100_000), dice.anySize(10_000, long));
  const isTrickle = dice.happens(0.25);
  const writeBytes = isTrickle ? dice.anySize(1, 500) : dice.anySize(500, 65_536);
  const isSlowReader = dice.happens(0.25);
  const readBytes = isSlowReader ? dice.anySize(100, 10_000) : 65_536;
  return {
    bytes: isTrickle ? Math.min(bytes, writeBytes * MOST_WRITES) : bytes,
    writeBytes,
    writeEveryMicroseconds: isTrickle ? dice.anySize(50, 20_000) : 0,
    readBytes,
    readEveryMicroseconds: isSlowReader ? dice.anySize(100, readBytes * SLOWEST_MICROSECONDS_PER_BYTE) : 0,
    zeroCopy: dice.happens(0.4),
    noDelay: dice.happens(0.3),
    receiveBuffer: dice.pick(0, 0, 0, 4096, 16_384, 200_000),
    sendBuffer: dice.pick(0, 0, 0, 2048, 16_384, 200_000),
  };
}
