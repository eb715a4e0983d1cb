import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { placeMemory } from '@prism-net/linux';
import { steadyStateBytes } from '@prism-net/measure';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import { packetRingBytes } from './index.js';
import { cable, MODES, openEnd, RING } from './packet.testkit.js';

describe.skipIf(labUnavailable() !== null).each(MODES)('mode %s', (mode) => {
  it('a packet through two links allocates nothing once optimised', () => {
    const lab = NetworkLab.open('packet_allocation');
    cable(lab);
    const kernelRingBytes = mode === 'ring' ? packetRingBytes({ ring: RING }) : 0;
    const makePool = (): PacketPool => {
      const memory = PacketMemory.create({ frames: 256, kernelRingBytes, place: placeMemory({ hugePages: false }) });
      return PacketPool.create(memory, 256);
    };
    const left = openEnd(lab, 'left', mode, { pool: makePool() });
    const right = openEnd(lab, 'right', mode, { pool: makePool() });
    const { high, low } = right.capabilities.macAddress;
    const burst: Packet[] = [];
    let received = 0;
    const work = (): void => {
      for (let i = 0; i < 500; i++) {
        for (let k = 0; k < 16; k++) {
          const packet = left.pool.take()!;
          packet.length = 60;
          packet.view.setUint16(packet.offset, high);
          packet.view.setInt32(packet.offset + 2, low);
          burst[k] = packet;
        }
        const taken = left.transmit(burst, 0, 16);
        for (let k = taken; k < 16; k++) burst[k]!.release();
        for (;;) {
          const count = right.receive(burst, 16);
          if (count === 0) break;
          for (let k = 0; k < count; k++) burst[k]!.release();
          received += count;
        }
      }
    };
    const bytes = steadyStateBytes(work);
    left.close();
    right.close();
    lab.close();
    // The measurement's own objects take a few hundred bytes; one number per packet would be 128,000.
    expect(bytes).toBeLessThan(10_000);
    expect(received).toBeGreaterThan(40_000);
    left.pool.assertNoLeaks();
    right.pool.assertNoLeaks();
  });
});
