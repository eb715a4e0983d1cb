export { halfSipHash } from './half-sip-hash.js';
export { type HashKey, hash1, hash2, hash3, hash4, hashWords } from './hash.js';
export { KeyedTable, type KeyedTableOptions } from './keyed-table.js';
export { CryptoRandom, createHashKey, nextBelow, type RandomSource, SeededRandom } from './random.js';
export { sipHash24 } from './sip-hash.js';
export { SlotList } from './slot-list.js';
