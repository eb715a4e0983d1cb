import { type FrameRegion, PacketMemory, type SharedPacketMemory } from '@prism-net/buffers';
import {
  createSharedMemoryLink,
  type SharedMemoryLinkEnd,
  sharedMemoryBell,
  sharedMemoryLinkBytes,
} from '@prism-net/link';
import { Doorbell } from '@prism-net/rings';

const LINK_CAPACITY = 4096;
export const MTU = 1500;

interface Host {
  /** Of the stack, with its prefix length. */
  readonly address: string;
  /** Default router. */
  readonly router?: string;
}

/** One end of the shared-memory link. */
export interface MemoryLinkPlan extends Host {
  readonly kind: 'memory';
  readonly memory: SharedPacketMemory;
  readonly end: SharedMemoryLinkEnd;
  readonly frames: FrameRegion;
}

/** A link of the machine, to be opened by the thread that uses it. */
export interface NativeLinkPlan extends Host {
  readonly kind: 'native';
  /** For `openLink`. */
  readonly specification: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** A doorbell, for other threads that have work for the one with the link. */
  readonly bell: SharedArrayBuffer;
}

/** What a worker needs to open its link and its stack, as plain data and shared memory. */
export type LinkPlan = MemoryLinkPlan | NativeLinkPlan;

/** The links of gateway and load client. */
export interface LinkPlans {
  readonly gateway: LinkPlan;
  readonly client: LinkPlan | undefined;
}

/** Orders in flight, their replies and fills, and what the rings of a link hold. */
export function framesFor(window: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(4096, 2 * window)));
}

/** A link in shared memory: between two threads, for which nobody needs a privilege. */
export function planMemoryLink(window: number): LinkPlans {
  const frames = framesFor(window);
  const memory = PacketMemory.create({ frames: 2 * frames, controlBytes: sharedMemoryLinkBytes(LINK_CAPACITY) });
  const link = createSharedMemoryLink(memory, { capacity: LINK_CAPACITY, mtu: MTU });
  const plan = (end: SharedMemoryLinkEnd, address: string): MemoryLinkPlan => {
    return { kind: 'memory', memory: memory.share(), end, frames: memory.reserveFrames(frames), address };
  };
  return { gateway: plan(link.left, '10.0.0.1/24'), client: plan(link.right, '10.0.0.2/24') };
}

/** Wakes the thread that has this link, when it sleeps. */
export function bellOf(plan: LinkPlan): Doorbell {
  if (plan.kind === 'native') return new Doorbell({ buffer: plan.bell, byteOffset: 0 });
  return sharedMemoryBell(PacketMemory.attach(plan.memory), plan.end);
}
