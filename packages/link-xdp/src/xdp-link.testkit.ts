import type { Packet } from '@prism-net/buffers';
import type { NetworkLab } from '@prism-net/netlab';
import { openXdpLink } from './open-xdp-link.js';
import type { XdpLink } from './xdp-link.js';
import type { XdpLinkOptions } from './xdp-options.js';

let labs = 0;

/** A name of no more than 15 characters that no other pair of the process has. */
export function deviceNames(): { left: string; right: string } {
  labs++;
  return { left: `xl${labs}`, right: `xr${labs}` };
}

/** Two links at the ends of a veth pair that only they use. */
export function vethPair(
  lab: NetworkLab,
  options: Partial<XdpLinkOptions> = {},
  veth: { mtu?: number; queues?: number } = {},
  rightOptions: Partial<XdpLinkOptions> = options,
): { left: XdpLink; right: XdpLink } {
  const names = deviceNames();
  lab.veth({
    left: { namespace: 'left', name: names.left },
    right: { namespace: 'right', name: names.right },
    ...veth,
  });
  const open = (side: 'left' | 'right', own: Partial<XdpLinkOptions>) =>
    openXdpLink({ interface: names[side], networkNamespace: lab.namespace(side), onFallback: () => {}, ...own });
  return { left: open('left', options), right: open('right', rightOptions) };
}

/** Receives until `count` packets are there; the kernel may take a moment. Throws after a second. */
export function receiveExactly(link: XdpLink, count: number): Packet[] {
  const packets: Packet[] = [];
  const burst: Packet[] = [];
  for (const until = Date.now() + 1000; packets.length < count; ) {
    const received = link.receive(burst, 64);
    packets.push(...burst.slice(0, received));
    if (Date.now() > until) throw new Error(`${packets.length} of ${count} packets arrived`);
  }
  return packets;
}

/** Frames of the pool that the account knows of; equal to `total`, always. */
export function accountedFrames(link: XdpLink): number {
  const { fill, receive, transmit, completion, available, outstanding, elsewhere } = link.frames();
  return fill + receive + transmit + completion + available + outstanding + elsewhere;
}
