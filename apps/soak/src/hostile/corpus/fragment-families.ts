import { ipv4 } from '@prism-net/wire';
import type { Family } from './family.js';
import { type Forge, ICMP, type Ipv4Fields, TCP, UDP } from './forge.js';

const MORE = ipv4.MORE_FRAGMENTS;

/** A piece of a datagram: bytes `from` … `to - 1`, at an offset in units of 8 bytes, by itself that of the bytes. */
interface Piece {
  readonly from: number;
  readonly to: number;
  readonly more?: boolean;
  readonly offset?: number;
}

/** A datagram that would be delivered, cut up; fields are the same in all pieces. */
class Cut {
  readonly #forge: Forge;
  readonly #protocol: number;
  readonly #payload: Uint8Array;
  readonly #fields: Ipv4Fields;
  readonly length: number;

  constructor(forge: Forge, length: number, source: number = forge.source()) {
    this.#forge = forge;
    this.#fields = { source, identification: forge.below(65_536) };
    const data = forge.bytes(Math.max(0, length - 8));
    switch (forge.below(4)) {
      case 0:
        this.#protocol = ICMP;
        this.#payload = forge.icmpMessage(8, 0, forge.word(), data);
        break;
      case 1:
        this.#protocol = TCP;
        this.#payload = forge.segment(data, this.#fields);
        break;
      default:
        this.#protocol = UDP;
        this.#payload = forge.datagram(data, this.#fields);
    }
    this.length = this.#payload.length;
  }

  piece({ from, to, more = to < this.length, offset = from >> 3 }: Piece): Uint8Array {
    const flagsAndOffset = (more ? MORE : 0) | (offset & 0x1fff);
    return this.#forge.ipv4(this.#protocol, this.#payload.subarray(from, to), { ...this.#fields, flagsAndOffset });
  }

  /** All of it, in pieces of `size` bytes. */
  pieces(size: number): Uint8Array[] {
    const pieces: Uint8Array[] = [];
    for (let from = 0; from < this.length; from += size) {
      pieces.push(this.piece({ from, to: Math.min(this.length, from + size) }));
    }
    return pieces;
  }
}

function shuffled<T>(forge: Forge, items: readonly T[]): T[] {
  const result = [...items];
  for (let i = result.length - 1; i > 0; i--) {
    const other = forge.below(i + 1);
    [result[i], result[other]] = [result[other]!, result[i]!];
  }
  return result;
}

