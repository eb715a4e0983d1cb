import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe } from '@prism-net/link';
import { describe, expect, it } from 'vitest';
import { createStack } from './stack.js';
import type { SingleInterfaceOptions } from './stack-options.js';

const ADDRESS = '10.0.0.1/24';

function emptyMemory(): PacketMemory {
  const memory = PacketMemory.create({ frames: 4 });
  memory.reserveFrames(4);
  return memory;
}

/** Options as an application in plain JavaScript might give them. */
const wrong: [name: string, options: Record<string, unknown>, message: string][] = [
  [
    'a setting of TCP',
    { tcp: { backlog: 0 } },
    'createStack EINVAL: tcp.backlog must be a whole number from 1 to 65535, not 0',
  ],
  [
    'no algorithm',
    { tcp: { congestionControl: 'magic' } },
    "createStack EINVAL: tcp.congestionControl: there is no 'magic'",
  ],
  ['no mode of ECN', { tcp: { ecn: 'no' } }, 'createStack EINVAL: tcp.ecn must be one of active, passive, off, not no'],
  [
    'no link',
    { link: undefined },
    "link: an interface needs one that is open, e.g. createPipe()[0] or await openLink('tap')",
  ],
  ['what is no link', { link: {} }, 'link: an interface needs one'],
  ['the name of a link', { link: 'tap' }, 'link: an interface needs one that is open'],
  ['a link that was not waited for', { link: Promise.resolve() }, 'link: an interface needs one that is open'],
  ['no address', { address: undefined }, "address: the interface on pipe0 needs one, such as '10.0.0.1/24'"],
  ['an address without a prefix length', { address: '10.0.0.1' }, 'address: "10.0.0.1" is not an IPv4 prefix'],
  ['no text for an address', { address: 10 }, 'address must be text'],
  ['no text among addresses', { address: [ADDRESS, 10] }, 'address must be text, not 10'],
  ['a network as an address', { address: '10.0.0.0/24' }, '10.0.0.0/24 cannot be the address of a host'],
  ['a broadcast address', { address: '10.0.0.255/24' }, '10.0.0.255/24 cannot be the address of a host'],
  ['a group as an address', { address: '239.1.2.3/24' }, '239.1.2.3/24 cannot be the address of a host'],
  ['a gateway that is none', { gateway: 'router' }, 'gateway: "router" is not an IPv4 address'],
  ['a gateway elsewhere', { gateway: '10.0.1.1' }, 'gateway: 10.0.1.1 is not a neighbour on 10.0.0.1/24'],
  ['a broadcast address as gateway', { gateway: '10.0.0.255' }, 'gateway: 10.0.0.255 is not a neighbour'],
  ['itself as gateway', { gateway: '10.0.0.1' }, 'gateway: 10.0.0.1 is not a neighbour'],
  ['a MAC address that is none', { macAddress: '02:00' }, 'macAddress: "02:00" is not a MAC address'],
  ['a multicast MAC address', { macAddress: '01:00:5e:00:00:01' }, 'macAddress must not be a multicast address'],
  ['VLAN 0', { vlan: 0 }, 'vlan must be a whole number from 1 to 4094, not 0'],
  ['VLAN 4095', { vlan: 4095 }, 'vlan must be a whole number from 1 to 4094, not 4095'],
  ['an MTU below 68', { mtu: 67 }, 'mtu must be a whole number from 68 to 1500, not 67'],
  ['an MTU above the link', { mtu: 1501 }, 'mtu must be a whole number from 68 to 1500, not 1501'],
  ['a misspelt option', { spinMilliseconds: 1 }, "there is no option 'spinMilliseconds'; there are link, address"],
  ['a misspelt ipv4 option', { ipv4: { forwardng: true } }, "createStack ipv4 EINVAL: there is no option 'forwardng'"],
  [
    'a misspelt icmp option',
    { ipv4: { icmp: { ecko: false } } },
    "createStack ipv4.icmp EINVAL: there is no option 'ecko'",
  ],
  ['a misspelt udp option', { udp: { queue: 1 } }, "createStack udp EINVAL: there is no option 'queue'"],
  ['a misspelt ethernet option', { ethernet: { burst: 1 } }, "createStack ethernet EINVAL: there is no option 'burst'"],
  [
    'a misspelt neighbour option',
    { ethernet: { neighbours: { size: 1 } } },
    "createStack ethernet.neighbours EINVAL: there is no option 'size'; there are capacity",
  ],
  ['an unknown mode', { mode: 'fast' }, 'mode must be interrupt, busy, adaptive or manual, not fast'],
  ['receiveBudget 0', { receiveBudget: 0 }, 'receiveBudget must be a whole number from 1 to 4096, not 0'],
  ['timerBudget 1.5', { timerBudget: 1.5 }, 'timerBudget must be a whole number from 1 to 65536, not 1.5'],
  ['spinMicroseconds -1', { spinMicroseconds: -1 }, 'spinMicroseconds must be a whole number from 0'],
  ['timers 0', { timers: 0 }, 'timers must be a whole number from 1 to 1048576, not 0'],
  ['interfaces that are none', { interfaces: 'eth0' }, 'interfaces must be an array of { link, address }'],
  ['a memory without frames', { memory: emptyMemory() }, 'memory has no frames left for the stack'],
  ['ipv4.timeToLive 0', { ipv4: { timeToLive: 0 } }, 'ipv4.timeToLive must be a whole number from 1 to 255, not 0'],
  ['ipv4.addresses 0', { ipv4: { addresses: 0 } }, 'ipv4.addresses must be'],
  ['ipv4.routes', { ipv4: { routes: 1.5 } }, 'ipv4.routes must be'],
  ['ipv4.groups', { ipv4: { groups: -1 } }, 'ipv4.groups must be'],
  ['ipv4.pathMtuDestinations', { ipv4: { pathMtuDestinations: 0 } }, 'ipv4.pathMtuDestinations must be'],
  ['ipv4.minimumPathMtu', { ipv4: { minimumPathMtu: 67 } }, 'ipv4.minimumPathMtu must be'],
  ['ipv4.reassembly.datagrams', { ipv4: { reassembly: { datagrams: 0 } } }, 'ipv4.reassembly.datagrams must be'],
  ['ipv4.reassembly.frames', { ipv4: { reassembly: { frames: 0 } } }, 'frames must be'],
  ['ipv4.icmp', { ipv4: { icmp: { errorsPerSecond: 0 } } }, 'errorsPerSecond cannot be 0'],
  ['udp.maximumEndpoints', { udp: { maximumEndpoints: 0 } }, 'maximumEndpoints must be'],
  ['udp.ephemeralPorts', { udp: { ephemeralPorts: { first: 5, last: 4 } } }, 'ephemeralPorts.last must be'],
  ['udp.receiveQueue', { udp: { receiveQueue: 0 } }, 'receiveQueue must be'],
  ['ethernet.transmitQueue', { ethernet: { transmitQueue: 0 } }, 'ethernet.transmitQueue must be'],
  ['ethernet.multicastAddresses', { ethernet: { multicastAddresses: 0 } }, 'ethernet.multicastAddresses must be'],
  [
    'ethernet.neighbours.capacity',
    { ethernet: { neighbours: { capacity: 0 } } },
    'ethernet.neighbours.capacity must be',
  ],
  [
    'ethernet.neighbours.retransmitMilliseconds',
    { ethernet: { neighbours: { retransmitMilliseconds: 1 } } },
    'neighbours.retransmitMilliseconds must be',
  ],
  ['ethernet.arp.addresses', { ethernet: { arp: { addresses: 0 } } }, 'ethernet.arp.addresses must be'],
];

