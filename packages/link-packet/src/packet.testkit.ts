import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import type { Link } from '@prism-net/link';
import { placeMemory } from '@prism-net/linux';
import type { NetworkLab } from '@prism-net/netlab';
import { openPacketLink, type PacketLink, type PacketLinkOptions, packetRingBytes } from './index.js';

export type Mode = 'virtio' | 'ring';
export const MODES: Mode[] = ['virtio', 'ring'];
/** Small rings, for memories in debug mode. */
export const RING = { frames: 60 };

/** A pool, in memory that detects wrong owners, for a link of either mode. */
export function debugPool(mode: Mode, frames = 512): PacketPool {
  const kernelRingBytes = mode === 'ring' ? packetRingBytes({ ring: RING }) : 0;
  const memory = PacketMemory.create({
    frames,
    kernelRingBytes,
    debug: true,
    place: placeMemory({ hugePages: false }),
  });
  return PacketPool.create(memory, frames);
}

/** A cable from `left`, in the namespace 'prism', to `right`, in 'far'. */
export function cable(lab: NetworkLab, mtu = 1500): void {
  lab.veth({ left: { namespace: 'prism', name: 'left' }, right: { namespace: 'far', name: 'right' }, mtu });
  // An interface just brought up has, for up to a second, a queue that throws everything away.
  for (const [namespace, name] of [
    ['prism', 'left'],
    ['far', 'right'],
  ] as const) {
    for (let i = 0; i < 100 && !isReady(lab.run(namespace, ['ip', 'link', 'show', name])); i++) pause(20);
  }
}

function isReady(shown: string): boolean {
  return shown.includes('LOWER_UP') && shown.includes('state UP') && !shown.includes('qdisc noop ');
}

export function openEnd(
  lab: NetworkLab,
  end: 'left' | 'right',
  mode: Mode,
  options: Partial<PacketLinkOptions> = {},
): PacketLink {
  return openPacketLink({
    interface: end,
    mode,
    networkNamespace: lab.namespace(end === 'left' ? 'prism' : 'far'),
    pool: debugPool(mode),
    ...(mode === 'ring' ? { ring: RING } : {}),
    ...options,
  });
}

/** Waits, without the event loop, for what the kernel may bring from one processor to the other a little later. */
export function pause(milliseconds: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** A link whose `receive` is patient. */
export function patient(link: PacketLink): Link {
  return {
    name: link.name,
    capabilities: link.capabilities,
    statistics: link.statistics,
    pool: link.pool,
    receive(burst: Packet[], maximum: number): number {
      for (let tries = 0; tries < 5; tries++) {
        const count = link.receive(burst, maximum);
        if (count !== 0 || maximum === 0) return count;
        pause(0.5);
      }
      return 0;
    },
    transmit: (burst, from, count) => link.transmit(burst, from, count),
    arm: (wake) => link.arm(wake),
    nextReceive: () => link.nextReceive(),
    close: () => link.close(),
  };
}

/** All packets that come within a moment, released by the caller. */
export function receiveAll(link: Link): Packet[] {
  const all: Packet[] = [];
  const burst: Packet[] = [];
  for (let silent = 0; silent < 10; ) {
    const count = link.receive(burst, 32);
    all.push(...burst.slice(0, count));
    if (count !== 0) silent = 0;
    else {
      silent++;
      pause(0.5);
    }
  }
  return all;
}
