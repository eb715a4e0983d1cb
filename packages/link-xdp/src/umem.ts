import type { PacketMemory } from '@prism-net/buffers';
import type { NativeXdpSocket } from './addon.js';
import { METADATA_LENGTH } from './checksum-metadata.js';
import { UMEM_HEADROOM } from './xdp-packets.js';

/** A packet region that the kernel knows as UMEM, and the sockets that use it. */
export interface Umem {
  /** Bytes in front of the data of every frame that is sent, for metadata; 0: the kernel knows none. */
  readonly metadataLength: number;
  /** Packets may have several frames. */
  hasChains: boolean;
  readonly sockets: Set<NativeXdpSocket>;
}

/** By the bytes themselves: two links of a thread on one memory share the UMEM. */
const known = new WeakMap<SharedArrayBuffer, Umem>();

/**
 * Makes the packet region of a memory the UMEM of a socket, or finds the one it is already. Returns the descriptor of a
 * socket to share it with, -1 when this socket has registered it, or a negative errno below that.
 */
export function joinUmem(socket: NativeXdpSocket, memory: PacketMemory): { umem: Umem; sharedWith: number } | number {
  const existing = known.get(memory.buffer);
  if (existing !== undefined) {
    for (const { descriptor } of existing.sockets) return { umem: existing, sharedWith: descriptor };
  }
  return registerUmem(socket, memory);
}

function registerUmem(socket: NativeXdpSocket, memory: PacketMemory): { umem: Umem; sharedWith: number } | number {
  const { packetOffset, frames, frameSize } = memory.layout;
  const register = (metadataLength: number) =>
    socket.registerUmem(packetOffset, frames * frameSize, frameSize, UMEM_HEADROOM, metadataLength);
  let metadataLength = METADATA_LENGTH;
  let result = register(metadataLength);
  if (result === -22) {
    // Before Linux 6.8 (EINVAL).
    metadataLength = 0;
    result = register(0);
  }
  if (result < 0) return result;
  return { umem: { metadataLength, hasChains: false, sockets: new Set() }, sharedWith: -1 };
}

/** The socket is bound: others can share its UMEM. */
export function addToUmem(umem: Umem, memory: PacketMemory, socket: NativeXdpSocket): void {
  umem.sockets.add(socket);
  known.set(memory.buffer, umem);
}

/** The socket is about to be closed. */
export function leaveUmem(umem: Umem, memory: PacketMemory, socket: NativeXdpSocket): void {
  umem.sockets.delete(socket);
  if (umem.sockets.size === 0 && known.get(memory.buffer) === umem) known.delete(memory.buffer);
}
