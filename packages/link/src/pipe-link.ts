import { invalidArgument, requireKnownOptions } from '@prism-net/errors';
import type { MacAddress } from '@prism-net/wire';
import type { Link } from './link.js';
import { localMacAddress, requireSegmentation, requireSizes } from './link-options.js';
import { PipeEnd } from './pipe-end.js';
import type { Schedule } from './wakeup.js';

export interface PipeOptions {
  /** Default 1,500. */
  readonly mtu?: number;
  /** Packets each way, rounded up to a power of two. Default 1,024. */
  readonly capacity?: number;
  readonly names?: readonly [string, string];
  /** Default 02:00:00:00:00:01 and 02:00:00:00:00:02. */
  readonly macAddresses?: readonly [MacAddress, MacAddress];
  /**
   * The ends accept PARTIAL checksums and deliver them as such: memory does not flip bits. Default: only with
   * `segmentation`, which needs it.
   */
  readonly checksumOffload?: boolean;
  /**
   * Virtual segments (packets with a `gsoSize`) whose IP datagram is up to this many bytes, 0 to 65,535, cross whole,
   * whatever the MTU. Default 0: none do.
   */
  readonly segmentation?: number;
  /** Brings the wake-up of `arm` to the event loop. Default `queueMicrotask`. */
  readonly schedule?: Schedule;
}

const PIPE_OPTIONS = [
  'mtu',
  'capacity',
  'names',
  'macAddresses',
  'checksumOffload',
  'segmentation',
  'schedule',
] as const satisfies readonly (keyof PipeOptions)[];

/**
 * A cable between two stacks in one thread. Packets change owner and are not copied, except those that have another
 * owner besides the sender. Frames longer than the MTU and 18 bytes are dropped (and counted) by the sending end, and
 * so is everything once either end is closed; frames that already arrived stay receivable.
 *
 * @throws EINVAL when an option is out of range.
 */
export function createPipe(options: PipeOptions = {}): [Link, Link] {
  requireKnownOptions('createPipe', options, PIPE_OPTIONS);
  const { mtu = 1500, capacity = 1024, segmentation = 0, schedule = queueMicrotask } = options;
  requireSizes('createPipe', mtu, capacity);
  requireSegmentation('createPipe', segmentation);
  const checksumOffload = options.checksumOffload ?? segmentation > 0;
  if (segmentation > 0 && !checksumOffload) {
    throw invalidArgument('createPipe', 'segmentation needs checksumOffload: nobody else completes the checksums');
  }
  const names = options.names ?? ['pipe0', 'pipe1'];
  const macAddresses = options.macAddresses ?? [localMacAddress(1), localMacAddress(2)];
  const common = { mtu, capacity, checksumOffload, segmentation, schedule, loopback: false, packetFlags: 0 };
  const left = new PipeEnd({ ...common, name: names[0], macAddress: macAddresses[0] });
  const right = new PipeEnd({ ...common, name: names[1], macAddress: macAddresses[1] });
  PipeEnd.connect(left, right);
  return [left, right];
}
