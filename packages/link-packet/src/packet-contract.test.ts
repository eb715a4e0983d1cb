import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe } from 'vitest';
// The kit of the link contract is no part of what the package exports.
import { describeLinkContract, type LinkPair } from '../../link/src/link-contract.testkit.js';
import { cable, MODES, type Mode, openEnd, patient } from './packet.testkit.js';

describe.skipIf(labUnavailable() !== null)('AF_PACKET', () => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('packet_contract');
    cable(lab);
  });
  afterAll(() => lab.close());

  const pairOf = (mode: Mode) => (): LinkPair => {
    const left = openEnd(lab, 'left', mode);
    const right = openEnd(lab, 'right', mode);
    return {
      left: patient(left),
      right: patient(right),
      leftPool: left.pool,
      rightPool: right.pool,
      backPressure: false, // a cable: what the far end has no room for is lost
      assertNothingLost() {
        for (const { pool } of [left, right]) pool.assertNoLeaks();
      },
    };
  };

  for (const mode of MODES) describeLinkContract(`mode ${mode}, over a veth pair`, pairOf(mode));
});
