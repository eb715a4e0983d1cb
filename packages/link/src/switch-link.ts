import type { PacketPool } from '@prism-net/buffers';
import { Errno, posixError, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import type { HashKey } from '@prism-net/tables';
import type { Clock } from '@prism-net/time';
import type { Link } from './link.js';
import { requireSizes } from './link-options.js';
import { MacTable } from './switch-mac-table.js';
import { SwitchPort } from './switch-port.js';
import { SwitchStatistics } from './switch-statistics.js';
import type { Schedule } from './wakeup.js';

export interface SwitchOptions {
  /** Number of ports, 1 to 256. */
  readonly ports: number;
  /** Where the copies of flooded frames come from. */
  readonly pool: PacketPool;
  /** Default 1,500. */
  readonly mtu?: number;
  /** Packets that wait at a port to be received, rounded up to a power of two. Default 1,024. */
  readonly capacity?: number;
  /** Addresses learned at most; then the one seen longest ago is forgotten. Default 1,024. */
  readonly macTableSize?: number;
  /** How long an address is remembered without a frame from it. Default 300 s (IEEE 802.1Q §8.8.3); needs `clock`. */
  readonly ageMicroseconds?: number;
  /** Without it addresses do not age. */
  readonly clock?: Clock;
  /** Secret of the address table, from `createHashKey`: for stations that may choose their addresses to collide. */
  readonly key?: HashKey;
  /** Brings the wake-up of `arm` to the event loop. Default `queueMicrotask`. */
  readonly schedule?: Schedule;
}

export interface Switch {
  /** What to plug stacks into. Port n's own address is 02:00:00:00:01:00 + n. */
  readonly ports: readonly Link[];
  readonly statistics: SwitchStatistics;
  /** Addresses known now, aged ones included until they are looked for. */
  readonly learned: number;
}

const SWITCH_OPTIONS = [
  'ports',
  'pool',
  'mtu',
  'capacity',
  'macTableSize',
  'ageMicroseconds',
  'clock',
  'key',
  'schedule',
] as const satisfies readonly (keyof SwitchOptions)[];

/**
 * A learning Ethernet switch in one thread. A frame to a known address goes to its port; broadcast, multicast and
 * unknown addresses go to all other ports: the packet itself to the last of them, copies to the others. Nothing goes
 * back out of the port it came in by. A full port loses frames, as switches do; there is no back-pressure and
 * **no spanning tree: do not build loops**.
 *
 * @throws EINVAL when an option is out of range.
 */
export function createSwitch(options: SwitchOptions): Switch {
  requireKnownOptions('createSwitch', options, SWITCH_OPTIONS);
  if (options.pool === undefined) {
    throw posixError(Errno.EINVAL, 'createSwitch', 'pool: copies of flooded frames need one');
  }
  const { mtu = 1500, capacity = 1024, macTableSize = 1024, ageMicroseconds = 300_000_000 } = options;
  const { schedule = queueMicrotask, clock, pool } = options;
  requireWholeNumber('createSwitch', 'ports', options.ports, 1, 256);
  requireWholeNumber('createSwitch', 'macTableSize', macTableSize, 1, 1 << 20);
  // Instants can be compared over 35 minutes only.
  requireWholeNumber('createSwitch', 'ageMicroseconds', ageMicroseconds, 1, 2 ** 31 - 1);
  requireSizes('createSwitch', mtu, capacity);
  const table = new MacTable(macTableSize, ageMicroseconds, options.key ?? { k0: 0, k1: 0 });
  const statistics = new SwitchStatistics();
  const fabric = { pool, table, clock, statistics, ports: [] as SwitchPort[] };
  for (let number = 0; number < options.ports; number++) {
    fabric.ports.push(new SwitchPort(fabric, { number, mtu, capacity, schedule }));
  }
  return {
    ports: fabric.ports,
    statistics,
    get learned() {
      return table.size;
    },
  };
}
