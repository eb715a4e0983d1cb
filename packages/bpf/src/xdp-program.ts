import { requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { inNetworkNamespace, readInterface } from '@prism-net/linux';
import { type AttachMode, type Attachment, attachXdp } from './attach-xdp.js';
import { type BpfMap, createMap } from './bpf-map.js';
import { compileSteering } from './compile-steering.js';
import { loadProgram } from './program.js';
import type { Steering } from './steering.js';

export interface AttachSteeringOptions {
  readonly interface: string;
  /** Default 'auto': native, and generic where the driver refuses. */
  readonly attach?: AttachMode | 'auto';
  readonly steering: Steering;
  /** Frames in several buffers, for an MTU of more than a page. Default true. */
  readonly hasFragments?: boolean;
  /** Where the interface is: an `ip netns` name or a path. Default: the thread's network namespace. */
  readonly networkNamespace?: string;
  /** Queues that can have a socket. Default: the receive queues of the interface. */
  readonly queues?: number;
}

export interface SteeringCounters {
  readonly redirected: number;
  readonly passed: number;
  readonly dropped: number;
}

/** Compiles, loads and attaches. @throws PosixError EINVAL. @throws LinkUnavailableError as loadProgram and attachXdp. */
export function attachSteering(options: AttachSteeringOptions): XdpProgram {
  requireKnownOptions('attachSteering', options, [
    'interface',
    'attach',
    'steering',
    'hasFragments',
    'networkNamespace',
    'queues',
  ]);
  const { attach = 'auto', hasFragments = true, steering, networkNamespace } = options;
  const code = compileSteering(steering);
  return inNetworkNamespace(networkNamespace, () => {
    const device = readInterface(options.interface);
    const queues = requireWholeNumber('attachSteering', 'queues', options.queues ?? device.receiveQueues, 1, 65536);
    const sockets = createMap({ type: 'sockets', keySize: 4, valueSize: 4, entries: queues, name: 'prism_sockets' });
    try {
      const program = loadProgram({ code, maps: { sockets }, name: 'prism_steering', hasFragments });
      try {
        return new XdpProgram(attachXdp(program, device.index, attach), sockets);
      } finally {
        // The attachment holds the program.
        program.close();
      }
    } catch (error) {
      sockets.close();
      throw error;
    }
  });
}

/** A steering program that is attached to an interface, for all of its queues. */
export class XdpProgram {
  readonly mode: AttachMode;
  /** Why the mode is not the native one, or ''. */
  readonly fallback: string;
  /** Queues that can have a socket. */
  readonly queues: number;
  readonly #attachment: Attachment;
  readonly #sockets: BpfMap;

  constructor(attachment: Attachment, sockets: BpfMap) {
    this.#attachment = attachment;
    this.#sockets = sockets;
    this.mode = attachment.mode;
    this.fallback = attachment.fallback;
    this.queues = sockets.entries;
  }

  /** What is redirected on this queue goes to the AF_XDP socket `descriptor`, which must have a receive ring. */
  setSocket(queue: number, descriptor: number): void {
    requireWholeNumber('setSocket', 'queue', queue, 0, this.queues - 1);
    this.#sockets.update(queue, descriptor);
  }

  /** What is redirected on this queue goes to the kernel again. A socket that is closed leaves its queue by itself. */
  clearSocket(queue: number): void {
    requireWholeNumber('clearSocket', 'queue', queue, 0, this.queues - 1);
    this.#sockets.delete(queue);
  }

  counters(): SteeringCounters {
    return { redirected: 0, passed: 0, dropped: 0 };
  }

  /** Detaches the program. Idempotent. */
  close(): void {
    this.#attachment.close();
    this.#sockets.close();
  }
}
