import { labUnavailable } from '@prism-net/netlab';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arp, frame, icmpError, ip, neighbour } from './frames.testkit.js';
import type { Steering, SteeringRule } from './steering.js';
import { LoadedJudge } from './steering.testkit.js';
import { type Decider, SteeringModel } from './steering-model.testkit.js';

// Few values, so that rules and frames meet.
const IPV4 = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '138.0.0.1'];
const IPV6 = ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', 'fe80::1'];
const PREFIXES = [
  '10.0.0.0/24',
  '10.0.0.0/23',
  '128.0.0.0/1',
  '0.0.0.0/0',
  '2001:db8::/64',
  '2001:db8::/32',
  'fe80::/10',
  '::/0',
];
const PROTOCOLS = [1, 6, 17, 47, 58, 132];
const PORTS = [0, 22, 53, 255, 256, 1000, 2000, 65535];
const VLANS = [0, 5, 4094];
const TYPES = [0x0800, 0x0806, 0x86dd, 0x8100, 0x88b5];

const action = fc.constantFrom('redirect', 'pass', 'drop');
const port = fc.constantFrom(...PORTS);
const ports = fc.oneof(
  port,
  fc.tuple(port, port).map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]),
);

const rule = fc
  .record(
    {
      protocol: fc.constantFrom<string | number>('udp', 'tcp', 'icmp', ...PROTOCOLS),
      address: fc.constantFrom(...IPV4, ...IPV6, ...PREFIXES),
      port: ports,
      sourceAddress: fc.constantFrom(...IPV4, ...IPV6, ...PREFIXES),
      sourcePort: ports,
      vlan: fc.constantFrom<number | 'untagged'>('untagged', ...VLANS),
      etherType: fc.constantFrom(...TYPES),
      action,
    },
    { requiredKeys: ['action'] },
  )
  // Most fields left out: rules with all eight never match.
  .chain((full) =>
    fc.uniqueArray(fc.constantFrom(...Object.keys(full)), { maxLength: 3 }).map((kept) => pick(full, kept)),
  )
  .filter(isPossible);

const steering: fc.Arbitrary<Steering> = fc.record(
  {
    rules: fc.array(rule, { maxLength: 8 }),
    otherwise: action,
    addresses: fc.uniqueArray(fc.constantFrom(...IPV4, ...IPV6), { maxLength: 3 }),
    sharedAddress: fc.boolean(),
  },
  { requiredKeys: ['rules', 'otherwise'] },
) as fc.Arbitrary<Steering>;

const vlan = fc.option(fc.constantFrom(...VLANS, 0x6005, 0xefff), { nil: undefined, freq: 3 });
const common = {
  protocol: fc.constantFrom(...PROTOCOLS, 6, 17, 17),
  sourcePort: port,
  port,
  payloadLength: fc.constantFrom(0, 3, 4, 8, 24),
};
const frames = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        ...common,
        source: fc.constantFrom(...IPV4),
        destination: fc.constantFrom(...IPV4),
        optionsLength: fc.constantFrom(0, 0, 4, 40),
        fragmentOffset: fc.constantFrom(0, 0, 0, 8, 1480),
        moreFragments: fc.boolean(),
        identification: fc.constantFrom(1, 2),
        tag: vlan,
      })
      .map(tagged(ip)),
  },
  {
    weight: 3,
    arbitrary: fc
      .record({ ...common, source: fc.constantFrom(...IPV6), destination: fc.constantFrom(...IPV6), tag: vlan })
      .map(tagged(ip)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom(...IPV4), fc.constantFrom(1, 2)).map(([target, type]) => arp(target, type)),
  },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(133, 135, 136), fc.constantFrom(...IPV6), fc.constantFrom(...IPV6, 'ff02::1'))
      .map(([type, target, destination]) => neighbour(type, target, destination)),
  },
  { weight: 1, arbitrary: fc.record({ etherType: fc.constantFrom(...TYPES), tag: vlan }).map(tagged(frame)) },
);
const errors = fc
  .tuple(
    fc.constantFrom(0, 1, 2, 3, 4, 5, 11, 12),
    fc.boolean(),
    fc.record({ ...common, optionsLength: fc.constantFrom(0, 0, 40), fragmentOffset: fc.constantFrom(0, 0, 0, 8) }),
    fc.array(fc.nat(3), { minLength: 4, maxLength: 4 }),
    fc.record({
      moreFragments: fc.boolean(),
      fragmentOffset: fc.constantFrom(0, 0, 8),
      vlan: fc.constantFrom(...VLANS),
    }),
  )
  .map(([type, isIpv6, inner, [a, b, c, d], outer]) => {
    const pool = isIpv6 ? IPV6 : IPV4;
    const about = ip({ ...inner, source: pool[a!]!, destination: pool[b!]! });
    return icmpError(type, about, { ...outer, source: pool[c!]!, destination: pool[d!]! });
  });
