import { Errno } from '@prism-net/errors';
import { createHashKey, KeyedTable, type RandomSource, SlotList } from '@prism-net/tables';

/** Any source, in place of an address. */
const ANY = 0;

/** The multicast groups this host is a member of, per interface and, for source-specific members (RFC 4607), per source. */
export class MulticastGroups {
  readonly #table: KeyedTable;
  readonly #slots: SlotList;
  readonly #members: Int32Array;
  /** Memberships that name a source: while there are none, one look-up per packet is enough. */
  #sourceSpecific = 0;

  constructor(limit: number, random: RandomSource) {
    this.#table = new KeyedTable({ capacity: limit, keyWords: 3, key: createHashKey(random) });
    this.#slots = new SlotList(limit);
    this.#members = new Int32Array(limit);
  }

  /** Whether packets from `source` to `group` are wanted on an interface. */
  accepts(group: number, interfaceIndex: number, source: number): boolean {
    if (this.#table.find(group, interfaceIndex, ANY, 0) >= 0) return true;
    return this.#sourceSpecific > 0 && this.#table.find(group, interfaceIndex, source, 0) >= 0;
  }

  has(group: number, interfaceIndex: number, source: number): boolean {
    return this.#table.find(group, interfaceIndex, source, 0) >= 0;
  }

  /** One more member; ENOBUFS when there are too many memberships. */
  join(group: number, interfaceIndex: number, source: number): Errno {
    let slot = this.#table.find(group, interfaceIndex, source, 0);
    if (slot < 0) {
      slot = this.#slots.allocate();
      if (slot < 0) return Errno.ENOBUFS;
      this.#table.insert(group, interfaceIndex, source, 0, slot);
      this.#members[slot] = 0;
      if (source !== ANY) this.#sourceSpecific++;
    }
    this.#members[slot] = this.#members[slot]! + 1;
    return Errno.NONE;
  }

  /** One member less; EADDRNOTAVAIL when there was none. */
  leave(group: number, interfaceIndex: number, source: number): Errno {
    const slot = this.#table.find(group, interfaceIndex, source, 0);
    if (slot < 0) return Errno.EADDRNOTAVAIL;
    this.#members[slot] = this.#members[slot]! - 1;
    if (this.#members[slot]! > 0) return Errno.NONE;
    this.#table.remove(group, interfaceIndex, source, 0);
    this.#slots.free(slot);
    if (source !== ANY) this.#sourceSpecific--;
    return Errno.NONE;
  }
}
