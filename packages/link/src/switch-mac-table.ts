import { type HashKey, KeyedTable, SlotList } from '@prism-net/tables';
import { elapsed, type Instant } from '@prism-net/time';
import { SwitchEvent, type SwitchStatistics } from './switch-statistics.js';

/** Which port an address was last seen at: bounded, the one seen longest ago gives way, aged ones are forgotten when looked for. */
export class MacTable {
  readonly #table: KeyedTable;
  /** In order of last sight. */
  readonly #slots: SlotList;
  readonly #high: Uint16Array;
  readonly #low: Int32Array;
  readonly #port: Uint16Array;
  readonly #seen: Int32Array;
  readonly #ageMicroseconds: number;

  constructor(capacity: number, ageMicroseconds: number, key: HashKey) {
    this.#table = new KeyedTable({ capacity, keyWords: 2, key });
    this.#slots = new SlotList(capacity);
    this.#high = new Uint16Array(capacity);
    this.#low = new Int32Array(capacity);
    this.#port = new Uint16Array(capacity);
    this.#seen = new Int32Array(capacity);
    this.#ageMicroseconds = ageMicroseconds;
  }

  get size(): number {
    return this.#slots.size;
  }

  learn(high: number, low: number, port: number, now: Instant, statistics: SwitchStatistics): void {
    let slot = this.#table.find(high, low, 0, 0);
    if (slot >= 0) {
      if (this.#port[slot] !== port) {
        this.#port[slot] = port;
        statistics.count(SwitchEvent.MOVED);
      }
    } else {
      slot = this.#slots.allocate();
      if (slot < 0) {
        this.#forget(this.#slots.oldest);
        statistics.count(SwitchEvent.EVICTED);
        slot = this.#slots.allocate();
      }
      this.#high[slot] = high;
      this.#low[slot] = low;
      this.#port[slot] = port;
      this.#table.insert(high, low, 0, 0, slot);
      statistics.count(SwitchEvent.LEARNED);
    }
    this.#seen[slot] = now;
    this.#slots.touch(slot);
  }

  /** The port, or -1 when the address is not known (any more). */
  find(high: number, low: number, now: Instant): number {
    this.expire(now);
    const slot = this.#table.find(high, low, 0, 0);
    if (slot < 0) return -1;
    if (!this.#isAged(slot, now)) return this.#port[slot]!;
    this.#forget(slot);
    return -1;
  }

  /** Forgets up to two aged addresses, oldest first: bounded work, and no instant gets too old to compare while there is traffic. */
  expire(now: Instant): void {
    for (let i = 0; i < 2; i = (i + 1) | 0) {
      const oldest = this.#slots.oldest;
      if (oldest < 0 || !this.#isAged(oldest, now)) return;
      this.#forget(oldest);
    }
  }

  #isAged(slot: number, now: Instant): boolean {
    const age = elapsed(now, this.#seen[slot]!);
    // Negative: more than half an hour without any traffic.
    return age >= this.#ageMicroseconds || age < 0;
  }

  #forget(slot: number): void {
    this.#table.remove(this.#high[slot]!, this.#low[slot]!, 0, 0);
    this.#slots.free(slot);
  }
}
