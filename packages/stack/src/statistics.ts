import type { LinkStatisticsSnapshot, ReceiveAccount } from '@prism-net/link';
import type { TcpStatistics } from '@prism-net/tcp';
import { elapsed, type Instant } from '@prism-net/time';
import type { UdpStatistics } from '@prism-net/udp';
import type { PollStatistics } from './poll-statistics.js';
import type { Stack } from './stack.js';

/** A snapshot of all counters. `receive.unexplained` is zero: every received frame is accounted for. */
export interface StackStatistics {
  readonly receive: ReceiveAccount;
  /** Own packets that did not leave, by reason. */
  readonly transmitDrops: Readonly<Record<string, number>>;
  readonly interfaces: readonly { readonly name: string; readonly link: LinkStatisticsSnapshot }[];
  readonly udp: UdpStatistics;
  readonly tcp: TcpStatistics;
  readonly pool: PoolStatistics;
  readonly polls: PollStatistics;
  /** Frames per second since the snapshot before; 0 in the first. */
  readonly rates: { readonly received: number; readonly transmitted: number };
}

export interface PoolStatistics {
  readonly frames: number;
  readonly available: number;
  readonly outstanding: number;
  readonly lent: number;
  readonly peak: number;
  readonly exhausted: number;
}

/** Takes snapshots of a stack, and the rates between them. */
export class StatisticsReporter {
  readonly #stack: Stack;
  #takenAt: Instant | undefined;
  #received = 0;
  #transmitted = 0;

  constructor(stack: Stack) {
    this.#stack = stack;
  }

  take(): StackStatistics {
    const { accounts, clock, pool, polls, tcp, udp } = this.#stack;
    const interfaces = this.#stack.interfaces.map(({ name, link }) => ({ name, link: link.statistics.snapshot() }));
    const receive = accounts.snapshot();
    const transmitted = interfaces.reduce((sum, { link }) => sum + link.transmittedPackets, 0);
    const now = clock.now();
    const seconds = this.#takenAt === undefined ? 0 : elapsed(now, this.#takenAt) / 1e6;
    const rates = {
      received: seconds > 0 ? (receive.received - this.#received) / seconds : 0,
      transmitted: seconds > 0 ? (transmitted - this.#transmitted) / seconds : 0,
    };
    this.#takenAt = now;
    this.#received = receive.received;
    this.#transmitted = transmitted;
    return {
      receive,
      transmitDrops: accounts.transmitSnapshot(),
      interfaces,
      udp: udp.statistics,
      tcp: tcp.statistics,
      pool: {
        frames: pool.region.frames,
        available: pool.available,
        outstanding: pool.outstanding,
        lent: pool.lent,
        peak: pool.peak,
        exhausted: pool.statistics.exhausted,
      },
      polls: polls.snapshot(),
      rates,
    };
  }
}
