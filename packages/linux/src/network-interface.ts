import { type Ipv4Prefix, type MacAddress, prefixMask } from '@prism-net/wire';
import { linuxAddon } from './addon.js';

/** Flags of an interface, as <net/if.h> numbers them. */
const IFF_UP = 0x1;
const IFF_LOOPBACK = 0x8;
const IFF_RUNNING = 0x40;
const IFF_PROMISC = 0x100;
/** ARPHRD_ETHER of <net/if_arp.h>. */
const ETHERNET = 1;

/** What the kernel says of a network interface. */
export interface NetworkInterface {
  readonly name: string;
  readonly index: number;
  readonly mtu: number;
  readonly macAddress: MacAddress;
  readonly isUp: boolean;
  /** Up, and with a carrier. */
  readonly isRunning: boolean;
  readonly isLoopback: boolean;
  /** Frames start with an Ethernet header. */
  readonly isEthernet: boolean;
  /** The kernel's driver: 'veth', 'virtio_net', 'tun' … or '' where it does not say. */
  readonly driver: string;
  readonly receiveQueues: number;
  readonly transmitQueues: number;
  /** Active features by the kernel's names (`ethtool -k`): 'tx-tcp-segmentation', 'rx-gro' … */
  readonly features: ReadonlySet<string>;
}

/** The interface `name` of the thread's network namespace. @throws SystemError ENODEV. */
export function readInterface(name: string): NetworkInterface {
  const found = linuxAddon().readInterface(name);
  return {
    name,
    index: found.index,
    mtu: found.mtu,
    macAddress: { high: found.macHigh, low: found.macLow },
    isUp: (found.flags & IFF_UP) !== 0,
    isRunning: (found.flags & IFF_RUNNING) !== 0,
    isLoopback: (found.flags & IFF_LOOPBACK) !== 0,
    isEthernet: found.hardwareType === ETHERNET,
    driver: found.driver,
    receiveQueues: found.receiveQueues,
    transmitQueues: found.transmitQueues,
    features: new Set(found.features),
  };
}

/** Names of the interfaces of the thread's network namespace. */
export function listInterfaces(): string[] {
  return linuxAddon().listInterfaces();
}

/** Settings of an interface that a link may have to change; each needs CAP_NET_ADMIN. */
export interface InterfaceSettings {
  readonly up?: boolean;
  readonly promiscuous?: boolean;
  readonly mtu?: number;
  readonly macAddress?: MacAddress;
  /** The kernel's own address there. */
  readonly address?: Ipv4Prefix;
}

/** Changes what is given, in an order the kernel accepts. @throws SystemError ENODEV, EPERM, EINVAL, EBUSY. */
export function configureInterface(name: string, settings: InterfaceSettings): void {
  const addon = linuxAddon();
  const { macAddress, mtu, address, up, promiscuous } = settings;
  if (macAddress !== undefined) addon.setMacAddress(name, macAddress.high, macAddress.low);
  if (mtu !== undefined) addon.setMtu(name, mtu);
  if (address !== undefined) addon.setIpv4Address(name, address.address, prefixMask(address.prefixLength));
  const set = (up === true ? IFF_UP : 0) | (promiscuous === true ? IFF_PROMISC : 0);
  const clear = (up === false ? IFF_UP : 0) | (promiscuous === false ? IFF_PROMISC : 0);
  if ((set | clear) !== 0) addon.changeFlags(name, set, clear);
}
