import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack } from '@prism-net/stack';
import { vlan } from '@prism-net/wire';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeFrame } from '../../link/src/link-contract.testkit.js';
import { cable, MODES, openEnd, receiveAll } from './packet.testkit.js';

describe.skipIf(labUnavailable() !== null).each(MODES)('VLAN tags, which the kernel takes out, in mode %s', (mode) => {
  let lab: NetworkLab;
  beforeAll(() => {
    lab = NetworkLab.open('packet_vlan');
    cable(lab);
  });
  afterAll(() => lab.close());

  it('are there again: two stacks in a VLAN reach each other', async () => {
    const [left, right] = [openEnd(lab, 'left', mode), openEnd(lab, 'right', mode)];
    const near = createStack({ link: left, address: '10.7.0.1/24', vlan: 7 });
    const far = createStack({ link: right, address: '10.7.0.2/24', vlan: 7 });
    expect((await near.ping('10.7.0.2')).address).toBe('10.7.0.2');
    expect(near.accounts.snapshot().dropped).toEqual({});
    near.close();
    far.close();
    left.pool.assertNoLeaks();
    right.pool.assertNoLeaks();
  });

  it('come with their priority, and leave the bytes and the alignment of the IP header as they were', () => {
    const [left, right] = [openEnd(lab, 'left', mode), openEnd(lab, 'right', mode)];
    const packet = makeFrame(left.pool, left, right, 5, 200);
    packet.view.setUint16(packet.offset + 12, 0x8100);
    packet.view.setUint16(packet.offset + 14, (5 << 13) | 0x1000 | 7); // priority 5, drop eligible
    packet.view.setUint16(packet.offset + 16, 0x88b5);
    const sent = packet.toBytes();
    left.transmit([packet], 0, 1);
    const [received, ...others] = receiveAll(right);
    expect(others).toEqual([]);
    const { view, offset } = received!;
    expect(received!.toBytes()).toEqual(sent);
    expect(vlan.priority(view, offset + 14)).toBe(5);
    expect(vlan.dropEligible(view, offset + 14)).toBe(true);
    expect(vlan.identifier(view, offset + 14)).toBe(7);
    expect((offset + 18) & 3).toBe(0);
    received!.release();
    for (const link of [left, right]) {
      link.close();
      link.pool.assertNoLeaks();
    }
  });
});
