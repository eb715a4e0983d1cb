import type { NetworkLab } from '@prism-net/netlab';
import { type MacAddress, parseMacAddress } from '@prism-net/wire';
import { CABLE_MTU, KERNEL, PREFIX_LENGTH, PRISM } from './addresses.js';

export const HOSTILE_LINKS = ['packet', 'ring', 'xdp', 'tap'] as const;
export type HostileLink = (typeof HOSTILE_LINKS)[number];

/** Where the stack's link is to be opened, and where its neighbour, the kernel, is. */
export interface Place {
  readonly specification: string;
  readonly namespace: string;
  /** The kernel's interface, in the lab's namespace `kernel`. */
  readonly device: string;
}

const HOST = `${KERNEL.address}/${PREFIX_LENGTH}`;

/**
 * Lays the cable. Checksums and segments are completed before a frame reaches the place where it is captured: a veth
 * without offloads has the kernel complete what Prism leaves to it, a TAP without offloads has Prism do it.
 */
export function layCable(lab: NetworkLab, link: HostileLink): Place {
  if (link === 'tap') {
    const namespace = lab.namespace('kernel');
    const options = [
      `hostAddress=${HOST}`,
      `mtu=${CABLE_MTU}`,
      `macAddress=${PRISM.macAddress}`,
      'offloads.checksum=false',
      'offloads.segmentation=false',
    ];
    return { specification: `tap:prism0?${options.join('&')}`, namespace, device: 'prism0' };
  }
  lab.veth({
    left: { namespace: 'prism', name: 'prism0', mac: PRISM.macAddress },
    right: { namespace: 'kernel', name: 'kernel0', mac: KERNEL.macAddress, address: HOST },
    mtu: CABLE_MTU,
    offloads: false,
  });
  const specification = { packet: 'packet:prism0?mode=virtio', ring: 'packet:prism0?mode=ring', xdp: 'xdp:prism0' }[
    link
  ];
  return { specification, namespace: lab.namespace('prism'), device: 'kernel0' };
}

export function macAddressOf(lab: NetworkLab, device: string): MacAddress {
  const text = lab.run('kernel', ['ip', '-j', 'link', 'show', 'dev', device]);
  const [found] = JSON.parse(text) as [{ address: string }];
  return parseMacAddress(found.address);
}