const damaged = fc
  .tuple(
    fc.oneof({ weight: 4, arbitrary: frames }, { weight: 1, arbitrary: errors }),
    fc.nat(5),
    fc.nat(120),
    fc.nat(255),
  )
  .map(([whole, kind, at, byte]) => {
    const copy = Uint8Array.from(whole);
    if (kind === 1) return copy.subarray(0, Math.max(14, at % copy.length));
    // Beyond the addresses of the Ethernet header, where nothing is looked at.
    if (kind === 2) copy[12 + (at % (copy.length - 12))] = byte;
    return copy;
  });

describe.skipIf(labUnavailable() !== null)('compiled steering against a plain model', () => {
  it('judges and counts random frames by random rules as the model does', () => {
    let decidedByRules = 0;
    const property = fc.property(
      steering,
      fc.array(damaged, { minLength: 1, maxLength: 120, size: 'max' }),
      (specification, list) => {
        const loaded = new LoadedJudge(specification);
        const model = new SteeringModel(specification);
        const expected = new Map<Decider, number>();
        try {
          for (const one of list) {
            const verdict = model.judge(one);
            expected.set(verdict.by, (expected.get(verdict.by) ?? 0) + 1);
            expect(loaded.judge(one), `${verdict.by}: ${Buffer.from(one).toString('hex')}`).toBe(verdict.action);
          }
          const counters = loaded.counters();
          const of = (by: Decider) => expected.get(by) ?? 0;
          expect(counters).toMatchObject({
            rules: specification.rules.map((_, index) => of(index)),
            otherwise: of('otherwise'),
            ownNeighbours: of('own neighbour'),
            foreignNeighbours: of('foreign neighbour'),
            malformed: of('malformed'),
          });
          decidedByRules += counters.rules.reduce((sum, count) => sum + count, 0);
        } finally {
          loaded.close();
        }
      },
    );
    fc.assert(property, { numRuns: 150 });
    // Not a test of two ways to say `otherwise`.
    expect(decidedByRules).toBeGreaterThan(1000);
  });
});

function pick(full: object, kept: readonly string[]): SteeringRule {
  return Object.fromEntries(Object.entries(full).filter(([name]) => name === 'action' || kept.includes(name))) as never;
}

/** What parseSteering refuses, said in another way. */
function isPossible(candidate: SteeringRule): boolean {
  const { address, sourceAddress, etherType, protocol } = candidate;
  const hasPorts = candidate.port !== undefined || candidate.sourcePort !== undefined;
  const texts = [address, sourceAddress].filter((text) => text !== undefined);
  const [isSix, isFour] = [texts.some((text) => text.includes(':')), texts.some((text) => text.includes('.'))];
  if (isSix && isFour) return false;
  if (hasPorts && protocol !== undefined && !['udp', 'tcp', 6, 17, 33, 132, 136].includes(protocol)) return false;
  const isIp = hasPorts || texts.length > 0 || protocol !== undefined;
  if (etherType === undefined || !isIp) return true;
  return (etherType === 0x0800 && !isSix) || (etherType === 0x86dd && !isFour);
}

function tagged<T extends object>(make: (options: T) => Uint8Array) {
  return ({ tag, ...options }: T & { tag: number | undefined }): Uint8Array =>
    make((tag === undefined ? options : { ...options, vlan: tag }) as unknown as T);
}
