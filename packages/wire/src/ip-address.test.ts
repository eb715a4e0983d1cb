import { isIPv6 } from 'node:net';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { IpAddress } from './ip-address.js';
import { parseIpv4Address } from './ipv4-address.js';

const words = ({ family, a, b, c, d }: IpAddress) => [family, a, b, c, d];
const refusal = (text: string) =>
  expect.objectContaining({ code: 'EINVAL', message: expect.stringContaining(`"${text}"`) });
/** Zeros and small numbers often, so that there are runs to shorten. */
const group = fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(15), fc.nat(0xffff));
const groups = fc.array(group, { minLength: 8, maxLength: 8 });
const fromGroups = (eight: readonly number[]) => {
  const word = (index: number) => (eight[index]! << 16) | eight[index + 1]!;
  return IpAddress.fromIpv6(word(0), word(2), word(4), word(6));
};

describe('IP addresses', () => {
  it('of IPv4 are held as IPv4-mapped words', () => {
    expect(words(IpAddress.fromIpv4(0xc0a80001))).toEqual([4, 0, 0, 0xffff, 0xc0a80001 | 0]);
    expect(words(IpAddress.parse('192.168.0.1'))).toEqual([4, 0, 0, 0xffff, 0xc0a80001 | 0]);
  });

  it('of IPv6 are four words, int32', () => {
    expect(words(IpAddress.fromIpv6(0x20010db8, 0xffffffff, 0, 1))).toEqual([6, 0x20010db8, -1, 0, 1]);
  });

  it('are equal when family and words are', () => {
    const address = IpAddress.parse('2001:db8::1');
    expect(address.equals(IpAddress.parse('2001:0DB8:0:0:0:0:0:1'))).toBe(true);
    for (const other of ['2001:db8::2', '2001:db8:0:0:0:1:0:1', '2001:db8:1::1', '2001:db9::1']) {
      expect(address.equals(IpAddress.parse(other))).toBe(false);
    }
    expect(IpAddress.parse('10.0.0.1').equals(IpAddress.fromIpv4(0x0a000001))).toBe(true);
    expect(IpAddress.parse('10.0.0.1').equals(IpAddress.parse('::ffff:10.0.0.1'))).toBe(false);
  });

  it('any: 0.0.0.0 and ::, and no other', () => {
    expect([IpAddress.ANY_IPV4.isAny, String(IpAddress.ANY_IPV4)]).toEqual([true, '0.0.0.0']);
    expect([IpAddress.ANY_IPV6.isAny, String(IpAddress.ANY_IPV6)]).toEqual([true, '::']);
    expect(IpAddress.ANY_IPV4.equals(IpAddress.ANY_IPV6)).toBe(false);
    for (const text of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0', '::0.0.0.0'])
      expect(IpAddress.parse(text).isAny).toBe(true);
    for (const text of ['0.0.0.1', '::1', '1::', '0:0:1::', '::1:0:0', '::ffff:0.0.0.0', '128.0.0.0']) {
      expect(IpAddress.parse(text).isAny).toBe(false);
    }
  });
});

describe('IP addresses as text', () => {
  it.each([
    // RFC 4291 §2.2
    ['ABCD:EF01:2345:6789:ABCD:EF01:2345:6789', 'abcd:ef01:2345:6789:abcd:ef01:2345:6789'],
    ['2001:DB8:0:0:8:800:200C:417A', '2001:db8::8:800:200c:417a'],
    ['FF01:0:0:0:0:0:0:101', 'ff01::101'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:13.1.68.3', '::d01:4403'],
    ['0:0:0:0:0:FFFF:129.144.52.38', '::ffff:129.144.52.38'],
    ['::FFFF:129.144.52.38', '::ffff:129.144.52.38'],
    // RFC 5952 §4
    ['2001:0db8::0001', '2001:db8::1'],
    ['2001:db8:0:0:0:0:2:1', '2001:db8::2:1'],
    ['2001:db8::1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:aaaa:bbbb:cccc:dddd:0:1', '2001:db8:aaaa:bbbb:cccc:dddd:0:1'],
    // "::" at either end, for one group, and before a dotted quad
    ['1::', '1::'],
    ['::2:3:4:5:6:7:8', '0:2:3:4:5:6:7:8'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['1:0:0:0:0:0:0:8', '1::8'],
    ['0:0:0:4:0:0:0:0', '0:0:0:4::'],
    ['64:ff9b::192.0.2.33', '64:ff9b::c000:221'],
    ['1:2:3:4:5:6:255.255.255.255', '1:2:3:4:5:6:ffff:ffff'],
    ['::ffff:c0a8:1', '::ffff:192.168.0.1'],
    ['::1:ffff:c0a8:1', '::1:ffff:c0a8:1'],
    ['::fffe:c0a8:1', '::fffe:c0a8:1'],
    ['10.0.0.1', '10.0.0.1'],
    ['255.255.255.255', '255.255.255.255'],
  ])('%s is written %s', (text, canonical) => {
    const address = IpAddress.parse(text);
    expect(address.family).toBe(text.includes(':') ? 6 : 4);
    expect(address.toString()).toBe(canonical);
    expect(IpAddress.parse(canonical).equals(address)).toBe(true);
  });

  it.each([
    ...['', ' ', 'localhost', '10', '10.1', '10.0.0.256', '10.0.0.01', '10.0.0.1 ', '10.0.0.1/24', '10.0.0.1:80'],
    ...[
      ':',
      ':::',
      '::::',
      '1:',
      ':1',
      '1::2::3',
      '::1::',
      '1:::2',
      ':1::',
      '::1:',
      '1:2:3:4:5:6:7',
      '1:2:3:4:5:6:7:8:9',
    ],
    ...[
      '1:2:3:4:5:6:7:8::',
      '::1:2:3:4:5:6:7:8',
      '1:2:3:4::5:6:7:8',
      '12345::',
      '::g',
      '::-1',
      '::+1',
      '::0x1',
      '::1e1.0',
    ],
    ...['fe80::1%eth0', '::1/128', '[::1]', '::1 ', ' ::1', '::1\n', '::１', '1.2.3.4::', '::1.2.3.4:5', '1.2.3.4:1::'],
    ...[
      '::1.2.3',
      '::1.2.3.256',
      '::1.2.3.04',
      '::1.2.3.4.5',
      '1:2:3:4:5:6:7:1.2.3.4',
      '::1:2:3:4:5:6:1.2.3.4',
      '::.1.2.3',
    ],
  ])('refuses "%s"', (text) => {
    expect(() => IpAddress.parse(text)).toThrow(refusal(text));
  });

  it('refuses what is no text, without another kind of error', () => {
    for (const value of [undefined, null, 1, {}, ['::']] as unknown as string[]) {
      if (String(value) !== '::') expect(() => IpAddress.parse(value)).toThrow(refusal(String(value)));
    }
  });

  it('comes back from its text as it was', () => {
    fc.assert(
      fc.property(fc.integer(), groups, (ipv4, eight) => {
        expect(words(IpAddress.parse(IpAddress.fromIpv4(ipv4).toString()))).toEqual([4, 0, 0, 0xffff, ipv4]);
        const address = fromGroups(eight);
        expect(words(IpAddress.parse(address.toString()))).toEqual(words(address));
      }),
      { numRuns: 1000 },
    );
  });

  it('is written as URL writes it, which knows no dotted quads', () => {
    fc.assert(
      fc.property(groups, (eight) => {
        const address = fromGroups(eight);
        fc.pre(!address.toString().includes('.'));
        const long = eight.map((value) => value.toString(16).padStart(4, '0')).join(':');
        expect(`[${address}]`).toBe(new URL(`http://[${long}]/`).hostname);
      }),
      { numRuns: 1000 },
    );
  });

  it('reads every way to write a dotted quad into an IPv6 address', () => {
    fc.assert(
      fc.property(groups, (eight) => {
        const address = fromGroups(eight);
        const head = eight.slice(0, 6).map((value) => value.toString(16));
        const quad = IpAddress.fromIpv4(address.d).toString();
        expect(words(IpAddress.parse(`${head.join(':')}:${quad}`))).toEqual(words(address));
        expect(IpAddress.parse(`::${quad}`).d).toBe(parseIpv4Address(quad));
      }),
    );
  });

  it('accepts exactly what Node accepts, of text made of the same characters', () => {
    const characters = fc.constantFrom(...'01afF:.');
    const pieces = fc.constantFrom(
      '::',
      ':',
      '1',
      '0',
      'ffff',
      'abcd',
      '10000',
      '1.2.3.4',
      '.',
      '1:2:3',
      '256.1.1.1',
      '01',
    );
    let accepted = 0;
    fc.assert(
      fc.property(
        fc.oneof(
          fc.array(pieces, { maxLength: 12 }).map((list) => list.join('')),
          fc.array(pieces, { maxLength: 9 }).map((list) => list.filter((piece) => piece !== ':').join(':')),
          fc.string({ unit: characters, maxLength: 12 }),
        ),
        (text) => {
          fc.pre(text.includes(':'));
          let isRead = true;
          try {
            IpAddress.parse(text);
          } catch {
            isRead = false;
          }
          expect(isRead).toBe(isIPv6(text));
          if (isRead) accepted++;
        },
      ),
      { numRuns: 10_000 },
    );
    expect(accepted).toBeGreaterThan(100);
  });
});
