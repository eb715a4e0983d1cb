import type { Steering, XdpProgram } from '@prism-net/bpf';
import type { PacketMemory, PacketPool } from '@prism-net/buffers';
import { invalidArgument, requireKnownOptions, requirePowerOfTwo, requireWholeNumber } from '@prism-net/errors';

const WHERE = 'openXdpLink';

export interface XdpRingSizes {
  /** Default 2,048 each; powers of two from 64 to 32,768. */
  readonly receive?: number;
  readonly transmit?: number;
  readonly fill?: number;
  readonly completion?: number;
}

export interface XdpLinkOptions {
  /** Name of the interface: 'eth0'. */
  readonly interface: string;
  /** Receive (and transmit) queue of the interface. Default 0. */
  readonly queue?: number;
  /** Of the link, for reports. Default 'xdp:eth0'. */
  readonly name?: string;
  /** Where the program runs. 'auto': in the driver, and where that refuses in the kernel, with a word to `onFallback`. */
  readonly attach?: 'auto' | 'native' | 'generic';
  /** 'auto': zero-copy, and where the driver refuses copying, with a word to `onFallback`. */
  readonly bind?: 'auto' | 'zero-copy' | 'copy';
  /** Which frames are Prism's. Default: all that come in by the queue. Not together with `program`. */
  readonly steering?: Steering;
  /** A program that is attached already (attachSteering): one for all queues of an interface. It is not closed with the link. */
  readonly program?: XdpProgram;
  /** Memory whose packet region becomes the UMEM; the link's pool is made in it. Links on one memory share the UMEM. */
  readonly memory?: PacketMemory;
  /** The link's pool, instead of one of its own. */
  readonly pool?: PacketPool;
  /** Frames of the link's pool. Default 4,096, or all that `memory` has left. */
  readonly frames?: number;
  /** Frames the kernel has to receive into. Default: half of the pool's, at most the fill ring's size. */
  readonly fillFrames?: number;
  readonly rings?: XdpRingSizes;
  /** Have the socket's system calls poll the queue instead of waiting for its interrupt (SO_PREFER_BUSY_POLL). Default: no. */
  readonly busyPoll?: { readonly microseconds?: number; readonly budget?: number };
  /** Let the kernel or the card complete checksums of what is sent, where it can. Default true. */
  readonly checksumOffload?: boolean;
  /** Stamp what is received, per burst, with the time of the system. Default false. */
  readonly timestamps?: boolean;
  /** Where the interface is: an `ip netns` name or a path. Default: the thread's network namespace. */
  readonly networkNamespace?: string;
  /** Hears that something less than was hoped for is in force, and why. Default: a warning of the process. */
  readonly onFallback?: (message: string) => void;
}

const OPTIONS = [
  'interface',
  'queue',
  'name',
  'attach',
  'bind',
  'steering',
  'program',
  'memory',
  'pool',
  'frames',
  'fillFrames',
  'rings',
  'busyPoll',
  'checksumOffload',
  'timestamps',
  'networkNamespace',
  'onFallback',
] as const satisfies readonly (keyof XdpLinkOptions)[];

export interface RingSizes {
  readonly receive: number;
  readonly transmit: number;
  readonly fill: number;
  readonly completion: number;
}

const SMALLEST_RING = 64;
const LARGEST_RING = 32_768;
const DEFAULT_RING = 2048;

/** The sizes of the four rings. @throws PosixError EINVAL for one that is no power of two. */
export function ringSizes(sizes: XdpRingSizes = {}): RingSizes {
  requireKnownOptions(WHERE, sizes, ['receive', 'transmit', 'fill', 'completion']);
  const size = (name: keyof XdpRingSizes): number =>
    requirePowerOfTwo(WHERE, `rings.${name}`, sizes[name] ?? DEFAULT_RING, SMALLEST_RING, LARGEST_RING);
  return {
    receive: size('receive'),
    transmit: size('transmit'),
    fill: size('fill'),
    completion: size('completion'),
  };
}

/** @throws PosixError EINVAL that names the option. */
export function requireXdpOptions(options: XdpLinkOptions): void {
  if (typeof options !== 'object' || options === null || typeof options.interface !== 'string') {
    throw invalidArgument(WHERE, "interface: the name of one is needed, such as 'eth0'");
  }
  requireKnownOptions(WHERE, options, OPTIONS);
  const { attach = 'auto', bind = 'auto', memory, pool, busyPoll } = options;
  if (!['auto', 'native', 'generic'].includes(attach)) {
    throw invalidArgument(WHERE, `attach must be auto, native or generic, not ${String(attach)}`);
  }
  if (!['auto', 'zero-copy', 'copy'].includes(bind)) {
    throw invalidArgument(WHERE, `bind must be auto, zero-copy or copy, not ${String(bind)}`);
  }
  requireWholeNumber(WHERE, 'queue', options.queue ?? 0, 0, 65_535);
  if (options.steering !== undefined && options.program !== undefined) {
    throw invalidArgument(WHERE, 'steering belongs to the program: give one of the two');
  }
  if (pool !== undefined && memory !== undefined && pool.memory !== memory) {
    throw invalidArgument(WHERE, 'pool must be a pool of the memory that is given, or memory left out');
  }
  if (pool !== undefined && options.frames !== undefined) {
    throw invalidArgument(WHERE, 'frames: the pool that is given has its own number');
  }
  if (options.frames !== undefined) requireWholeNumber(WHERE, 'frames', options.frames, 64, 1 << 20);
  if (busyPoll !== undefined) {
    requireKnownOptions(WHERE, busyPoll, ['microseconds', 'budget']);
    requireWholeNumber(WHERE, 'busyPoll.microseconds', busyPoll.microseconds ?? 20, 1, 1_000_000);
    requireWholeNumber(WHERE, 'busyPoll.budget', busyPoll.budget ?? 64, 1, 65_535);
  }
}
