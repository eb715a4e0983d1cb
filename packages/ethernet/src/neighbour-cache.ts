import { type Packet, PacketFlag, PacketQueue } from '@prism-net/buffers';
import { Errno, posixError, requireWholeNumber } from '@prism-net/errors';
import { createHashKey, KeyedTable, type RandomSource, SlotList } from '@prism-net/tables';
import { type Instant, type TimerHandler, type TimerWheel, TokenBucket } from '@prism-net/time';
import { DeadlineList } from './deadline-list.js';
import { type NeighbourActions, type NeighbourOptions, NeighbourState } from './neighbour.js';

/** Entries handled per call of the timer. */
const SWEEP = 64;
/** Entries looked at in search of one that may be evicted. */
const EVICTION_ATTEMPTS = 16;

/** On whose behalf an entry is made, which decides what may give way to it. */
const Cause = {
  /** This host sends something of its own accord. */
  OWN: 0,
  /** This host answers a packet that anybody may have sent. */
  PROVOKED: 1,
  /** The neighbour itself asks for us. */
  NEIGHBOUR: 2,
  CONFIGURED: 3,
} as const;
type Cause = (typeof Cause)[keyof typeof Cause];

/**
 * The neighbours of one interface: IPv4 address → MAC address, with ageing, verification and bounded queues. It does no
 * input or output itself. The states and times know nothing of ARP: for IPv6 a second instance serves, whose table has
 * four key words and whose actions send neighbour solicitations.
 *
 * Keys come from the wire, so: a hard bound, a keyed hash, and a rule who may evict whom.
 *
 * - Entries asked for only because of a packet that anybody may have sent (`PacketFlag.PROVOKED`) have a quarter of the
 *   table, a rate, and give way to everybody, the oldest first: a flood whose sources seem to be neighbours displaces its
 *   own, and no neighbour that is known. What waited for them is dropped.
 * - A neighbour that asks for us displaces one of those, or one that this host has not used.
 * - What this host sends of its own accord displaces one of those, or one not used since it was last considered.
 * - Entries that such packets wait for and permanent ones stay. Only when the former are more than half of the table, the
 *   oldest gives way to a neighbour that asks for us.
 */
export class NeighbourCache implements TimerHandler {
  readonly #actions: NeighbourActions;
  readonly #timers: TimerWheel;
  readonly #timer: number;
  readonly #table: KeyedTable;
  readonly #slots: SlotList;
  readonly #addresses: Int32Array;
  readonly #highs: Int32Array;
  readonly #lows: Int32Array;
  readonly #states: Uint8Array;
  /** This host sent something there since the entry was last considered for eviction. */
  readonly #used: Uint8Array;
  readonly #requests: Uint8Array;
  readonly #pending: PacketQueue[] = [];
  /** INCOMPLETE and PROBE; REACHABLE; FAILED. Each has one fixed delay, so each is in order of its deadlines. */
  readonly #soliciting: DeadlineList;
  readonly #reachable: DeadlineList;
  readonly #failed: DeadlineList;
  /** INCOMPLETE and FAILED ones by whose packets wait or waited, in the order they were made. */
  readonly #provoked: DeadlineList;
  readonly #wanted: DeadlineList;
  readonly #provokedShare: number;
  readonly #provokedRate: TokenBucket;
  readonly #maximumRequests: number;
  readonly #pendingPerNeighbour: number;
  readonly #pendingTotal: number;
  #pendingCount = 0;
  #timerDeadline: Instant = 0;
  #closed = false;
  /** The last look-up: most packets in a row go to the same neighbour. Address 0 is nobody's. */
  #memoAddress = 0;
  #memoSlot = -1;

