import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  formatIpv4Address,
  isLimitedBroadcast,
  isLoopbackAddress,
  isMulticastAddress,
  isReservedAddress,
  isUnspecified,
  MULTICAST_MAC_HIGH,
  multicastMacLow,
  parseIpv4Address,
  parseIpv4Prefix,
  prefixMask,
} from './ipv4-address.js';
import { formatMacAddress } from './mac-address.js';

const refusal = (text: string) =>
  expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining(`"${text}"`) });

describe('IPv4 addresses as text', () => {
  it.each([
    ['0.0.0.0', 0],
    ['10.0.0.1', 0x0a000001],
    ['127.255.0.9', 0x7fff0009],
    ['128.0.0.0', -0x80000000],
    ['255.255.255.255', -1],
  ])('reads %s as the int32 of its bytes', (text, address) => {
    expect(parseIpv4Address(text)).toBe(address);
    expect(formatIpv4Address(address)).toBe(text);
  });

  it('round trips every address', () => {
    fc.assert(fc.property(fc.integer(), (address) => parseIpv4Address(formatIpv4Address(address)) === address));
  });

  it.each([
    ...['', '10', '10.1', '10.0.1', '10.0.0.0.1', '10.0.0.256', '10.0.0.1000', '10.0.0.01', '010.0.0.1', '0x0a.0.0.1'],
    ...['10.0.0.', '.0.0.1', '10..0.1', '-1.0.0.0', '+1.0.0.0', '1e1.0.0.0', ' 10.0.0.1', '10.0.0.1\n', '10.0.0.1/24'],
    ...['167772161', '::1', 'localhost', '１.0.0.0'],
  ])('refuses "%s" with EINVAL and names it', (text) => {
    expect(() => parseIpv4Address(text)).toThrow(refusal(text));
  });
});

describe('IPv4 prefixes', () => {
  it('reads the address, host bits included, and the length', () => {
    expect(parseIpv4Prefix('10.0.0.1/24')).toEqual({ address: 0x0a000001, prefixLength: 24 });
    expect(parseIpv4Prefix('0.0.0.0/0')).toEqual({ address: 0, prefixLength: 0 });
    expect(parseIpv4Prefix('192.0.2.255/32')).toEqual({ address: 0xc00002ff | 0, prefixLength: 32 });
  });

  it.each([
    '10.0.0.1',
    '10.0.0.1/',
    '10.0.0.1/33',
    '10.0.0.1/-1',
    '10.0.0.1/08',
    '10.0.0.1/8/8',
    '10.0.0.1/255.0.0.0',
    '/8',
  ])('refuses "%s"', (text) => {
    expect(() => parseIpv4Prefix(text)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  it('makes the mask of every length', () => {
    for (let length = 0; length <= 32; length++) {
      const bits = '1'.repeat(length).padEnd(32, '0');
      expect(prefixMask(length)).toBe(Number.parseInt(bits, 2) | 0);
    }
    for (const length of [-1, 33, 1.5, Number.NaN]) {
      expect(() => prefixMask(length)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
  });
});

describe('kinds of IPv4 addresses', () => {
  // The first and last address of each block, and their neighbours outside.
  it.each([
    [isUnspecified, '0.0.0.0', '0.0.0.0'],
    [isLoopbackAddress, '127.0.0.0', '127.255.255.255'],
    [isMulticastAddress, '224.0.0.0', '239.255.255.255'],
    [isReservedAddress, '240.0.0.0', '255.255.255.255'],
    [isLimitedBroadcast, '255.255.255.255', '255.255.255.255'],
  ])('%o holds from %s to %s and not outside', (isKind, first, last) => {
    expect(isKind(parseIpv4Address(first))).toBe(true);
    expect(isKind(parseIpv4Address(last))).toBe(true);
    expect(isKind((parseIpv4Address(first) - 1) | 0)).toBe(first === '0.0.0.0' && isKind(-1));
    expect(isKind((parseIpv4Address(last) + 1) | 0)).toBe(false);
  });

  it('maps groups to Ethernet as RFC 1112 §6.4 says, 32 groups to one address', () => {
    const ethernetOf = (text: string) =>
      formatMacAddress({ high: MULTICAST_MAC_HIGH, low: multicastMacLow(parseIpv4Address(text)) });
    expect(ethernetOf('224.0.0.1')).toBe('01:00:5e:00:00:01');
    expect(ethernetOf('239.255.255.250')).toBe('01:00:5e:7f:ff:fa');
    expect(ethernetOf('224.128.0.1')).toBe(ethernetOf('224.0.0.1'));
  });
});
