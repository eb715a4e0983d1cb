import { State } from '@prism-net/tcp';
import { FrameEvent } from '../frame-event.js';
import { SegmentReader } from '../streams/segment-reader.js';
import { FLOODS } from './floods.js';
import { Forge } from './forge.js';
import type { Tap } from './interceptor.js';
import { Effect } from './judge.js';
import type { MangledNetwork } from './mangled-network.js';
import type { ManglingPlan } from './mangling-plan.js';
import { MUTATIONS } from './mutations.js';
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

const KINDS: readonly string[] = [...Object.keys(SEGMENTS), ...Object.keys(FLOODS), ...Object.keys(MUTATIONS)];
/** Attempts at a frame that may be put in. */
const ATTEMPTS = 6;
/** The shortest frame on a wire, less its checksum. */
const SHORTEST = 60;

/** Puts forged frames in, salvo by salvo, and looks at what they do. */
export class Attack {
  readonly tallies = new Map<string, AttackTally>(KINDS.map((kind) => [kind, new AttackTally()]));
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
    const { simulation, interceptor } = network;
    const lines = new Set(simulation.cables.map(({ forward }) => forward));
    simulation.watch((event, line, packet) => {
      if (event !== FrameEvent.SENT || this.#asking === null || !lines.has(line)) return;
      // Text is not an answer: it waits for its turn, and just had it.
      if (this.#reader.read(packet) && this.#reader.length > 0) return;
      this.#asking.answers++;
      this.#asking.answerBytes += Math.max(SHORTEST, packet.totalLength);
    });
    interceptor.forget();
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
    const { interceptor, targets } = this.#network;
    const tap = forge.pick(interceptor.taps);
    const aims = targets.filter(({ host, isAlive }) => host === tap.host && (isAlive || forge.oneIn(8)));
    if (aims.length === 0 || tap.isHolding) return this.#idleSalvo(tap);
    const isExact = (this.#plan.isBlind || forge.oneIn(2)) && tap.host.ports[0]!.nextReceive() !== 0;
    if (this.#plan.isBlind && !isExact) return;
    const kind = forge.oneIn(4) ? null : forge.pick(KINDS);
    const count = Math.min(1 + forge.below(this.#plan.salvo), this.#plan.segments - this.frames);
    const target = forge.pick(aims);
    if (isExact) this.#prepare(tap, this.#tallyOf(kind ?? 'edges'));
    for (let i = 0; i < count; i++) this.#shoot(tap, target, kind ?? forge.pick(KINDS), isExact);
    if (isExact) this.#network.simulation.after(1 + this.#delayOf(tap), () => this.#examine(tap));
    else this.#network.simulation.after(1 + this.#delayOf(tap), () => this.#checkRecovery(tap));
  }
}
