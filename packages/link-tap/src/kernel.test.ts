import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { createStack, type Stack } from '@prism-net/stack';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openTapLink, type TapLink } from './index.js';

describe.skipIf(labUnavailable() !== null)('a stack on a TAP beside the kernel', () => {
  let lab: NetworkLab;
  let link: TapLink;
  let stack: Stack;
  beforeEach(() => {
    lab = NetworkLab.open('tap');
    link = openTapLink({ hostAddress: '10.77.0.1/24', networkNamespace: lab.namespace('host') });
    stack = createStack({ link, address: '10.77.0.2/24' });
  });
  afterEach(() => {
    stack.close();
    link.pool.assertNoLeaks();
    lab.close();
  });

  it('answers the kernel’s ping', async () => {
    const ping = lab.spawn('host', ['ping', '-c', '3', '-i', '0.05', '-W', '2', '10.77.0.2']);
    const status = await new Promise((resolve) => ping.on('exit', resolve));
    expect(status).toBe(0);
    expect(stack.accounts.snapshot().unexplained).toBe(0);
  });
});