/** Rows 10 and 11. */
export const FRAGMENT_FAMILIES: readonly Family[] = [
  {
    name: 'fragments that overlap',
    rows: [10],
    weight: 12,
    make(forge) {
      const cut = new Cut(forge, forge.between(200, 2800));
      const whole = cut.pieces(8 * forge.between(8, 64));
      // A piece that begins or ends inside of others, with the same bytes or with others.
      const from = 8 * forge.below((cut.length >> 3) - 2);
      const to = Math.min(cut.length, from + 8 * forge.between(1, 32));
      const overlap = cut.piece({ from, to, more: forge.oneIn(2) });
      if (forge.oneIn(2)) overlap[overlap.length - 1]! ^= 0xff;
      return shuffled(forge, [...whole, overlap]);
    },
  },
  {
    name: 'teardrop, bonk and their kin',
    rows: [10],
    weight: 12,
    make(forge) {
      const cut = new Cut(forge, 400);
      const first = cut.piece({ from: 0, to: 40, more: true });
      const second = forge.pick<() => Uint8Array>([
        () => cut.piece({ from: 24, to: 28, more: false }), // teardrop: ends inside the first
        () => cut.piece({ from: 8, to: 32, more: false }),
        () => cut.piece({ from: 40, to: 68, more: false, offset: 0x1fff }), // bonk
        () => cut.piece({ from: 40, to: 68, more: true, offset: 4 }), // boink
        () => cut.piece({ from: 0, to: 40, more: false, offset: 0 }), // syndrop: two that are first
        () => cut.piece({ from: 40, to: 64, more: false, offset: 4 }),
      ])();
      return forge.oneIn(2) ? [first, second] : [second, first];
    },
  },
  {
    name: 'ping of death',
    rows: [10],
    weight: 12,
    make(forge) {
      // The last piece reaches beyond 65,535 bytes; sometimes with all the rest in front.
      const cut = new Cut(forge, 1480);
      const offset = forge.between(0x1f00, 0x1fff);
      const to = Math.min(cut.length, forge.between(8, 1400) & ~7);
      const last = cut.piece({ from: 0, to, more: forge.oneIn(2), offset });
      if (!forge.oneIn(50)) return forge.oneIn(2) ? [cut.piece({ from: 0, to: 512, more: true }), last] : last;
      const train: Uint8Array[] = [];
      for (let at = 0; at < 0x1fff; at += 180) train.push(cut.piece({ from: 0, to: 1440, more: true, offset: at }));
      return [...train, last];
    },
  },
  {
    name: 'tiny and empty fragments',
    rows: [10],
    weight: 12,
    make(forge) {
      const cut = new Cut(forge, forge.between(64, 600));
      switch (forge.below(4)) {
        case 0: // the first holds less than a header of the transport
          return [cut.piece({ from: 0, to: 8, more: true }), cut.piece({ from: 8, to: cut.length })];
        case 1:
          return cut.piece({ from: 0, to: 0, more: true, offset: forge.below(100) });
        case 2:
          return [cut.piece({ from: 0, to: forge.below(20), more: true }), cut.piece({ from: 8, to: 8, more: false })];
        default: // one byte of the transport's header in each
          return cut.pieces(8);
      }
    },
  },
  {
    name: 'fragments not of eight bytes',
    rows: [10],
    weight: 8,
    make(forge) {
      const cut = new Cut(forge, 600);
      const to = 8 * forge.between(1, 50) + forge.between(1, 7);
      return [cut.piece({ from: 0, to, more: true }), cut.piece({ from: (to + 7) & ~7, to: cut.length })];
    },
  },
  {
    name: 'last fragments that differ, and the last one first',
    rows: [10],
    weight: 10,
    make(forge) {
      const cut = new Cut(forge, forge.between(300, 1400));
      const half = (cut.length >> 4) << 3;
      const first = cut.piece({ from: 0, to: half });
      const last = cut.piece({ from: half, to: cut.length });
      const shorter = cut.piece({ from: half, to: half + 8 * forge.between(1, 4), more: false });
      const beyond = cut.piece({ from: 0, to: 64, more: forge.oneIn(2), offset: (cut.length >> 3) + 1 });
      return forge.pick([
        [last, first],
        [last, shorter, first],
        [shorter, last, first],
        [last, beyond, first],
      ]);
    },
  },
  {
    name: 'fragments again and again',
    rows: [10],
    weight: 8,
    make(forge) {
      const cut = new Cut(forge, forge.between(100, 1400));
      const pieces = cut.pieces(8 * forge.between(4, 32));
      return shuffled(forge, [...pieces, ...pieces.slice(0, forge.between(1, pieces.length))]);
    },
  },
  {
    name: 'fragments without the rest',
    rows: [11, 35],
    weight: 60,
    make(forge) {
      const cut = new Cut(forge, forge.between(64, 1400));
      const from = forge.oneIn(3) ? 0 : 8 * forge.below(cut.length >> 3);
      const to = Math.min(cut.length, from + 8 * forge.between(1, 60));
      return cut.piece({ from, to, more: true, ...(forge.oneIn(4) ? { offset: forge.below(0x1fff) } : {}) });
    },
  },
  {
    name: 'trains of fragments of eight bytes',
    rows: [11],
    weight: 0.2,
    make(forge) {
      const cut = new Cut(forge, 8 * forge.between(64, 512), forge.target.peerAddress);
      // Every other one, or all but one: none is ever whole.
      const pieces = cut.pieces(8);
      return shuffled(forge, forge.oneIn(2) ? pieces.filter((_, i) => i % 2 === 0) : pieces.slice(1));
    },
  },
  {
    name: 'the same identification from one source',
    rows: [11],
    weight: 10,
    make(forge) {
      const source = forge.target.peerAddress;
      const pieces: Uint8Array[] = [];
      for (let i = 0; i < 3; i++) {
        const cut = new Cut(forge, forge.between(100, 600), source);
        const bytes = cut.piece({ from: 0, to: 8 * forge.between(1, cut.length >> 3), more: forge.oneIn(2) });
        new DataView(bytes.buffer).setUint16(18, forge.below(4));
        pieces.push(resealed(bytes));
      }
      return pieces;
    },
  },
  {
    name: 'fragments in any order, nothing else wrong',
    rows: [10],
    weight: 8,
    make(forge) {
      const cut = new Cut(forge, forge.between(40, 3000), forge.target.peerAddress);
      return shuffled(forge, cut.pieces(8 * forge.between(32, 180)));
    },
  },
];

/** With the checksum of the IPv4 header right again. */
function resealed(frame: Uint8Array): Uint8Array {
  ipv4.updateChecksum(new DataView(frame.buffer, frame.byteOffset), 14);
  return frame;
}
