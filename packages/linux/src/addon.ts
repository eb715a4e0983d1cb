import { loadAddon } from './load-addon.js';

/** What native/*.cc of this package exports. System calls that fail throw a SystemError, except where a number is returned. */
export interface LinuxAddon {
  close(descriptor: number): void;
  readInterface(name: string): {
    index: number;
    mtu: number;
    flags: number;
    hardwareType: number;
    macHigh: number;
    macLow: number;
    driver: string;
    receiveQueues: number;
    transmitQueues: number;
    features: string[];
  };
  listInterfaces(): string[];
  changeFlags(name: string, set: number, clear: number): void;
  setMtu(name: string, mtu: number): void;
  setIpv4Address(name: string, address: number, mask: number): void;
  setMacAddress(name: string, high: number, low: number): void;
  addressOf(bytes: ArrayBufferView): number;
  aliasOf(bytes: ArrayBufferView): ArrayBuffer | undefined;
  adviseHugePages(bytes: ArrayBufferView): number;
  lock(bytes: ArrayBufferView): number;
  preferNode(bytes: ArrayBufferView, node: number): number;
  readonly Readiness: new (descriptor: number, callback: () => void) => NativeReadiness;
  pinThread(processors: readonly number[]): void;
  threadProcessors(): number[];
  enterNetworkNamespace(path: string): number;
  leaveNetworkNamespace(back: number): void;
  stayInNetworkNamespace(back: number): void;
}

export interface NativeReadiness {
  arm(events: number): void;
  disarm(): void;
  close(): void;
}

export function linuxAddon(): LinuxAddon {
  return loadAddon<LinuxAddon>(import.meta.url, 'linux');
}
