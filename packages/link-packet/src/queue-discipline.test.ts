import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { drain, eventually, makeFrame } from '../../link/src/link-contract.testkit.js';
import type { PacketLink } from './index.js';
import { cable, MODES, openEnd, patient } from './packet.testkit.js';

describe.skipIf(labUnavailable() !== null).each(MODES)('a queue discipline under mode %s', (mode) => {
  let lab: NetworkLab;
  let left: PacketLink;
  let right: PacketLink;
  beforeEach(() => {
    lab = NetworkLab.open('packet_qdisc');
    cable(lab);
    left = openEnd(lab, 'left', mode);
    right = openEnd(lab, 'right', mode);
  });
  afterEach(() => {
    left.close();
    right.close();
    left.pool.assertNoLeaks();
    right.pool.assertNoLeaks();
    lab.close();
  });

  it('that never lets a packet through does not hold up those behind it', async () => {
    // Its bucket holds 500 bytes: a longer packet never passes (`man tc-tbf`, burst).
    lab.run('prism', 'tc qdisc replace dev left root tbf rate 100mbit burst 500 limit 30000'.split(' '));
    const numbers = [1, 2, 3];
    const burst = numbers.map((number) => makeFrame(left.pool, left, right, number, number === 2 ? 1000 : undefined));
    let from = 0;
    const arrived: number[] = [];
    await eventually(() => {
      from += left.transmit(burst, from, burst.length - from);
      // As a stack does in every turn: what waits in a ring goes then.
      left.receive([], 0);
      arrived.push(...drain(patient(right)));
      return arrived.includes(3);
    });
    expect(from).toBe(3);
    expect(arrived).toEqual([1, 3]);
    expect(left.counters.transmitErrors).toBe(1);
    expect(left.statistics.dropped).toBe(1);
    expect(left.nextReceive()).toBe(-1);
  });
});