describe('createStack', () => {
  it.each([null, 7, 'eth0'])('refuses %s among the interfaces', (each) => {
    expect(() => createStack({ interfaces: [each as never] })).toThrow(
      `createStack EINVAL: interfaces must be an array of { link, address }, not of ${each}`,
    );
  });

  it.each(wrong)('%s is one EINVAL that says what is wrong', (_name, options, message) => {
    const [link] = createPipe();
    const all = { link, address: ADDRESS, mode: 'manual', ...options } as unknown as SingleInterfaceOptions;
    expect(() => createStack(all)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => createStack(all)).toThrow(message);
  });

  it('a link of two interfaces, or a pool of another memory, is EINVAL', () => {
    const [link] = createPipe();
    const interfaces = [
      { link, address: ADDRESS },
      { link, address: '10.0.1.1/24' },
    ];
    expect(() => createStack({ interfaces, mode: 'manual' })).toThrow('link: two interfaces cannot share one');
    const memory = PacketMemory.create({ frames: 4 });
    const pool = PacketPool.create(PacketMemory.create({ frames: 4 }), 4);
    const options = { link, address: ADDRESS, mode: 'manual', memory, pool } as const;
    expect(() => createStack(options)).toThrow('pool must be a pool of the memory that is given');
  });

  it('one address on two interfaces is EADDRINUSE', () => {
    const [left, right] = createPipe();
    const interfaces = [
      { link: left, address: ADDRESS },
      { link: right, address: ADDRESS },
    ];
    expect(() => createStack({ interfaces, mode: 'manual' })).toThrow(expect.objectContaining({ code: 'EADDRINUSE' }));
  });

  it('too few timers are ENOMEM', () => {
    const [link] = createPipe();
    const options = { link, address: ADDRESS, mode: 'manual', timers: 2 } as const;
    expect(() => createStack(options)).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
  });
});

