import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CaptureDirection, PcapWriter } from '@prism-net/link';
import { labUnavailable } from '@prism-net/netlab';
import { SeededRandom } from '@prism-net/tables';
import { parseIpv4Address } from '@prism-net/wire';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { KERNEL, PRISM, SHORT_CLIENT_PORTS, STREAM_CLIENT_PORT, UDP_CLIENT_PORT } from './addresses.js';
import { ACK, Forge, RST } from './corpus/forge.js';
import { exampleTarget } from './hostile.js';
import { countSent, findMalformed } from './judge.js';

const forge = new Forge(exampleTarget(), new SeededRandom(1));
const WAY = {
  source: parseIpv4Address(PRISM.address),
  destination: parseIpv4Address(KERNEL.address),
  identification: 7,
};
const DATA = new Uint8Array(20).fill(0x41);

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'prism-judge-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function captureOf(...frames: Uint8Array[]): string {
  const parts: Uint8Array[] = [];
  const writer = new PcapWriter((bytes) => parts.push(bytes), { format: 'pcap' });
  for (const frame of frames) writer.writeBytes(frame, 1, 0, CaptureDirection.UNKNOWN);
  writer.flush();
  const file = join(folder, 'capture.pcap');
  writeFileSync(file, Buffer.concat(parts));
  return file;
}

describe.skipIf(labUnavailable('tshark') !== null)('tshark as a judge', () => {
  const quote = forge.packet(4, forge.packet(17, DATA, { ...WAY, checksum: 1 }), WAY);
  const right: readonly Uint8Array[] = [
    forge.udp(DATA, { ...WAY, sourcePort: 7, destinationPort: 53 }),
    forge.tcp(DATA, { ...WAY, sourcePort: 7, destinationPort: 443, flags: ACK }),
    forge.tcp(DATA, { ...WAY, sourcePort: 7, flags: RST }),
    forge.icmp(0, 0, 1, DATA, WAY),
    forge.icmp(3, 2, 0, quote, WAY),
    forge.arp(1, { high: 0x0200, low: 1 }, WAY.source),
  ];
  const wrong: Readonly<Record<string, Uint8Array>> = {
    'an IPv4 checksum': forge.udp(DATA, { ...WAY, checksum: 1 }),
    'a UDP checksum': forge.udp(DATA, { ...WAY, udpChecksum: 1 }),
    'a TCP checksum': forge.tcp(DATA, { ...WAY, flags: ACK, tcpChecksum: 1 }),
    'an ICMP checksum': forge.ipv4(1, forge.icmpMessage(0, 0, 1, DATA, 1), WAY),
    'a total length beyond the frame': forge.udp(DATA, { ...WAY, totalLength: 1000 }),
    'a UDP length beyond the packet': forge.udp(DATA, { ...WAY, length: 1000 }),
    'a data offset below the header': forge.tcp(DATA, { ...WAY, flags: ACK, dataOffset: 4 }),
    'a TCP option that ends nowhere': forge.tcp(DATA, { ...WAY, flags: ACK, tcpOptions: [8, 40, 1, 1] }),
    'a TCP option of the wrong length': forge.tcp(DATA, {
      ...WAY,
      flags: ACK,
      tcpOptions: [8, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1],
    }),
    'a header cut short': forge.ipv4(6, DATA.subarray(0, 10), WAY),
  };

  it('finds what is wrong, and nothing in frames that are right, whatever they carry, quote or are sent to', async () => {
    const remarks = await findMalformed(captureOf(...right, ...Object.values(wrong)));
    const found = new Set(remarks.map((remark) => Number(remark.split('\t')[0])));
    for (const [i, what] of Object.keys(wrong).entries()) expect(found.delete(right.length + 1 + i), what).toBe(true);
    expect(found, remarks.join('\n')).toEqual(new Set());
  });
});

it('answers to the corpus are told from what the client of the kernel gets', () => {
  const file = captureOf(
    forge.udp(DATA, { ...WAY, sourcePort: 7, destinationPort: UDP_CLIENT_PORT }),
    forge.tcp(DATA, { ...WAY, sourcePort: 7, destinationPort: STREAM_CLIENT_PORT }),
    forge.tcp(DATA, { ...WAY, sourcePort: 7, destinationPort: SHORT_CLIENT_PORTS.last }),
    forge.udp(DATA, { ...WAY, sourcePort: 7, destinationPort: 5000 }),
    forge.icmp(0, 0, 1, DATA, WAY),
    forge.frame(new Uint8Array(4)),
  );
  const sent = countSent(readFileSync(file));
  expect(sent).toEqual({ toClient: { frames: 3, bytes: 62 + 74 + 74 }, answers: { frames: 3, bytes: 62 + 62 + 18 } });
});
