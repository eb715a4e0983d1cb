import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFrame, readFrame } from '../../link/src/link-contract.testkit.js';
import type { FanoutOptions } from './index.js';
import { cable, MODES, openEnd, receiveAll } from './packet.testkit.js';

const PACKETS = 200;

describe.skipIf(labUnavailable() !== null).each(MODES)('fan-out in mode %s', (mode) => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('packet_fanout');
    cable(lab);
  });
  afterAll(() => lab.close());

  it.each(['round-robin', 'hash'] as const)('two links of a group, %s: each packet comes once', (by) => {
    const fanout: FanoutOptions = { group: 1000 + (process.pid % 60_000), by, defragment: by === 'hash' };
    const left = openEnd(lab, 'left', mode);
    const members = [0, 1].map(() => openEnd(lab, 'right', mode, { fanout }));
    const [first, second] = members as [(typeof members)[0], (typeof members)[0]];
    const received: number[][] = [[], []];
    for (let number = 0; number < PACKETS; number += 10) {
      const burst = Array.from({ length: 10 }, (_, i) => makeFrame(left.pool, left, first, number + i));
      expect(left.transmit(burst, 0, 10)).toBe(10);
      for (const [member, link] of members.entries()) {
        for (const packet of receiveAll(link)) {
          received[member]!.push(readFrame(packet));
          packet.release();
        }
      }
    }
    const all = received.flat().sort((a, b) => a - b);
    expect(all).toEqual(Array.from({ length: PACKETS }, (_, i) => i));
    if (by === 'round-robin') expect(received.map((list) => list.length)).toEqual([PACKETS / 2, PACKETS / 2]);
    for (const link of [left, first, second]) {
      link.close();
      link.pool.assertNoLeaks();
    }
  });
});
