import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe } from 'vitest';
// The kit of the link contract is no part of what the package exports.
import { describeLinkContract, type LinkPair } from '../../link/src/link-contract.testkit.js';
import { bridgedTaps } from './tap.testkit.js';

describe.skipIf(labUnavailable() !== null)('TAP', () => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('tap_contract');
  });
  afterAll(() => lab.close());

  const pairOf = (offloads: { checksum?: boolean; segmentation?: boolean }) => (): LinkPair => {
    const [left, right] = bridgedTaps(lab, { offloads }, { offloads });
    return {
      left,
      right,
      leftPool: left.pool,
      rightPool: right.pool,
      backPressure: false, // the bridge drops what a full device does not take
      assertNothingLost() {
        for (const { pool } of [left, right]) pool.assertNoLeaks();
      },
    };
  };

  describeLinkContract('a TAP with super-segments, over a bridge', pairOf({}));
  describeLinkContract('a TAP without offloads, over a bridge', pairOf({ checksum: false }));
});
