import { PacketFlag } from '@prism-net/buffers';
import type { Link } from './link.js';
import { requireSegmentation, requireSizes } from './link-options.js';
import { PipeEnd } from './pipe-end.js';
import type { Schedule } from './wakeup.js';

export interface LoopbackOptions {
  /** Default 'lo'. */
  readonly name?: string;
  /** Default 65,535. */
  readonly mtu?: number;
  /** Bytes of IP datagram, 0 to 65,535, up to which virtual segments come back whole. Default 65,535. */
  readonly segmentation?: number;
  /** Packets in flight, rounded up to a power of two. Default 1,024. */
  readonly capacity?: number;
  /** Brings the wake-up of `arm` to the event loop. Default `queueMicrotask`. */
  readonly schedule?: Schedule;
}

/**
 * A link that receives what it transmits, marked LOOPED_BACK. PARTIAL checksums are accepted and come back as such.
 *
 * @throws EINVAL when an option is out of range.
 */
export function createLoopbackLink(options: LoopbackOptions = {}): Link {
  const { name = 'lo', mtu = 65_535, capacity = 1024, segmentation = 65_535, schedule = queueMicrotask } = options;
  requireSizes('createLoopbackLink', mtu, capacity);
  requireSegmentation('createLoopbackLink', segmentation);
  return new PipeEnd({
    name,
    mtu,
    capacity,
    schedule,
    macAddress: { high: 0, low: 0 },
    loopback: true,
    checksumOffload: true,
    segmentation,
    packetFlags: PacketFlag.LOOPED_BACK,
  });
}
