import { randomInt } from 'node:crypto';
import { missingForLab } from '@prism-net/netlab';
import { parseIpv4Address, parseMacAddress } from '@prism-net/wire';
import { CABLE_MTU, ECHO_PORT, KERNEL, MTU, PREFIX_LENGTH, PRISM } from './addresses.js';
import { type AttackReport, attack } from './attack.js';
import { writeCorpusFile } from './corpus/corpus-file.js';
import type { Target } from './corpus/target.js';
import { HOSTILE_LINKS, type HostileLink } from './hostile-link.js';
import { findFaults } from './verdict.js';

/** What a run needs besides root. */
export const HOSTILE_COMMANDS = ['tcpreplay', 'tshark', 'tcpdump', 'ethtool', 'ping'] as const;
/** Frames a second that a stack keeps up with beside the sender, on two busy cores. */
const RATE = 20_000;

export interface HostileOptions {
  /** One of HOSTILE_LINKS, or 'all'. */
  readonly link: string;
  readonly frames: number;
  readonly seconds: number;
  /** Undefined: another one each time. */
  readonly seed: number | undefined;
  /** Where to write the corpus, instead of playing it. */
  readonly output: string | undefined;
}

/** Plays a hostile corpus against a stack on each link; returns how many did not stand it. */
export async function soakHostile(options: HostileOptions): Promise<number> {
  const { frames, output, seconds, seed = randomInt(2 ** 31) } = options;
  if (output !== undefined) {
    const corpus = writeCorpusFile(output, exampleTarget(), seed, frames);
    console.log(
      `${output}: ${corpus.frames} frames, ${corpus.bytes} bytes, ${corpus.families.size} families, seed ${seed}`,
    );
    return 0;
  }
  const links = HOSTILE_LINKS.filter((link) => options.link === link || options.link === 'all');
  const missing = missingForLab(...HOSTILE_COMMANDS);
  if (missing !== null) {
    console.error(`soak: hostile ${missing}. Debian's packages are tcpreplay, tshark, tcpdump, ethtool, iputils-ping`);
    return 1;
  }
  let failures = 0;
  for (const link of links) if (!(await attackLink(link, seed, frames, seconds))) failures++;
  return failures;
}

async function attackLink(link: HostileLink, seed: number, frames: number, seconds: number): Promise<boolean> {
  console.log(`hostile on ${link}: ${frames} frames of seed ${seed}`);
  try {
    const report = await attack({ link, seed, frames, seconds, rate: RATE });
    const faults = findFaults(report);
    for (const line of describe(report)) console.log(`  ${line}`);
    for (const fault of faults) console.log(`  FAILED: ${fault}`);
    return faults.length === 0;
  } catch (error) {
    console.log(`  FAILED: ${(error as Error).message}`);
    return false;
  }
}

function describe(report: AttackReport): string[] {
  const { after, before, client, closed, corpus, full, malformed, paced, sent } = report;
  const rate = (frames: number, seconds: number) => `${Math.round(frames / seconds / 1000)} k/s`;
  const mebibytes = (bytes: number) => (bytes / 2 ** 20).toFixed(1);
  const { receive } = closed;
  const dropped = Object.values(receive.dropped).reduce((sum, count) => sum + count, 0);
  return [
    `${report.mode}; ${corpus.families.size} families, ${report.conversations} open conversations, ${corpus.withheld} ARP lies about the peer withheld`,
    `tcpreplay sent ${paced.sent} at ${rate(paced.sent, paced.seconds)} and ${full.sent} at ${rate(full.sent, full.seconds)}; ${paced.refused + full.refused} no cable takes`,
    `received ${receive.received} = delivered ${receive.delivered} + handled ${receive.handled} + dropped ${dropped}, ${Object.keys(receive.dropped).length} reasons; ${receive.unexplained} unexplained`,
    `answered ${sent.answers.bytes} bytes in ${sent.answers.frames} frames to ${closed.link.receivedBytes - sent.toClient.bytes}; tshark finds ${malformed.length} of ${sent.answers.frames + sent.toClient.frames} frames malformed`,
    `meanwhile the kernel's client: ${client.datagrams.echoed} of ${client.datagrams.sent} datagrams, ${client.stream.bytes} bytes on one connection, ${client.connections.opened} connections, ${client.connections.failed} failed`,
    `afterwards: ping ${report.ping}, UDP ${report.check.udp}, TCP ${report.check.tcp}; packets not given back ${closed.outstanding}; memory ${mebibytes(before.memory.resident)} MiB, at most ${mebibytes(after.memory.peak)}`,
  ];
}

/** For a corpus in a file: the lab's addresses, and conversations that only look alive. */
export function exampleTarget(): Target {
  return {
    macAddress: parseMacAddress(PRISM.macAddress),
    address: parseIpv4Address(PRISM.address),
    peerMacAddress: parseMacAddress(KERNEL.macAddress),
    peerAddress: parseIpv4Address(KERNEL.address),
    prefixLength: PREFIX_LENGTH,
    mtu: MTU,
    cableMtu: CABLE_MTU,
    udpPort: ECHO_PORT,
    tcpPort: ECHO_PORT,
    conversations: [],
  };
}
