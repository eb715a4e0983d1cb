import { describe, expect, it } from 'vitest';
import { compileSteering, disassemble, type Steering, type SteeringRule } from './index.js';

const compile = (rule: object, more: object = {}) =>
  compileSteering({ rules: [{ action: 'pass', ...rule } as SteeringRule], otherwise: 'pass', ...more } as Steering);

describe('compileSteering, without a kernel', () => {
  it('makes of no rules a program of a few instructions', () => {
    const { instructions, counters } = compileSteering({ rules: [], otherwise: 'redirect' });
    expect(counters).toBe(5);
    expect(instructions.length / 8).toBeLessThan(45);
  });

  it('is readable as text', () => {
    const text = disassemble(compile({ protocol: 'udp', address: '10.0.0.1', port: 7000, action: 'redirect' }));
    // 10.0.0.1 and 7000 as loads from the frame find them.
    expect(text).toMatch(/r1 = \*\(u32 \*\)\(r7 \+ 16\)\n.*if w1 != 16777226 goto/);
    expect(text).toMatch(/r1 = \*\(u8 \*\)\(r7 \+ 9\)\n.*if w1 != 17 goto/);
    expect(text).toMatch(/r1 = \*\(u16 \*\)\(r8 \+ 2\)\n.*if w1 != 22555 goto/);
  });

  it('needs the map of fragments only for rules with ports', () => {
    expect(compile({ address: '10.0.0.1' }).maps.map(({ name }) => name)).not.toContain('fragments');
    expect(compile({ port: 1 }).maps.map(({ name }) => name)).toContain('fragments');
    expect(compile({ port: 1, address: '::1' }).remembersFragments).toBe(false);
  });

  it.each<[string, RegExp, object, object?]>([
    ['a misspelt field', /steering rule 0 EINVAL: there is no option 'ports'; there are protocol,/, { ports: 1 }],
    ['a misspelt option', /steering EINVAL: there is no option 'adresses'/, {}, { adresses: [] }],
    ['an action there is not', /action must be redirect, pass, drop, not accept/, { action: 'accept' }],
    ['no otherwise', /otherwise must be redirect, pass, drop, not undefined/, {}, { otherwise: undefined }],
    [
      'a protocol there is not',
      /there is no protocol 'sctp'; there are udp, tcp, icmp and numbers/,
      { protocol: 'sctp' },
    ],
    ['a name that every object has', /there is no protocol 'constructor'/, { protocol: 'constructor' }],
    ['a protocol beyond 255', /protocol must be a whole number from 0 to 255, not 256/, { protocol: 256 }],
    ['ports of ICMP', /protocol icmp has no ports/, { protocol: 'icmp', port: 1 }],
    ['a port beyond 65535', /port must be a whole number from 0 to 65535, not 65536/, { port: 65536 }],
    [
      'a range that ends before it starts',
      /sourcePort must be a whole number from 9 to 65535, not 8/,
      { sourcePort: [9, 8] },
    ],
    ['a VLAN beyond 4094', /vlan must be a whole number from 0 to 4094, not 4095/, { vlan: 4095 }],
    ['an EtherType beyond 16 bits', /etherType must be a whole number/, { etherType: 65536 }],
    ['what is no address', /"10.0.0" is not an IP address/, { address: '10.0.0' }],
    ['a prefix that is too long', /"10.0.0.0\/33" is no address and no prefix/, { address: '10.0.0.0/33' }],
    ['bits beyond the prefix', /"10.0.0.1\/24" has bits beyond its prefix/, { address: '10.0.0.1/24' }],
    ['the same in IPv6', /has bits beyond its prefix/, { sourceAddress: '2001:db8::1/64' }],
    ['two families', /different families/, { address: '10.0.0.1', sourceAddress: '::1' }],
    ['an EtherType without addresses', /can match no frame/, { etherType: 0x0806, address: '10.0.0.1' }],
    ['IPv6 in IPv4', /can match no frame/, { etherType: 0x0800, address: '::1' }],
    ['an own address that is a prefix', /"10.0.0.1\/8" is not an IP address/, {}, { addresses: ['10.0.0.1/8'] }],
    ['a range of three', /port must be one port, or the first and the last/, { port: [1, 2, 3] as never }],
    ['own addresses that are no array', /addresses must be an array/, {}, { addresses: '10.0.0.1' as never }],
    ['rules that are no array', /rules must be an array/, {}, { rules: {} }],
  ])('refuses %s', (_, message, rule, more) => {
    expect(() => compile(rule, more)).toThrow(message);
    expect(() => compile(rule, more)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });

  it('refuses more rules or addresses than the program may have', () => {
    const rules = Array.from({ length: 257 }, (_, port): SteeringRule => ({ port, action: 'drop' }));
    expect(() => compileSteering({ rules, otherwise: 'pass' })).toThrow(
      /there are 257 rules, at most 256 are possible/,
    );
    const addresses = new Array<string>(257).fill('10.0.0.1');
    expect(() => compileSteering({ rules: [], otherwise: 'pass', addresses })).toThrow(/257 addresses, at most 256/);
  });
});
