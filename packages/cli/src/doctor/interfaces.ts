import { listInterfaces, type NetworkInterface, readInterface } from '@prism-net/linux';
import type { InterfaceFinding } from './diagnosis.js';

/** Drivers of Linux 6 whose cards give AF_XDP their queues without a copy. */
const ZERO_COPY = new Set([
  ...['i40e', 'ice', 'idpf', 'igb', 'igc', 'ixgbe', 'mlx5_core', 'gve', 'st_gmac', 'stmmac', 'tsnep', 'nfp'],
]);
/** … and those that run XDP programs in the driver, before there is an skb. */
const NATIVE = new Set([
  ...['veth', 'tun', 'virtio_net', 'bonding', 'netdevsim', 'ixgbevf', 'mlx4_en', 'bnxt_en', 'ena', 'qede', 'sfc'],
  ...['hv_netvsc', 'vif', 'mvneta', 'mvpp2', 'fsl_dpaa2_eth', 'fsl_enetc', 'fec', 'netsec', 'nicvf', 'rvu_nicpf'],
  ...['rvu_nicvf', 'ionic', 'mana', 'lan966x-switch', 'vmxnet3', 'mtk_soc_eth', 'am65-cpsw-nuss'],
]);

/** Features by which the kernel names an offload, and what to call it. */
const OFFLOADS: readonly (readonly [string, readonly string[]])[] = [
  ['rx checksum', ['rx-checksum']],
  ['tx checksum', ['tx-checksum-ip-generic', 'tx-checksum-ipv4']],
  ['TCP segmentation', ['tx-tcp-segmentation']],
  ['UDP segmentation', ['tx-udp-segmentation']],
  ['GRO', ['rx-gro', 'rx-gro-hw', 'rx-lro']],
];

export function describeInterface(found: NetworkInterface): InterfaceFinding {
  const { name, driver, features } = found;
  return {
    name,
    driver: driver === '' && found.isLoopback ? 'loopback' : driver,
    up: found.isUp,
    mtu: found.mtu,
    receiveQueues: found.receiveQueues,
    transmitQueues: found.transmitQueues,
    xdp: xdpOf(found),
    offloads: OFFLOADS.filter(([, names]) => names.some((feature) => features.has(feature))).map(([text]) => text),
  };
}

function xdpOf({ driver, isEthernet, isLoopback }: NetworkInterface): InterfaceFinding['xdp'] {
  if (!isEthernet || isLoopback) return 'no';
  if (ZERO_COPY.has(driver)) return 'native, zero-copy';
  return NATIVE.has(driver) ? 'native' : 'generic';
}

/** The machine's interfaces. They are read, and neither opened nor changed. @throws LinkUnavailableError */
export function examineInterfaces(): InterfaceFinding[] {
  const found: InterfaceFinding[] = [];
  for (const name of listInterfaces()) {
    try {
      found.push(describeInterface(readInterface(name)));
    } catch (error) {
      // It went away between the two calls.
      if ((error as { code?: string }).code !== 'ENODEV') throw error;
    }
  }
  return found;
}
