import { invalidArgument } from '@prism-net/errors';
import type { Instant, TimerHandler } from '@prism-net/time';
import type { Connection } from '../connection.js';
import { ControlBlock } from '../control-block.js';
import type { TcpLayer } from '../layer/tcp-layer.js';
import { GuardedControl } from '../recovery/guarded-control.js';
import { isParkable } from './idleness.js';
import { ParkedRows } from './parked-rows.js';
import type { RareState } from './rare-state.js';
import type { StateCursor, StateLayout } from './state-cursor.js';
import { StateReader } from './state-reader.js';
import { StateWriter } from './state-writer.js';

/** Spare blocks kept for the next connections. */
const LARGEST_POOL = 256;
/** Blocks looked at in one go, and the pause until the next while the round is not complete. */
const LOOKS = 512;
const PAUSE_MICROSECONDS = 2000;
/** `Connection.slot` of a connection that is over and that its user has let go. */
export const OVER = -2;

/**
 * Where control blocks come from, and where they go. A connection has one from when it is opened until it has ended and its
 * user has closed it; then the block serves the next. An established connection that has nothing to do for a while gives
 * its block back as well (it is *parked*): what must not be forgotten lies in a row of integers until something happens.
 *
 * ```
 *   spare ──► in use ──► let go ──► spare (at the end of a poll, when no list of the layer refers to it)
 *     ▲         │  ▲
 *     └─ park ──┘  └── wake: a segment, a timer, a call of the user
 * ```
 */
export class ControlBlocks implements TimerHandler {
  readonly #layer: TcpLayer;
  readonly #spare: ControlBlock[] = [];
  readonly #letGo: ControlBlock[] = [];
  /** Of connections in the table. */
  readonly #used: ControlBlock[] = [];
  readonly #writer = new StateWriter();
  readonly #reader = new StateReader();
  /** The words of a new block. */
  readonly #newWords: Int32Array;
  readonly #newRares: RareState;
  readonly #layout: StateLayout;
  readonly #rows: ParkedRows;
  #hand = 0;
  /** Blocks the hand has passed in this round. */
  #passed = 0;
  #timer = -1;
  #isArmed = false;

  /** @throws PosixError EINVAL when the state of the layer's congestion control does not fit; what that throws */
  constructor(layer: TcpLayer) {
    this.#layer = layer;
    const block = new ControlBlock(layer.open(null));
    layer.controls.surface();
    const writer = this.#writer;
    writer.begin();
    block.exchange(writer);
    if (!writer.isWhole) throw refusal(block, 'has more state than fits');
    this.#layout = writer.layout;
    this.#newWords = writer.words.slice(0, writer.count);
    this.#newRares = writer.rares.slice(writer.rareWords, writer.rareDoubles);
    this.#rows = new ParkedRows(writer.count);
    block.clear();
    this.#spare.push(block);
  }

  /** Connections without a block. */
  get parked(): number {
    return this.#rows.size;
  }

  /** Blocks of connections in the table. */
  get used(): number {
    return this.#used.length;
  }

  get spare(): number {
    return this.#spare.length;
  }

  /** Bytes that parked connections take here. */
  get parkedBytes(): number {
    return this.#rows.bytes;
  }

  /** A block for a connection that has none: new, or as it was when the connection was parked. */
  give(connection: Connection): ControlBlock {
    const block = this.#spare.pop();
    if (block === undefined) {
      connection.block = new ControlBlock(connection);
      if (connection.slot >= 0) this.#restore(connection, connection.block);
    } else {
      block.connection = connection;
      connection.block = block;
      if (connection.slot >= 0) this.#restore(connection, block);
      else this.#renew(block);
    }
    if (connection.slot === OVER) {
      // Whatever is asked of a connection that is over is answered by one that never was.
      connection.block.isOrphan = true;
      this.letGo(connection.block);
    }
    return connection.block;
  }

