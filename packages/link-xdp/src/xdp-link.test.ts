import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { placeMemory } from '@prism-net/linux';
import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { describeLinkContract } from '../../link/src/link-contract.testkit.js';
import { vethPair } from './xdp-link.testkit.js';

describe.skipIf(labUnavailable() !== null)('AF_XDP over veth', () => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('xdpcontract');
  });
  afterAll(() => lab.close());

  const pool = () =>
    PacketPool.create(
      PacketMemory.create({ frames: 512, kernelRingBytes: 1 << 17, debug: true, place: placeMemory() }),
      512,
    );
  for (const attach of ['native', 'generic'] as const) {
    describeLinkContract(attach, () => {
      const [leftPool, rightPool] = [pool(), pool()];
      const common = { attach, rings: { receive: 512, transmit: 512, fill: 256, completion: 512 } };
      const { left, right } = vethPair(lab, { ...common, pool: leftPool }, {}, { ...common, pool: rightPool });
      const assertNothingLost = () => {
        for (const each of [leftPool, rightPool]) {
          each.assertNoLeaks();
          expect(each.available).toBe(each.region.frames);
        }
      };
      return { left, right, leftPool, rightPool, backPressure: false, assertNothingLost };
    });
  }
});
