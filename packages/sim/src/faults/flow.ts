import type { Dice } from './dice.js';
import type { Topology } from './topology.js';

/** How one side of a flow behaves. */
export interface FlowSide {
  /** Bytes it sends in all. */
  readonly bytes: number;
  /** Bytes per write. */
  readonly writeBytes: number;
  /** Pause between writes; 0 writes as fast as it may. */
  readonly writeEveryMicroseconds: number;
  /** Bytes read at a time. */
  readonly readBytes: number;
  /** Pause between reads: a slow reader closes the window. 0 reads as fast as data comes. */
  readonly readEveryMicroseconds: number;
  readonly noDelay: boolean;
  /** Of the socket; 0 for the default. */
  readonly receiveBuffer: number;
  readonly sendBuffer: number;
}

/** What two applications do with each other. */
export interface Flow {
  readonly client: string;
  readonly server: string;
  readonly port: number;
  /** Microseconds since the start. */
  readonly at: number;
  readonly fromClient: FlowSide;
  readonly fromServer: FlowSide;
  /**
   * How it ends. `close`: each side closes when it has sent and received all. `half-close`: each side says that it is
   * done writing as soon as it is. `abort`: the client resets the connection after half of its bytes.
   */
  readonly ending: 'close' | 'half-close' | 'abort';
}

const FIRST_PORT = 5000;

export function drawFlows(dice: Dice, { addresses }: Topology): Flow[] {
  const hosts = Object.keys(addresses);
  const flows: Flow[] = [];
  for (let left = dice.pick(1, 1, 1, 2, 3); left > 0; left--) {
    const client = dice.between(0, hosts.length - 1);
    const server = (client + dice.between(1, hosts.length - 1)) % hosts.length;
    flows.push({
      client: hosts[client]!,
      server: hosts[server]!,
      port: FIRST_PORT + flows.length,
      at: dice.pick(0, 0, dice.anySize(1000, 3_000_000)),
      fromClient: drawSide(dice),
      fromServer: drawSide(dice),
      ending: dice.pick('close', 'close', 'half-close', 'half-close', 'half-close', 'abort'),
    });
  }
  return flows;
}

/** Writes of a side that sends a little at a time: few enough that it ends. */
const MOST_WRITES = 300;
/** So slowly does the slowest reader read that 400,000 bytes take it 20 seconds. */
const SLOWEST_MICROSECONDS_PER_BYTE = 50;

function drawSide(dice: Dice): FlowSide {
  const bytes = dice.pick(0, dice.anySize(1, 2000), dice.anySize(1000, 100_000), dice.anySize(10_000, 400_000));
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
    noDelay: dice.happens(0.3),
    receiveBuffer: dice.pick(0, 0, 0, 4096, 16_384, 200_000),
    sendBuffer: dice.pick(0, 0, 0, 2048, 16_384, 200_000),
  };
}
