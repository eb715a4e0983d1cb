import { ChecksumState, type Packet } from '@prism-net/buffers';
import { steadyStateBytes } from '@prism-net/measure';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { expect, it } from 'vitest';
import { vethPair } from './xdp-link.testkit.js';

/** The measurement's own objects take a few hundred bytes; one number per packet would be 256,000. */
const FEW = 10_000;

it.skipIf(labUnavailable() !== null).each([
  ['of one frame', 1, false],
  ['with a checksum request', 1, true],
  ['of three frames', 3, false],
])('a packet %s, through the kernel and back, allocates nothing once optimised', (_, segments, partial) => {
  const lab = NetworkLab.open('xdpallocation');
  try {
    const { left, right } = vethPair(lab, { timestamps: true }, { mtu: 9000 });
    const burst: Packet[] = [];
    const echo: Packet[] = [];
    const work = (): void => {
      for (let round = 0; round < 1000; round++) {
        for (let i = 0; i < 16; i++) {
          const packet = left.pool.take()!;
          packet.offset += 2;
          packet.length = 60;
          const { view, offset } = packet;
          view.setUint16(offset + 12, 0x0800);
          view.setUint8(offset + 14, 0x45);
          view.setUint8(offset + 23, 17);
          if (partial) packet.checksumState = ChecksumState.PARTIAL;
          let last = packet;
          for (let k = 1; k < segments; k++) {
            const next = left.pool.take()!;
            next.length = 1000;
            last.nextSegment = next;
            last = next;
          }
          burst[i] = packet;
        }
        left.transmit(burst, 0, 16);
        const count = right.receive(echo, 32);
        right.transmit(echo, 0, count);
        const back = left.receive(echo, 32);
        for (let i = 0; i < back; i++) echo[i]!.release();
      }
    };
    for (let i = 0; i < 10; i++) work(); // calls through the kernel are slow: the compiler needs its time
    const bytes = steadyStateBytes(work);
    expect(left.statistics.receivedPackets).toBeGreaterThan(100_000);
    expect(left.details.checksumRequests > 0).toBe(partial);
    expect(bytes).toBeLessThan(FEW);
    left.close();
    right.close();
  } finally {
    lab.close();
  }
});
