import type { Family } from './family.js';
import { ACK, CWR, ECE, FIN, type Forge, PSH, RST, SYN, timestampsOption } from './forge.js';

const NOTHING = new Uint8Array(0);
const USUAL = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7] as const;

/** Anybody at all: every source is another. */
function anybody(forge: Forge): number {
  return (forge.between(1, 223) << 24) | forge.below(1 << 24) | 0;
}

/** Too much of what is right by itself: rows 29, 35. */
export const FLOOD_FAMILIES: readonly Family[] = [
  {
    name: 'SYN flood',
    rows: [29],
    weight: 120,
    make(forge) {
      const source = forge.oneIn(4) ? forge.stranger() : anybody(forge);
      const flags = forge.oneIn(8) ? SYN | ECE | CWR : SYN;
      return forge.tcp(NOTHING, { source, flags, tcpOptions: forge.oneIn(2) ? USUAL : [] });
    },
  },
  {
    name: 'SYNs again and again',
    rows: [29],
    weight: 2,
    make(forge) {
      const same = { source: forge.stranger(), sourcePort: forge.port(), sequence: forge.word(), tcpOptions: USUAL };
      return Array.from({ length: 8 }, () => forge.tcp(NOTHING, same));
    },
  },
  {
    name: 'forged cookies',
    rows: [29],
    weight: 40,
    make(forge) {
      const source = forge.oneIn(4) ? forge.stranger() : anybody(forge);
      const flags = forge.pick([ACK, ACK, ACK | PSH, FIN | ACK, RST, RST | ACK, SYN | ACK]);
      return forge.tcp(forge.bytes(forge.oneIn(4) ? forge.length() : 0), {
        source,
        flags,
        acknowledgement: forge.word(),
        tcpOptions: forge.oneIn(2) ? timestampsOption(forge.word(), forge.word()) : [],
      });
    },
  },
  {
    name: 'neighbouring keys of tables',
    rows: [35],
    weight: 30,
    make(forge) {
      // What a table without a key would put into one place: addresses and ports a power of two apart.
      const source = 0xc612_0000 | (forge.below(256) << 8) | 0;
      const sourcePort = 1 + (forge.below(16) << 12);
      if (forge.oneIn(2)) return forge.tcp(NOTHING, { source, sourcePort });
      return forge.udp(forge.bytes(8), { source, sourcePort });
    },
  },
];
