import { textTable } from '../text-table.js';
import type { Check, Diagnosis, InterfaceFinding, LinkFinding } from './diagnosis.js';

export type Colour = 'red' | 'green' | 'yellow' | 'bold' | 'dim';
export type Paint = (colour: Colour, text: string) => string;

const CODES: Readonly<Record<Colour, readonly [number, number]>> = {
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  bold: [1, 22],
  dim: [2, 22],
};

/** Colours for a terminal, or none. */
export function paintFor(colours: boolean): Paint {
  if (!colours) return (_, text) => text;
  return (colour, text) => `\x1b[${CODES[colour][0]}m${text}\x1b[${CODES[colour][1]}m`;
}

/** The diagnosis for people, ending in a line feed. */
export function renderDiagnosis(diagnosis: Diagnosis, paint: Paint): string {
  const { machine, version } = diagnosis;
  const processors = machine.processors === 1 ? '1 processor' : `${machine.processors} processors`;
  const system = machine.platform === 'linux' ? 'Linux' : machine.platform;
  const lines = [
    `${paint('bold', `prism ${version}`)}  Node.js ${machine.node}, ${system} ${machine.kernel} ${machine.architecture}, ${processors}`,
    ...machineLines(machine.checks, paint),
    '',
    ...linkLines(diagnosis.links, paint),
    '',
    ...interfaceLines(diagnosis, paint),
  ];
  return `${lines.join('\n')}\n`;
}

const MARKS = { good: ['green', 'ok'], bad: ['red', '--'], note: ['yellow', ' i'] } as const;

function machineLines(checks: readonly Check[], paint: Paint): string[] {
  if (checks.length === 0) return ['', 'Native links need Linux. Those inside the process work everywhere:'];
  const width = Math.max(...checks.map(({ name }) => name.length));
  const line = ({ name, state, text }: Check) =>
    `  ${paint(MARKS[state][0], MARKS[state][1])}  ${name.padEnd(width)}  ${text}`;
  return ['', ...checks.map(line)];
}

const STATES = { works: 'green', fails: 'red', 'not tried': 'yellow' } as const;
const LINK_COLUMNS = ['link', 'state', 'mode', 'MTU', 'queues', 'checksum', 'segments', 'timestamps', 'round trip'];

function linkLines(links: readonly LinkFinding[], paint: Paint): string[] {
  const [header = '', ...table] = textTable(LINK_COLUMNS, links.map(linkCells));
  const lines = [paint('bold', header)];
  for (const [i, link] of links.entries()) {
    lines.push((table[i] ?? '').replace(link.state, (state) => paint(STATES[link.state], state)));
  }
  const remarks = links.flatMap((link, i) => remarksOn(link, links[i + 1]));
  if (remarks.length === 0) return lines;
  const width = Math.max(...remarks.map(([name]) => name.length));
  return [...lines, '', ...remarks.map(([name, text]) => `${name.padEnd(width)}  ${text}`)];
}

function linkCells({ name, state, capabilities, roundTripMicroseconds }: LinkFinding): string[] {
  if (capabilities === undefined) return [name, state, '', '', '', '', '', '', ''];
  const { mode, mtu, queues, receiveChecksum, transmitChecksum, segmentation, timestamps } = capabilities;
  return [
    name,
    state,
    mode,
    String(mtu),
    String(queues),
    receiveChecksum && transmitChecksum ? 'both ways' : receiveChecksum ? 'receive' : transmitChecksum ? 'send' : 'no',
    segmentation === 0 ? 'no' : `${Math.round(segmentation / 1024)} KiB`,
    timestamps,
    `${roundTripMicroseconds} µs`,
  ];
}

/** What does not fit the table. What to do stands once below all links it is the same for. */
function remarksOn(link: LinkFinding, next: LinkFinding | undefined): (readonly [string, string])[] {
  const { name, code, missing, instead, fallbacks = [] } = link;
  const remarks: (readonly [string, string])[] = [...new Set(fallbacks)].map((text) => [name, text] as const);
  if (missing !== undefined) remarks.push([name, code === undefined ? missing : `${code}: ${missing}`]);
  if (instead !== undefined && instead !== next?.instead) remarks.push(['', `→ ${instead}`]);
  return remarks;
}

const INTERFACE_COLUMNS = ['interface', 'driver', 'state', 'MTU', 'queues', 'XDP (by driver)', 'offloads'];

function interfaceLines({ interfaces, interfacesUnread }: Diagnosis, paint: Paint): string[] {
  if (interfacesUnread !== undefined) return [`The interfaces of this machine were not read: ${interfacesUnread}`];
  const [header = '', ...rows] = textTable(INTERFACE_COLUMNS, interfaces.map(interfaceCells));
  return [paint('bold', header), ...rows, paint('dim', 'Interfaces are only read, never opened.')];
}

function interfaceCells(found: InterfaceFinding): string[] {
  const { receiveQueues, transmitQueues } = found;
  return [
    found.name,
    found.driver === '' ? '?' : found.driver,
    found.up ? 'up' : 'down',
    String(found.mtu),
    receiveQueues === transmitQueues ? String(receiveQueues) : `${receiveQueues} rx ${transmitQueues} tx`,
    found.xdp,
    found.offloads.length === 0 ? 'none' : found.offloads.join(', '),
  ];
}
