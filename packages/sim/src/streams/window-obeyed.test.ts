import {
  type AcknowledgementSample,
  type CongestionControl,
  type CongestionWindow,
  congestionControlNames,
  createCongestionControl,
  registerCongestionControl,
} from '@prism-net/congestion';
import type { Connection } from '@prism-net/tcp';
import { seq } from '@prism-net/wire';
import { describe, expect, it } from 'vitest';
import type { CableOptions } from '../cable.js';
import { FrameEvent } from '../frame-event.js';
import { Simulation } from '../simulation.js';
import { SegmentReader } from './segment-reader.js';
import { runTransfers, Transfer } from './transfer.js';

/** Two segments of limited transmit (RFC 3042 §2), or of F-RTO (RFC 5682 §2.1), and a tail loss probe (RFC 8985 §7.3). */
const EXCEPTIONS = 3;

/** Any congestion control, and what window it wanted last. */
class Watched implements CongestionControl {
  static latest: Watched;
  readonly name: string;
  readonly traits;
  /** Bytes that may be in flight; while PRR brings the window down (RFC 6937 §3), what could be before. */
  allowed = 0;
  reductions = 0;
  readonly #inner: CongestionControl;
  #isRepairing = false;

  constructor(name: string) {
    this.#inner = createCongestionControl(name);
    this.name = `watched-${name}`;
    this.traits = this.#inner.traits;
    Watched.latest = this;
  }

  start(window: CongestionWindow, now: number): void {
    this.#inner.start(window, now);
    this.allowed = window.window;
  }
  onSent(window: CongestionWindow, bytes: number, inFlight: number, now: number): void {
    this.#inner.onSent(window, bytes, inFlight, now);
    this.#note(window);
  }
  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: number): void {
    this.#inner.onAcknowledgement(window, sample, now);
    this.#note(window);
  }
  onCongestion(window: CongestionWindow, flightSize: number, cause: 0 | 1, now: number): void {
    this.reductions++;
    this.#isRepairing = !this.traits.rulesRecovery;
    this.#inner.onCongestion(window, flightSize, cause, now);
    this.#note(window);
  }
  onRecovered(window: CongestionWindow, now: number): void {
    this.#inner.onRecovered(window, now);
    this.#isRepairing = false;
    this.#note(window);
  }
  onTimeout(window: CongestionWindow, flightSize: number, now: number): void {
    this.#inner.onTimeout(window, flightSize, now);
    this.#isRepairing = false;
    this.#note(window);
  }
  onUndo(window: CongestionWindow, now: number): void {
    this.#inner.onUndo(window, now);
    this.#isRepairing = false;
    this.#note(window);
  }
  onIdle(window: CongestionWindow, idle: number, timeout: number, now: number): void {
    this.#inner.onIdle(window, idle, timeout, now);
    this.#note(window);
  }
  describe(): Readonly<Record<string, number>> {
    return this.#inner.describe();
  }

  #note(window: CongestionWindow): void {
    if (!this.#isRepairing) this.allowed = window.window;
  }
}

const ALGORITHMS = congestionControlNames();
for (const name of ALGORITHMS) registerCongestionControl(`watched-${name}`, () => new Watched(name));

const CABLE: CableOptions = { delayMicroseconds: 20_000, rateBitsPerSecond: 20e6, queueLimit: 60 };

interface Result {
  /** Segments by which what was on its way exceeded the window, when more was sent; at most. */
  readonly excess: number;
  readonly segments: number;
  readonly reductions: number;
  /** Most bytes on their way, of what was allowed then. */
  readonly use: number;
}

/**
 * What the client has on its way, counted on the wire: every copy it sent, until the copy is lost, or until an acknowledgement
 * that reached the client covers it. The sender itself cannot know of less: a loss it finds later.
 */
