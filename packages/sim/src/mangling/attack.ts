import { State } from '@prism-net/tcp';
import { FrameEvent } from '../frame-event.js';
import { SegmentReader } from '../streams/segment-reader.js';
import { FLOODS } from './floods.js';
import { Forge } from './forge.js';
import type { Tap } from './interceptor.js';
import { Effect } from './judge.js';
import type { MangledNetwork } from './mangled-network.js';
import type { ManglingPlan } from './mangling-plan.js';
import { MUTATIONS, type Mutation } from './mutations.js';
import { type Attack as Maker, SEGMENTS } from './segments.js';
import { ConnectionSnapshot, type Target } from './target.js';

/** What was put in of one kind, and, as far as it could have no effect, what the hosts said to it at once. */
export class AttackTally {
  /** Frames put in. */
  frames = 0;
  /** Of them, such as can have no effect … */
  idle = 0;
  /** … and such as would have broken the connection, which were not put in. */
  withheld = 0;
  /** Of salvos of frames without effect: their frames and bytes, and those of the answers. */
  asked = 0;
  askedBytes = 0;
  answers = 0;
  answerBytes = 0;
}

const ATTACKS = { ...SEGMENTS, ...FLOODS };
const KINDS: readonly string[] = [...Object.keys(ATTACKS), ...Object.keys(MUTATIONS)];
/** A salvo of all kinds. */
const MIXED = 'mixed';
/** Frames a host takes in before it answers any. */
const BURST = 32;
/** Attempts at a frame that may be put in. */
const ATTEMPTS = 6;
/** The shortest frame on a wire, less its checksum. */
const SHORTEST = 60;

/** Puts forged frames in, salvo by salvo, and looks at what they do. */
export class Attack {
  readonly tallies = new Map<string, AttackTally>([...KINDS, MIXED].map((kind) => [kind, new AttackTally()]));
  /** Frames put in. */
  frames = 0;
  bytes = 0;
  readonly #network: MangledNetwork;
  readonly #plan: ManglingPlan;
  readonly #forge: Forge;
  readonly #snapshots: { readonly target: Target; readonly snapshot: ConnectionSnapshot }[] = [];
  readonly #reader = new SegmentReader();
  /** Answers are counted for this kind, while they come at once. */
  #asking: AttackTally | null = null;

  constructor(network: MangledNetwork, plan: ManglingPlan) {
    this.#network = network;
    this.#plan = plan;
    this.#forge = new Forge(plan.seed ^ 0x5bd1_e995);
    const { simulation } = network;
    const lines = new Set(simulation.cables.map(({ forward }) => forward));
    simulation.watch((event, line, packet) => {
      if (event !== FrameEvent.SENT || this.#asking === null || !lines.has(line)) return;
      // Text is not an answer: it waits for its turn, and just had it.
      if (this.#reader.read(packet) && this.#reader.length > 0) return;
      this.#asking.answers++;
      this.#asking.answerBytes += Math.max(SHORTEST, packet.totalLength);
    });
  }

  get isOver(): boolean {
    return this.frames >= this.#plan.segments;
  }

  /** Begins; from then on it goes on by itself. */
  start(): void {
    const { simulation } = this.#network;
    simulation.after(1 + this.#forge.below(2 * this.#plan.gapMicroseconds), () => {
      this.#network.follow();
      this.#salvo();
      if (!this.isOver) this.start();
    });
  }

  #salvo(): void {
    const forge = this.#forge;
    const { simulation, interceptor } = this.#network;
    const tap = forge.pick(interceptor.taps);
    if (interceptor.taps.some(({ isHolding }) => isHolding)) return;
    const isEmpty = tap.host.ports[0]!.nextReceive() !== 0 && tap.line!.inFlight === 0;
    const isExact = isEmpty && (this.#plan.isBlind || forge.oneIn(2));
    if (this.#plan.isBlind && !isExact) return;
    const target = this.#aim(tap);
    const kind = forge.oneIn(4) ? MIXED : forge.pick(KINDS);
    if (isExact) this.#prepare(tap, kind);
    const most = isExact ? Math.min(this.#plan.salvo, BURST) : this.#plan.salvo;
    const count = Math.min(1 + forge.below(most), this.#plan.segments - this.frames);
    for (let i = 0; i < count; i++) this.#shoot(tap, target, kind === MIXED ? forge.pick(KINDS) : kind, isExact);
    // By then the host has had its turn.
    const { interruptDelayMicroseconds = 0 } =
      tap.host === this.#network.client ? this.#plan.client : this.#plan.server;
    simulation.after(1 + interruptDelayMicroseconds, () => {
      if (isExact) this.#examine(tap);
      this.#checkRecovery(tap);
    });
  }

  /** Most often a connection that lives. */
  #aim(tap: Tap): Target {
    const all = this.#network.targets.filter(({ host }) => host === tap.host);
    const alive = all.filter(({ isAlive }) => isAlive);
    return this.#forge.pick(alive.length === 0 || this.#forge.oneIn(16) ? all : alive);
  }

  #shoot(tap: Tap, target: Target, kind: string, isExact: boolean): void {
    const { judge, interceptor } = this.#network;
    const { forgery } = this.#forge;
    const tally = this.tallies.get(kind)!;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (!this.#make(kind, target, tap)) return;
      const effect = judge.judge(forgery.bytes, forgery.view, forgery.length, tap.host, isExact);
      if (effect === Effect.DECISIVE) tally.withheld++;
      if (effect === Effect.DECISIVE || (isExact && effect !== Effect.NONE)) continue;
      interceptor.inject(tap, forgery, effect === Effect.NONE);
      this.frames++;
      this.bytes += Math.max(SHORTEST, forgery.length);
      tally.frames++;
      if (effect === Effect.NONE) tally.idle++;
      if (this.#asking !== null) {
        this.#asking.asked++;
        this.#asking.askedBytes += Math.max(SHORTEST, forgery.length);
      }
      return;
    }
  }

  #make(kind: string, target: Target, tap: Tap): boolean {
    const mutation = (MUTATIONS as Record<string, Mutation>)[kind];
    if (mutation !== undefined) return mutation(this.#forge, target, tap.corpus);
    return (ATTACKS as Record<string, Maker>)[kind]!(this.#forge, target);
  }

  /** From here on nothing else arrives at the host, and nothing of what arrives may change a connection. */
  #prepare(tap: Tap, kind: string): void {
    tap.isHolding = true;
    this.#asking = this.tallies.get(kind)!;
    this.#snapshots.length = 0;
    for (const target of this.#network.targets) {
      if (target.host !== tap.host || target.connection.state < State.ESTABLISHED) continue;
      const snapshot = new ConnectionSnapshot();
      snapshot.take(target.connection);
      this.#snapshots.push({ target, snapshot });
    }
  }

  #examine(tap: Tap): void {
    const { simulation } = this.#network;
    this.#asking = null;
    for (const { target, snapshot } of this.#snapshots) {
      const change = snapshot.difference(target.connection);
      if (change === '') continue;
      const name = `${target.host.name}, ${target.port} ← ${target.peerPort}`;
      simulation.fail(simulation.error(`${name}: segments that can have no effect had one: ${change}`));
    }
    tap.letGo();
  }

  /** What is out, SACKed, lost … must add up. */
  #checkRecovery(tap: Tap): void {
    const { simulation, targets } = this.#network;
    for (const { host, connection, port } of targets) {
      if (host !== tap.host || connection.state < State.ESTABLISHED) continue;
      const problem = connection.wake().recovery.check();
      if (problem !== null) simulation.fail(simulation.error(`${host.name}, ${port}: ${problem}`));
    }
  }
}
