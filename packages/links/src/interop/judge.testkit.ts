import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Verdict {
  /** Frames that were judged. */
  readonly frames: number;
  /** 'frame 7: Bad checksum …' for each that is not as it should be. */
  readonly faults: readonly string[];
}

/** Destination unreachable, time exceeded, parameter problem: those quote what they are about. */
const ICMP_ERROR = 'icmp.type in {3, 11, 12}';

/**
 * What tshark thinks of the frames from one MAC address in a capture: not one may be malformed, have a wrong checksum
 * or any other remark of severity error. `transportChecksums` false: sums of TCP and UDP are not looked at, those of IP
 * and ICMP are. For links that hand them to the kernel incomplete (CHECKSUM_PARTIAL), which then never completes them
 * as no wire is involved: that they are right is shown by offloads switched off, and by data that arrive.
 */
export async function judge(file: string, mac: string, transportChecksums: boolean): Promise<Verdict> {
  const check = String(transportChecksums).toUpperCase();
  const preferences = [
    'ip.check_checksum:TRUE',
    `tcp.check_checksum:${check}`,
    `udp.check_checksum:${check}`,
    // A capture on the way in has one direction of each conversation: analysis of the other's ACKs means nothing.
    'tcp.analyze_sequence_numbers:FALSE',
    'tcp.desegment_tcp_streams:FALSE',
  ].flatMap((preference) => ['-o', preference]);
  // What the payload is like is not Prism's doing: random bytes pass for the oddest protocols.
  const payloads = ['-d', 'tcp.port==1-65535,echo', '-d', 'udp.port==1-65535,echo'];
  const own = `eth.src == ${mac}`;
  // An error quotes the kernel's own packet as it came: with the sum that no wire has made the kernel complete.
  const quoted = `(${ICMP_ERROR} && icmp.checksum.status == "Good" && ip.checksum.status == "Good" && !_ws.malformed)`;
  const wrong = `(_ws.malformed || _ws.expert.severity == "Error" || ip.checksum.status == "Bad") && !${quoted}`;
  const filter = ['-Y', `${own} && ${wrong}`, '-T', 'fields', '-e', 'frame.number', '-e', '_ws.expert.message'];
  const { stdout } = await run('tshark', ['-n', '-r', file, ...preferences, ...payloads, ...filter]);
  const faults = stdout.split('\n').filter(Boolean);
  return { frames: countFrames(file, mac), faults: faults.map((line) => `frame ${line.replace('\t', ': ')}`) };
}

/** Offsets of the frames in a capture, behind its header of 24 bytes and their own of 16. */
function* framesOf(capture: Buffer): Generator<number> {
  for (let at = 24; at + 16 <= capture.length; at += 16 + capture.readUInt32LE(at + 8)) yield at + 16;
}

function countFrames(file: string, mac: string): number {
  const capture = readFileSync(file);
  const source = Buffer.from(mac.replaceAll(':', ''), 'hex');
  let count = 0;
  for (const at of framesOf(capture)) if (capture.compare(source, 0, 6, at + 6, at + 12) === 0) count++;
  return count;
}

/** The start of a capture, up to the first IPv4 packet, in whose time to live one bit is turned over. */
export function damagedStart(file: string, copy: string): string {
  const capture = Buffer.from(readFileSync(file));
  for (const at of framesOf(capture)) {
    if (capture.readUInt16BE(at + 12) !== 0x0800) continue;
    capture[at + 14 + 8]! ^= 1;
    writeFileSync(copy, capture.subarray(0, at + capture.readUInt32LE(at - 8)));
    return copy;
  }
  throw new Error(`${file} has no IPv4 packet`);
}
