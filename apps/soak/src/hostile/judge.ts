import { spawn } from 'node:child_process';
import { openCapture } from '@prism-net/link';
import { ethernet, ipv4, parseIpv4Address } from '@prism-net/wire';
import { KERNEL, SHORT_CLIENT_PORTS, STREAM_CLIENT_PORT, UDP_CLIENT_PORT } from './addresses.js';

const TSHARK = 'tshark';
const KERNEL_ADDRESS = parseIpv4Address(KERNEL.address);

/** What Prism sent: to the client of the kernel, and in answer to everybody else. */
export interface Sent {
  readonly toClient: { readonly frames: number; readonly bytes: number };
  readonly answers: { readonly frames: number; readonly bytes: number };
}

export function countSent(capture: Uint8Array): Sent {
  const reader = openCapture(capture);
  const view = new DataView(capture.buffer, capture.byteOffset, capture.byteLength);
  const toClient = { frames: 0, bytes: 0 };
  const answers = { frames: 0, bytes: 0 };
  while (reader.next()) {
    const kind = isToClient(view, reader.offset, reader.capturedLength) ? toClient : answers;
    kind.frames++;
    kind.bytes += reader.originalLength;
  }
  return { toClient, answers };
}

function isToClient(view: DataView, at: number, length: number): boolean {
  const ip = at + 14;
  if (length < 42 || ethernet.etherType(view, at) !== ethernet.EtherType.IPV4) return false;
  if (ipv4.destination(view, ip) !== KERNEL_ADDRESS) return false;
  const port = view.getUint16(ip + ipv4.headerLength(view, ip) + 2);
  switch (ipv4.protocol(view, ip)) {
    case ipv4.Protocol.UDP:
      return port === UDP_CLIENT_PORT;
    case ipv4.Protocol.TCP:
      return port === STREAM_CLIENT_PORT || (port >= SHORT_CLIENT_PORTS.first && port <= SHORT_CLIENT_PORTS.last);
    default:
      return false;
  }
}

/** Damaged, or with a sum that is wrong; remarks about sequences of segments are another thing. */
const WRONG = [
  '_ws.malformed',
  'ip.checksum.status == "Bad"',
  'icmp.checksum.status == "Bad"',
  'udp.checksum.status == "Bad"',
  'tcp.checksum.status == "Bad"',
  '_ws.expert.severity == "Error"',
  '(_ws.expert.group == "Protocol" && _ws.expert.severity == "Warning")',
  // Options are only worth a note to it.
  'tcp.option.len.invalid',
  'ip.opt.len.invalid',
  '_ws.expert.message contains "past end of options"',
].join(' || ');
/** A sum of zero, as Linux writes it for every transport when it completes the checksum of what it is given: no less right. */
const ZERO = 'tcp.checksum.ffff';

/** What datagrams and streams carry, and quoted packets of other protocols: forged by others, for tshark to leave alone. */
const DATA = [
  'udp.port==1-65535',
  'tcp.port==1-65535',
  ...['0', '2-5', '7-16', '18-255'].map((of) => `ip.proto==${of}`),
];

/**
 * Has tshark look at every frame of a capture, checksums included, and returns its remarks, a line each.
 */
export async function findMalformed(file: string): Promise<string[]> {
  const preferences = [
    'ip.check_checksum:TRUE',
    'udp.check_checksum:TRUE',
    'tcp.check_checksum:TRUE',
    'tcp.analyze_sequence_numbers:FALSE',
    'tcp.desegment_tcp_streams:FALSE',
  ];
  const args = ['-n', '-r', file, ...preferences.flatMap((preference) => ['-o', preference])];
  for (const layer of DATA) args.push('-d', `${layer},data`);
  args.push(
    '-Y',
    `(${WRONG}) && !${ZERO}`,
    '-T',
    'fields',
    '-e',
    'frame.number',
    '-e',
    '_ws.col.Info',
    '-e',
    '_ws.expert.message',
  );
  const child = spawn(TSHARK, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (text: Buffer) => {
    output += text.toString();
  });
  child.stderr.on('data', (text: Buffer) => {
    errors += text.toString();
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0) throw new Error(`tshark failed (status ${code}): ${errors.trim()}`);
  return output.split('\n').filter((line) => line !== '');
}
