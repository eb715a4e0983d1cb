import type { PacketPool } from '@prism-net/buffers';
import { invalidArgument, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { ethernet, type MacAddress, parseMacAddress } from '@prism-net/wire';
import { mostFrames } from './received-packet.js';
import { SLOT_ALIGNMENT } from './ring-layout.js';
import { FANOUT, FANOUT_FLAG_DEFRAG, FANOUT_FLAG_IGNORE_OUTGOING } from './socket-options.js';

/** How packets are spread over the links (or other sockets) that have joined one group, on one interface. */
export interface FanoutOptions {
  /** 0 to 65,535; the same for all, within a network namespace. */
  readonly group: number;
  /** By the hash of the flow (default), in turn, by the processor that received, or by the card's queue. */
  readonly by?: 'hash' | 'round-robin' | 'cpu' | 'queue';
  /** The kernel assembles IP fragments first, so that all of a datagram reaches one link. Default false. */
  readonly defragment?: boolean;
}

/** Of mode `ring`. */
export interface RingOptions {
  /** Slots for received packets, and half as many for those to be sent. Default 256. */
  readonly frames?: number;
  /** Bytes of a slot. Default 69,632: super-segments fit. With 2,048 packets of MTU 1,500 do, and take far less memory. */
  readonly frameSize?: number;
}

export interface PacketLinkOptions {
  /** The interface's name: 'eth0'. */
  readonly interface: string;
  /** `virtio` (default): system calls that carry up to 64 KiB each. `ring`: shared rings, no call per received packet. */
  readonly mode?: 'virtio' | 'ring';
  /** For reports. Default: 'packet:' and the interface's name. */
  readonly name?: string;
  /** Prism's own address, '02:00:00:00:00:01'. Default: the interface's. For another one the interface becomes promiscuous while the link is open. */
  readonly macAddress?: string;
  /** Receives what is for others, too. Default false. */
  readonly promiscuous?: boolean;
  readonly fanout?: FanoutOptions;
  /** When packets came, on the packets: default `none` in mode `virtio`, `software` (it costs nothing there) in mode `ring`. */
  readonly timestamps?: 'none' | 'software' | 'hardware';
  /** What packets are received into and sent from. Mode `ring` needs `kernelRingBytes` in its memory. Default: one of the link's own. */
  readonly pool?: PacketPool;
  /** Of the link's own pool, of 16 KiB each. Default 2,048. */
  readonly frames?: number;
  readonly ring?: RingOptions;
  /** Where the interface is: a name of `ip netns`, or a path. */
  readonly networkNamespace?: string;
}

export interface ParsedPacketLinkOptions {
  readonly interface: string;
  readonly mode: 'virtio' | 'ring';
  readonly name: string;
  readonly macAddress: MacAddress | undefined;
  readonly promiscuous: boolean;
  /** What PACKET_FANOUT takes, or undefined. */
  readonly fanout: number | undefined;
  readonly timestamps: 'none' | 'software' | 'hardware';
  readonly pool: PacketPool | undefined;
  readonly frames: number;
  readonly ring: { readonly frames: number; readonly frameSize: number };
  readonly networkNamespace: string | undefined;
}

const WHERE = 'openPacketLink';
const OPTIONS = [
  'interface',
  'mode',
  'name',
  'macAddress',
  'promiscuous',
  'fanout',
  'timestamps',
  'pool',
  'frames',
  'ring',
  'networkNamespace',
] as const satisfies readonly (keyof PacketLinkOptions)[];
const FEWEST_FRAMES = 64;
/** For what is sent, and small packets. */
const BURST = 32;
const PAGE = 4096;

/** @throws PosixError EINVAL that names the option. */
export function parsePacketLinkOptions(options: PacketLinkOptions): ParsedPacketLinkOptions {
  requireKnownOptions(WHERE, options, OPTIONS);
  const { pool, ring = {} } = options;
  if (typeof options.interface !== 'string' || options.interface === '') {
    throw invalidArgument(WHERE, `interface must be the name of one, 'eth0', not ${String(options.interface)}`);
  }
  const mode = oneOf('mode', options.mode ?? 'virtio', ['virtio', 'ring'] as const);
  const byDefault = mode === 'ring' ? 'software' : 'none';
  const timestamps = oneOf('timestamps', options.timestamps ?? byDefault, ['none', 'software', 'hardware'] as const);
  if (options.promiscuous !== undefined && typeof options.promiscuous !== 'boolean') {
    throw invalidArgument(WHERE, `promiscuous must be true or false, not ${String(options.promiscuous)}`);
  }
  if (pool !== undefined && options.frames !== undefined) {
    throw invalidArgument(WHERE, 'frames are those of the pool, when a pool is given: leave one of the two out');
  }
  if (options.ring !== undefined && mode !== 'ring') {
    throw invalidArgument(WHERE, "ring is for mode 'ring'");
  }
  requireKnownOptions(WHERE, ring, ['frames', 'frameSize'] satisfies readonly (keyof RingOptions)[]);
  const frames = pool?.region.frames ?? options.frames ?? 2048;
  // A packet of 64 KiB that never found enough frames would stop those behind it for ever.
  const fewest = pool === undefined ? FEWEST_FRAMES : 2 * mostFrames(pool.memory.layout.frameSize) + BURST;
  requireWholeNumber(WHERE, pool === undefined ? 'frames' : 'the frames of the pool', frames, fewest, 1 << 20);
  const frameSize = requireWholeNumber(WHERE, 'ring.frameSize', ring.frameSize ?? 17 * PAGE, 256, 1 << 17);
  if (frameSize % SLOT_ALIGNMENT !== 0) {
    throw invalidArgument(WHERE, `ring.frameSize must be a multiple of ${SLOT_ALIGNMENT}, not ${frameSize}`);
  }
  return {
    interface: options.interface,
    mode,
    name: options.name ?? `packet:${options.interface}`,
    macAddress: parseMac(options.macAddress),
    promiscuous: options.promiscuous ?? false,
    fanout: options.fanout === undefined ? undefined : parseFanout(options.fanout),
    timestamps,
    pool,
    frames,
    ring: { frames: requireWholeNumber(WHERE, 'ring.frames', ring.frames ?? 256, 2, 1 << 16), frameSize },
    networkNamespace: options.networkNamespace,
  };
}

function parseMac(text: string | undefined): MacAddress | undefined {
  if (text === undefined) return undefined;
  const address = parseMacAddress(text);
  if (address.high === 0 && address.low === 0) {
    throw invalidArgument(WHERE, 'macAddress must not be zero: bridges and the kernel drop what comes from nobody');
  }
  if (!ethernet.isMulticast(address.high)) return address;
  throw invalidArgument(WHERE, `macAddress must not be a multicast address, as ${text} is`);
}

function parseFanout(options: FanoutOptions): number {
  const known = ['group', 'by', 'defragment'] as const satisfies readonly (keyof FanoutOptions)[];
  requireKnownOptions(WHERE, options, known);
  const group = requireWholeNumber(WHERE, 'fanout.group', options.group, 0, 65_535);
  const by = oneOf('fanout.by', options.by ?? 'hash', ['hash', 'round-robin', 'cpu', 'queue'] as const);
  const flags = FANOUT_FLAG_IGNORE_OUTGOING | (options.defragment === true ? FANOUT_FLAG_DEFRAG : 0);
  return group | ((FANOUT[by] | flags) << 16);
}

function oneOf<T extends string>(name: string, value: string, values: readonly T[]): T {
  const found = values.find((each) => each === value);
  if (found !== undefined) return found;
  throw invalidArgument(
    WHERE,
    `${name} must be ${values.map((each) => `'${each}'`).join(' or ')}, not ${String(value)}`,
  );
}
