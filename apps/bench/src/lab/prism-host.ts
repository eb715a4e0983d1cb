import type { Link } from '@prism-net/link';
import { openLink } from '@prism-net/links';
import { createStack, type Stack, type StackOptions } from '@prism-net/stack';
import { type Clock, createMonotonicClock, type Instant } from '@prism-net/time';
import { type NativeCalls, nativeCalls } from './native-calls.js';
import type { PeerChannel } from './peer-channel.js';
import type { PeerJob } from './peer-job.js';

/** What an application does in each round of the loop besides what its sockets call back for. */
export interface Application {
  round(now: Instant): void;
}

/** Rounds go on for so long before the event loop gets a turn, once the connection stands: a turn costs microseconds. */
const TURN_MICROSECONDS = 20_000;
/** Between two readings of the clock, less one; a power of two. */
const IDLE_ROUNDS_MASK = 7;

/** A stack on a real link, in a process that owns its core: it polls without ever sleeping. */
export class PrismHost {
  readonly stack: Stack;
  readonly link: Link;
  readonly clock: Clock;
  /** 0: the event loop gets a turn after every round, as what is friendly (promises) needs. */
  turnMicroseconds = 0;

  private constructor(link: Link, clock: Clock, stack: Stack) {
    this.link = link;
    this.clock = clock;
    this.stack = stack;
  }

  static async open(job: PeerJob, options: Pick<StackOptions, 'tcp' | 'receiveBudget'> = {}): Promise<PrismHost> {
    const link = await openLink(job.link!, job.frames === undefined ? {} : { frames: job.frames });
    const clock = createMonotonicClock();
    const address = `${job.address}/24`;
    const stack = createStack({ link, clock, address, mode: 'manual', loopback: false, ...options });
    return new PrismHost(link, clock, stack);
  }

  get conditions(): Readonly<Record<string, string | number>> {
    const { mode, mtu, segmentation, transmitChecksum } = this.link.capabilities;
    return {
      mode,
      linkMtu: mtu,
      superSegments: segmentation,
      checksumOffload: transmitChecksum ? 'yes' : 'no',
      pages: this.stack.memory.placement.hugePages ? 'huge' : 'ordinary',
    };
  }

  get nativeCalls(): NativeCalls {
    return nativeCalls(this.link);
  }

  /** From now on the event loop gets its turn seldom: promises settle late. */
  settle(): void {
    this.turnMicroseconds = TURN_MICROSECONDS;
  }

  /** Polls until the channel says stop. */
  async run(channel: PeerChannel, application: Application = IDLE): Promise<void> {
    while (!channel.isStopped) {
      this.#rounds(application);
      await new Promise<void>((resolve) => setImmediate(resolve));
    }
  }

  /** Closes everything; an error when a frame is unaccounted for. */
  close(): void {
    this.stack.close();
    const { unexplained } = this.stack.accounts.snapshot();
    if (unexplained !== 0) throw new Error(`${unexplained} frames unexplained`);
  }

  /** The clock is read after rounds with work, and now and then: an answer should not wait for its reading. */
  #rounds(application: Application): void {
    const { clock, stack, turnMicroseconds } = this;
    const start = clock.now();
    let now = start;
    let fruitless = 0;
    do {
      fruitless = stack.poll(now) === 0 ? (fruitless + 1) | 0 : 0;
      application.round(now);
      if ((fruitless & IDLE_ROUNDS_MASK) === 0) now = clock.now();
    } while (((now - start) | 0) < turnMicroseconds);
  }
}

const IDLE: Application = { round() {} };
