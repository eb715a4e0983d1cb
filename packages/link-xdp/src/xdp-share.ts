import { type FrameRegion, PacketMemory, PacketPool, type SharedPacketMemory } from '@prism-net/buffers';
import type { MacAddress } from '@prism-net/wire';
import type { RingSizes } from './xdp-options.js';

/** What a thread needs to open a queue on packet memory that another thread has made the UMEM of a socket. */
export interface XdpShare {
  readonly interface: string;
  readonly interfaceIndex: number;
  readonly driver: string;
  readonly queue: number;
  readonly queues: number;
  readonly mtu: number;
  readonly macAddress: MacAddress;
  /** Where the program runs. */
  readonly programMode: string;
  readonly networkNamespace: string | undefined;
  readonly memory: SharedPacketMemory;
  readonly region: FrameRegion;
  readonly rings: RingSizes;
  /** Of the rings, in the memory. */
  readonly ringOffset: number;
  /** A socket of the process that has the UMEM. */
  readonly umemDescriptor: number;
  readonly metadataLength: number;
  readonly hasChains: boolean;
  readonly checksumOffload: boolean;
  readonly timestamps: boolean;
}

/** The pool of a share, over this thread's own view of the memory. */
export function poolOfShare(share: XdpShare): PacketPool {
  return new PacketPool(PacketMemory.attach(share.memory), share.region, {
    name: `xdp:${share.interface}?queue=${share.queue}`,
  });
}
