import type { LoopbackOptions } from '@prism-net/link';
import type { FanoutOptions, PacketLinkOptions, RingOptions } from '@prism-net/link-packet';
import type { TapOffloads, TapOptions } from '@prism-net/link-tap';
import type { XdpLinkOptions, XdpRingSizes } from '@prism-net/link-xdp';
import { describe, expect, it } from 'vitest';
import { LINK_KINDS } from './index.js';

/** The options a driver has, by their names here: a driver that gains one makes this file fail to compile. */
type Names<Options, Groups extends object = object> =
  | Exclude<keyof Options & string, keyof Groups>
  | { [Group in keyof Groups & string]: `${Group}.${keyof Groups[Group] & string}` }[keyof Groups & string];

type Loopback = Names<Omit<LoopbackOptions, 'schedule'>>;
type Tap = Names<TapOptions, { offloads: TapOffloads }>;
type Packet = Names<PacketLinkOptions, { fanout: FanoutOptions; ring: RingOptions }>;
type Xdp = Names<XdpLinkOptions, { rings: XdpRingSizes; busyPoll: NonNullable<XdpLinkOptions['busyPoll']> }>;

const OF_DRIVERS = {
  loopback: { name: 1, mtu: 1, segmentation: 1, capacity: 1 } satisfies Record<Loopback, 1>,
  tap: {
    interface: 1,
    hostAddress: 1,
    mtu: 1,
    macAddress: 1,
    persistent: 1,
    multiQueue: 1,
    sendBuffer: 1,
    'offloads.checksum': 1,
    'offloads.segmentation': 1,
    name: 1,
    pool: 1,
    frames: 1,
    networkNamespace: 1,
  } satisfies Record<Tap, 1>,
  packet: {
    interface: 1,
    mode: 1,
    name: 1,
    macAddress: 1,
    promiscuous: 1,
    'fanout.group': 1,
    'fanout.by': 1,
    'fanout.defragment': 1,
    pool: 1,
    frames: 1,
    'ring.frames': 1,
    'ring.frameSize': 1,
    timestamps: 1,
    networkNamespace: 1,
  } satisfies Record<Packet, 1>,
  xdp: {
    interface: 1,
    queue: 1,
    name: 1,
    attach: 1,
    bind: 1,
    steering: 1,
    program: 1,
    memory: 1,
    pool: 1,
    frames: 1,
    fillFrames: 1,
    'rings.receive': 1,
    'rings.transmit': 1,
    'rings.fill': 1,
    'rings.completion': 1,
    'busyPoll.microseconds': 1,
    'busyPoll.budget': 1,
    checksumOffload: 1,
    timestamps: 1,
    networkNamespace: 1,
    onFallback: 1,
  } satisfies Record<Xdp, 1>,
};

/** What openLink itself understands. */
const COMMON = ['name', 'pool', 'memory', 'frames', 'networkNamespace', 'addresses'];

describe.each(LINK_KINDS.map((kind) => [kind.name, kind] as const))('%s', (name, { options, target, summary }) => {
  it('can be told everything its driver can, and nothing else', () => {
    const known = new Set([...Object.keys(options), ...(target === undefined ? [] : [target.option])]);
    const driver = Object.keys(OF_DRIVERS[name]);
    expect(driver.filter((option) => !known.has(option))).toEqual([]);
    expect([...known].filter((option) => !driver.includes(option) && !COMMON.includes(option))).toEqual([]);
  });

  it('is described in a line', () => {
    expect(summary).toMatch(/^[^\n]{20,120}$/);
  });
});
