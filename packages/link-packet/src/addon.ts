import { loadAddon } from '@prism-net/linux';

/** What native/*.cc of this package exports. Set-up throws SystemErrors; the data path returns negative error numbers. */
export interface PacketAddon {
  readonly PacketSocket: new (memory: Uint8Array, words: Int32Array) => NativePacketSocket;
}

export interface NativePacketSocket {
  setOption(level: number, option: number, value: number, name: string): void;
  attachFilter(program: Uint8Array): void;
  bind(interfaceIndex: number): void;
  addPromiscuous(interfaceIndex: number): void;
  enableHardwareTimestamps(interfaceName: string): void;
  createRing(option: number, blockBytes: number, blocks: number, slotBytes: number, slots: number, name: string): void;
  mapRings(offset: number, bytes: number): void;
  kick(): number;
  descriptor(): number;
  receive(maximum: number, frames: number, frameSize: number, room: number, longest: number, scarce: number): number;
  transmit(messages: number): number;
  poll(): number;
  drops(): number;
  close(): void;
}

export function packetAddon(): PacketAddon {
  return loadAddon<PacketAddon>(import.meta.url, 'link-packet');
}
