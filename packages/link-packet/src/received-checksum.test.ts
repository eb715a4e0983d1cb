import { ChecksumState, finishSum, type Packet } from '@prism-net/buffers';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../link/src/link-contract.testkit.js';
import type { PacketLink } from './index.js';
import { cable, debugPool, MODES, openEnd } from './packet.testkit.js';
import { ReceivedChecksum } from './received-checksum.js';

const IPV4 = 14;
const UDP = IPV4 + 20;
/** A tunnel's header and one of IPv4 lie between the two of UDP. */
const INNER = UDP + 8 + 8 + 20;
const LENGTH = INNER + 8 + 33;
const NEEDS_CHECKSUM = 1;
const UDP_CHECKSUM = 6;
const TCP_CHECKSUM = 16;

describe.skipIf(labUnavailable() !== null).each(MODES)('a partial checksum received under mode %s', (mode) => {
  let lab: NetworkLab;
  let link: PacketLink;
  beforeEach(() => {
    lab = NetworkLab.open('packet_checksum');
    cable(lab);
    link = openEnd(lab, 'left', mode);
  });
  afterEach(() => {
    link.close();
    link.pool.assertNoLeaks();
    lab.close();
  });

  /** Sends a frame of UDP in UDP from the other end; the virtio-net header is up to the test. */
  const send = (start: number): void => {
    const { high, low } = link.capabilities.macAddress;
    const frame = Buffer.alloc(LENGTH);
    frame.writeUInt16BE(high, 0);
    frame.writeInt32BE(low, 2);
    frame.writeUInt16BE(0x0800, 12);
    frame.writeUInt16BE(0x4500, IPV4);
    frame.writeUInt16BE(LENGTH - IPV4, IPV4 + 2);
    frame.writeUInt16BE(0x4011, IPV4 + 8);
    frame.writeUInt16BE(LENGTH - UDP, UDP + 4);
    for (let i = INNER + 8; i < LENGTH; i++) frame[i] = i;
    frame.writeUInt16BE(LENGTH - INNER, INNER + 4);
    frame.writeUInt16BE(0x1234, start + UDP_CHECKSUM);
    const header = Buffer.from([NEEDS_CHECKSUM, 0, 0, 0, 0, 0, start, 0, UDP_CHECKSUM, 0]);
    const code = [
      'import socket, sys',
      's = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)',
      's.setsockopt(263, 15, 1)',
      "s.bind(('right', 0x0800))",
      's.send(bytes.fromhex(sys.argv[1]))',
    ].join('\n');
    lab.run('far', ['python3', '-c', code, Buffer.concat([header, frame]).toString('hex')]);
  };

  const receive = async (): Promise<Packet | undefined> => {
    const burst: Packet[] = [];
    let found: Packet | undefined;
    await eventually(() => {
      const count = link.receive(burst, 8);
      for (const packet of burst.slice(0, count)) {
        if (packet.length === LENGTH) found = packet;
        else packet.release();
      }
      return found !== undefined || link.statistics.dropped > 0;
    });
    return found;
  };

  it('of the outermost header stays partial', async () => {
    send(UDP);
    const packet = await receive();
    expect(packet!.checksumState).toBe(ChecksumState.PARTIAL);
    expect(packet!.view.getUint16(packet!.offset + UDP + 6)).toBe(0x1234);
    packet!.release();
  });

  it('within a tunnel is completed, since nobody would find it later', async () => {
    send(INNER);
    const packet = await receive();
    expect(packet!.checksumState).toBe(ChecksumState.UNKNOWN);
    const checksum = packet!.view.getUint16(packet!.offset + INNER + 6);
    packet!.view.setUint16(packet!.offset + INNER + 6, 0x1234);
    packet!.consume(INNER);
    expect(checksum).toBe(finishSum(packet!.sum(0)));
    packet!.release();
  });
});

it('a virtual segment within a tunnel is refused: no one could cut it at the header that it has', () => {
  const packet = debugPool('virtio').take()!;
  packet.length = LENGTH;
  packet.memory.bytes.fill(0, packet.offset, packet.end);
  packet.view.setUint16(packet.offset + 12, 0x0800);
  packet.view.setUint8(packet.offset + IPV4, 0x45);
  packet.view.setUint8(packet.offset + IPV4 + 9, 6);
  packet.view.setUint8(packet.offset + UDP + 12, 0x50);
  const checksum = new ReceivedChecksum();
  expect(checksum.apply(packet, NEEDS_CHECKSUM, true, INNER, TCP_CHECKSUM)).toBe(false);
  expect(checksum.apply(packet, NEEDS_CHECKSUM, true, UDP, TCP_CHECKSUM)).toBe(true);
  expect(packet.checksumState).toBe(ChecksumState.PARTIAL);
});
