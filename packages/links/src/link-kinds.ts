import type { OptionType } from './option-type.js';

/** A kind of link, and everything it can be told. */
export interface LinkKind {
  readonly name: LinkKindName;
  /** One line, for help texts. */
  readonly summary: string;
  readonly example: string;
  /** What follows the colon; `undefined`: nothing may. */
  readonly target: { readonly option: string; readonly required: boolean; readonly is: string } | undefined;
  /** Names of {@link options}, with a dot where the option lies in an object: `offloads.checksum`. */
  readonly options: Readonly<Record<string, OptionType>>;
}

export type LinkKindName = 'loopback' | 'tap' | 'packet' | 'xdp';

const LARGEST = 2_147_483_647;
const text: OptionType = { kind: 'text' };
const flag: OptionType = { kind: 'flag' };
const object: OptionType = { kind: 'object' };
const callback: OptionType = { kind: 'function' };
const number = (minimum: number, maximum = LARGEST): OptionType => ({ kind: 'number', minimum, maximum });
const choice = (...choices: string[]): OptionType => ({ kind: 'choice', choices });

/** Understood by every kind, so that a program can offer its memory to whichever link its user names. */
const COMMON = { name: text, pool: object, memory: object, frames: number(1), networkNamespace: text };

export const LINK_KINDS: readonly LinkKind[] = [
  {
    name: 'loopback',
    summary: 'what is sent comes back; inside the process, on any platform, without privilege',
    example: 'loopback?mtu=9000',
    target: undefined,
    options: { ...COMMON, mtu: number(68, 65_535), segmentation: number(0, 65_535), capacity: number(1) },
  },
  {
    name: 'tap',
    summary: "a virtual interface between Prism and this machine's kernel, with super-segments of 64 KiB both ways",
    example: 'tap:prism0?hostAddress=10.0.0.1/24',
    target: { option: 'interface', required: false, is: 'the interface to make or to use (prism0, prism%d)' },
    options: {
      ...COMMON,
      hostAddress: text,
      mtu: number(68, 65_521),
      macAddress: text,
      persistent: flag,
      multiQueue: flag,
      sendBuffer: number(4096, 1_073_741_824),
      'offloads.checksum': flag,
      'offloads.segmentation': flag,
    },
  },
  {
    name: 'packet',
    summary: 'frames of any interface through an AF_PACKET socket: with virtio-net headers (bulk), or mapped rings',
    example: 'packet:eth0?mode=ring',
    target: { option: 'interface', required: true, is: 'the interface (eth0)' },
    options: {
      ...COMMON,
      mode: choice('virtio', 'ring'),
      macAddress: text,
      promiscuous: flag,
      'fanout.group': number(0, 65_535),
      'fanout.by': choice('hash', 'round-robin', 'cpu', 'queue'),
      'fanout.defragment': flag,
      'ring.frames': number(2, 65_536),
      'ring.frameSize': number(256, 131_072),
      timestamps: choice('none', 'software', 'hardware'),
    },
  },
  {
    name: 'xdp',
    summary: 'frames of one queue of an interface through AF_XDP: shared memory rings, the lowest latency',
    example: 'xdp:eth0?queue=1&attach=generic',
    target: { option: 'interface', required: true, is: 'the interface (eth0)' },
    options: {
      ...COMMON,
      queue: number(0, 65_535),
      attach: choice('auto', 'native', 'generic'),
      bind: choice('auto', 'zero-copy', 'copy'),
      /** Of openLink alone: a steering specification in its simplest form. */
      addresses: text,
      steering: object,
      program: object,
      fillFrames: number(1),
      'rings.receive': number(64, 32_768),
      'rings.transmit': number(64, 32_768),
      'rings.fill': number(64, 32_768),
      'rings.completion': number(64, 32_768),
      'busyPoll.microseconds': number(1, 1_000_000),
      'busyPoll.budget': number(1, 65_535),
      checksumOffload: flag,
      timestamps: flag,
      onFallback: callback,
    },
  },
];
