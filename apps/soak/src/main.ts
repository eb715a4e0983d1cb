#!/usr/bin/env node
import { parseArgs } from 'node:util';
import { soakBulk } from './bulk.js';
import { soakCycles } from './cycles.js';
import { soakFlood } from './flood/flood.js';
import { measureFloodPrice, printFloodPrice } from './flood/flood-price.js';
import { soakHoard } from './flood/soak-hoard.js';
import { HOSTILE_LINKS } from './hostile/hostile-link.js';
import { soakMangled } from './mangle.js';
import { soakSchedules } from './schedules.js';

const usage = `Usage: npm run --silent soak -- PART… [options]

Long tests of TCP in the simulator, in virtual time. All together take about ten minutes.

  schedules       whole networks with faults drawn from seeds: loss in bursts, outages, reordering, duplicates, damage,
                  narrowing paths, hosts that pause. Every stream must arrive whole, nothing may leak or hang, and
                  the invariants of every connection are checked after every segment
  bulk            one stream for every combination of 0, 0.1, 1 and 5 % loss with reordering, duplicates and damage,
                  hashed by SHA-256 at both ends; the last always crosses the wrap of sequence numbers

  mangle          an attacker on the path mangles, replays, splices and forges segments, ICMP errors and floods of SYNs
                  between hosts with live connections, which must all deliver their bytes and end as planned

  flood           a million SYNs from as many sources, then other floods, against a host with a stream each way and visitors
                  who connect meanwhile: streams must keep 90 % of their goodput, visitors be answered, memory stay
                  bounded. In virtual time; then the price of a SYN, in real time

  hoard           a thousand peers that keep what they can of a host's packets, unread, unacknowledged, ahead of gaps or
                  behind closed windows, against a stream each way, and others that come later. In virtual time

  cycles          a million connections one after the other: opened, asked, answered, closed. Afterwards, and on the way,
                  memory, packets, timers and connections must be back where they were

  hostile         malformed and evasive frames of every family against a stack on a real link, in network namespaces, by
                  tcpreplay at full speed, while the kernel uses its echo servers. It must answer as before; every frame
                  must be accounted for; tshark must find nothing wrong in what it sent. Needs root

  links           a stream each way between Prism and the kernel of this machine over each link, hashed at both ends, and
                  a tenth of it with 1 % of the frames lost; in network namespaces. Needs root

  --seeds N       schedules to run (default 10000)
  --first SEED    the first of them, also for mangle (default 0)
  --bytes N       bytes of each stream of bulk and links (default 1073741824)
  --segments N    mangled segments to send, and SYNs of flood (default 1000000)
  --cycles N      connections of cycles (default 1000000)
  --connections N of hoard (default 1000)
  --link NAME     of hostile: packet (default), ring, xdp, tap, all; of links those and xdp-generic, all (default)
  --frames N      in the capture of hostile (default 100000)
  --seconds N     of hostile at full speed (default 10)
  --seed N        of hostile (default: another one each time, printed)
  --output FILE   writes the capture of hostile there and plays nothing
  --help          this text

A seed that fails is printed with its schedule; 'schedules --first SEED --seeds 1' repeats it.
Exit code 0: all passed; 1: not; 2: wrong option.
`;

function fail(message: string): never {
  console.error(`soak: ${message} (--help explains)`);
  process.exit(2);
}

function parse() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        seeds: { type: 'string', default: '10000' },
        first: { type: 'string', default: '0' },
        bytes: { type: 'string', default: String(2 ** 30) },
        segments: { type: 'string', default: '1000000' },
        cycles: { type: 'string', default: '1000000' },
        connections: { type: 'string', default: '1000' },
        link: { type: 'string' },
        frames: { type: 'string', default: '100000' },
        seconds: { type: 'string', default: '10' },
        seed: { type: 'string' },
        output: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    return fail((error as Error).message.split(/\n|\. /)[0]!);
  }
}

function whole(name: string, text: string, minimum: number, maximum: number): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isInteger(value) && value >= minimum && value <= maximum) return value;
  return fail(`--${name} must be a whole number from ${minimum} to ${maximum}, not '${text}'`);
}

const { values, positionals } = parse();
if (values.help || positionals.length === 0) {
  console.log(usage);
  process.exit(0);
}
const PARTS = ['schedules', 'bulk', 'mangle', 'flood', 'hoard', 'cycles', 'hostile', 'links'];
const parts = positionals;
for (const part of parts) {
  if (!PARTS.includes(part)) {
    fail(`there is no part '${part}': ${PARTS.join(', ')}`);
  }
}
const seeds = whole('seeds', values.seeds, 1, 2 ** 31 - 1);
const first = whole('first', values.first, 0, 2 ** 31 - 1);
const segments = whole('segments', values.segments, 1, 2 ** 31 - 1);
const bytes = whole('bytes', values.bytes, 1, 2 ** 40);
const cycles = whole('cycles', values.cycles, 1000, 2 ** 31 - 1);
const connections = whole('connections', values.connections, 1, 10_000);
const hostileLink = values.link ?? 'packet';
if (parts.includes('hostile') && !['all', ...HOSTILE_LINKS].includes(hostileLink)) {
  fail(`there is no link '${hostileLink}' for hostile: ${HOSTILE_LINKS.join(', ')}, all`);
}
const hostile = {
  link: hostileLink,
  frames: whole('frames', values.frames, 1, 10_000_000),
  seconds: whole('seconds', values.seconds, 0, 86_400),
  seed: values.seed === undefined ? undefined : whole('seed', values.seed, 0, 2 ** 31 - 1),
  output: values.output,
};

let failures = 0;
if (parts.includes('schedules')) failures += soakSchedules(first, seeds);
if (parts.includes('mangle')) failures += soakMangled(first, segments);
if (parts.includes('bulk')) failures += soakBulk(bytes);
if (parts.includes('flood')) {
  failures += soakFlood({ segments, others: Math.ceil(segments / 5), perSecond: 100_000, seed: first + 1 });
  printFloodPrice(measureFloodPrice(1, 100_000, 5));
}
if (parts.includes('hoard')) failures += soakHoard({ connections, seconds: 3, seed: first + 1 });
if (parts.includes('cycles')) failures += soakCycles(cycles);
if (parts.includes('hostile')) {
  // Only this part needs Linux.
  const { soakHostile } = await import('./hostile/hostile.js');
  failures += await soakHostile(hostile);
}
if (parts.includes('links')) {
  const { soakLinks } = await import('./links/links.js');
  failures += await soakLinks({ bytes, link: values.link ?? 'all' });
}
console.log(failures === 0 ? 'all passed' : `${failures} failed`);
process.exit(failures === 0 ? 0 : 1);
