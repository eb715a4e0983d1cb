import { tcp } from '@prism-net/wire';
import { type Forge, LONGEST_TEXT } from './forge.js';
import type { Target } from './target.js';

const { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } = tcp.Flag;

/** Makes the next frame to a target in `forge.forgery`; false when there is nothing to make it of. */
export type Attack = (forge: Forge, target: Target) => boolean;

/** Forged segments, by what is wrong with them. */
export const SEGMENTS = {
  /** Everything at some edge at once. */
  edges(forge, target) {
    const forgery = forge.begin(target);
    forgery.sequence = forge.sequence(target);
    forgery.acknowledgement = forge.acknowledgement(target);
    forgery.flags = forge.flags();
    if (forge.oneIn(2)) forgery.window = forge.window();
    if (forge.oneIn(8)) forgery.urgentPointer = forge.below(65_536);
    forge.addUsualOptions(target);
    const length = forge.length();
    if (forge.oneIn(3)) forgery.sequence = (forgery.sequence - length) | 0;
    forge.finish(target, length, forge.oneIn(2));
    return true;
  },

  /** Without knowing any number: what an attacker off the path can do. */
  blind(forge, target) {
    const forgery = forge.begin(target);
    forgery.sequence = forge.word();
    forgery.acknowledgement = forge.word();
    forgery.flags = forge.flags();
    forgery.window = forge.window();
    if (!forge.oneIn(4)) forge.writeTimestamps(forge.word(), forge.word());
    forge.finish(target, forge.length(), false);
    return true;
  },

  /** All kinds of options with all lengths. */
  options(forge, target) {
    const forgery = forge.begin(target);
    if (forge.oneIn(2)) forge.addTimestamps(target);
    forge.addDrawnOptions(target);
    if (forge.oneIn(4)) forgery.sequence = forge.sequence(target);
    if (forge.oneIn(4)) forgery.flags = forge.flags();
    const length = forge.length();
    if (length > 0) forgery.sequence = (target.connection.wake().receiveNext - forge.below(length + 1)) | 0;
    forge.finish(target, length, true);
    return true;
  },

  'SACK blocks'(forge, target) {
    forge.begin(target);
    forge.addTimestamps(target);
    forge.addSack(target);
    if (forge.oneIn(4)) forge.forgery.acknowledgement = forge.acknowledgement(target);
    forge.finish(target, 0, true);
    return true;
  },

  timestamps(forge, target) {
    const forgery = forge.begin(target);
    forge.addDrawnTimestamps(target);
    forgery.sequence = forge.sequence(target);
    if (forge.oneIn(3)) forgery.acknowledgement = forge.acknowledgement(target);
    const length = forge.length();
    forge.finish(target, length, true);
    return true;
  },

  /** Closed, huge, shrinking. */
  windows(forge, target) {
    const forgery = forge.begin(target);
    forge.addTimestamps(target);
    forgery.window = forge.window();
    // Far ahead, so that what the peer says seems to be older.
    if (forge.oneIn(4)) forgery.sequence = forge.sequence(target);
    forge.finish(target, 0, true);
    return true;
  },

  resets(forge, target) {
    const forgery = forge.begin(target);
    forgery.sequence = forge.sequence(target);
    forgery.acknowledgement = forge.acknowledgement(target);
    forgery.flags = RST | (forge.oneIn(2) ? ACK : 0) | (forge.oneIn(8) ? forge.below(256) : 0);
    if (forge.oneIn(3)) forge.addUsualOptions(target);
    forge.finish(target, forge.oneIn(4) ? forge.length() : 0, false);
    return true;
  },

  SYNs(forge, target) {
    const forgery = forge.begin(target);
    forgery.sequence = forge.sequence(target);
    forgery.acknowledgement = forge.acknowledgement(target);
    forgery.flags = SYN | (forge.oneIn(2) ? ACK : 0) | (forge.oneIn(4) ? ECE | CWR : 0) | (forge.oneIn(8) ? URG : 0);
    if (forge.oneIn(3)) forge.addDrawnOptions(target);
    else forge.addUsualOptions(target);
    const length = forge.oneIn(3) ? forge.length() : 0;
    if (forge.oneIn(2)) forgery.sequence = (forgery.sequence - length) | 0;
    forge.finish(target, length, forge.oneIn(2));
    return true;
  },

  FINs(forge, target) {
    const forgery = forge.begin(target);
    const length = forge.oneIn(2) ? forge.length() : 0;
    forgery.sequence = (forge.sequence(target) - (forge.oneIn(2) ? length : 0)) | 0;
    forgery.acknowledgement = forge.acknowledgement(target);
    forgery.flags = FIN | ACK | (forge.oneIn(4) ? PSH : 0);
    forge.addUsualOptions(target);
    forge.finish(target, length, forge.oneIn(2));
    return true;
  },

  /** What the peer has sent, cut anew; where it has come already or is beyond the window the bytes are others. */
  overlaps(forge, target) {
    const { connection } = target;
    const { receiveNext, reassembly } = connection.wake();
    const sent = (target.sentEnd - receiveNext) | 0;
    const forgery = forge.begin(target);
    let start = forge.pick([0, 0, -forge.below(3000), forge.below(Math.max(1, sent)), -1, 1]);
    if (reassembly.count > 0 && forge.oneIn(2)) {
      const edge = forge.oneIn(2) ? reassembly.starts : reassembly.ends;
      start = ((edge[forge.below(reassembly.count)]! - receiveNext) | 0) + forge.pick([0, -1, 1, -100, -1448]);
    }
    const most = Math.min(LONGEST_TEXT, sent - start);
    if (most <= 0) return false;
    const length = 1 + forge.below(most);
    forgery.sequence = (receiveNext + start) | 0;
    if (forge.oneIn(2)) forgery.flags |= PSH;
    forge.addTimestamps(target);
    forgery.layOut(length);
    forge.fillGarbage(0, length);
    let at = Math.max(start, 0);
    for (let range = 0; at < start + length; range++) {
      const isLast = range >= reassembly.count;
      const known = isLast ? start + length : (reassembly.starts[range]! - receiveNext) | 0;
      const stop = Math.min(known, start + length);
      if (stop > at) forge.fillGenuine(target, at - start, stop - start);
      if (isLast) break;
      at = Math.max(at, (reassembly.ends[range]! - receiveNext) | 0);
    }
    forgery.seal();
    return true;
  },

  /** One byte, every other byte (CVE-2018-5390). */
  'bytes apart'(forge, target) {
    const { connection } = target;
    const sent = (target.sentEnd - connection.wake().receiveNext) | 0;
    const forgery = forge.begin(target);
    forge.addTimestamps(target);
    forge.cursor += 2;
    if (sent > 4) {
      forgery.sequence = (connection.wake().receiveNext + 1 + (forge.cursor % (sent - 2))) | 0;
    } else {
      forgery.sequence = (connection.wake().receiveWindow.edge + 1 + (forge.cursor & 0xff_fffe)) | 0;
    }
    forge.finish(target, 1, sent > 4);
    return true;
  },

  /** A pointer to anywhere, in text that is right. */
  urgent(forge, target) {
    const { connection } = target;
    const forgery = forge.begin(target);
    const sent = (target.sentEnd - connection.wake().receiveNext) | 0;
    forgery.flags = ACK | URG | (forge.oneIn(2) ? PSH : 0);
    forgery.urgentPointer = forge.pick([0, 1, 2, 1448, 0x7fff, 0x8000, 0xffff, forge.below(65_536)]);
    forge.addTimestamps(target);
    const length = forge.oneIn(4) ? 0 : forge.below(Math.min(LONGEST_TEXT, Math.max(sent, 0)) + 1);
    if (sent <= 0) forgery.sequence = (forgery.sequence - length) | 0;
    forge.finish(target, length, true);
    return true;
  },

  /** ECE, CWR and Congestion Experienced at will. */
  'congestion bits'(forge, target) {
    const forgery = forge.begin(target);
    forgery.flags = ACK | (forge.oneIn(2) ? ECE : 0) | (forge.oneIn(2) ? CWR : 0);
    forgery.trafficClass = forge.below(256);
    forge.addTimestamps(target);
    const sent = (target.sentEnd - target.connection.wake().receiveNext) | 0;
    forge.finish(target, forge.oneIn(2) ? Math.min(LONGEST_TEXT, Math.max(0, sent)) : 0, true);
    return true;
  },

  'duplicate acknowledgements'(forge, target) {
    forge.begin(target);
    forge.addTimestamps(target);
    forge.finish(target, 0, true);
    return true;
  },

  /** A byte at a time, and more than was ever sent (RFC 3465 §2.1). */
  'divided and optimistic acknowledgements'(forge, target) {
    const { connection, other } = target;
    const { unacknowledged, next } = connection.wake().recovery;
    const arrived = (other.wake().receiveNext - unacknowledged) | 0;
    const forgery = forge.begin(target);
    if (arrived > 0 && !forge.oneIn(3)) {
      // Each a little beyond the last, as far as the peer has text.
      forge.cursor += forge.pick([1, 1, 1, 10, 536]);
      forgery.acknowledgement = (unacknowledged + 1 + (forge.cursor % arrived)) | 0;
    } else {
      forgery.acknowledgement = (next + forge.pick([1, 1, 2, 1448, 65_536, 1 << 20, 0x7fff_fff0])) | 0;
    }
    if (forge.oneIn(4)) forgery.window = forge.window();
    forge.addUsualOptions(target);
    forge.finish(target, 0, true);
    return true;
  },
} as const satisfies Record<string, Attack>;
