import type { Family } from './family.js';
import {
  ACK,
  bytes16,
  bytes32,
  CWR,
  ECE,
  FIN,
  type Forge,
  PSH,
  RST,
  SYN,
  TCP,
  timestampsOption,
  URG,
} from './forge.js';

const NOTHING = new Uint8Array(0);

/** Options with lengths that lie, values at their limits, or noise: row 19. */
export function hostileTcpOptions(forge: Forge): number[] {
  const options: number[] = [];
  const add = forge.pick<() => number[]>([
    () => [forge.pick([2, 3, 4, 5, 8, 34, 254]), forge.pick([0, 1])],
    () => [forge.pick([2, 3, 4, 5, 8, 34, 254]), forge.pick([38, 40, 41, 255])],
    () => [2, forge.pick([2, 3, 5, 8]), ...bytes16(forge.below(65_536)), 0],
    () => [2, 4, 5, 0xb4, 2, 4, 1, 0],
    () => [3, 3, forge.pick([14, 15, 32, 255]), 0],
    () => [4, forge.pick([2, 3, 6]), 0, 0],
    () => [8, forge.pick([2, 9, 11, 12]), ...bytes32(forge.word()), ...bytes32(forge.word())],
    () => timestampsOption(forge.word(), forge.word()),
    () => [5, forge.pick([2, 9, 10, 11, 18, 26, 34, 35]), ...forge.bytes(32)],
    () => [34, forge.pick([2, 3, 6, 10, 18, 19, 20]), ...forge.bytes(18)],
    () => new Array<number>(40).fill(forge.pick([0, 1])),
    () => [...forge.bytes(40)],
  ]);
  for (let left = forge.between(1, 3); left > 0; left--) options.push(...add());
  const length = forge.oneIn(3) ? 40 : forge.pick([4, 8, 12, 20, 40]);
  return options.slice(0, length);
}

/** Segments by themselves: rows 18 to 21, 39. */
export const TCP_FAMILIES: readonly Family[] = [
  {
    name: 'TCP header lengths and cuts',
    rows: [18],
    weight: 25,
    make(forge) {
      const source = forge.source();
      if (forge.oneIn(3)) {
        const whole = forge.segment(NOTHING, { source });
        return forge.ipv4(TCP, whole.subarray(0, forge.below(20)), { source });
      }
      return forge.tcp(forge.bytes(forge.length()), {
        source,
        dataOffset: forge.below(16),
        flags: forge.pick([SYN, ACK]),
      });
    },
  },
  {
    name: 'TCP checksums',
    rows: [18],
    weight: 10,
    make(forge) {
      const tcpChecksum = forge.pick([0, 0xffff, forge.below(65_536)]);
      return forge.inConversation(forge.conversation(), forge.bytes(forge.length()), { tcpChecksum });
    },
  },
  {
    name: 'options of SYNs',
    rows: [19, 20],
    weight: 30,
    make: (forge) => forge.tcp(NOTHING, { source: forge.source(), tcpOptions: hostileTcpOptions(forge) }),
  },
  {
    name: 'options in conversations',
    rows: [19],
    weight: 25,
    make: (forge) =>
      forge.inConversation(forge.conversation(), forge.bytes(forge.length()), { tcpOptions: hostileTcpOptions(forge) }),
  },
  {
    name: 'segment sizes',
    rows: [20],
    weight: 15,
    make(forge) {
      const size = forge.pick([0, 1, 7, 48, 87, 88, 536, 1461, 65_535]);
      return forge.tcp(NOTHING, {
        source: forge.source(),
        tcpOptions: [2, 4, ...bytes16(size), 1, 3, 3, forge.below(20)],
      });
    },
  },
  {
    name: 'flags',
    rows: [21],
    weight: 40,
    make(forge) {
      const flags = forge.pick([
        0,
        255,
        FIN | PSH | URG,
        SYN | FIN,
        SYN | RST,
        SYN | ACK,
        SYN | ECE | CWR,
        FIN,
        URG,
        forge.below(256),
      ]);
      const data = forge.bytes(forge.oneIn(2) ? 0 : forge.length());
      const urgentPointer = forge.pick([0, 1, data.length, data.length + 1, 65_535]);
      if (forge.oneIn(2)) return forge.tcp(data, { source: forge.source(), flags, urgentPointer });
      return forge.inConversation(forge.conversation(), data, { flags, urgentPointer });
    },
  },
  {
    name: 'SYNs with data and cookies of others',
    rows: [21, 39],
    weight: 10,
    make(forge) {
      const cookie = forge.oneIn(2) ? [34, 10, ...forge.bytes(8)] : [34, 2];
      return forge.tcp(forge.bytes(forge.between(1, 1000)), { source: forge.source(), tcpOptions: cookie });
    },
  },
  {
    name: 'TCP ports',
    rows: [18, 35],
    weight: 15,
    make(forge) {
      const sourcePort = forge.pick([0, forge.port()]);
      const destinationPort = forge.oneIn(4) ? 0 : forge.port();
      return forge.tcp(NOTHING, {
        source: forge.source(),
        sourcePort,
        destinationPort,
        flags: forge.pick([SYN, ACK, RST]),
      });
    },
  },
];

