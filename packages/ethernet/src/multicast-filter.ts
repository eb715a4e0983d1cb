import { createHashKey, KeyedTable, type RandomSource, SlotList } from '@prism-net/tables';

/** The multicast MAC addresses an interface accepts, each with the number of its users. */
export class MulticastFilter {
  readonly #table: KeyedTable;
  readonly #slots: SlotList;
  readonly #users: Int32Array;

  constructor(capacity: number, random: RandomSource) {
    this.#table = new KeyedTable({ capacity, keyWords: 2, key: createHashKey(random) });
    this.#slots = new SlotList(capacity);
    this.#users = new Int32Array(capacity);
  }

  accepts(macHigh: number, macLow: number): boolean {
    return this.#table.find(macHigh, macLow, 0, 0) >= 0;
  }

  /** False when it is full. */
  add(macHigh: number, macLow: number): boolean {
    let slot = this.#table.find(macHigh, macLow, 0, 0);
    if (slot < 0) {
      slot = this.#slots.allocate();
      if (slot < 0) return false;
      this.#table.insert(macHigh, macLow, 0, 0, slot);
      this.#users[slot] = 0;
    }
    this.#users[slot] = this.#users[slot]! + 1;
    return true;
  }

  remove(macHigh: number, macLow: number): void {
    const slot = this.#table.find(macHigh, macLow, 0, 0);
    if (slot < 0) return;
    this.#users[slot] = this.#users[slot]! - 1;
    if (this.#users[slot]! > 0) return;
    this.#table.remove(macHigh, macLow, 0, 0);
    this.#slots.free(slot);
  }
}