  constructor(options: NeighbourOptions, timers: TimerWheel, random: RandomSource, actions: NeighbourActions) {
    const capacity = options.capacity ?? 1024;
    const retransmit = options.retransmitMilliseconds ?? 1000;
    this.#maximumRequests = options.maximumRequests ?? 3;
    this.#pendingPerNeighbour = options.pendingPerNeighbour ?? 48;
    this.#pendingTotal = options.pendingTotal ?? 256;
    const reachable = options.reachableMilliseconds ?? 60_000;
    const failed = options.failedMilliseconds ?? 3000;
    requireWholeNumber('neighbours', 'neighbours.retransmitMilliseconds', retransmit, 1000, 600_000);
    requireWholeNumber('neighbours', 'neighbours.maximumRequests', this.#maximumRequests, 1, 100);
    requireWholeNumber('neighbours', 'neighbours.pendingPerNeighbour', this.#pendingPerNeighbour, 1, 1000);
    requireWholeNumber('neighbours', 'neighbours.pendingTotal', this.#pendingTotal, 1, 1 << 20);
    requireWholeNumber('neighbours', 'neighbours.reachableMilliseconds', reachable, 1, 1_200_000); // instants compare over 35 minutes
    requireWholeNumber('neighbours', 'neighbours.failedMilliseconds', failed, 1, 1_200_000);
    const provokedPerSecond = options.provokedPerSecond ?? 256;
    requireWholeNumber('neighbours', 'neighbours.provokedPerSecond', provokedPerSecond, 1, 1_000_000);
    this.#actions = actions;
    this.#timers = timers;
    this.#table = new KeyedTable({ capacity, keyWords: 1, key: createHashKey(random) });
    this.#slots = new SlotList(capacity);
    this.#addresses = new Int32Array(capacity);
    this.#highs = new Int32Array(capacity);
    this.#lows = new Int32Array(capacity);
    this.#states = new Uint8Array(capacity);
    this.#used = new Uint8Array(capacity);
    this.#requests = new Uint8Array(capacity);
    for (let slot = 0; slot < capacity; slot++) this.#pending.push(new PacketQueue());
    const factor = 0.5 + (random.nextInt32() >>> 0) / 2 ** 32;
    this.#soliciting = new DeadlineList(capacity, retransmit * 1000);
    this.#reachable = new DeadlineList(capacity, Math.round(reachable * 1000 * factor));
    this.#failed = new DeadlineList(capacity, failed * 1000);
    this.#provoked = new DeadlineList(capacity, 0);
    this.#wanted = new DeadlineList(capacity, 0);
    this.#provokedShare = Math.max(1, capacity >> 2);
    this.#provokedRate = new TokenBucket({ ratePerSecond: provokedPerSecond, burst: this.#provokedShare, now: 0 });
    this.#timer = timers.create(this, 0);
    if (this.#timer < 0) throw posixError(Errno.ENOMEM, 'neighbours', 'the timer wheel has no timer left');
  }

  get size(): number {
    return this.#slots.size;
  }

  /** Packets that wait for an answer, all neighbours together. */
  get pendingPackets(): number {
    return this.#pendingCount;
  }

  /** The slot of a neighbour, or -1. Valid until the next call of anything but the accessors. */
  lookup(address: number): number {
    if (address === this.#memoAddress) return this.#memoSlot;
    const slot = this.#table.find(address, 0, 0, 0);
    if (slot < 0) return -1;
    this.#used[slot] = 1;
    this.#memoAddress = address;
    this.#memoSlot = slot;
    return slot;
  }

  /** True when a packet can leave at once, and nothing needs to be done about the entry. */
  isUsable(slot: number): boolean {
    return this.#states[slot]! >= NeighbourState.PROBE;
  }

  macHigh(slot: number): number {
    return this.#highs[slot]!;
  }

  macLow(slot: number): number {
    return this.#lows[slot]!;
  }

  state(slot: number): NeighbourState {
    return this.#states[slot]! as NeighbourState;
  }

  /** Takes a packet to a neighbour that is not {@link isUsable}: sends it, keeps it for the answer, or refuses it. */
  resolve(packet: Packet, address: number, now: Instant): Errno {
    if (address === 0) {
      this.#actions.refuse(packet);
      return Errno.EHOSTUNREACH;
    }
    const isProvoked = (packet.flags & PacketFlag.PROVOKED) !== 0;
    let slot = this.lookup(address);
    if (slot < 0) {
      slot = this.#closed ? -1 : this.#create(address, isProvoked ? Cause.PROVOKED : Cause.OWN, now);
      if (slot < 0) {
        this.#actions.overflow(packet);
        return Errno.ENOBUFS;
      }
      this.#used[slot] = 1;
      this.#states[slot] = NeighbourState.INCOMPLETE;
      (isProvoked ? this.#provoked : this.#wanted).append(slot, now);
      this.#startSoliciting(slot, now);
    } else if (!isProvoked && this.#provoked.has(slot)) {
      this.#provoked.remove(slot);
      this.#wanted.append(slot, now);
    }
    this.#slots.touch(slot);
    switch (this.#states[slot]) {
      case NeighbourState.INCOMPLETE:
        return this.#enqueue(slot, packet);
      case NeighbourState.FAILED:
        this.#actions.refuse(packet);
        return Errno.EHOSTUNREACH;
      case NeighbourState.STALE:
        this.#states[slot] = NeighbourState.PROBE;
        this.#startSoliciting(slot, now);
        break;
      default:
    }
    return this.#actions.transmit(packet, this.#highs[slot]!, this.#lows[slot]!);
  }

  /** A reply says where `address` is. False when no request was out: then nothing changes. */
  confirm(address: number, macHigh: number, macLow: number, now: Instant): boolean {
    const slot = this.#table.find(address, 0, 0, 0);
    if (slot < 0) return false;
    const state = this.#states[slot]!;
    if (state !== NeighbourState.INCOMPLETE && state !== NeighbourState.PROBE) return false;
    this.#highs[slot] = macHigh;
    this.#lows[slot] = macLow;
    this.#states[slot] = NeighbourState.REACHABLE;
    this.#unschedule(slot);
    this.#schedule(this.#reachable, slot, now);
    this.#slots.touch(slot);
    this.#sendPending(slot);
    return true;
  }

  /**
   * A request or an announcement says, unasked, where `address` is. An entry is made only with `create`. An address that
   * contradicts what is known replaces it only with `change`; in any case it is then verified (RFC 4861 §7.2.3).
   * Returns whether the neighbour is known now.
   */
  learn(address: number, macHigh: number, macLow: number, create: boolean, change: boolean, now: Instant): boolean {
    let slot = this.#table.find(address, 0, 0, 0);
    if (slot < 0) {
      if (!create || this.#closed) return false;
      slot = this.#create(address, Cause.NEIGHBOUR, now);
      if (slot < 0) return false;
      this.#setStale(slot, macHigh, macLow);
      return true;
    }
    switch (this.#states[slot]) {
      case NeighbourState.PERMANENT:
        return true;
      case NeighbourState.INCOMPLETE:
        // As good as the reply, which need not follow: the neighbour resolves us while we resolve it.
        return create ? this.confirm(address, macHigh, macLow, now) : true;
      case NeighbourState.FAILED:
        this.#unschedule(slot);
        this.#setStale(slot, macHigh, macLow);
        return true;
      default:
    }
    if (this.#highs[slot] === macHigh && this.#lows[slot] === macLow) return true;
    this.#soliciting.remove(slot);
    this.#reachable.remove(slot);
    if (change) this.#setStale(slot, macHigh, macLow);
    else this.#states[slot] = NeighbourState.STALE;
    return true;
  }

  /** An entry that never changes by itself. False when there is no room. */
  addPermanent(address: number, macHigh: number, macLow: number): boolean {
    if (address === 0) return false;
    let slot = this.#table.find(address, 0, 0, 0);
    if (slot < 0) slot = this.#create(address, Cause.CONFIGURED, 0);
    if (slot < 0) return false;
    this.#unschedule(slot);
    this.#highs[slot] = macHigh;
    this.#lows[slot] = macLow;
    this.#states[slot] = NeighbourState.PERMANENT;
    this.#sendPending(slot);
    return true;
  }

  /** Forgets a neighbour; packets that wait for it are unreachable. */
  remove(address: number, now: Instant): boolean {
    const slot = this.#table.find(address, 0, 0, 0);
    if (slot < 0) return false;
    this.#discard(slot, now);
    return true;
  }

  /** Forgets all neighbours. */
  close(now: Instant): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let slot = this.#slots.oldest; slot >= 0; slot = this.#slots.oldest) {
      this.#discard(slot, now);
    }
    this.#timers.destroy(this.#timer);
  }

  /** All entries, for reports. */
  list(): { address: number; macHigh: number; macLow: number; state: NeighbourState; pending: number }[] {
    const entries = [];
    for (let slot = this.#slots.oldest; slot >= 0; slot = this.#slots.next(slot)) {
      entries.push({
        address: this.#addresses[slot]!,
        macHigh: this.#highs[slot]!,
        macLow: this.#lows[slot]!,
        state: this.state(slot),
        pending: this.#pending[slot]!.length,
      });
    }
    return entries;
  }

  onTimer(_timer: number, _argument: number, now: Instant): void {
    let left = SWEEP;
    for (let slot = this.#soliciting.due(now); slot >= 0 && left > 0; slot = this.#soliciting.due(now), left--) {
      this.#requestTimedOut(slot, now);
    }
    for (let slot = this.#reachable.due(now); slot >= 0 && left > 0; slot = this.#reachable.due(now), left--) {
      this.#reachable.remove(slot);
      this.#states[slot] = NeighbourState.STALE;
    }
    for (let slot = this.#failed.due(now); slot >= 0 && left > 0; slot = this.#failed.due(now), left--) {
      this.#unschedule(slot);
      this.#free(slot);
    }
    this.#armFor(this.#soliciting, now);
    this.#armFor(this.#reachable, now);
    this.#armFor(this.#failed, now);
  }

  #requestTimedOut(slot: number, now: Instant): void {
    this.#soliciting.remove(slot);
    const sent = this.#requests[slot]!;
    if (sent < this.#maximumRequests) {
      this.#requests[slot] = sent + 1;
      this.#schedule(this.#soliciting, slot, now);
      this.#sendRequest(slot);
    } else if (this.#states[slot] === NeighbourState.PROBE) {
      // The address is not answered any more: forget it, so that the next packet asks everybody (RFC 1122 §2.3.2.1 (2)).
      this.#free(slot);
    } else {
      this.#states[slot] = NeighbourState.FAILED;
      this.#schedule(this.#failed, slot, now);
      this.#fail(slot, now);
    }
  }

  #startSoliciting(slot: number, now: Instant): void {
    this.#requests[slot] = 1;
    this.#schedule(this.#soliciting, slot, now);
    this.#sendRequest(slot);
  }

  #sendRequest(slot: number): void {
    const known = this.#states[slot] === NeighbourState.PROBE;
    this.#actions.solicit(this.#addresses[slot]!, known ? this.#highs[slot]! : -1, this.#lows[slot]!);
  }

  #setStale(slot: number, macHigh: number, macLow: number): void {
    this.#highs[slot] = macHigh;
    this.#lows[slot] = macLow;
    this.#states[slot] = NeighbourState.STALE;
  }

  #enqueue(slot: number, packet: Packet): Errno {
    const queue = this.#pending[slot]!;
    if (!this.#provoked.has(slot)) this.#makePendingRoom();
    if (queue.length >= this.#pendingPerNeighbour || (this.#pendingCount >= this.#pendingTotal && queue.length > 0)) {
      this.#actions.overflow(queue.shift()!);
      this.#pendingCount = (this.#pendingCount - 1) | 0;
    } else if (this.#pendingCount >= this.#pendingTotal) {
      this.#actions.overflow(packet);
      return Errno.ENOBUFS;
    }
    queue.push(packet);
    this.#pendingCount = (this.#pendingCount + 1) | 0;
    return Errno.NONE;
  }

  #sendPending(slot: number): void {
    const queue = this.#pending[slot]!;
    for (let packet = queue.shift(); packet !== null; packet = queue.shift()) {
      this.#pendingCount = (this.#pendingCount - 1) | 0;
      this.#actions.transmit(packet, this.#highs[slot]!, this.#lows[slot]!);
    }
  }

  #discard(slot: number, now: Instant): void {
    this.#unschedule(slot);
    this.#states[slot] = NeighbourState.FAILED; // whoever is told sends nothing more there
    this.#fail(slot, now);
    this.#free(slot);
  }