  /** The connection is in the table. */
  enlist(block: ControlBlock): void {
    if (block.place >= 0) return;
    block.place = this.#used.length;
    this.#used.push(block);
    if (!this.#isArmed && this.#used.length > this.#layer.settings.warmConnections) this.#arm(this.#parkAfter);
  }

  /** The connection has left the table. */
  delist(block: ControlBlock): void {
    const { place } = block;
    if (place < 0) return;
    const last = this.#used.pop()!;
    if (last !== block) {
      this.#used[place] = last;
      last.place = place;
    }
    block.place = -1;
  }

  /** The connection has ended and its user has closed it: the block is given back when nothing refers to it any more. */
  letGo(block: ControlBlock): void {
    if (block.isLetGo) return;
    block.isLetGo = true;
    this.#letGo.push(block);
  }

  /** To be called where no function further up holds a block, and no list of the layer that may hold one is being worked on. */
  recycle(): void {
    const list = this.#letGo;
    // Setting a length is a call into the runtime, also when it does not change.
    if (list.length === 0) return;
    let kept = 0;
    for (let i = 0; i < list.length; i = (i + 1) | 0) {
      const block = list[i]!;
      if (block.isPending) {
        list[kept] = block;
        kept = (kept + 1) | 0;
        continue;
      }
      const { connection } = block;
      connection.block = null;
      connection.slot = OVER;
      this.#keep(block);
    }
    list.length = kept;
  }

  /** Parks the connection, if it is idle. Where {@link recycle} may be called. */
  park(block: ControlBlock): boolean {
    if (!isParkable(block)) return false;
    const { connection } = block;
    const { slot } = connection;
    const writer = this.#writer;
    if (!this.#save(block)) return false;
    this.#rows.add(slot, writer.words);
    if (!writer.rares.beginsAs(this.#newRares)) {
      this.#rows.setRares(slot, writer.rares.slice(writer.rareWords, writer.rareDoubles));
    }
    block.timers.park();
    // Gaps that were filled are still in its list.
    this.#layer.shortage.delete(block);
    this.delist(block);
    connection.block = null;
    this.#keep(block);
    return true;
  }

  /** Parks all that are idle, however long. Where {@link recycle} may be called. */
  parkAll(): void {
    for (let i = this.#used.length - 1; i >= 0; i--) this.park(this.#used[i]!);
  }

  /** Moves the hand on, and parks what is idle there. */
  onTimer(_timer: number, _argument: number, now: Instant): void {
    const layer = this.#layer;
    const used = this.#used;
    const { warmConnections } = layer.settings;
    const idle = this.#parkAfter / 1000;
    this.#isArmed = false;
    // Within a burst the lists being worked on may refer to a block whose flags no longer say so.
    if (layer.isBetweenBursts) {
      for (let looks = LOOKS; looks > 0 && used.length > warmConnections; looks = (looks - 1) | 0) {
        if (this.#hand >= used.length) this.#hand = 0;
        const block = used[this.#hand]!;
        const isOld = ((layer.milliseconds - block.lastReceivedAt) | 0) >= idle;
        if (!isOld || !this.park(block)) this.#hand = (this.#hand + 1) | 0;
        this.#passed = (this.#passed + 1) | 0;
      }
    }
    if (used.length <= warmConnections) return;
    if (this.#passed < used.length) {
      this.#arm(PAUSE_MICROSECONDS, now);
      return;
    }
    this.#passed = 0;
    this.#arm(Math.max(this.#parkAfter >> 2, PAUSE_MICROSECONDS), now);
  }

  close(): void {
    if (this.#timer >= 0) this.#layer.wheel.destroy(this.#timer);
    this.#timer = -1;
    this.#isArmed = false;
  }

  get #parkAfter(): number {
    return this.#layer.settings.parkAfterMilliseconds * 1000;
  }

  #arm(microseconds: number, now = this.#layer.now): void {
    const { wheel } = this.#layer;
    if (this.#timer < 0) this.#timer = wheel.create(this, 0);
    wheel.arm(this.#timer, microseconds, now);
    this.#isArmed = true;
  }

  /** Gives a used block the state of a new one. */
  #renew(block: ControlBlock): void {
    const reader = this.#reader;
    reader.begin(this.#newWords, 0, this.#newRares);
    this.#read(block);
  }

  /** To the words of the writer. False: the algorithm of a user did it wrong, so that the connection keeps its block. */
  #save(block: ControlBlock): boolean {
    const writer = this.#writer;
    writer.begin();
    try {
      block.exchange(writer);
      this.#check(block, writer);
      return true;
    } catch (thrown) {
      this.#giveUpControl(block, thrown);
      return false;
    }
  }

  /** From where the reader begins. All is read but what the algorithm of a user reads wrongly. */
  #read(block: ControlBlock): void {
    const reader = this.#reader;
    try {
      block.exchange(reader);
      this.#check(block, reader);
    } catch (thrown) {
      this.#giveUpControl(block, thrown);
    }
  }

  #check(block: ControlBlock, cursor: StateCursor): void {
    if (block.recovery.control.exchange === undefined || cursor.hasDone(this.#layout)) return;
    throw refusal(block, 'has not always as many fields of each kind');
  }

  #giveUpControl(block: ControlBlock, thrown: unknown): void {
    const { control, window } = block.recovery;
    if (!(control instanceof GuardedControl)) throw thrown;
    control.giveUp(thrown, window, this.#layer.now);
  }

  #restore(connection: Connection, block: ControlBlock): void {
    const { slot } = connection;
    const rows = this.#rows;
    const reader = this.#reader;
    reader.begin(rows.chunk(slot), rows.start(slot), rows.rares(slot) ?? this.#newRares);
    this.#read(block);
    rows.delete(slot);
    const network = connection.network!;
    const path = block.pathOn(network);
    connection.copyTo(path);
    network.keyOf(path, block.key);
    // Where there is no way now, output finds out.
    network.resolve(path);
    block.path = path;
    this.enlist(block);
  }

  #keep(block: ControlBlock): void {
    block.clear();
    if (this.#spare.length < LARGEST_POOL) this.#spare.push(block);
  }
}

function refusal(block: ControlBlock, why: string): Error {
  return invalidArgument('exchange', `congestion control '${block.recovery.control.name}' ${why}`);
}
