import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack, type Stack } from '@prism-net/stack';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openPacketLink, type PacketLink } from './index.js';

describe.skipIf(labUnavailable() !== null)('a stack on one end of a veth pair, the kernel at the other', () => {
  let lab: NetworkLab;
  let link: PacketLink;
  let stack: Stack;
  beforeEach(() => {
    lab = NetworkLab.open('packet');
    lab.veth({
      left: { namespace: 'prism', name: 'left' },
      right: { namespace: 'kernel', name: 'right', address: '10.78.0.1/24' },
    });
    link = openPacketLink({ interface: 'left', networkNamespace: lab.namespace('prism') });
    stack = createStack({ link, address: '10.78.0.2/24' });
  });
  afterEach(() => {
    stack.close();
    link.pool.assertNoLeaks();
    lab.close();
  });

  it('answers the kernel’s ping', async () => {
    const ping = lab.spawn('kernel', ['ping', '-c', '3', '-i', '0.05', '-W', '2', '10.78.0.2']);
    const status = await new Promise((resolve) => ping.on('exit', resolve));
    expect(status).toBe(0);
    expect(stack.accounts.snapshot().unexplained).toBe(0);
  });
});
