import { loadAddon } from '@prism-net/linux';

/** What native/*.cc of this package exports. Numbers returned are 0 or a negative errno, except where said. */
export interface XdpAddon {
  /** @throws SystemError when the kernel gives no AF_XDP socket. */
  readonly XdpSocket: new (
    words: Int32Array,
  ) => NativeXdpSocket;
  /** @throws SystemError. (interface index, EtherType, the words of the packet memory) */
  readonly PacketListener: new (
    interfaceIndex: number,
    etherType: number,
    words: Int32Array,
  ) => NativePacketListener;
  /** Whole seconds and nanoseconds of the system's clock into a target of two. */
  readClock(target: Int32Array): void;
  kickTransmit(descriptor: number): number;
  kickReceive(descriptor: number): number;
}

/** Owns a socket and what it has mapped into the packet memory, which it keeps alive. */
export interface NativeXdpSocket {
  /** -1 once closed. */
  readonly descriptor: number;
  registerUmem(offset: number, bytes: number, chunkSize: number, headroom: number, metadataLength: number): number;
  setOption(level: number, name: number, value: number): number;
  /** Producer, consumer, descriptors, flags of each ring, in the order of {@link Ring}. */
  ringOffsets(): number[];
  mapRing(ring: Ring, offset: number, bytes: number): number;
  bind(interfaceIndex: number, queue: number, flags: number, sharedDescriptor: number): number;
  isZeroCopy(): boolean;
  statistics(target: Float64Array): number;
  close(): void;
}

/** A packet socket that hears what an interface passes to the kernel. */
export interface NativePacketListener {
  readonly descriptor: number;
  /** Length of the frame that was written to the packet memory, or a negative errno. */
  receive(offset: number, room: number): number;
  close(): void;
}

export const Ring = { RECEIVE: 0, TRANSMIT: 1, FILL: 2, COMPLETION: 3 } as const;
export type Ring = (typeof Ring)[keyof typeof Ring];

export function xdpAddon(): XdpAddon {
  return loadAddon<XdpAddon>(import.meta.url, 'link-xdp');
}