/** What is said to connections: rows 22 to 27, 30 to 32, 37. */
export const CONVERSATION_FAMILIES: readonly Family[] = [
  {
    name: 'resets',
    rows: [22],
    weight: 20,
    make(forge) {
      const conversation = forge.conversation();
      let sequence = forge.sequence(conversation);
      // The exact one wins, by the rules, and then there is nobody left to attack.
      if (sequence === conversation.sequence) sequence = (sequence + 1) | 0;
      const flags = forge.oneIn(2) ? RST : RST | ACK;
      return forge.inConversation(conversation, NOTHING, { sequence, flags });
    },
  },
  {
    name: 'SYNs to connections',
    rows: [23],
    weight: 15,
    make(forge) {
      const conversation = forge.conversation();
      const sequence = forge.sequence(conversation);
      return forge.inConversation(conversation, NOTHING, { sequence, flags: forge.pick([SYN, SYN | ACK]) });
    },
  },
  {
    name: 'acknowledgements of what was never sent',
    rows: [24, 25],
    weight: 25,
    make(forge) {
      const conversation = forge.conversation();
      const acknowledgement = forge.acknowledgement(conversation);
      const data = forge.bytes(forge.oneIn(2) ? 0 : forge.length());
      return forge.inConversation(conversation, data, { acknowledgement, sequence: forge.sequence(conversation) });
    },
  },
  {
    name: 'the same acknowledgement many times',
    rows: [24, 26],
    weight: 3,
    make(forge) {
      const conversation = forge.conversation();
      return Array.from({ length: 8 }, () => forge.inConversation(conversation, NOTHING));
    },
  },
  {
    name: 'FINs and segments out of the window',
    rows: [26, 37],
    weight: 20,
    make(forge) {
      const conversation = forge.conversation();
      let sequence = forge.sequence(conversation);
      if (sequence === conversation.sequence) sequence = (sequence + forge.between(1, 1 << 16)) | 0;
      return forge.inConversation(conversation, forge.bytes(forge.length()), {
        sequence,
        flags: forge.pick([FIN | ACK, ACK]),
      });
    },
  },
  {
    name: 'timestamps',
    rows: [27],
    weight: 20,
    make(forge) {
      const conversation = forge.conversation();
      const { value, echo } = conversation.timestamps ?? { value: forge.word(), echo: forge.word() };
      const sent = forge.pick([(value + 0x7fff_ffff) | 0, (value - 1) | 0, 0, -1, forge.word(), value]);
      const echoed = forge.pick([echo, (echo + 0x7fff_ffff) | 0, 0, forge.word()]);
      const tcpOptions = forge.oneIn(4) ? [] : timestampsOption(sent, echoed);
      // A jump ahead at the next number would be believed (RFC 7323 §4.3), and all that comes later be old.
      let sequence = forge.sequence(conversation);
      if (((sequence - conversation.sequence) | 0) <= 0)
        sequence = (conversation.sequence + forge.between(1, 1 << 16)) | 0;
      return forge.inConversation(conversation, forge.bytes(forge.length()), { sequence, tcpOptions });
    },
  },
  {
    name: 'data ahead of gaps',
    rows: [30],
    weight: 60,
    make(forge) {
      const conversation = forge.conversation();
      // Single bytes with a gap before each, or pieces that overlap in every way.
      const sequence = (conversation.sequence + 1 + 2 * forge.below(forge.oneIn(2) ? 30_000 : 500)) | 0;
      return forge.inConversation(conversation, forge.bytes(forge.oneIn(2) ? 1 : forge.between(1, 300)), { sequence });
    },
  },
  {
    name: 'selective acknowledgements',
    rows: [31],
    weight: 25,
    make(forge) {
      const conversation = forge.conversation();
      const blocks: number[] = [];
      const count = forge.between(1, 4);
      for (let i = 0; i < count; i++) {
        const left = forge.acknowledgement(conversation);
        const right = forge.pick([
          left,
          (left + 1) | 0,
          (left - 1) | 0,
          (left + forge.below(65_536)) | 0,
          forge.word(),
        ]);
        blocks.push(...bytes32(left), ...bytes32(right));
      }
      return forge.inConversation(conversation, NOTHING, { tcpOptions: [1, 1, 5, 2 + 8 * count, ...blocks] });
    },
  },
  {
    name: 'windows',
    rows: [32],
    weight: 20,
    make(forge) {
      const conversation = forge.conversation();
      const window = forge.pick([0, 0, 1, 2, 65_535, forge.below(65_536)]);
      const data = forge.bytes(forge.oneIn(4) ? forge.length() : 0);
      const sequence = forge.oneIn(4) ? forge.sequence(conversation) : conversation.sequence;
      return forge.inConversation(conversation, data, { window, sequence });
    },
  },
];
