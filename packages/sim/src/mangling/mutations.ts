import { ipv4, tcp } from '@prism-net/wire';
import type { Corpus } from './corpus.js';
import type { Forge } from './forge.js';
import { At } from './forgery.js';
import type { Target } from './target.js';

/** Makes the next frame of those that went by; false while there are none. */
export type Mutation = (forge: Forge, target: Target, corpus: Corpus) => boolean;

/** Fields of 16 bits that lengths, numbers and bits are read from: of the IPv4 header and of TCP's. */
const FIELDS = [
  ...[0, 2, 4, 6, 8].map((at) => At.NETWORK + at),
  ...[0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26].map((at) => At.TRANSPORT + at),
] as const;
const EXTREMES = [0, 1, 4, 5, 19, 20, 0x4500, 0x4f00, 0x5000, 0x5010, 0xf010, 0x7fff, 0x8000, 0xfffe, 0xffff] as const;

/** Frames that went by, once more or changed. */
export const MUTATIONS = {
  /** As they were: old ones, and the latest. */
  replays(forge, _target, corpus) {
    return copy(forge, corpus);
  },

  /** The headers of one with the text of another. */
  splices(forge, _target, corpus) {
    if (!copy(forge, corpus)) return false;
    const { forgery } = forge;
    const other = corpus.draw(forge.random);
    if (other === null) return false;
    const cut = At.NETWORK + forge.below(Math.max(1, Math.min(forgery.length, corpus.length) - At.NETWORK));
    forgery.bytes.set(other.subarray(cut, corpus.length), cut);
    forgery.length = corpus.length;
    if (!forge.oneIn(4)) forgery.repair(forge.oneIn(2));
    return true;
  },

  /** A few bits are others; the checksum tells, or does not. */
  'bit flips'(forge, _target, corpus) {
    if (!copy(forge, corpus)) return false;
    const { forgery } = forge;
    for (let left = 1 + forge.below(4); left > 0; left--) {
      // Most of them in the headers.
      const limit = forge.oneIn(4) ? forgery.length : Math.min(forgery.length, At.OPTIONS + 12);
      forgery.bytes[forge.below(limit)]! ^= 1 << forge.below(8);
    }
    if (forge.oneIn(2)) forgery.repair(true);
    return true;
  },

  /** Header fields at their limits, one or several. */
  'header fields'(forge, _target, corpus) {
    if (!copy(forge, corpus)) return false;
    const { forgery } = forge;
    for (let left = 1 + forge.below(3); left > 0; left--) {
      const at = forge.pick(FIELDS);
      if (at + 2 > forgery.length) continue;
      forgery.view.setUint16(at, forge.oneIn(3) ? forge.below(65_536) : forge.pick(EXTREMES));
    }
    if (!forge.oneIn(4)) forgery.repair(true);
    return true;
  },

  /** Cut short, or with bytes behind, with lengths that follow or do not. */
  cuts(forge, _target, corpus) {
    if (!copy(forge, corpus)) return false;
    const { forgery } = forge;
    if (forge.oneIn(3)) {
      const more = 1 + forge.below(100);
      forgery.bytes.fill(forge.below(256), forgery.length, forgery.length + more);
      forgery.length += more;
    } else {
      forgery.length = forge.below(forgery.length + 1);
    }
    if (!forge.oneIn(3)) forgery.repair(forge.oneIn(2));
    return true;
  },

  /** The length of the header says something else. */
  'data offsets'(forge, _target, corpus) {
    if (!copy(forge, corpus)) return false;
    const { forgery } = forge;
    const at = At.TRANSPORT + 12;
    forgery.bytes[at] = (forge.below(16) << 4) | (forgery.bytes[at]! & 15);
    forgery.repair(true);
    return true;
  },

  /** Another connection's segment: only the ports, or the addresses too, are this one's. */
  'other connections'(forge, target, corpus) {
    if (!copy(forge, corpus)) return false;
    const { forgery } = forge;
    const { view } = forgery;
    view.setUint16(At.TRANSPORT, target.peerPort);
    view.setUint16(At.TRANSPORT + 2, target.port);
    if (forge.oneIn(4)) tcp.setSequence(view, At.TRANSPORT, forge.sequence(target));
    if (forge.oneIn(4)) tcp.setAcknowledgement(view, At.TRANSPORT, forge.acknowledgement(target));
    if (forge.oneIn(8)) ipv4.setTimeToLive(view, At.NETWORK, forge.below(3));
    forgery.repair(true);
    return true;
  },
} as const satisfies Record<string, Mutation>;

function copy(forge: Forge, corpus: Corpus): boolean {
  const frame = corpus.draw(forge.random);
  if (frame === null) return false;
  forge.forgery.copy(frame, corpus.length);
  return true;
}
