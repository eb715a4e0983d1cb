import { createHashKey, KeyedTable, type RandomSource } from '@prism-net/tables';
import type { Connection } from '../connection.js';
import { FlowKey } from '../opening/index.js';
import type { Network } from '../path/network.js';
import type { Addresses } from '../segment.js';

/** All connections but those in CLOSED, LISTEN and TIME-WAIT, by a keyed hash of their 4-tuple: O(1), and bounded. */
export class ConnectionTable {
  /** The key of the last {@link lookup}. */
  readonly key = new FlowKey();
  readonly #table: KeyedTable;
  readonly #connections: (Connection | null)[] = [];
  readonly #freeSlots: number[] = [];
  /** Segments come in bursts: the last connection is the likeliest next one. */
  readonly #lastKey = new FlowKey();
  #last: Connection | null = null;

  constructor(capacity: number, random: RandomSource) {
    this.#table = new KeyedTable({ capacity, keyWords: 4, key: createHashKey(random) });
  }

  get size(): number {
    return this.#table.size;
  }

  get isFull(): boolean {
    return this.#table.size >= this.#table.capacity;
  }

  /** The connection a segment is for, or null. */
  lookup(network: Network, addresses: Addresses): Connection | null {
    const { key } = this;
    network.keyOf(addresses, key);
    const last = this.#lastKey;
    if (this.#last !== null && key.c === last.c && key.a === last.a && key.b === last.b && key.d === last.d) {
      return this.#last;
    }
    const connection = this.find(key);
    if (connection === null) return null;
    this.#last = connection;
    last.copy(key);
    return connection;
  }

  /** By its number; null where there is none. */
  at(slot: number): Connection | null {
    return this.#connections[slot] ?? null;
  }

  find(key: FlowKey): Connection | null {
    const slot = this.#table.find(key.a, key.b, key.c, key.d);
    return slot < 0 ? null : this.#connections[slot]!;
  }

  /** Enters a connection; false when the table is full. */
  insert(connection: Connection, key: FlowKey): boolean {
    const slot = this.#freeSlots.pop() ?? this.#connections.length;
    if (!this.#table.insert(key.a, key.b, key.c, key.d, slot)) {
      this.#freeSlots.push(slot);
      return false;
    }
    this.#connections[slot] = connection;
    connection.slot = slot;
    return true;
  }

  remove(connection: Connection, key: FlowKey): void {
    if (connection.slot < 0) return;
    this.#table.remove(key.a, key.b, key.c, key.d);
    this.#connections[connection.slot] = null;
    this.#freeSlots.push(connection.slot);
    connection.slot = -1;
    if (this.#last === connection) this.#last = null;
  }

  /** How many places a search for the key looks at; for tests. */
  probeLength(key: FlowKey): number {
    return this.#table.probeLength(key.a, key.b, key.c, key.d);
  }

  /** Slots that were ever in use: {@link at} has what is there now. */
  get slots(): number {
    return this.#connections.length;
  }

  /** Allocates. */
  list(): Connection[] {
    return this.#connections.filter((each) => each !== null);
  }
}
