import type { Packet } from '@prism-net/buffers';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../../link/src/link-contract.testkit.js';
import type { PacketLink } from './index.js';
import { debugPool, openEnd } from './packet.testkit.js';

const PRISM = '10.79.0.2';
const MAC = '02:00:00:00:00:09';

describe.skipIf(labUnavailable() !== null)('a pool that is nearly empty under mode virtio', () => {
  let lab: NetworkLab;
  let link: PacketLink;
  beforeEach(() => {
    lab = NetworkLab.open('packet_scarce');
    lab.veth({
      left: { namespace: 'prism', name: 'left' },
      right: { namespace: 'kernel', name: 'right', address: '10.79.0.1/24' },
      mtu: 9000,
    });
    lab.run('kernel', ['ip', 'neigh', 'add', PRISM, 'lladdr', MAC, 'dev', 'right']);
    link = openEnd(lab, 'left', 'virtio', { macAddress: MAC, pool: debugPool('virtio', 128) });
  });
  afterEach(() => {
    link.close();
    link.pool.assertNoLeaks();
    lab.close();
  });

  it('leaves a packet that is longer than the frames that are left with the kernel', async () => {
    const burst: Packet[] = [];
    const kept: Packet[] = [];
    link.receive(burst, 1);
    while (link.pool.available > 0) kept.push(link.pool.take()!);
    // The link has frames of its own lying ready: all but four are used up, then comes a packet that takes five.
    const small = 60;
    lab.run('kernel', ['python3', '-c', sender(small)]);
    let received = 0;
    await eventually(() => {
      const count = link.receive(burst, 64);
      for (let i = 0; i < count; i++) if (isDatagram(burst[i]!)) received++;
      kept.push(...burst.slice(0, count));
      return received >= small && link.counters.starved > 0;
    });
    expect({ received, starved: link.counters.starved > 0, dropped: link.statistics.dropped }).toEqual({
      received: small,
      starved: true,
      dropped: 0,
    });
    expect(link.nextReceive()).toBeGreaterThan(0);
    for (const packet of kept) packet.release();
    let longest = 0;
    await eventually(() => {
      const count = link.receive(burst, 64);
      for (let i = 0; i < count; i++) {
        longest = Math.max(longest, burst[i]!.totalLength);
        burst[i]!.release();
      }
      return longest > 8000;
    });
    expect(longest).toBe(14 + 28 + 8000);
    expect(link.counters.truncated).toBe(0);
  });
});

function isDatagram(packet: Packet): boolean {
  return packet.view.getUint16(packet.offset + 12) === 0x0800 && packet.view.getUint8(packet.offset + 23) === 17;
}

/** Datagrams of ten bytes, then one of 8,000. */
function sender(small: number): string {
  return [
    'import socket',
    's = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)',
    `for i in range(${small}): s.sendto(b'x' * 10, ('${PRISM}', 9))`,
    `s.sendto(b'y' * 8000, ('${PRISM}', 9))`,
  ].join('\n');
}
