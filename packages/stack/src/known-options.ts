import { invalidArgument, requireKnownOptions } from '@prism-net/errors';
import { resolveSettings, SETTING_NAMES } from '@prism-net/tcp';
import type { InterfaceOptions, SingleInterfaceOptions, StackOptions } from './stack-options.js';

type Ipv4Options = NonNullable<StackOptions['ipv4']>;
type EthernetOptions = NonNullable<InterfaceOptions['ethernet']>;

/** Every option there is, by the object it stands in: the compiler checks that each exists, and that none is missing. */
const STACK = names<Omit<StackOptions, 'interfaces'>>({
  mode: 1,
  spinMicroseconds: 1,
  loopback: 1,
  memory: 1,
  pool: 1,
  receiveBudget: 1,
  timerBudget: 1,
  timers: 1,
  clock: 1,
  random: 1,
  scheduler: 1,
  ipv4: 1,
  udp: 1,
  tcp: 1,
});
const INTERFACE = names<InterfaceOptions>({
  link: 1,
  address: 1,
  gateway: 1,
  name: 1,
  macAddress: 1,
  vlan: 1,
  mtu: 1,
  ethernet: 1,
});
const ETHERNET = names<EthernetOptions>({
  transmitQueue: 1,
  multicastAddresses: 1,
  promiscuous: 1,
  neighbours: 1,
  arp: 1,
});
const NEIGHBOURS = names<NonNullable<EthernetOptions['neighbours']>>({
  capacity: 1,
  reachableMilliseconds: 1,
  retransmitMilliseconds: 1,
  maximumRequests: 1,
  failedMilliseconds: 1,
  pendingPerNeighbour: 1,
  pendingTotal: 1,
  provokedPerSecond: 1,
});
const ARP = names<NonNullable<EthernetOptions['arp']>>({ acceptAnnouncements: 1, probe: 1, addresses: 1 });
const IPV4 = names<Ipv4Options>({
  forwarding: 1,
  strongHost: 1,
  timeToLive: 1,
  addresses: 1,
  routes: 1,
  groups: 1,
  pathMtuDestinations: 1,
  minimumPathMtu: 1,
  reassembly: 1,
  icmp: 1,
});
const REASSEMBLY = names<NonNullable<Ipv4Options['reassembly']>>({
  datagrams: 1,
  datagramsPerSource: 1,
  fragmentsPerDatagram: 1,
  frames: 1,
  timeoutMilliseconds: 1,
});
const ICMP = names<NonNullable<Ipv4Options['icmp']>>({
  errorsPerDestinationPerSecond: 1,
  errorsPerDestinationBurst: 1,
  errorDestinations: 1,
  errorsPerSecond: 1,
  errorsBurst: 1,
  echo: 1,
  echoMaximumLength: 1,
  echoesPerSecond: 1,
  echoesBurst: 1,
});
const UDP = names<NonNullable<StackOptions['udp']>>({ maximumEndpoints: 1, ephemeralPorts: 1, receiveQueue: 1 });

/** Refuses what is no option, at any depth. @throws PosixError EINVAL that names it and those there are */
export function requireKnownStackOptions(options: StackOptions | SingleInterfaceOptions): void {
  const isList = 'interfaces' in options;
  check('', options, isList ? ['interfaces', ...STACK] : [...INTERFACE, ...STACK]);
  check('ipv4', options.ipv4, IPV4);
  check('ipv4.reassembly', options.ipv4?.reassembly, REASSEMBLY);
  check('ipv4.icmp', options.ipv4?.icmp, ICMP);
  check('udp', options.udp, UDP);
  check('tcp', options.tcp, SETTING_NAMES);
  // Also what values they have: the error is to name the call that was made.
  if (options.tcp !== undefined) resolveSettings(options.tcp, 'createStack', 'tcp.');
  for (const each of isList ? options.interfaces : [options]) {
    if (typeof each !== 'object' || each === null) {
      throw invalidArgument('createStack', `interfaces must be an array of { link, address }, not of ${String(each)}`);
    }
    if (isList) check('interfaces', each, INTERFACE);
    check('ethernet', each.ethernet, ETHERNET);
    check('ethernet.neighbours', each.ethernet?.neighbours, NEIGHBOURS);
    check('ethernet.arp', each.ethernet?.arp, ARP);
  }
}

function check(where: string, options: object | undefined, known: readonly string[]): void {
  if (options !== undefined) requireKnownOptions(where === '' ? 'createStack' : `createStack ${where}`, options, known);
}

function names<Options>(all: Record<keyof Required<Options>, 1>): readonly string[] {
  return Object.keys(all);
}