describe('configuration()', () => {
  it('shows the defaults in force', () => {
    const [link] = createPipe();
    const stack = createStack({ link, address: ADDRESS, mode: 'manual' });
    expect(stack.configuration()).toMatchObject({
      mode: 'manual',
      spinMicroseconds: 1000,
      receiveBudget: 32,
      timerBudget: 64,
      timers: 1024,
      memory: { frames: 4096, frameSize: 2048, debug: false, placement: { hugePages: false } },
      pool: { frames: 4096 },
      ipv4: { timeToLive: 64, strongHost: true, forwarding: false },
      udp: { maximumEndpoints: 8192, ephemeralPorts: { first: 49_152, last: 65_535 }, receiveQueue: 1024 },
      interfaces: [
        { name: 'lo', index: 0, mtu: 65_535, addresses: ['127.0.0.1/8'] },
        {
          name: 'pipe0',
          index: 1,
          mtu: 1500,
          macAddress: '02:00:00:00:00:01',
          vlan: 'untagged',
          gateway: 'none',
          addresses: [ADDRESS],
          link: { mode: 'in-process', queues: 1 },
        },
      ],
    });
    stack.close();
  });

  it('shows what was chosen', () => {
    const [link] = createPipe();
    const stack = createStack({
      link,
      address: [ADDRESS, '10.0.7.1/16'],
      gateway: '10.0.0.254',
      name: 'uplink',
      macAddress: '02:aa:00:00:00:09',
      vlan: 42,
      mtu: 1400,
      mode: 'manual',
      loopback: false,
      receiveBudget: 8,
      ipv4: { forwarding: true, timeToLive: 3 },
      udp: { receiveQueue: 5 },
    });
    expect(stack.configuration()).toMatchObject({
      receiveBudget: 8,
      ipv4: { forwarding: true, timeToLive: 3 },
      udp: { receiveQueue: 5, maximumEndpoints: 8192 },
      interfaces: [
        {
          name: 'uplink',
          index: 0,
          mtu: 1400,
          macAddress: '02:aa:00:00:00:09',
          vlan: 42,
          gateway: '10.0.0.254',
          addresses: [ADDRESS, '10.0.7.1/16'],
        },
      ],
    });
    stack.close();
  });
});
