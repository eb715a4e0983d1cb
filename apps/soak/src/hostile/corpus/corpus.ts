import { SeededRandom } from '@prism-net/tables';
import { ethernet } from '@prism-net/wire';
import { ETHERNET_FAMILIES } from './ethernet-families.js';
import type { Family } from './family.js';
import { FLOOD_FAMILIES } from './flood-families.js';
import { Forge } from './forge.js';
import { FRAGMENT_FAMILIES } from './fragment-families.js';
import { ICMP_UDP_FAMILIES } from './icmp-udp-families.js';
import { IPV4_FAMILIES } from './ipv4-families.js';
import { MUTATION_FAMILIES, mutated } from './mutation-families.js';
import type { Target } from './target.js';
import { CONVERSATION_FAMILIES, TCP_FAMILIES } from './tcp-families.js';

export const FAMILIES: readonly Family[] = [
  ...ETHERNET_FAMILIES,
  ...IPV4_FAMILIES,
  ...FRAGMENT_FAMILIES,
  ...ICMP_UDP_FAMILIES,
  ...TCP_FAMILIES,
  ...CONVERSATION_FAMILIES,
  ...FLOOD_FAMILIES,
  ...MUTATION_FAMILIES,
];

export interface Corpus {
  readonly frames: number;
  readonly bytes: number;
  /** Frames of each family. */
  readonly families: ReadonlyMap<string, number>;
  /** Frames that would have taken the peer's address away from it: ARP believes whoever speaks last. */
  readonly withheld: number;
}

/** Makes `frames` hostile frames from a seed, the same ones each time. A frame belongs to `sink` from then on. */
export function makeCorpus(target: Target, seed: number, frames: number, sink: (frame: Uint8Array) => void): Corpus {
  const forge = new Forge(target, new SeededRandom(seed));
  const total = FAMILIES.reduce((sum, { weight }) => sum + weight, 0);
  const families = new Map(FAMILIES.map(({ name }) => [name, 0]));
  let made = 0;
  let bytes = 0;
  let withheld = 0;
  while (made < frames) {
    const family = draw(forge.random.nextUnit() * total);
    const result = family.make(forge);
    for (let frame of result instanceof Uint8Array ? [result] : result) {
      // Some of what is wrong on purpose gets something else wrong as well.
      if (forge.oneIn(16)) frame = mutated(forge, frame);
      if (takesAddress(frame, target)) {
        withheld++;
        continue;
      }
      if (made === frames) break;
      made++;
      bytes += frame.length;
      families.set(family.name, families.get(family.name)! + 1);
      sink(frame);
    }
  }
  return { frames: made, bytes, families, withheld };
}

function draw(at: number): Family {
  let left = at;
  for (const family of FAMILIES) {
    left -= family.weight;
    if (left < 0) return family;
  }
  return FAMILIES.at(-1)!;
}

/** An ARP packet that says that the peer's address is somebody else's. The tests of ARP show what is done about those. */
function takesAddress(frame: Uint8Array, target: Target): boolean {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.length);
  let at = 12;
  while (at + 30 <= frame.length && view.getUint16(at) === ethernet.EtherType.VLAN) at += 4;
  if (at + 30 > frame.length || view.getUint16(at) !== ethernet.EtherType.ARP) return false;
  const { high, low } = target.peerMacAddress;
  const sender = at + 2 + 8;
  if (view.getInt32(sender + 6) !== target.peerAddress) return false;
  return view.getUint16(sender) !== high || view.getInt32(sender + 2) !== low;
}
