import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createStack } from '@prism-net/stack';
import { describe, expect, it } from 'vitest';
import { loadDriver, withSteering } from './drivers.js';
import { openLink } from './index.js';

describe('openLink', () => {
  it('opens a loopback with its options, on which a stack runs', async () => {
    const link = await openLink('loopback?mtu=9000', { name: 'lo7' });
    expect(link).toMatchObject({ name: 'lo7', capabilities: { mtu: 9000, loopback: true } });
    const stack = createStack({ link, address: '10.0.0.1/24' });
    await stack.ping('10.0.0.1');
    stack.close();
  });

  it('takes what is common to all kinds, so that a program need not know which one its user names', async () => {
    const memory = PacketMemory.create({ frames: 64 });
    const link = await openLink('loopback', { memory, pool: PacketPool.create(memory, 64), frames: 64 });
    expect(link.capabilities.loopback).toBe(true);
  });

  it('rejects, and does not throw, what is wrong', async () => {
    await expect(openLink('wire:eth0')).rejects.toMatchObject({ code: 'EINVAL' });
  });

  // Nothing of the machine is touched: there are no such interfaces, and no such namespace.
  it.each(['tap:prism-none', 'packet:prism-none', 'xdp:prism-none'])(
    '%s fails with one error that says what is missing, and what to use instead',
    async (specification) => {
      const elsewhere = specification.startsWith('tap') ? { networkNamespace: 'prism-no-such-namespace' } : {};
      const error = await openLink(specification, elsewhere).catch((reason) => reason);
      expect(error).toMatchObject({ name: 'LinkUnavailableError' });
      expect(error.missing).not.toBe('');
      expect(error.instead).not.toBe('');
    },
  );
});

describe('addresses of an xdp link', () => {
  it('leave everything else with the kernel', () => {
    expect(withSteering({ interface: 'eth0', addresses: '10.0.0.5,10.0.0.6' })).toEqual({
      interface: 'eth0',
      steering: {
        rules: [
          { address: '10.0.0.5', action: 'redirect' },
          { address: '10.0.0.6', action: 'redirect' },
        ],
        otherwise: 'pass',
        addresses: ['10.0.0.5', '10.0.0.6'],
      },
    });
  });

  it('are a steering: there is only one', async () => {
    const steering = { rules: [], otherwise: 'pass' };
    await expect(openLink('xdp:prism-none?addresses=10.0.0.5', { steering })).rejects.toMatchObject({ code: 'EINVAL' });
  });

  it('are checked like every steering', async () => {
    await expect(openLink('xdp:prism-none?addresses=everything')).rejects.toMatchObject({
      code: expect.stringMatching(/^(EINVAL|ENODEV|EPERM|PLATFORM|NO_BINARY)$/),
    });
  });
});

describe('loadDriver', () => {
  const notFound = (name: string) =>
    Promise.reject(Object.assign(new Error(`Cannot find package '${name}'`), { code: 'ERR_MODULE_NOT_FOUND' }));

  it('says how to install a driver that is not there', async () => {
    await expect(loadDriver('xdp', '@prism-net/link-xdp', () => notFound('@prism-net/link-xdp'))).rejects.toMatchObject(
      {
        name: 'LinkUnavailableError',
        code: 'NO_PACKAGE',
        message: expect.stringContaining("'npm install @prism-net/link-xdp'"),
      },
    );
  });

  it('does not take something else that is missing for the driver', async () => {
    await expect(loadDriver('xdp', '@prism-net/link-xdp', () => notFound('other'))).rejects.toMatchObject({
      code: 'ERR_MODULE_NOT_FOUND',
    });
  });
});
