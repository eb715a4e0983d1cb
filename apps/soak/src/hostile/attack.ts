import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { NetworkLab } from '@prism-net/netlab';
import { parseIpv4Address, parseMacAddress } from '@prism-net/wire';
import { CABLE_MTU, ECHO_PORT, KERNEL, MTU, PREFIX_LENGTH, PRISM, VICTIM_PORTS } from './addresses.js';
import { ClientProcess, StackProcess } from './child-processes.js';
import { findConversations } from './conversations.js';
import type { Corpus } from './corpus/corpus.js';
import { writeCorpusFile } from './corpus/corpus-file.js';
import type { Target } from './corpus/target.js';
import { type HostileLink, layCable, macAddressOf, type Place } from './hostile-link.js';
import { countSent, findMalformed, type Sent } from './judge.js';
import type { ClientCheck, ClientReport } from './kernel-client.js';
import { type ReplayReport, replay } from './replay.js';
import type { StackAnswer, StackReport } from './stack-process.js';

export interface AttackOptions {
  readonly link: HostileLink;
  readonly seed: number;
  readonly frames: number;
  /** Of tcpreplay at full speed, over and over; 0: once. */
  readonly seconds: number;
  /** Frames a second of the first time, at which a stack keeps up. */
  readonly rate: number;
}

/** Everything that was seen; {@link judge} says what of it is wrong. */
export interface AttackReport {
  readonly mode: string;
  readonly corpus: Corpus;
  readonly conversations: number;
  readonly paced: ReplayReport;
  readonly full: ReplayReport;
  readonly before: StackReport;
  readonly after: StackReport;
  readonly client: ClientReport;
  readonly check: ClientCheck;
  readonly ping: string;
  readonly sent: Sent;
  readonly malformed: readonly string[];
  readonly closed: Extract<StackAnswer, { kind: 'closed' }>;
  readonly ended: string;
}

const VICTIMS = 24;

/** Attacks a stack on a link of a lab of its own, with tcpreplay, while a client of the kernel uses it. */
export async function attack(options: AttackOptions): Promise<AttackReport> {
  const lab = NetworkLab.open(`hostile_${options.link}`);
  const folder = mkdtempSync(join(tmpdir(), 'prism-hostile-'));
  const place = layCable(lab, options.link);
  const stack = new StackProcess({ link: place.specification, networkNamespace: place.namespace });
  try {
    return await run(options, lab, folder, place, stack);
  } finally {
    stack.kill();
    lab.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function run(
  options: AttackOptions,
  lab: NetworkLab,
  folder: string,
  place: Place,
  stack: StackProcess,
): Promise<AttackReport> {
  const { seed, frames, seconds, rate } = options;
  const { device } = place;
  const { mode, macAddress } = await stack.answer('ready');
  const openings = join(folder, 'openings.pcap');
  const sentFile = join(folder, 'sent.pcap');
  const corpusFile = join(folder, 'corpus.pcap');

  const opening = lab.capture('kernel', device, openings, {
    filter: `tcp portrange ${VICTIM_PORTS.first}-${VICTIM_PORTS.last}`,
  });
  // What comes in at the kernel's end is what Prism sent.
  const capture = lab.capture('kernel', device, sentFile, { direction: 'in' });
  const client = new ClientProcess(lab, VICTIMS);
  await client.answer();
  await opening.stop();
  const target: Target = {
    macAddress: parseMacAddress(macAddress),
    address: parseIpv4Address(PRISM.address),
    peerMacAddress: macAddressOf(lab, device),
    peerAddress: parseIpv4Address(KERNEL.address),
    prefixLength: PREFIX_LENGTH,
    mtu: MTU,
    cableMtu: CABLE_MTU,
    udpPort: ECHO_PORT,
    tcpPort: ECHO_PORT,
    conversations: findConversations(readFileSync(openings)),
  };
  const corpus = writeCorpusFile(corpusFile, target, seed, frames);
  const before = await report(stack);

  const paced = await replay(lab, 'kernel', device, corpusFile, { rate, loops: 1 });
  await settled(stack);
  const full = await replay(lab, 'kernel', device, corpusFile, seconds > 0 ? { loops: 0, seconds } : { loops: 1 });
  await settled(stack);

  client.ask('check');
  const { check } = (await client.answer()) as { check: ClientCheck };
  const ping = pinged(lab);
  client.ask('report');
  const { report: clientReport } = (await client.answer()) as { report: ClientReport };
  const after = await report(stack);
  client.end();
  await capture.stop();
  stack.ask('close');
  const closed = await stack.answer('closed');
  const ended = await stack.end();
  return {
    mode,
    corpus,
    conversations: target.conversations.length,
    paced,
    full,
    before,
    after,
    client: clientReport,
    check,
    ping,
    sent: countSent(readFileSync(sentFile)),
    malformed: await findMalformed(sentFile),
    closed,
    ended,
  };
}

async function report(stack: StackProcess): Promise<StackReport> {
  stack.ask('report');
  return stack.answer('report', 60_000);
}

/** When what waits in the kernel's buffers has been received: only the client's few frames still come. */
async function settled(stack: StackProcess): Promise<StackReport> {
  let last = await report(stack);
  for (let left = 50; left > 0; left--) {
    await delay(100);
    const next = await report(stack);
    const more = next.statistics.receive.received - last.statistics.receive.received;
    last = next;
    if (more < 500) break;
  }
  return last;
}

function pinged(lab: NetworkLab): string {
  try {
    lab.run('kernel', ['ping', '-n', '-c', '3', '-i', '0.2', '-W', '2', PRISM.address]);
    return 'ok';
  } catch (error) {
    return (error as Error).message;
  }
}
