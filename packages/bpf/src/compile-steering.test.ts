import { labUnavailable } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import { arp, frame, ICMP, ICMPV6, icmpError, ip, neighbour, TCP, UDP } from './frames.testkit.js';
import type { Steering, SteeringRule } from './steering.js';
import { judge, LoadedJudge } from './steering.testkit.js';

/** Redirects what the rule matches, and passes the rest. */
const only = (rule: Omit<SteeringRule, 'action'>): Steering => ({
  rules: [{ ...rule, action: 'redirect' }],
  otherwise: 'pass',
});

describe.skipIf(labUnavailable() !== null)('a compiled steering specification, in the kernel', () => {
  it('redirects everything, or nothing, when it has no rules', () => {
    const frames = [ip(), arp('10.0.0.1'), frame({ payload: new Uint8Array(0) })];
    expect(judge({ rules: [], otherwise: 'redirect' }, ...frames)).toEqual(['redirect', 'redirect', 'redirect']);
    expect(judge({ rules: [], otherwise: 'drop' }, ...frames)).toEqual(['drop', 'drop', 'drop']);
  });

  it('matches a destination address and a prefix', () => {
    const frames = ['10.0.0.1', '10.0.0.2', '10.0.1.1', '11.0.0.1'].map((destination) => ip({ destination }));
    expect(judge(only({ address: '10.0.0.1' }), ...frames)).toEqual(['redirect', 'pass', 'pass', 'pass']);
    expect(judge(only({ address: '10.0.0.0/24' }), ...frames)).toEqual(['redirect', 'redirect', 'pass', 'pass']);
    expect(judge(only({ address: '10.0.0.0/15' }), ...frames)).toEqual(['redirect', 'redirect', 'redirect', 'pass']);
    expect(
      judge(only({ address: '0.0.0.0/0' }), ...frames, arp('10.0.0.1'), ip({ destination: '::1', source: '::2' })),
    ).toEqual(['redirect', 'redirect', 'redirect', 'redirect', 'pass', 'pass']);
  });

  it('matches a source address', () => {
    const frames = ['192.168.7.9', '192.168.8.9'].map((source) => ip({ source }));
    expect(judge(only({ sourceAddress: '192.168.7.0/24' }), ...frames)).toEqual(['redirect', 'pass']);
  });

  it('matches ports and ranges of ports with their ends', () => {
    const frames = [1999, 2000, 2001, 2005, 2006].map((port) => ip({ port }));
    expect(judge(only({ port: 2000 }), ...frames)).toEqual(['pass', 'redirect', 'pass', 'pass', 'pass']);
    expect(judge(only({ port: [2000, 2005] }), ...frames)).toEqual([
      'pass',
      'redirect',
      'redirect',
      'redirect',
      'pass',
    ]);
    const fromPorts = [79, 80, 443].map((sourcePort) => ip({ sourcePort }));
    expect(judge(only({ sourcePort: 80 }), ...fromPorts)).toEqual(['pass', 'redirect', 'pass']);
    expect(judge(only({ port: [0, 65535] }), ip({ port: 0 }), ip({ port: 65535 }), ip({ protocol: ICMP }))).toEqual([
      'redirect',
      'redirect',
      'pass',
    ]);
  });

  it('matches a protocol, and tells TCP from UDP at one port', () => {
    const frames = [ip({ protocol: TCP }), ip({ protocol: UDP }), ip({ protocol: ICMP }), ip({ protocol: 47 })];
    expect(judge(only({ protocol: 'tcp', port: 2000 }), ...frames)).toEqual(['redirect', 'pass', 'pass', 'pass']);
    expect(judge(only({ protocol: 'icmp' }), ...frames)).toEqual(['pass', 'pass', 'redirect', 'pass']);
    expect(judge(only({ protocol: 47 }), ...frames)).toEqual(['pass', 'pass', 'pass', 'redirect']);
  });

  it('finds the ports behind IPv4 options', () => {
    const frames = [0, 4, 40].map((optionsLength) => ip({ optionsLength, port: 2000 }));
    const others = [4, 40].map((optionsLength) => ip({ optionsLength, port: 2001 }));
    expect(judge(only({ port: 2000 }), ...frames, ...others)).toEqual([
      'redirect',
      'redirect',
      'redirect',
      'pass',
      'pass',
    ]);
  });

  it('sees through one 802.1Q tag, and matches its identifier without priority', () => {
    const frames = [ip(), ip({ vlan: 5 }), ip({ vlan: 0x6005 }), ip({ vlan: 6 })];
    expect(judge(only({ port: 2000 }), ...frames)).toEqual(['redirect', 'redirect', 'redirect', 'redirect']);
    expect(judge(only({ port: 2000, vlan: 5 }), ...frames)).toEqual(['pass', 'redirect', 'redirect', 'pass']);
    expect(judge(only({ vlan: 'untagged' }), ...frames)).toEqual(['redirect', 'pass', 'pass', 'pass']);
  });

  it('takes a second tag for the payload of the first', () => {
    const inner = ip({ vlan: 6 }).subarray(12);
    const twice = frame({ vlan: 5, etherType: 0x8100, payload: inner.subarray(2) });
    expect(judge(only({ port: 2000 }), twice)).toEqual(['pass']);
    expect(judge(only({ vlan: 5, etherType: 0x8100 }), twice)).toEqual(['redirect']);
  });

  it('matches an EtherType', () => {
    const frames = [
      frame({ etherType: 0x88b5 }),
      frame({ vlan: 7, etherType: 0x88b5 }),
      frame({ etherType: 0x88b6 }),
      ip(),
    ];
    expect(judge(only({ etherType: 0x88b5 }), ...frames)).toEqual(['redirect', 'redirect', 'pass', 'pass']);
    expect(judge(only({ etherType: 0x0800 }), ...frames)).toEqual(['pass', 'pass', 'pass', 'redirect']);
  });

  it('matches IPv6 by every word of its addresses', () => {
    const source = 'fe80::9';
    const addresses = ['2001:db8::1', '2001:db8::2', '2001:db8:0:1::1', '2001:db9::1', '2001:db8:0:0:1::1'];
    const frames = addresses.map((destination) => ip({ source, destination }));
    expect(judge(only({ address: '2001:db8::1', port: 2000 }), ...frames)).toEqual([
      'redirect',
      'pass',
      'pass',
      'pass',
      'pass',
    ]);
    expect(judge(only({ address: '2001:db8::/64' }), ...frames)).toEqual([
      'redirect',
      'redirect',
      'pass',
      'pass',
      'redirect',
    ]);
    expect(judge(only({ sourceAddress: 'fe80::/10', protocol: 'tcp' }), ...frames)).toEqual(frames.map(() => 'pass'));
    const ping = ip({ source, destination: '2001:db8::1', protocol: ICMPV6 });
    expect(judge(only({ protocol: 'icmp' }), ping, ip({ protocol: ICMP }), ...frames.slice(0, 1))).toEqual([
      'redirect',
      'redirect',
      'pass',
    ]);
  });

  it('lets the first rule that matches decide', () => {
    const steering: Steering = {
      rules: [
        { protocol: 'tcp', port: 22, action: 'pass' },
        { sourceAddress: '10.6.0.0/16', action: 'drop' },
        { address: '10.0.0.1', action: 'redirect' },
      ],
      otherwise: 'pass',
    };
    const ssh = { protocol: TCP, port: 22 };
    expect(judge(steering, ip(ssh), ip({ ...ssh, source: '10.6.6.6' }), ip({ source: '10.6.6.6' }), ip())).toEqual([
      'pass',
      'pass',
      'drop',
      'redirect',
    ]);
  });

  it('passes what is too short or no IP packet, whatever the rules say', () => {
    const steering: Steering = { rules: [{ port: 1, action: 'drop' }], otherwise: 'redirect' };
    const whole = ip({ payloadLength: 4 });
    const wrongVersion = ip();
    wrongVersion[14] = 0x65;
    const shortHeader = ip();
    shortHeader[14] = 0x44;
    const longHeader = ip({ payloadLength: 4 });
    longHeader[14] = 0x47;
    const cut = [15, 20, 33, 34, 37].map((length) => whole.subarray(0, length));
    const tagOnly = ip({ vlan: 3 }).subarray(0, 16);
    expect(judge(steering, ...cut, tagOnly, wrongVersion, shortHeader, longHeader)).toEqual(new Array(9).fill('pass'));
    expect(judge(steering, whole, frame({}))).toEqual(['redirect', 'redirect']);
  });

  describe('fragments', () => {
    const fragment = (fragmentOffset: number, moreFragments: boolean, more: object = {}) =>
      ip({ fragmentOffset, moreFragments, ...more });

    it('sends the later fragments of a datagram where its first one went', () => {
      const steering = only({ address: '10.0.0.1', protocol: 'udp', port: 2000 });
      const other = { identification: 2, port: 2001 };
      expect(
        judge(
          steering,
          fragment(0, true),
          fragment(0, true, other),
          fragment(1480, true),
          fragment(1480, false, other),
          fragment(2960, false),
        ),
      ).toEqual(['redirect', 'pass', 'redirect', 'pass', 'redirect']);
    });

    it('tells datagrams apart by addresses, protocol, identification and VLAN', () => {
      const steering = only({ port: 2000 });
      const others = [
        { source: '10.0.0.3' },
        { destination: '10.0.0.3' },
        { protocol: TCP },
        { identification: 9 },
        { vlan: 1 },
      ];
      const frames = others.map((other) => fragment(8, false, other));
      expect(judge(steering, fragment(0, true), ...frames, fragment(8, false))).toEqual(
        ['pass', 'pass', 'pass', 'pass', 'pass']
          .flatMap((verdict, index) => (index === 0 ? ['redirect', verdict] : [verdict]))
          .concat('redirect'),
      );
    });

    it('decides by rules without ports when the first fragment has not come yet', () => {
      const steering: Steering = {
        rules: [
          { address: '10.0.0.1', port: 2000, action: 'drop' },
          { address: '10.0.0.0/8', protocol: 'udp', action: 'redirect' },
        ],
        otherwise: 'pass',
      };
      expect(judge(steering, fragment(1480, false), fragment(0, true), fragment(1480, false))).toEqual([
        'redirect',
        'drop',
        'drop',
      ]);
    });

    it('passes a first fragment without its ports, and learns nothing from it', () => {
      const steering: Steering = { rules: [{ port: 1, action: 'pass' }], otherwise: 'redirect' };
      const tiny = ip({ moreFragments: true, payloadLength: 0 });
      expect(judge(steering, tiny, fragment(8, false))).toEqual(['pass', 'redirect']);
    });

    it('counts them where the first one counted', () => {
      const loaded = new LoadedJudge(only({ port: 2000 }));
      for (const one of [fragment(0, true), fragment(8, true), fragment(16, false)]) loaded.judge(one);
      expect(loaded.counters()).toMatchObject({ rules: [3], otherwise: 0, redirected: 3 });
      loaded.close();
    });
  });

  describe('ICMP errors', () => {
    const router = '192.0.2.254';
    // What Prism has sent: from its port.
    const sent = { source: '10.0.0.1', sourcePort: 7000, destination: '192.0.2.1', port: 9999 };
    const error = (type: number, more: object = {}) =>
      icmpError(type, ip({ ...sent, ...more }), { source: router, destination: '10.0.0.1' });

    it('go where the flow goes that they are about', () => {
      const steering = only({ protocol: 'udp', address: '10.0.0.1', port: 7000 });
      const others = [{ sourcePort: 7001 }, { protocol: TCP }, { source: '10.0.0.2' }, { fragmentOffset: 8 }];
      const frames = [error(3), error(11), error(12), error(3, { optionsLength: 8 }), error(3, { payloadLength: 8 })];
      expect(judge(steering, ...frames)).toEqual(frames.map(() => 'redirect'));
      expect(judge(steering, ...others.map((other) => error(3, other)))).toEqual(['pass', 'pass', 'pass', 'pass']);
      // Echo and redirect are no errors; the last one is cut off before the ports.
      expect(judge(steering, error(8), error(5), error(3, { payloadLength: 3 }))).toEqual(['pass', 'pass', 'pass']);
    });

    it('are packets of their own when what they quote is no IPv4 header', () => {
      const steering = only({ protocol: 'udp' });
      const quotedHeader = 14 + 20 + 8;
      for (const first of [0x44, 0x65, 0x4f]) {
        const broken = error(3);
        broken[quotedHeader] = first;
        expect(judge(steering, error(3), broken)).toEqual(['redirect', 'pass']);
      }
    });

    it('match the other end by sourceAddress and sourcePort, and the rule without ports too', () => {
      expect(judge(only({ protocol: 'udp', sourceAddress: '192.0.2.1', sourcePort: 9999 }), error(3))).toEqual([
        'redirect',
      ]);
      expect(judge(only({ protocol: 'udp', sourceAddress: router }), error(3))).toEqual(['pass']);
      expect(judge(only({ protocol: 'udp' }), error(3), error(3, { protocol: TCP }))).toEqual(['redirect', 'pass']);
    });

    it('are judged by rules for addresses and for ICMP as packets of their own, in order', () => {
      const flow: SteeringRule = { protocol: 'udp', port: 7000, action: 'redirect' };
      const noIcmp: SteeringRule = { protocol: 'icmp', sourceAddress: router, action: 'drop' };
      expect(judge({ rules: [flow, noIcmp], otherwise: 'pass' }, error(3), error(3, { sourcePort: 1 }))).toEqual([
        'redirect',
        'drop',
      ]);
      expect(judge({ rules: [noIcmp, flow], otherwise: 'pass' }, error(3))).toEqual(['drop']);
    });

    it('likewise in IPv6', () => {
      const flow = { source: '2001:db8::1', sourcePort: 7000, destination: '2001:db8:9::1', port: 9999 };
      const from = { source: 'fe80::9', destination: '2001:db8::1' };
      const frames = [1, 2, 3, 4, 128].map((type) => icmpError(type, ip(flow), from));
      const steering = only({ protocol: 'udp', address: '2001:db8::1', port: 7000 });
      const expected = ['redirect', 'redirect', 'redirect', 'redirect', 'pass'];
      expect(judge(steering, ...frames)).toEqual(expected);
      expect(judge({ ...steering, addresses: ['2001:db8::1'] }, ...frames)).toEqual(expected);
      expect(judge(steering, icmpError(1, ip({ ...flow, sourcePort: 1 }), from))).toEqual(['pass']);
    });
  });

  describe('neighbour resolution', () => {
    const own = { addresses: ['10.0.0.1', '10.0.0.7', '2001:db8::1', 'fe80::1'] };

    it('redirects ARP for its own addresses only, and other ARP passes whatever is otherwise', () => {
      const steering: Steering = { rules: [], otherwise: 'redirect', ...own };
      const frames = [arp('10.0.0.1'), arp('10.0.0.7', 2), arp('10.0.0.2'), arp('10.0.0.9', 2, '10.0.0.1')];
      expect(judge(steering, ...frames)).toEqual(['redirect', 'redirect', 'pass', 'pass']);
      expect(judge({ ...steering, otherwise: 'drop' }, ...frames)).toEqual(['redirect', 'redirect', 'pass', 'pass']);
    });

    it('lets a rule take the ARP of others', () => {
      const steering: Steering = { rules: [{ etherType: 0x0806, action: 'drop' }], otherwise: 'pass', ...own };
      expect(judge(steering, arp('10.0.0.1'), arp('10.0.0.2'))).toEqual(['redirect', 'drop']);
    });

    it('takes ARP for other hardware or protocols for foreign', () => {
      const steering: Steering = { rules: [], otherwise: 'drop', ...own };
      const strange = arp('10.0.0.1');
      strange[15] = 6;
      const lengths = arp('10.0.0.1');
      lengths[18] = 8;
      expect(judge(steering, strange, lengths)).toEqual(['pass', 'pass']);
    });

    it('redirects neighbour solicitations for its own addresses, and advertisements to or for them', () => {
      const steering: Steering = { rules: [], otherwise: 'drop', ...own };
      const solicited = 'ff02::1:ff00:1';
      const frames = [
        neighbour(135, '2001:db8::1', solicited),
        neighbour(135, 'fe80::1', 'fe80::1'),
        neighbour(136, 'fe80::2', 'fe80::1'),
        neighbour(136, '2001:db8::1', 'ff02::1'),
      ];
      expect(judge(steering, ...frames)).toEqual(['redirect', 'redirect', 'redirect', 'redirect']);
      const others = [
        neighbour(135, '2001:db8::9', 'ff02::1:ff00:9'),
        // For another address of the same solicited-node group.
        neighbour(135, '2001:db9::1', solicited),
        neighbour(136, 'fe80::2', 'ff02::1'),
      ];
      expect(judge(steering, ...others)).toEqual(['pass', 'pass', 'pass']);
      expect(judge(steering, neighbour(133, 'fe80::1', 'ff02::2'), ip({ protocol: ICMP }))).toEqual(['drop', 'drop']);
    });

    it('leaves all of it to the kernel that has the same addresses', () => {
      const steering: Steering = { rules: [], otherwise: 'redirect', sharedAddress: true, ...own };
      const frames = [arp('10.0.0.1'), arp('10.0.0.2'), neighbour(135, 'fe80::1', 'fe80::1'), ip()];
      expect(judge(steering, ...frames)).toEqual(['pass', 'pass', 'pass', 'redirect']);
    });
  });

  it('reads headers of frames that lie in several buffers', () => {
    const large = ip({ payloadLength: 8900 });
    expect(judge(only({ port: 2000 }), large, ip({ payloadLength: 8900, port: 1 }))).toEqual(['redirect', 'pass']);
  });

  it('counts by rule, and by what decided otherwise', () => {
    const loaded = new LoadedJudge({
      rules: [
        { port: 1, action: 'redirect' },
        { port: 2, action: 'drop' },
        { port: 3, action: 'pass' },
      ],
      otherwise: 'drop',
      addresses: ['10.0.0.1'],
    });
    const frames = [ip({ port: 1 }), ip({ port: 1 }), ip({ port: 2 }), ip({ port: 3 }), ip({ port: 4 })];
    for (const one of [...frames, arp('10.0.0.1'), arp('10.0.0.2'), ip().subarray(0, 20)]) loaded.judge(one);
    expect(loaded.counters()).toEqual({
      rules: [2, 1, 1],
      otherwise: 1,
      ownNeighbours: 1,
      foreignNeighbours: 1,
      malformed: 1,
      withoutSocket: 0,
      redirected: 3,
      passed: 3,
      dropped: 2,
    });
    loaded.close();
  });

  it.each([
    ['IPv4', (n: number) => ({ address: `10.0.${n >> 8}.${n & 255}`, sourceAddress: `10.1.0.${n}` })],
    ['any address', () => ({})],
  ])('loads 256 rules with all fields for %s, and still finds the last', (_, addresses) => {
    const rules = Array.from(
      { length: 256 },
      (_, n): SteeringRule => ({
        ...addresses(n),
        protocol: n % 2 === 0 ? 'tcp' : 'udp',
        port: [1000 + n, 1000 + 2 * n],
        sourcePort: [3, 4000 + n],
        vlan: n + 1,
        action: 'redirect',
      }),
    );
    const last = { ...addresses(255), port: 1255, sourcePort: 4255 };
    const { address: destination = '10.0.0.1', sourceAddress: source = '10.0.0.2' } = { ...addresses(255) } as {
      address?: string;
      sourceAddress?: string;
    };
    const match = { source, destination, port: last.port, sourcePort: last.sourcePort, vlan: 256 };
    expect(judge({ rules, otherwise: 'pass' }, ip(match), ip({ ...match, sourcePort: 4256 }))).toEqual([
      'redirect',
      'pass',
    ]);
  });

  it('loads the longest program there can be', () => {
    const addresses = Array.from({ length: 256 }, (_, n) => `2001:db8::${n.toString(16)}`);
    const rules = Array.from({ length: 256 }, (_, n): SteeringRule => {
      const prefix = `2001:db8:1:2:3:4:${n.toString(16)}:0/127`;
      return { protocol: 'tcp', address: prefix, sourceAddress: prefix, vlan: n, action: 'drop' };
    });
    rules[0] = { port: 1, action: 'drop' };
    const address = '2001:db8:1:2:3:4:ff:1';
    const last = ip({ protocol: TCP, source: address, destination: address, vlan: 255 });
    expect(judge({ rules, otherwise: 'pass', addresses }, last, neighbour(135, addresses[255]!, 'ff02::1'))).toEqual([
      'drop',
      'redirect',
    ]);
  });
});
