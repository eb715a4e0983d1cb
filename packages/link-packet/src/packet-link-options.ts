import type { PacketPool } from '@prism-net/buffers';

/** How packets are spread over the links (or other sockets) that have joined one group, on one interface. */
export interface FanoutOptions {
  /** 0 to 65,535; the same for all, within a network namespace. */
  readonly group: number;
  /** By the hash of the flow (default), in turn, by the processor that received, or by the card's queue. */
  readonly by?: 'hash' | 'round-robin' | 'cpu' | 'queue';
  /** IP fragments are assembled by the kernel first, so that all of a datagram reaches one link. Default false. */
  readonly defragment?: boolean;
}

export interface RingOptions {
  /** Frames of the receive ring, and of the transmit ring. Default 256. */
  readonly frames?: number;
}

export interface PacketLinkOptions {
  /** The interface's name: 'eth0'. */
  readonly interface: string;
  /** `virtio` (default): system calls that carry packets of 64 KiB. `ring`: shared rings, no call per packet. */
  readonly mode?: 'virtio' | 'ring';
  /** For reports. Default 'packet:' and the interface's name. */
  readonly name?: string;
  /** Prism's own address, '02:00:00:00:00:01'. Default: the interface's. Another one makes the interface promiscuous while the link is open. */
  readonly macAddress?: string;
  /** Receives what is for others too. Default false. */
  readonly promiscuous?: boolean;
  readonly fanout?: FanoutOptions;
  /** Where received packets are put and sent ones come from. Default: a memory of the link's own. */
  readonly pool?: PacketPool;
  /** Of the link's own memory. Default 4,096. */
  readonly frames?: number;
  readonly ring?: RingOptions;
  /** Where the interface is: a name of `ip netns`, or a path. */
  readonly networkNamespace?: string;
}
