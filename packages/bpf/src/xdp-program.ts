import { invalidArgument, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import {
  inNetworkNamespace,
  isSystemError,
  LinkUnavailableError,
  listInterfaces,
  type NetworkInterface,
  readInterface,
} from '@prism-net/linux';
import { type AttachMode, type Attachment, attachXdp } from './attach-xdp.js';
import { type BpfMap, createMap } from './bpf-map.js';
import { compileSteering } from './compile-steering.js';
import { type ParsedSteering, parseSteering } from './parse-steering.js';
import type { Steering } from './steering.js';
import { readCounters, type SteeringCounters } from './steering-counters.js';
import { type LoadedSteering, loadSteering } from './steering-maps.js';

export interface AttachSteeringOptions {
  /** 'eth0' */
  readonly interface: string;
  /** Default 'auto': native, and generic where the driver refuses; `fallback` of the result says why. */
  readonly attach?: AttachMode | 'auto';
  readonly steering: Steering;
  /** Frames in several buffers, which an MTU of more than a page needs and kernels before 5.18 refuse. Default true. */
  readonly hasFragments?: boolean;
  /** Where the interface is: an `ip netns` name or a path. Default: the thread's network namespace. */
  readonly networkNamespace?: string;
  /** Queues that can have a socket. Default: the receive queues of the interface. */
  readonly queues?: number;
}

const OPTIONS = [
  'interface',
  'attach',
  'steering',
  'hasFragments',
  'networkNamespace',
  'queues',
] satisfies (keyof AttachSteeringOptions)[];

/**
 * Compiles a steering specification, loads it and attaches it to an interface, for all of its queues. From then on frames
 * are steered; what is redirected reaches the kernel as long as the queue has no socket. Detached by `close`, and by the
 * kernel when the thread or the process ends, however it ends.
 *
 * @throws PosixError EINVAL for a wrong specification or option.
 * @throws LinkUnavailableError PLATFORM, NO_BINARY, EPERM, ENODEV, EBUSY (another program is attached), EOPNOTSUPP, ERANGE,
 * ENOSPC and what else a driver refuses with.
 */
export function attachSteering(options: AttachSteeringOptions): XdpProgram {
  requireKnownOptions('attachSteering', options, OPTIONS);
  const { attach = 'auto', hasFragments = true, steering, networkNamespace } = options;
  if (attach !== 'auto' && attach !== 'native' && attach !== 'generic') {
    throw invalidArgument('attachSteering', `attach must be auto, native or generic, not ${String(attach)}`);
  }
  if (typeof options.interface !== 'string' || options.interface === '') {
    throw invalidArgument(
      'attachSteering',
      `interface must be the name of one, 'eth0', not ${String(options.interface)}`,
    );
  }
  const parsed = parseSteering(steering);
  const compiled = compileSteering(steering);
  return inNetworkNamespace(networkNamespace, () => {
    const device = requireInterface(options.interface);
    const queues = requireWholeNumber('attachSteering', 'queues', options.queues ?? device.receiveQueues, 1, 65536);
    const sockets = createMap({ type: 'sockets', keySize: 4, valueSize: 4, entries: queues, name: 'prism_sockets' });
    let loaded: LoadedSteering | undefined;
    try {
      loaded = loadSteering(compiled, sockets, hasFragments);
      const attachment = attachXdp(loaded.program, device.index, attach);
      return new XdpProgram(attachment, sockets, loaded, parsed, hasFragments);
    } catch (error) {
      loaded?.counters.close();
      sockets.close();
      throw named(error, options.interface);
    } finally {
      // The attachment holds it.
      loaded?.program.close();
    }
  });
}

function requireInterface(name: string): NetworkInterface {
  try {
    return readInterface(name);
  } catch (error) {
    if (!isSystemError(error) || error.code !== 'ENODEV') throw error;
    const missing = 'there is no such interface in this network namespace';
    throw new LinkUnavailableError(
      error.code,
      `xdp:${name}`,
      missing,
      `there are ${listInterfaces().join(', ')}`,
      error,
    );
  }
}

/** An error of the layers below, that knows only an index, with the name of the interface. */
function named(error: unknown, name: string): unknown {
  if (!(error instanceof LinkUnavailableError) || error.constructor !== LinkUnavailableError) return error;
  return new LinkUnavailableError(error.code, `xdp:${name}`, error.missing, error.instead, error.cause);
}

/** A steering program that is attached to an interface, for all of its queues; made by {@link attachSteering}. */
export class XdpProgram {
  readonly mode: AttachMode;
  /** Why the mode is not the native one that was preferred, or ''. */
  readonly fallback: string;
  /** Queues that can have a socket. */
  readonly queues: number;
  readonly #attachment: Attachment;
  readonly #sockets: BpfMap;
  readonly #hasFragments: boolean;
  #counters: BpfMap;
  #steering: ParsedSteering;
  #isOpen = true;

  constructor(
    attachment: Attachment,
    sockets: BpfMap,
    loaded: LoadedSteering,
    steering: ParsedSteering,
    hasFragments: boolean,
  ) {
    this.#attachment = attachment;
    this.#sockets = sockets;
    this.#counters = loaded.counters;
    this.#steering = steering;
    this.#hasFragments = hasFragments;
    this.mode = attachment.mode;
    this.fallback = attachment.fallback;
    this.queues = sockets.entries;
  }

  /**
   * What is redirected on this queue goes to the AF_XDP socket `descriptor`, which must have a receive ring and be bound to
   * this queue of the interface. The kernel takes the socket out of its queue when it is closed.
   *
   * @throws PosixError EINVAL for a queue there is not. @throws LinkUnavailableError EBADF, EOPNOTSUPP (no receive ring).
   */
  setSocket(queue: number, descriptor: number): void {
    this.#requireQueue('setSocket', queue);
    this.#sockets.update(queue, requireWholeNumber('setSocket', 'descriptor', descriptor, 0, 0x7fffffff));
  }

  /** What is redirected on this queue goes to the kernel again. */
  clearSocket(queue: number): void {
    this.#requireQueue('clearSocket', queue);
    this.#sockets.delete(queue);
  }

  /**
   * Other rules from now on, without a frame that meets neither the old nor the new ones. Sockets stay, counters start at
   * zero, datagrams of which some fragments have come are judged anew.
   *
   * @throws PosixError EINVAL; the old rules then go on.
   */
  replace(steering: Steering): void {
    this.#requireOpen('replace');
    const parsed = parseSteering(steering);
    const { program, counters } = loadSteering(compileSteering(steering), this.#sockets, this.#hasFragments);
    try {
      this.#attachment.replace(program);
    } catch (error) {
      counters.close();
      throw error;
    } finally {
      program.close();
    }
    this.#counters.close();
    this.#counters = counters;
    this.#steering = parsed;
  }

  /** Reads the counters, with one call of the kernel for each: not for the data path. */
  counters(): SteeringCounters {
    this.#requireOpen('counters');
    return readCounters(this.#counters, this.#steering);
  }

  /** Detaches the program: all frames go to the kernel. Idempotent. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#attachment.close();
    this.#counters.close();
    this.#sockets.close();
  }

  #requireQueue(syscall: string, queue: number): void {
    this.#requireOpen(syscall);
    requireWholeNumber(syscall, 'queue', queue, 0, this.queues - 1);
  }

  #requireOpen(syscall: string): void {
    if (!this.#isOpen) throw invalidArgument(syscall, 'the program is closed');
  }
}