function run(algorithm: string, cable: CableOptions, meddle: (connection: Connection) => void = () => {}): Result {
  const simulation = new Simulation({ seed: 11 });
  const client = simulation.host('client', { address: '10.0.0.1/24', frames: 4096 });
  const server = simulation.host('server', { address: '10.0.0.2/24', frames: 4096, receiveQueue: 1024 });
  const line = simulation.connect(client, server, cable);
  simulation.introduceNeighbours();
  const reader = new SegmentReader();
  let copies: { start: number; end: number }[] = [];
  let segments = 0;
  let excess = Number.NEGATIVE_INFINITY;
  let use = 0;
  simulation.watch((event, on, packet) => {
    if (!reader.read(packet)) return;
    if (on === line.backward) {
      if (event !== FrameEvent.ARRIVED) return;
      const { acknowledgement, options } = reader;
      copies = copies.filter(({ start, end }) => {
        if (seq.isLessOrEqual(end, acknowledgement)) return false;
        for (let i = 0; i < options.sackCount; i++) {
          const covers = seq.isLessOrEqual(options.sackStart[i]!, start) && seq.isLessOrEqual(end, options.sackEnd[i]!);
          if (covers) return false;
        }
        return true;
      });
      return;
    }
    const start = reader.sequence;
    const end = (start + reader.length) | 0;
    if (start === end) return;
    if (event === FrameEvent.LOST || event === FrameEvent.QUEUE_FULL || event === FrameEvent.NOT_RECEIVED) {
      const index = copies.findIndex((copy) => copy.start === start && copy.end === end);
      if (index >= 0) copies.splice(index, 1);
    }
    if (event !== FrameEvent.SENT) return;
    segments++;
    copies.push({ start, end });
    const flight = copies.reduce((sum, copy) => sum + ((copy.end - copy.start) | 0), 0);
    const { allowed } = Watched.latest;
    excess = Math.max(excess, (flight - allowed) / 1448);
    if (allowed > 20_000) use = Math.max(use, flight / allowed);
  });
  const transfer = new Transfer(simulation, {
    client,
    server,
    address: '10.0.0.2',
    fromClient: { bytes: 6_000_000, zeroCopy: true },
    options: { congestionControl: `watched-${algorithm}`, ecn: 'active', receiveBuffer: 1_000_000 },
  });
  simulation.runUntil(() => transfer.client !== null);
  const { connection } = transfer.client!;
  const { algorithm: control } = connection.wake().recovery.control as unknown as { algorithm: Watched };
  simulation.at(simulation.time, () => meddle(connection));
  // The server's end has one as well; the one that counts sends.
  simulation.runUntil(() => transfer.server !== null);
  Watched.latest = control;
  runTransfers(simulation, [transfer]);
  return { excess, segments, reductions: control.reductions, use };
}

const PATHS: readonly (readonly [string, CableOptions])[] = [
  ['a queue that overflows', CABLE],
  ['losses by chance', { ...CABLE, forward: { loss: 0.005 }, backward: { loss: 0.005 } }],
  ['a queue that marks', { ...CABLE, markAt: 20 }],
];

describe.each(ALGORITHMS)('the window of %s', (algorithm) => {
  it.each(PATHS)('is never exceeded by what is on its way: %s', (_, cable) => {
    const { excess, segments, use } = run(algorithm, cable);
    expect(segments).toBeGreaterThan(4000);
    expect(excess).toBeLessThanOrEqual(EXCEPTIONS);
    // A sender that does not fill its window would obey any.
    expect(use).toBeGreaterThan(0.9);
  });
});

describe('a sender that does not listen is found out', () => {
  it('that sends whatever the peer takes', () => {
    const { excess } = run('cubic', CABLE, (connection) => {
      connection.wake().recovery.allowance = () => 1 << 24;
    });
    expect(excess).toBeGreaterThan(EXCEPTIONS);
  });

  it('that has the window of the best of times', () => {
    const { excess, reductions } = run(
      'newreno',
      { ...CABLE, queueLimit: 1000, forward: { loss: 0.002 } },
      (connection) => {
        const { recovery } = connection.wake();
        let most = 0;
        recovery.allowance = () => {
          most = Math.max(most, recovery.window.window);
          return Math.max(most - recovery.inFlight, 0);
        };
      },
    );
    expect(reductions).toBeGreaterThan(0);
    expect(excess).toBeGreaterThan(EXCEPTIONS);
  });
});
