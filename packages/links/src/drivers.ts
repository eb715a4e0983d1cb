import { type PacketMemory, PacketPool } from '@prism-net/buffers';
import { invalidArgument } from '@prism-net/errors';
import { createLoopbackLink, type Link, type LoopbackOptions } from '@prism-net/link';
import { LinkUnavailableError } from '@prism-net/linux';
import type { LinkKindName } from './link-kinds.js';

type Options = Readonly<Record<string, unknown>>;
/** A driver takes its options checked by kind; their values it checks itself. */
type Opener = (options: never) => Link;
type Driver = Readonly<Record<string, unknown>>;

/** The package of each driver, and the name of its opener. Literal imports: bundlers follow them. */
const DRIVERS: Readonly<
  Record<Exclude<LinkKindName, 'loopback'>, { package: string; opener: string; load: () => Promise<Driver> }>
> = {
  tap: { package: '@prism-net/link-tap', opener: 'openTapLink', load: () => import('@prism-net/link-tap') },
  packet: { package: '@prism-net/link-packet', opener: 'openPacketLink', load: () => import('@prism-net/link-packet') },
  xdp: { package: '@prism-net/link-xdp', opener: 'openXdpLink', load: () => import('@prism-net/link-xdp') },
};

/** Frames of a pool that a driver without a `memory` option gets of the program's memory. */
const FRAMES = 2048;

/** @throws LinkUnavailableError NO_PACKAGE when the driver is not installed, and what the driver throws. */
export async function openByKind(kind: LinkKindName, options: Options): Promise<Link> {
  if (kind === 'loopback') return openLoopback(options);
  const driver = DRIVERS[kind];
  const open = (await loadDriver(kind, driver.package, driver.load))[driver.opener] as Opener;
  return open((kind === 'xdp' ? withSteering(options) : withPool(options)) as never);
}

/** Imports a driver; the packages of drivers are optional. @throws LinkUnavailableError NO_PACKAGE */
export async function loadDriver(link: string, name: string, load: () => Promise<Driver>): Promise<Driver> {
  try {
    return await load();
  } catch (cause) {
    if (!isMissing(cause, name)) throw cause;
    throw new LinkUnavailableError(
      'NO_PACKAGE',
      link,
      `the package ${name} is not installed`,
      `install it by 'npm install ${name}', or use createPipe() and createLoopbackLink() of @prism-net/link`,
      cause,
    );
  }
}

/** The package itself is missing, and not something that it imports. */
function isMissing(error: unknown, name: string): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return (code === 'ERR_MODULE_NOT_FOUND' || code === 'MODULE_NOT_FOUND') && message?.includes(`'${name}'`) === true;
}

/** A loopback owns no packets, opens nothing: what is common to all kinds has no meaning for it. */
function openLoopback(options: Options): Link {
  const { pool, memory, frames, networkNamespace, ...own } = options;
  return createLoopbackLink(own as LoopbackOptions);
}

/** `addresses=10.0.0.5,10.0.0.6`: what is for these is Prism's, the rest stays with the kernel. */
export function withSteering(options: Options): Options {
  const { addresses, ...rest } = options;
  if (addresses === undefined) return options;
  if ('steering' in rest || 'program' in rest) {
    throw invalidArgument('openLink', 'addresses is a steering of its own: leave steering and program out');
  }
  const own = (addresses as string).split(',');
  const rules = own.map((address) => ({ address, action: 'redirect' }));
  return { ...rest, steering: { rules, otherwise: 'pass', addresses: own } };
}

function withPool(options: Options): Options {
  const { memory, frames = FRAMES, ...rest } = options as { memory?: PacketMemory; frames?: number };
  if (memory === undefined) return options;
  if ('pool' in rest) throw invalidArgument('openLink', 'memory: the pool that is given lies in one; leave memory out');
  return { ...rest, pool: PacketPool.create(memory, frames) };
}
