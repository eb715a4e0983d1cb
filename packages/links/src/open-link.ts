import type { PacketMemory, PacketPool } from '@prism-net/buffers';
import type { Link } from '@prism-net/link';
import { openByKind } from './drivers.js';
import { parseLinkSpecification } from './specification.js';

/** Options that are not text, or not the user's to choose. */
export interface OpenLinkOptions {
  /** For reports. Default: the driver's choice, the interface's name. */
  readonly name?: string;
  /** Packets the link receives into. Default: a memory and pool of the link's own. */
  readonly pool?: PacketPool;
  /** Memory to take the pool from. */
  readonly memory?: PacketMemory;
  /** Frames the link gets, where it makes its own pool. */
  readonly frames?: number;
  /** `ip netns` name, or path, of the network namespace to open the link in. */
  readonly networkNamespace?: string;
  /** Hears when a mode less than the best is in force. Default: `process.emitWarning`. */
  readonly onFallback?: (message: string) => void;
  /** Any other option of the driver, by its own name: `steering`, `program`, `busyPoll` … */
  readonly [option: string]: unknown;
}

/**
 * Opens a link by its name: 'loopback', 'tap:prism0?hostAddress=10.0.0.1/24', 'packet:eth0?mode=ring',
 * 'xdp:eth0?queue=1&attach=generic'. The driver's package is imported now, and only that one.
 *
 * @throws PosixError EINVAL for an unknown kind or option, or a value of the wrong type: by name, with what there is.
 * @throws LinkUnavailableError NO_PACKAGE when the driver is not installed, else the driver's: PLATFORM, NO_BINARY, EPERM,
 * ENODEV, EBUSY …, with what is missing and what to use instead.
 */
export async function openLink(specification: string, options: OpenLinkOptions = {}): Promise<Link> {
  const { kind, options: driverOptions } = parseLinkSpecification(specification, options);
  return openByKind(kind, driverOptions);
}
