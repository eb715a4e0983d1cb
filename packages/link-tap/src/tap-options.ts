import type { PacketPool } from '@prism-net/buffers';
import { invalidArgument, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { type Ipv4Prefix, type MacAddress, parseIpv4Prefix, parseMacAddress } from '@prism-net/wire';

const WHERE = 'openTapLink';
/** What fits into IFNAMSIZ beside the zero. */
const LONGEST_NAME = 15;
/** Largest MTU of a TAP: 65,535 bytes with the Ethernet header. */
const LARGEST_MTU = 65_521;

export interface TapOptions {
  /**
   * Name of the device: an existing one (left over as persistent, or made by `ip tuntap add`) is used, else it is made. A
   * `%d` in it becomes the first free number. Default 'prism%d'.
   */
  readonly interface?: string;
  /** The kernel's own address on the device, with its prefix length: '10.0.0.1/24'. The stack takes another one of that network. */
  readonly hostAddress?: string;
  /** Default: the device's, which is 1,500 when it is made. Changing it needs CAP_NET_ADMIN. */
  readonly mtu?: number;
  /** The stack's address; the kernel's end has one of its own. Default: a random one, locally administered. */
  readonly macAddress?: string;
  /** Whether the device stays when its last queue is closed. Default: false when it is made, as it is when it exists. */
  readonly persistent?: boolean;
  /** Several links, each in its own thread, share one device: each opens it by this name. Default false. */
  readonly multiQueue?: boolean;
  readonly offloads?: TapOffloads;
  /**
   * Bytes of sent frames the kernel may hold before `transmit` takes fewer: in the queue of a slower device that is bridged
   * to this one. Default: no limit, which is also a little faster for small frames.
   */
  readonly sendBuffer?: number;
  /** For reports. Default: 'tap:' and the name of the device. */
  readonly name?: string;
  /** Packets to receive into, and to send from without a copy. Default: a pool of its own. */
  readonly pool?: PacketPool;
  /** Frames of the pool of its own. Default 2,048 of 16 KiB, or 4,096 of 2 KiB without segmentation. */
  readonly frames?: number;
  /** Where the device is: a name of `ip netns`, or a path such as '/proc/PID/ns/net'. Default: where the thread is. */
  readonly networkNamespace?: string;
}

export interface TapOffloads {
  /** Checksums are left to whoever puts a packet on a wire, both ways. Default true. */
  readonly checksum?: boolean;
  /** TCP segments of up to 64 KiB cross in one piece, both ways; needs `checksum`. Default: as `checksum`. */
  readonly segmentation?: boolean;
}

const OPTIONS = [
  'interface',
  'hostAddress',
  'mtu',
  'macAddress',
  'persistent',
  'multiQueue',
  'offloads',
  'sendBuffer',
  'name',
  'pool',
  'frames',
  'networkNamespace',
] as const satisfies readonly (keyof TapOptions)[];

/** The options, checked, and with their defaults. */
export interface ParsedTapOptions {
  readonly interface: string;
  readonly hostAddress: Ipv4Prefix | undefined;
  readonly mtu: number | undefined;
  readonly macAddress: MacAddress | undefined;
  readonly persistent: boolean | undefined;
  readonly multiQueue: boolean;
  readonly checksum: boolean;
  readonly segmentation: boolean;
  readonly sendBuffer: number | undefined;
  readonly name: string | undefined;
  readonly pool: PacketPool | undefined;
  readonly frames: number | undefined;
  readonly networkNamespace: string | undefined;
}

/** @throws PosixError EINVAL that names the option. */
export function parseTapOptions(options: TapOptions): ParsedTapOptions {
  requireKnownOptions(WHERE, options, OPTIONS);
  const { offloads = {}, hostAddress, mtu, macAddress, frames, pool } = options;
  requireKnownOptions(WHERE, offloads, ['checksum', 'segmentation']);
  const name = options.interface ?? 'prism%d';
  if (typeof name !== 'string' || !isDeviceName(name)) {
    throw invalidArgument(
      WHERE,
      `interface must be 1 to ${LONGEST_NAME} characters without '/', ':' or blanks, with at most one %d, not ${String(name)}`,
    );
  }
  if (mtu !== undefined) requireWholeNumber(WHERE, 'mtu', mtu, 68, LARGEST_MTU); // RFC 791 §3.2
  if (options.sendBuffer !== undefined) requireWholeNumber(WHERE, 'sendBuffer', options.sendBuffer, 4096, 1 << 30);
  if (frames !== undefined) requireWholeNumber(WHERE, 'frames', frames, 16, 1 << 20);
  if (frames !== undefined && pool !== undefined) {
    throw invalidArgument(WHERE, 'frames are those of the pool, when a pool is given: leave one of the two out');
  }
  for (const option of ['persistent', 'multiQueue'] as const) requireBoolean(option, options[option]);
  requireBoolean('offloads.checksum', offloads.checksum);
  requireBoolean('offloads.segmentation', offloads.segmentation);
  const checksum = offloads.checksum ?? true;
  const segmentation = offloads.segmentation ?? checksum;
  if (segmentation && !checksum) {
    throw invalidArgument(
      WHERE,
      'offloads.segmentation needs offloads.checksum: who cuts segments completes their sums',
    );
  }
  const mac = macAddress === undefined ? undefined : parseMacAddress(macAddress);
  if (mac !== undefined && (mac.high & 0x0100) !== 0) {
    throw invalidArgument(WHERE, `macAddress must not be a multicast address, as ${macAddress} is`);
  }
  if (mac !== undefined && mac.high === 0 && mac.low === 0) {
    throw invalidArgument(WHERE, 'macAddress must not be zero: the kernel drops what comes from nobody');
  }
  return {
    interface: name,
    hostAddress: hostAddress === undefined ? undefined : parseIpv4Prefix(hostAddress),
    mtu,
    macAddress: mac,
    persistent: options.persistent,
    multiQueue: options.multiQueue ?? false,
    checksum,
    segmentation,
    sendBuffer: options.sendBuffer,
    name: options.name,
    pool,
    frames,
    networkNamespace: options.networkNamespace,
  };
}

function isDeviceName(name: string): boolean {
  if (name === '.' || name === '..' || !/^[^\s/:%\0]*(%d)?[^\s/:%\0]*$/.test(name)) return false;
  return name.length > 0 && Buffer.byteLength(name) <= LONGEST_NAME;
}

function requireBoolean(name: string, value: unknown): void {
  if (value === undefined || typeof value === 'boolean') return;
  throw invalidArgument(WHERE, `${name} must be true or false, not ${String(value)}`);
}
