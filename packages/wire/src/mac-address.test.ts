import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatMacAddress, parseMacAddress } from './mac-address.js';

describe('MAC addresses as text', () => {
  it('reads both cases and writes lower case', () => {
    expect(parseMacAddress('01:00:5E:7f:ff:FA')).toEqual({ high: 0x0100, low: 0x5e7ffffa });
    expect(formatMacAddress({ high: 0x0a, low: 0x80000001 | 0 })).toBe('00:0a:80:00:00:01');
  });

  it('round trips every address', () => {
    fc.assert(
      fc.property(fc.nat(0xffff), fc.integer(), (high, low) => {
        expect(parseMacAddress(formatMacAddress({ high, low }))).toEqual({ high, low });
      }),
    );
  });

  it.each([
    '',
    '01:02:03:04:05',
    '01:02:03:04:05:06:07',
    '1:2:3:4:5:6',
    '01-02-03-04-05-06',
    '0g:00:00:00:00:00',
    '02:00:00:00:00:01 ',
  ])('refuses "%s" with EINVAL and names it', (text) => {
    expect(() => parseMacAddress(text)).toThrow(
      expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining(`"${text}"`) }),
    );
  });
});
