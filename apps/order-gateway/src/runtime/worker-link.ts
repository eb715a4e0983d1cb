import { execFileSync } from 'node:child_process';
import { PacketMemory, PacketPool } from '@prism-net/buffers';
import { type Link, openSharedMemoryLink, type SharedMemoryLink } from '@prism-net/link';
import { openLink } from '@prism-net/links';
import type { Doorbell } from '@prism-net/rings';
import { createStack, type Stack } from '@prism-net/stack';
import { bellOf, type LinkPlan, type MemoryLinkPlan, type NativeLinkPlan } from './link-plan.js';

/** How the loop of a worker sleeps on its link. */
export interface WorkerLink {
  readonly link: Link;
  readonly stack: Stack;
  /**
   * Sleeps until there may be work, at most so long. `isIdle` says whether the thread's other sources of work are empty;
   * who feeds them rings {@link bellOf}. `naps`: how often the loop has slept since it last found work.
   */
  sleep(milliseconds: number, isIdle?: () => boolean, naps?: number): Promise<void> | undefined;
}

/** Opens the link and a stack on it, to be polled by the worker's loop. @throws LinkUnavailableError */
export async function openWorkerLink(plan: LinkPlan, name: string): Promise<WorkerLink> {
  return plan.kind === 'memory' ? openMemoryLink(plan, name) : openNativeLink(plan);
}

function openMemoryLink(plan: MemoryLinkPlan, name: string): WorkerLink {
  const memory = PacketMemory.attach(plan.memory);
  const pool = new PacketPool(memory, plan.frames, { name });
  const link: SharedMemoryLink = openSharedMemoryLink(memory, plan.end, pool);
  const sleep = (milliseconds: number, isIdle?: () => boolean): undefined => {
    link.sleep(milliseconds, isIdle);
  };
  return { link, stack: createStack({ link, address: plan.address, pool, mode: 'manual' }), sleep };
}

async function openNativeLink(plan: NativeLinkPlan): Promise<WorkerLink> {
  const link = await openLink(plan.specification, plan.options);
  const { address, router } = plan;
  const { networkNamespace } = plan.options;
  const tap = /^tap:(\w+)/.exec(plan.specification)?.[1];
  // The kernel's queue in front of a TAP holds 500 packets, less than a stream sends while this thread waits for a core.
  if (tap !== undefined && typeof networkNamespace === 'string') {
    execFileSync('ip', ['-n', networkNamespace, 'link', 'set', 'dev', tap, 'txqueuelen', '8192']);
  }
  const stack = createStack({ link, address, mode: 'manual', ...(router === undefined ? {} : { gateway: router }) });
  const sleeper = new NativeSleeper(link, bellOf(plan));
  return { link, stack, sleep: (milliseconds, isIdle, naps) => sleeper.sleep(milliseconds, isIdle, naps) };
}

/** A nap: about what the event loop would take to wake up, but without allocating anything. */
const NAP_MILLISECONDS = 0.05;
/** Naps before the thread waits for the link on the event loop: two milliseconds or more without a frame. */
const NAPS = 40;
const isAlwaysIdle = (): boolean => true;

/** Sleep on a link that rings no bell: naps first, then the event loop. */
class NativeSleeper {
  readonly #link: Link;
  readonly #bell: Doorbell;

  constructor(link: Link, bell: Doorbell) {
    this.#link = link;
    this.#bell = bell;
  }

  sleep(milliseconds: number, isIdle = isAlwaysIdle, naps = 0): Promise<void> | undefined {
    if (naps >= NAPS && milliseconds >= 1) return this.#wait(milliseconds, isIdle);
    this.#bell.wait(Math.min(milliseconds, NAP_MILLISECONDS), isIdle);
    return undefined;
  }

  /** Until the link has work, somebody rings, or the time is over. */
  #wait(milliseconds: number, isIdle: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      const wake = (): void => {
        clearTimeout(timer);
        resolve();
      };
      if (!this.#link.arm(wake)) wake();
      else void this.#bell.waitAsync(isIdle, milliseconds).then(wake);
    });
  }
}
