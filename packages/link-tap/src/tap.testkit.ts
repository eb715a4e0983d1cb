import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { placeMemory } from '@prism-net/linux';
import type { NetworkLab } from '@prism-net/netlab';
import { openTapLink, type TapLink } from './index.js';
import type { TapOptions } from './tap-options.js';

/** A pool in memory that detects wrong owners. */
export function debugPool(frames = 512, frameSize = 2048): PacketPool {
  const memory = PacketMemory.create({ frames, frameSize, debug: true, place: placeMemory({ hugePages: false }) });
  return PacketPool.create(memory, frames);
}

/** Two TAPs on a bridge of the kernel, which passes frames on as they are, virtual segments included. */
export function bridgedTaps(lab: NetworkLab, left: TapOptions = {}, right: TapOptions = {}): [TapLink, TapLink] {
  const networkNamespace = lab.namespace('bridge');
  const links = [left, right].map((options) => openTapLink({ networkNamespace, pool: debugPool(), ...options })) as [
    TapLink,
    TapLink,
  ];
  if (!exists(lab, 'bridge', 'br0')) {
    // Multicast snooping would send queries.
    lab.run('bridge', ['ip', 'link', 'add', 'br0', 'type', 'bridge', 'mcast_snooping', '0', 'forward_delay', '0']);
    lab.run('bridge', ['ip', 'link', 'set', 'br0', 'up']);
  }
  for (const link of links) lab.run('bridge', ['ip', 'link', 'set', link.interface, 'master', 'br0']);
  return links;
}

/** Whether the kernel has an interface of this name. */
export function exists(lab: NetworkLab, namespace: string, name: string): boolean {
  return lab.run(namespace, ['ip', '-o', 'link', 'show']).includes(` ${name}:`);
}
