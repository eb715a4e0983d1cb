import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PacketPool } from '@prism-net/buffers';
import { type Impairments, impair, type Link } from '@prism-net/link';
import { NetworkLab } from '@prism-net/netlab';
import { createStack, type SingleInterfaceOptions, type Stack } from '@prism-net/stack';
import { openLink } from '../index.js';
import { KernelPeer } from './kernel-peer.testkit.js';

export const KERNEL = '10.9.0.1';
export const PRISM = '10.9.0.2';

/** A way to reach the kernel. */
export interface Configuration {
  /** Small letters, digits and '_': names the lab too. */
  readonly name: string;
  /** The link, for `openLink`; the interface is 'tap0' or, on a veth, 'prism0'. */
  readonly link: string;
  readonly mtu?: number;
  /** False: Prism's end of a veth behaves as a card without offloads: the kernel cuts segments and completes sums for it. */
  readonly cardOffloads?: boolean;
  /**
   * A capture shows complete checksums of TCP and UDP: Prism or the kernel behind the link completes them. Else they stay
   * as Prism handed them over (CHECKSUM_PARTIAL), no wire being involved, and only those of IP and ICMP can be judged.
   */
  readonly completeChecksums: boolean;
}

export const TAP: Configuration = {
  name: 'tap',
  link: `tap:tap0?hostAddress=${KERNEL}/24`,
  completeChecksums: false,
};
export const TAP_PLAIN: Configuration = {
  name: 'tap_plain',
  link: `tap:tap0?hostAddress=${KERNEL}/24&offloads.checksum=false`,
  completeChecksums: true,
};
/** Super-segments go from Prism to the kernel's TCP whole. */
export const PACKET_VIRTIO: Configuration = {
  name: 'packet_virtio',
  link: 'packet:prism0?mode=virtio',
  completeChecksums: false,
};
/** As on a card: what the kernel got is what it would have sent. */
export const PACKET_VIRTIO_CARD: Configuration = {
  name: 'packet_virtio_card',
  link: 'packet:prism0',
  cardOffloads: false,
  completeChecksums: true,
};
export const PACKET_RING: Configuration = {
  name: 'packet_ring',
  link: 'packet:prism0?mode=ring',
  cardOffloads: false,
  completeChecksums: true,
};
export const XDP_NATIVE: Configuration = {
  name: 'xdp_native',
  link: 'xdp:prism0?attach=native',
  cardOffloads: false,
  completeChecksums: true,
};
/** Frames of several segments, each in a frame of packet memory of its own. */
export const XDP_JUMBO: Configuration = { ...XDP_NATIVE, name: 'xdp_jumbo', mtu: 9000 };
/** A generic program sees super-segments of the kernel before they are cut. */
export const XDP_GENERIC: Configuration = {
  name: 'xdp_generic',
  link: 'xdp:prism0?attach=generic&checksumOffload=false',
  completeChecksums: true,
};

export interface SettingOptions {
  /** What befalls frames between Prism and the link, in each direction. */
  readonly impairments?: Impairments;
  readonly stack?: Partial<SingleInterfaceOptions>;
}

/** A stack of this process, the kernel in a namespace of its own, and a link between them. */
export interface Setting {
  readonly lab: NetworkLab;
  readonly stack: Stack;
  readonly link: Link;
  readonly peer: KernelPeer;
  /** The kernel's end of the link. */
  readonly device: string;
  /** Prism's address, as tshark writes it. */
  readonly mac: string;
  /** For captures; gone with the setting. */
  readonly folder: string;
  /** Runs a command on the kernel's side while the stack goes on. */
  run(command: readonly string[]): Promise<{ readonly status: number; readonly output: string }>;
  /** Ends everything. @throws Error when packets are missing, or one vanished without a reason. */
  close(): void;
}

let settings = 0;

export async function openSetting(configuration: Configuration, options: SettingOptions = {}): Promise<Setting> {
  const lab = NetworkLab.open(`${configuration.name}_${settings++}`);
  try {
    return await openIn(lab, configuration, options);
  } catch (error) {
    lab.close();
    throw error;
  }
}

async function openIn(lab: NetworkLab, configuration: Configuration, options: SettingOptions): Promise<Setting> {
  const { mtu = 1500, cardOffloads = true } = configuration;
  const isTap = configuration.link.startsWith('tap:');
  const device = isTap ? 'tap0' : 'kernel0';
  if (!isTap) {
    lab.veth({
      left: { namespace: 'kernel', name: device, address: `${KERNEL}/24` },
      right: { namespace: 'prism', name: 'prism0', offloads: cardOffloads },
      mtu,
    });
  }
  const driver = await openLink(configuration.link, {
    networkNamespace: lab.namespace(isTap ? 'kernel' : 'prism'),
    ...(isTap ? { mtu } : {}),
    // That a veth copies is known.
    ...(configuration.link.startsWith('xdp:') ? { onFallback: () => {} } : {}),
  });
  const pool = driver.pool as PacketPool;
  const clock = { now: () => Math.floor(performance.now() * 1000) | 0 };
  const { impairments } = options;
  const link =
    impairments === undefined
      ? driver
      : impair(driver, { seed: 1, clock, pool, transmit: impairments, receive: impairments });
  // Pings of any size: by default longer ones than 8 KiB are not answered.
  const ipv4 = { icmp: { echoMaximumLength: 65_535 } };
  const stack = createStack({ ipv4, ...options.stack, link, address: `${PRISM}/24`, clock });
  const folder = mkdtempSync(join(tmpdir(), 'prism-interop-'));
  const close = () => {
    stack.close();
    lab.close();
    rmSync(folder, { recursive: true, force: true });
    pool.assertNoLeaks();
    const { unexplained } = stack.accounts.snapshot();
    if (unexplained !== 0) throw new Error(`${unexplained} packets vanished without a reason`);
  };
  try {
    const peer = await KernelPeer.start(lab, 'kernel');
    const { high, low } = link.capabilities.macAddress;
    const digits = high.toString(16).padStart(4, '0') + (low >>> 0).toString(16).padStart(8, '0');
    const mac = digits.match(/../g)!.join(':');
    const run = (command: readonly string[]) =>
      new Promise<{ status: number; output: string }>((resolve) => {
        const child = lab.spawn('kernel', command, { stdio: ['ignore', 'pipe', 'pipe'] });
        let output = '';
        child.stdout!.on('data', (text) => (output += text));
        child.stderr!.on('data', (text) => (output += text));
        child.on('close', (status) => resolve({ status: status ?? -1, output }));
      });
    return { lab, stack, link, peer, device, mac, folder, run, close };
  } catch (error) {
    close();
    throw error;
  }
}
