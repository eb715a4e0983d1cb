import { icmpv4, ipv4, parseIpv4Address, tcp } from '@prism-net/wire';
import type { Forge } from './forge.js';
import { At } from './forgery.js';
import type { Attack } from './segments.js';
import type { Target } from './target.js';

const { ACK, CWR, ECE, FIN, PSH, RST, SYN } = tcp.Flag;
const { Type } = icmpv4;
/** Nobody's: TEST-NET-3 (RFC 5737). */
const ELSEWHERE = parseIpv4Address('203.0.113.0');
/** Sources from which no segment can come: any, broadcast, a group, loopback. */
const IMPOSSIBLE = ['0.0.0.0', '255.255.255.255', '224.0.0.1', '127.0.0.1', '10.0.0.255'].map(parseIpv4Address);
const ERRORS = [
  Type.DESTINATION_UNREACHABLE,
  Type.DESTINATION_UNREACHABLE,
  Type.DESTINATION_UNREACHABLE,
  Type.TIME_EXCEEDED,
  Type.PARAMETER_PROBLEM,
  Type.SOURCE_QUENCH,
  Type.REDIRECT,
  Type.ECHO_REQUEST,
] as const;
const MTUS = [0, 1, 67, 68, 296, 552, 576, 1000, 1280, 1400, 1499, 1500, 1501, 9000, 65_535] as const;
const FRAGMENTATION_NEEDED = icmpv4.Code.FRAGMENTATION_NEEDED;
const CODES = [FRAGMENTATION_NEEDED, FRAGMENTATION_NEEDED, 0, 1, 2, 3, 5, 13] as const;

/** Frames from addresses that do not exist, and about connections rather than in them. */
export const FLOODS = {
  /** SYNs from everywhere to a port that listens, or to one that does not. */
  'SYN flood'(forge, target) {
    stranger(forge, target);
    const { forgery } = forge;
    forgery.flags = SYN | (forge.oneIn(8) ? ECE | CWR : 0);
    forgery.sequence = forge.word();
    forgery.window = forge.window();
    if (forge.oneIn(2)) forge.addDrawnOptions(target);
    forge.finish(target, forge.oneIn(8) ? forge.length() : 0, false);
    return true;
  },

  /** Acknowledgements, as if of a cookie; resets and FINs. */
  'ACK flood'(forge, target) {
    stranger(forge, target);
    const { forgery } = forge;
    forgery.flags = forge.pick([ACK, ACK, ACK | PSH, RST, RST | ACK, FIN | ACK, SYN | ACK, 0, FIN, forge.below(256)]);
    forgery.sequence = forge.word();
    forgery.acknowledgement = forge.word();
    if (forge.oneIn(2)) forge.writeTimestamps(forge.word(), forge.word());
    forge.finish(target, forge.oneIn(2) ? forge.length() : 0, false);
    return true;
  },

  /** From addresses that nobody can have, the host's own among them, to addresses that are not the host's. */
  'impossible addresses'(forge, target) {
    const forgery = forge.begin(target);
    forgery.source = forge.oneIn(2) ? target.address : forge.pick(IMPOSSIBLE);
    if (forge.oneIn(4)) forgery.sourcePort = forgery.destinationPort;
    if (forge.oneIn(8)) forgery.destination = forge.pick(IMPOSSIBLE);
    if (forge.oneIn(16)) forgery.sourcePort = 0;
    if (forge.oneIn(16)) forgery.destinationPort = 0;
    forgery.flags = forge.pick([SYN, ACK, RST, SYN | ACK]);
    forge.addUsualOptions(target);
    forge.finish(target, 0, true);
    return true;
  },

  /** ICMP messages that quote what the host has sent, or might have, or never did (RFC 5927). */
  ICMP(forge, target) {
    const { connection } = target;
    const { unacknowledged, next } = connection.wake().recovery;
    // What is quoted went the other way.
    const forgery = forge.begin(target);
    const outstanding = Math.max(1, (next - unacknowledged) | 0);
    forgery.source = target.address;
    forgery.destination = target.peerAddress;
    forgery.sourcePort = target.port;
    forgery.destinationPort = forge.oneIn(8) ? forge.below(65_536) : target.peerPort;
    forgery.sequence = forge.pick([
      unacknowledged,
      (unacknowledged + forge.below(outstanding)) | 0,
      next,
      (unacknowledged - 1) | 0,
      forge.word(),
    ]);
    forgery.layOut(0);
    forgery.seal();
    const quote = forgery.bytes.slice(0, forgery.length);
    forgery.source = forge.oneIn(2) ? target.peerAddress : ELSEWHERE + 1 + forge.below(200);
    forgery.destination = target.address;
    const code = forge.oneIn(4) ? forge.below(256) : forge.pick(CODES);
    const quoted = forge.oneIn(4) ? forge.below(quote.length - At.NETWORK + 1) : 28;
    const type = forge.oneIn(16) ? forge.below(256) : forge.pick(ERRORS);
    forgery.writeIcmp(type, code, forge.oneIn(8) ? forge.word() : forge.pick(MTUS), quote, At.NETWORK, quoted);
    if (forge.oneIn(8)) forgery.bytes[At.TRANSPORT + forge.below(forgery.length - At.TRANSPORT)]! ^= 1;
    return true;
  },
} as const satisfies Record<string, Attack>;

/** Somebody else: from far away, or from this network, where nobody answers. */
function stranger(forge: Forge, target: Target): void {
  const forgery = forge.begin(target);
  const base = forge.oneIn(8) ? (target.address & ~0xff) | 100 : ELSEWHERE | forge.below(200);
  forgery.source = base + forge.below(50);
  forgery.sourcePort = 1 + forge.below(65_535);
  if (forge.oneIn(16)) forgery.destinationPort = 1 + forge.below(65_535);
  if (forge.oneIn(32)) ipv4.setTimeToLive(forgery.view, At.NETWORK, 1);
}
