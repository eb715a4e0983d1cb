import { PacketMemory } from '@prism-net/buffers';
import { createPipe, type Link, type PipeOptions } from '@prism-net/link';
import type { StreamConnectOptions, StreamListener, StreamListenOptions, StreamSocket } from '@prism-net/socket';
import type { Stack } from './stack.js';
import type { SingleInterfaceOptions } from './stack-options.js';
import { HERE, Network, PEER } from './two-hosts.testkit.js';

export const PORT = 80;

/** Two hosts and a cable, for many bytes: more frames than in other tests, and (unless asked for) no debugging of packets. */
export function streamHosts(
  pipe: PipeOptions = {},
  {
    frames = 1024,
    debug = false,
    ...options
  }: Partial<SingleInterfaceOptions> & { frames?: number; debug?: boolean } = {},
): Hosts {
  const network = new Network();
  const [left, right] = createPipe(pipe);
  const add = (link: Link, address: string) =>
    network.add({ link, address: `${address}/24`, memory: PacketMemory.create({ frames, debug }), ...options });
  return { network, here: add(left, HERE), peer: add(right, PEER) };
}

export interface Hosts {
  readonly network: Network;
  readonly here: Stack;
  readonly peer: Stack;
}

/** Lets promises and microtasks run. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Lets the network and the promises go on, and virtual time pass, until `done` is settled. */
export async function drive<T>(network: Network, done: Promise<T>, milliseconds = 1): Promise<T> {
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  done.then(over, over);
  for (let i = 0; !isOver; i++) {
    if (i > 200_000) throw new Error('nothing moves any more');
    network.settle();
    await Promise.resolve();
    if (i % 4 < 3) continue;
    await turn();
    if (!isOver) network.pass(milliseconds, milliseconds);
  }
  return done;
}

export interface Connected {
  readonly client: StreamSocket;
  readonly server: StreamSocket;
  readonly listener: StreamListener;
}

/** `here` connects to a listener of `peer`. */
export async function connected(
  { network, here, peer }: Hosts,
  connect: Partial<StreamConnectOptions> = {},
  listen: Partial<StreamListenOptions> = {},
): Promise<Connected> {
  const listener = peer.listen({ port: PORT, ...listen });
  const client = await drive(network, here.connect({ address: PEER, port: PORT, ...connect }));
  const server = await drive(network, listener.accept());
  if (server === undefined) throw new Error('no connection');
  return { client, server, listener };
}

/** Bytes that differ from their neighbours and repeat late. */
export function pattern(length: number, seed = 1): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  let state = seed;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}