  /** Hands the waiting packets back; not more than were there, whatever is done with them. */
  #fail(slot: number, now: Instant): void {
    const queue = this.#pending[slot]!;
    for (let left = queue.length; left > 0; left--) {
      const packet = queue.shift();
      if (packet === null) return;
      this.#pendingCount = (this.#pendingCount - 1) | 0;
      this.#actions.unreachable(packet, now);
    }
  }

  /** A slot for a new address, evicting if need be; -1 when nothing may be evicted. */
  #create(address: number, cause: Cause, now: Instant): number {
    if (cause === Cause.PROVOKED) {
      if (!this.#provokedRate.take(now)) return -1;
      this.#makePendingRoom();
      if (this.#provoked.length >= this.#provokedShare) this.#evictProvoked();
    }
    let slot = this.#slots.allocate();
    if (slot < 0) {
      this.#evict(cause);
      slot = this.#slots.allocate();
      if (slot < 0) return -1;
    }
    this.#table.insert(address, 0, 0, 0, slot);
    this.#addresses[slot] = address;
    this.#used[slot] = 0;
    return slot;
  }

  #evict(cause: Cause): void {
    if (this.#provoked.length > 0) {
      this.#evictProvoked();
      return;
    }
    if (cause === Cause.NEIGHBOUR && this.#wanted.length > this.#slots.capacity >> 1) {
      this.#giveUp(this.#wanted.first);
      return;
    }
    const attempts = cause === Cause.CONFIGURED ? this.#slots.capacity : EVICTION_ATTEMPTS;
    for (let left = attempts; left > 0; left--) {
      const victim = this.#slots.oldest;
      if (this.#isEvictable(victim, cause === Cause.NEIGHBOUR)) {
        this.#unschedule(victim);
        this.#free(victim);
        return;
      }
      this.#slots.touch(victim); // look at another one next time
    }
  }

  #evictProvoked(): void {
    this.#giveUp(this.#provoked.first);
  }

  /** Packets that only answer strangers wait as long as nothing else needs their room. */
  #makePendingRoom(): void {
    while (this.#pendingCount >= this.#pendingTotal && this.#provoked.length > 0) this.#evictProvoked();
  }

  /** Forgets a neighbour that has not answered yet, or did not, and drops what waits for it. */
  #giveUp(slot: number): void {
    const queue = this.#pending[slot]!;
    for (let packet = queue.shift(); packet !== null; packet = queue.shift()) {
      this.#pendingCount = (this.#pendingCount - 1) | 0;
      this.#actions.overflow(packet);
    }
    this.#unschedule(slot);
    this.#free(slot);
  }

  #isEvictable(slot: number, byStranger: boolean): boolean {
    const state = this.#states[slot]!;
    if (state === NeighbourState.PERMANENT || state === NeighbourState.INCOMPLETE) return false;
    const inUse = this.#used[slot] !== 0 || slot === this.#memoSlot;
    if (!byStranger) this.#used[slot] = 0; // a second chance, once
    return !inUse;
  }

  #free(slot: number): void {
    const address = this.#addresses[slot]!;
    if (slot === this.#memoSlot) {
      this.#memoAddress = 0;
      this.#memoSlot = -1;
    }
    this.#table.remove(address, 0, 0, 0);
    this.#slots.free(slot);
  }

  #schedule(list: DeadlineList, slot: number, now: Instant): void {
    list.append(slot, now);
    this.#armFor(list, now);
  }

  #unschedule(slot: number): void {
    this.#soliciting.remove(slot);
    this.#reachable.remove(slot);
    this.#failed.remove(slot);
    this.#provoked.remove(slot);
    this.#wanted.remove(slot);
  }

  /** Sees to it that the timer fires when the first entry of `list` is due. */
  #armFor(list: DeadlineList, now: Instant): void {
    if (list.isEmpty) return;
    const deadline = list.firstDeadline;
    if (this.#timers.isArmed(this.#timer) && ((deadline - this.#timerDeadline) | 0) >= 0) return;
    this.#timerDeadline = deadline;
    this.#timers.arm(this.#timer, (deadline - now) | 0, now);
  }
}
