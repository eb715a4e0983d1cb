import type { NetworkInterface } from '@prism-net/linux';
import { describe, expect, it } from 'vitest';
import { describeInterface } from './interfaces.js';

const ethernet: NetworkInterface = {
  name: 'eth0',
  index: 2,
  mtu: 1500,
  macAddress: { high: 0x200, low: 1 },
  isUp: true,
  isRunning: true,
  isLoopback: false,
  isEthernet: true,
  driver: 'ice',
  receiveQueues: 8,
  transmitQueues: 8,
  features: new Set(['tx-checksum-ip-generic', 'tx-tcp-segmentation', 'rx-gro', 'tx-scatter-gather']),
};

describe('describeInterface', () => {
  it('names the offloads by what they do', () => {
    expect(describeInterface(ethernet).offloads).toEqual(['tx checksum', 'TCP segmentation', 'GRO']);
  });

  it.each([
    ['ice', {}, 'native, zero-copy'],
    ['virtio_net', {}, 'native'],
    ['e1000e', {}, 'generic'],
    ['', {}, 'generic'],
    ['', { isLoopback: true }, 'no'],
    ['tun', { isEthernet: false }, 'no'],
  ])('driver %j %j: XDP %s', (driver, more, xdp) => {
    expect(describeInterface({ ...ethernet, ...more, driver }).xdp).toBe(xdp);
  });
});
