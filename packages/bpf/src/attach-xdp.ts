import { isSystemError, LinkUnavailableError } from '@prism-net/linux';
import { bpfAddon } from './addon.js';
import type { Program } from './program.js';
import { refused } from './refused.js';

/** 'native': in the driver, before the kernel has made a packet of the frame; 'generic': after it, on any interface. */
export type AttachMode = 'native' | 'generic';

/** XDP_FLAGS_SKB_MODE and XDP_FLAGS_DRV_MODE of <linux/if_link.h>. */
const flags: Readonly<Record<AttachMode, number>> = { generic: 1 << 1, native: 1 << 2 };

/** Refusals of a driver after which generic mode is worth a try. */
const DRIVER_REFUSALS = new Set(['EOPNOTSUPP', 'ERANGE', 'ENOSPC', 'EINVAL', 'ENOMEM', 'EIO']);

/**
 * Attaches a program to the interface of this index in the thread's network namespace. The kernel detaches it when the
 * attachment is closed, and at the latest when the process ends, however it ends. 'auto' takes generic mode where the
 * driver refuses the native one, and `fallback` says why.
 *
 * @throws LinkUnavailableError EBUSY (another program is attached), EPERM, ENODEV, EOPNOTSUPP, ERANGE, ENOSPC.
 */
export function attachXdp(program: Program, interfaceIndex: number, mode: AttachMode | 'auto' = 'auto'): Attachment {
  if (mode !== 'auto') return attach(program, interfaceIndex, mode, '');
  try {
    return attach(program, interfaceIndex, 'native', '');
  } catch (error) {
    if (!(error instanceof LinkUnavailableError) || !DRIVER_REFUSALS.has(error.code)) throw error;
    return attach(program, interfaceIndex, 'generic', `XDP falls back to generic mode: ${error.missing}`);
  }
}

function attach(program: Program, interfaceIndex: number, mode: AttachMode, fallback: string): Attachment {
  try {
    return new Attachment(bpfAddon().createLink(program.descriptor, interfaceIndex, flags[mode]), mode, fallback);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    const reason = reasons[error.code];
    if (reason === undefined) throw refused(`attaching ${program.name} to interface ${interfaceIndex}`, error);
    const missing = `interface ${interfaceIndex} refuses XDP in ${mode} mode: ${reason[0]} (${error.code})`;
    throw new LinkUnavailableError(error.code, 'bpf', missing, reason[1], error);
  }
}

/** What a process holds by a BPF link, as Prism's own programs, 'xdp off' does not remove. */
const ANOTHER_PROGRAM =
  "'ip link show' says which; end the process it belongs to; one that no process holds goes by 'ip link set dev NAME xdp off', or 'xdpgeneric off'";

const OTHER_MODE = "attach: 'auto' or 'generic' needs nothing of the driver; link-packet and link-tap need no XDP";

/** Why a driver refuses, and what to do about it. */
const reasons: Readonly<Record<string, readonly [missing: string, instead: string]>> = {
  EBUSY: ['another XDP program is attached there', ANOTHER_PROGRAM],
  EEXIST: ['a program is attached there in the other mode', ANOTHER_PROGRAM],
  EOPNOTSUPP: ['the driver does not support it', OTHER_MODE],
  ERANGE: [
    'the MTU is larger than one buffer, and the program was loaded without hasFragments or the driver knows no frames in ' +
      'several buffers',
    `load the program with hasFragments, or lower the MTU (3498 fits everywhere); ${OTHER_MODE}`,
  ],
  ENOSPC: [
    'the driver needs as many receive queues as its peer has transmit queues, or more queues for XDP than there are',
    `'ethtool -L NAME rx N' changes them; ${OTHER_MODE}`,
  ],
  ENODEV: ['there is no such interface in this network namespace', "'ip link' lists the interfaces"],
};

/** A program attached to an interface. */
export class Attachment {
  readonly mode: AttachMode;
  /** Why the mode is not the native one, or ''. */
  readonly fallback: string;
  readonly #descriptor: number;
  #isOpen = true;

  constructor(descriptor: number, mode: AttachMode, fallback: string) {
    this.#descriptor = descriptor;
    this.mode = mode;
    this.fallback = fallback;
  }

  /** Puts another program in the place of this one; no frame passes by either of them. @throws LinkUnavailableError. */
  replace(program: Program): void {
    try {
      bpfAddon().updateLink(this.#descriptor, program.descriptor);
    } catch (error) {
      throw refused(`replacing the program by ${program.name}`, error);
    }
  }

  /** Detaches the program. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    bpfAddon().close(this.#descriptor);
  }
}
