import { labUnavailable, NetworkLab } from '@prism-net/netlab';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { nativeUnavailable } from './native.testkit.js';
import { configureInterface, listInterfaces, readInterface } from './network-interface.js';
import { inNetworkNamespace } from './network-namespace.js';

const noAddon = nativeUnavailable() !== null;

describe.skipIf(noAddon)('readInterface', () => {
  it('knows the loopback interface of any machine', () => {
    expect(listInterfaces()).toContain('lo');
    expect(readInterface('lo')).toMatchObject({ name: 'lo', index: 1, isLoopback: true, isEthernet: false });
    expect(readInterface('lo').macAddress).toEqual({ high: 0, low: 0 });
  });

  it.each(['nowhere', '', 'a name longer than any interface has', 'lo\0nowhere'])('ENODEV for %j', (name) => {
    expect(() => readInterface(name)).toThrow(expect.objectContaining({ code: 'ENODEV' }));
  });
});

describe.skipIf(noAddon || labUnavailable('ethtool') !== null)('interfaces of a lab', () => {
  let lab: NetworkLab;
  let left = '';
  const inLeft = <T>(work: () => T): T => inNetworkNamespace(left, work);

  beforeEach(() => {
    lab = NetworkLab.open('linuxinterface');
    lab.veth({
      left: { namespace: 'left', name: 'left0', mac: '02:00:fe:dc:ba:98' },
      right: { namespace: 'right', name: 'right0' },
      mtu: 9000,
      queues: 3,
    });
    left = lab.namespace('left');
  });
  afterEach(() => lab.close());

  it('are listed by namespace', () => {
    expect(inLeft(listInterfaces)).toEqual(['lo', 'left0']);
    expect(listInterfaces()).not.toContain('left0');
  });

  it('are described: address, MTU, state, driver, queues', () => {
    expect(inLeft(() => readInterface('left0'))).toMatchObject({
      name: 'left0',
      mtu: 9000,
      macAddress: { high: 0x0200, low: 0xfedcba98 | 0 },
      isUp: true,
      isRunning: true,
      isLoopback: false,
      isEthernet: true,
      driver: 'veth',
      receiveQueues: 3,
      transmitQueues: 3,
    });
    const index = Number(lab.run('left', ['cat', '/sys/class/net/left0/ifindex']));
    expect(inLeft(() => readInterface('left0')).index).toBe(index);
  });

  it('have no carrier when the other end is down', async () => {
    lab.run('right', ['ip', 'link', 'set', 'right0', 'down']);
    // The kernel tells so when it gets to it, at most once a second.
    const isRunning = () => inLeft(() => readInterface('left0').isRunning);
    for (let waited = 0; isRunning() && waited < 3_000; waited += 20) await new Promise((go) => setTimeout(go, 20));
    expect(inLeft(() => readInterface('left0'))).toMatchObject({ isUp: true, isRunning: false });
  });

  it('name their active features as ethtool does', () => {
    const features = () => inLeft(() => readInterface('left0').features);
    expect([...features()]).toEqual(expect.arrayContaining(['tx-tcp-segmentation', 'tx-checksum-ip-generic']));
    lab.offloads('left', 'left0', false);
    expect(features().has('tx-tcp-segmentation')).toBe(false);
    expect(features().has('tx-checksum-ip-generic')).toBe(false);
  });

  it('can be configured: each setting is what the kernel then says', () => {
    inLeft(() => configureInterface('left0', { up: false }));
    expect(inLeft(() => readInterface('left0').isUp)).toBe(false);
    inLeft(() =>
      configureInterface('left0', {
        mtu: 1400,
        macAddress: { high: 0x0a01, low: 0x8899aabb | 0 },
        address: { address: 0x0a090001, prefixLength: 20 },
        promiscuous: true,
        up: true,
      }),
    );
    expect(inLeft(() => readInterface('left0'))).toMatchObject({
      mtu: 1400,
      macAddress: { high: 0x0a01, low: 0x8899aabb | 0 },
      isUp: true,
    });
    const shown = lab.run('left', ['ip', 'address', 'show', 'left0']);
    expect(shown).toContain('inet 10.9.0.1/20');
    expect(shown).toContain('PROMISC');
    inLeft(() => configureInterface('left0', { promiscuous: false }));
    expect(lab.run('left', ['ip', 'link', 'show', 'left0'])).not.toContain('PROMISC');
  });

  it('refuse what they cannot be, by the code of the kernel', () => {
    const code = (work: () => void) => expect(() => inLeft(work));
    code(() => configureInterface('left0', { mtu: 10 })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    code(() => configureInterface('none0', { up: true })).toThrow(
      expect.objectContaining({ code: 'ENODEV', syscall: 'SIOCGIFFLAGS' }),
    );
    const multicast = { high: 0x0100, low: 1 };
    code(() => configureInterface('left0', { macAddress: multicast })).toThrow(
      expect.objectContaining({ code: 'EADDRNOTAVAIL' }),
    );
  });
});
