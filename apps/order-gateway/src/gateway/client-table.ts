import { createHashKey, KeyedTable, type RandomSource } from '@prism-net/tables';

/** The gateway's clients by address and port: a small number for each, which travels with its orders through the book. */
export class ClientTable {
  readonly addresses: Int32Array;
  readonly ports: Int32Array;
  /** Number of the last reply sent to each client. */
  readonly sequences: Int32Array;
  readonly #table: KeyedTable;

  constructor(capacity: number, random: RandomSource) {
    this.addresses = new Int32Array(capacity);
    this.ports = new Int32Array(capacity);
    this.sequences = new Int32Array(capacity);
    this.#table = new KeyedTable({ capacity, keyWords: 2, key: createHashKey(random) });
  }

  get size(): number {
    return this.#table.size;
  }

  /** The client's number, a new one for a new client; -1 when the table is full. */
  numberOf(address: number, port: number): number {
    const known = this.#table.find(address, port, 0, 0);
    if (known >= 0) return known;
    const number = this.#table.size;
    if (!this.#table.insert(address, port, 0, 0, number)) return -1;
    this.addresses[number] = address;
    this.ports[number] = port;
    return number;
  }

  nextSequence(client: number): number {
    return (this.sequences[client] = (this.sequences[client]! + 1) | 0);
  }
}
